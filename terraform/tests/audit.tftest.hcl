# Audit, logs, buckets, backups.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment              = "production"
  owner_email              = "platform-team@example.com"
  multi_az                 = true
  rds_read_replica_count   = 2
  eks_version              = "1.33"
  rds_engine_version       = "15.13"
  msk_kafka_version        = "3.8.x"
  eks_admin_principal_arns = ["arn:aws:iam::333333333333:role/emr-platform-deployer"]
}

# The whole module once, and what it made.
run "apply" {
  command = apply

  # Log groups are encrypted and kept a year.
  # Mistake: a log group that is readable without the key, or gone before an incident is noticed.
  assert {
    condition = alltrue([
      for group in concat(
        [aws_cloudwatch_log_group.eks_cluster, aws_cloudwatch_log_group.msk, aws_cloudwatch_log_group.cloudtrail],
        aws_cloudwatch_log_group.flow_logs[*],
        values(aws_cloudwatch_log_group.container_insights), values(aws_cloudwatch_log_group.rds), values(aws_cloudwatch_log_group.redis),
      ) : group.kms_key_id == "arn:aws:kms:us-east-1:333333333333:key/logs" && group.retention_in_days >= 365
    ])
    error_message = "every log group: the key of logs, at least 365 days"
  }

  # Cloudtrail.
  # Mistake: a trail that misses regions, can be tampered with, or writes where nobody reads.
  assert {
    condition     = aws_cloudtrail.main.is_multi_region_trail && aws_cloudtrail.main.include_global_service_events && aws_cloudtrail.main.enable_log_file_validation && aws_cloudtrail.main.enable_logging
    error_message = "all regions, global services, validated, on"
  }

  assert {
    condition     = aws_cloudtrail.main.kms_key_id == "arn:aws:kms:us-east-1:333333333333:key/logs" && aws_cloudtrail.main.s3_bucket_name == "audit-bucket" && endswith(aws_cloudtrail.main.cloud_watch_logs_group_arn, ":*")
    error_message = "encrypted, to the audit bucket and to CloudWatch Logs"
  }

  assert {
    condition = anytrue([
      for selector in aws_cloudtrail.main.advanced_event_selector : anytrue([
        for field in selector.field_selector : field.field == "resources.ARN" && try(field.starts_with[0], "") == "arn:aws:s3:::backups-bucket/"
      ])
    ])
    error_message = "reads of backups are recorded"
  }

  # The key and bucket policies name the trail before it exists; a changed name would lock it out of both.
  assert {
    condition     = local.trail_arn == "arn:aws:cloudtrail:us-east-1:333333333333:trail/${aws_cloudtrail.main.name}"
    error_message = "the composed ARN must be the trail's"
  }

  assert {
    condition     = one([for statement in jsondecode(aws_s3_bucket_policy.audit.policy).Statement : statement.Resource if statement.Sid == "CloudTrailDelivers"]) == "arn:aws:s3:::audit-bucket/${aws_cloudtrail.main.s3_key_prefix}/AWSLogs/333333333333/*"
    error_message = "the bucket policy must match the trail's prefix"
  }

  # Buckets are private versioned and tls only.
  # Mistake: a public bucket, one without versions, or one that talks HTTP.
  assert {
    condition = alltrue([
      for block in [aws_s3_bucket_public_access_block.audit, aws_s3_bucket_public_access_block.access_logs, aws_s3_bucket_public_access_block.backups] :
      block.block_public_acls && block.block_public_policy && block.ignore_public_acls && block.restrict_public_buckets
    ])
    error_message = "public access must be blocked in all four ways"
  }

  assert {
    condition = alltrue([
      for versioning in [aws_s3_bucket_versioning.audit, aws_s3_bucket_versioning.access_logs, aws_s3_bucket_versioning.backups] : versioning.versioning_configuration[0].status == "Enabled"
    ])
    error_message = "buckets keep versions"
  }

  assert {
    condition = alltrue([
      for ownership in [aws_s3_bucket_ownership_controls.audit, aws_s3_bucket_ownership_controls.access_logs, aws_s3_bucket_ownership_controls.backups] : ownership.rule[0].object_ownership == "BucketOwnerEnforced"
    ])
    error_message = "no ACLs"
  }

  assert {
    condition = alltrue([
      for bucket, policy in { audit-bucket = aws_s3_bucket_policy.audit.policy, access-logs-bucket = aws_s3_bucket_policy.access_logs.policy, backups-bucket = aws_s3_bucket_policy.backups.policy } :
      anytrue([
        for statement in jsondecode(policy).Statement :
        statement.Effect == "Deny" && statement.Principal == "*" && statement.Action == "s3:*" && try(statement.Condition.Bool["aws:SecureTransport"], "") == "false" && toset(statement.Resource) == toset(["arn:aws:s3:::${bucket}", "arn:aws:s3:::${bucket}/*"])
        if can(statement.Condition.Bool)
      ])
    ])
    error_message = "HTTP must be refused, for the bucket and its objects"
  }

  assert {
    condition = alltrue(flatten([
      for policy in [aws_s3_bucket_policy.audit.policy, aws_s3_bucket_policy.access_logs.policy, aws_s3_bucket_policy.backups.policy] : [
        for statement in jsondecode(policy).Statement : can(statement.Principal.Service) if statement.Effect == "Allow"
      ]
    ]))
    error_message = "bucket policies let AWS services in, nobody else"
  }

  # Bucket encryption.
  # Mistake: a bucket encrypted with the wrong key, or the access-log bucket with a key that log delivery cannot use.
  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.audit.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms" && one(aws_s3_bucket_server_side_encryption_configuration.audit.rule).apply_server_side_encryption_by_default[0].kms_master_key_id == "arn:aws:kms:us-east-1:333333333333:key/logs"
    error_message = "audit: the key of logs"
  }

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.backups.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms" && one(aws_s3_bucket_server_side_encryption_configuration.backups.rule).apply_server_side_encryption_by_default[0].kms_master_key_id == "arn:aws:kms:us-east-1:333333333333:key/backup"
    error_message = "backups: the key of backups"
  }

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.access_logs.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "AES256"
    error_message = "access logs: SSE-S3, as log delivery supports nothing else"
  }

  # Backup bucket.
  # Mistake: backups that can be deleted or expire while an incremental still needs them, or a policy that refuses the default
  # encryption because a header is missing.
  assert {
    condition     = aws_s3_bucket.backups.object_lock_enabled && aws_s3_bucket_object_lock_configuration.backups.rule[0].default_retention[0].days == 30 && aws_s3_bucket_object_lock_configuration.backups.rule[0].default_retention[0].mode == "GOVERNANCE"
    error_message = "30 days of Object Lock"
  }

  assert {
    condition     = alltrue([for rule in aws_s3_bucket_lifecycle_configuration.backups.rule : try(rule.expiration[0].days, 0) == 0 && length(rule.transition) == 0])
    error_message = "only emr db-backup prune removes current backups"
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_s3_bucket_policy.backups.policy).Statement : length(statement.Condition.Null) == 1 && values(statement.Condition.Null)[0] == "false" && keys(statement.Condition.Null)[0] == keys(statement.Condition.StringNotEquals)[0]
      if statement.Sid != "TlsOnly"
    ])
    error_message = "an upload without the header must get the bucket's default"
  }

  # Aws backup.
  # Mistake: recovery points that can be deleted at once, or a plan that selects nothing.
  assert {
    condition     = aws_backup_vault.main.kms_key_arn == "arn:aws:kms:us-east-1:333333333333:key/backup" && aws_backup_vault_lock_configuration.main.min_retention_days >= 30
    error_message = "the vault is encrypted and locked for 30 days"
  }

  assert {
    condition     = toset([for rule in aws_backup_plan.main.rule : rule.rule_name]) == toset(["daily", "monthly"]) && alltrue([for rule in aws_backup_plan.main.rule : rule.lifecycle[0].delete_after >= 30 && length(rule.copy_action) == 0])
    error_message = "daily and monthly, each kept 30 days or longer"
  }

  assert {
    condition     = aws_backup_selection.database.resources == toset([aws_db_instance.main.arn])
    error_message = "the database is selected"
  }

  # Account switches are off.
  # Mistake: the account's detectors switched on twice (refused), or a switch that does nothing.
  assert {
    condition     = length(aws_guardduty_detector.main) == 0 && length(aws_securityhub_account.main) == 0 && length(aws_config_configuration_recorder.main) == 0
    error_message = "off by default"
  }
}

# Mistake: a disaster-recovery vault that gets nothing.
run "recovery_points_are_copied" {
  command = plan

  variables {
    backup_copy_vault_arn = "arn:aws:backup:us-west-2:333333333333:backup-vault:emr-platform-dr"
  }

  assert {
    condition     = alltrue([for rule in aws_backup_plan.main.rule : one(rule.copy_action).destination_vault_arn == "arn:aws:backup:us-west-2:333333333333:backup-vault:emr-platform-dr"])
    error_message = "both rules copy"
  }
}

# Mistake: a switch that plans nothing, or a recorder that is made and never started.
run "account_switches_work" {
  command = plan

  variables {
    enable_guardduty    = true
    enable_security_hub = true
    enable_config       = true
  }

  assert {
    condition     = aws_guardduty_detector.main[0].enable && length(aws_guardduty_detector_feature.main) == 4 && length(aws_securityhub_account.main) == 1 && aws_config_configuration_recorder_status.main[0].is_enabled && aws_config_delivery_channel.main[0].s3_bucket_name == "audit-bucket"
    error_message = "on when asked"
  }
}
