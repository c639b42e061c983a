# PostgreSQL and its replicas.

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

  # Postgres is protected.
  # Mistake: patient data unencrypted, reachable from outside, or deletable with one command.
  assert {
    condition     = aws_db_instance.main.storage_encrypted && aws_db_instance.main.kms_key_id == aws_kms_key.rds.arn
    error_message = "storage must be encrypted with its key"
  }

  assert {
    condition     = aws_db_instance.main.performance_insights_kms_key_id == aws_kms_key.rds.arn
    error_message = "Performance Insights keeps SQL text: the same key"
  }

  assert {
    condition     = !aws_db_instance.main.publicly_accessible
    error_message = "no public address"
  }

  assert {
    condition     = aws_db_subnet_group.main.subnet_ids == toset([for subnet in aws_subnet.database : subnet.id]) && aws_db_instance.main.db_subnet_group_name == aws_db_subnet_group.main.name
    error_message = "PostgreSQL belongs in the database tier"
  }

  assert {
    condition     = aws_db_instance.main.deletion_protection && !aws_db_instance.main.skip_final_snapshot && startswith(aws_db_instance.main.final_snapshot_identifier, "emr-platform-production-postgres-final-")
    error_message = "deletion must be refused, and leave a snapshot where it is forced"
  }

  assert {
    condition     = aws_db_instance.main.multi_az
    error_message = "production has a standby"
  }

  # Postgres keeps backups.
  # Mistake: fewer backups than the documented 30 days, or backups that go with the instance.
  assert {
    condition     = aws_db_instance.main.backup_retention_period >= 30 && !aws_db_instance.main.delete_automated_backups && aws_db_instance.main.copy_tags_to_snapshot
    error_message = "30 days of automated backups that outlive the instance"
  }

  # Postgres is what is documented.
  # Mistake: documented sizes changed by accident.
  assert {
    condition     = aws_db_instance.main.engine == "postgres" && aws_db_instance.main.engine_version == "15.13" && aws_db_instance.main.instance_class == "db.r6i.2xlarge" && aws_db_instance.main.allocated_storage == 100 && aws_db_instance.main.max_allocated_storage == 1000 && aws_db_instance.main.identifier == "emr-platform-production-postgres"
    error_message = "engine, class, 100 GB growing to 1 TB"
  }

  # A pinned minor and automatic minor upgrades together end in a planned downgrade, which RDS refuses.
  assert {
    condition     = !aws_db_instance.main.auto_minor_version_upgrade
    error_message = "a pinned minor version must stay"
  }

  # Postgres parameters.
  # Mistake: a parameter lost without which clients may connect in clear text, or incremental backups cannot start.
  assert {
    condition     = aws_db_instance.main.parameter_group_name == aws_db_parameter_group.main.name && aws_db_parameter_group.main.family == "postgres15"
    error_message = "the group must be in use"
  }

  assert {
    condition = alltrue([
      for name, value in {
        "rds.force_ssl"                     = "1"
        "rds.accepted_password_auth_method" = "scram"
        "password_encryption"               = "scram-sha-256"
        "rds.logical_replication"           = "1"
        "max_replication_slots"             = "20"
        "max_wal_senders"                   = "25"
        "max_slot_wal_keep_size"            = "20480"
        "shared_preload_libraries"          = "pg_stat_statements,pgaudit"
        "pgaudit.log"                       = "ddl,role,write"
        "log_connections"                   = "1"
        "log_disconnections"                = "1"
        "log_parameter_max_length"          = "0"
        "log_parameter_max_length_on_error" = "0"
      } : one([for parameter in aws_db_parameter_group.main.parameter : parameter.value if parameter.name == name]) == value
    ])
    error_message = "parameters: TLS, SCRAM, logical replication, bounded slots, audit, no bound values in logs"
  }

  # "immediate" on a static parameter is refused by RDS halfway through an apply.
  assert {
    condition = alltrue([
      for parameter in aws_db_parameter_group.main.parameter : parameter.apply_method == "pending-reboot"
      if contains(["rds.logical_replication", "max_replication_slots", "max_wal_senders", "shared_preload_libraries", "max_connections"], parameter.name)
    ])
    error_message = "static parameters wait for a reboot"
  }

  # Postgres is watched.
  # Mistake: an outage that nobody can explain afterwards.
  assert {
    condition     = aws_db_instance.main.monitoring_interval == 60 && aws_db_instance.main.performance_insights_enabled
    error_message = "Enhanced Monitoring and Performance Insights are documented"
  }

  assert {
    condition     = aws_db_instance.main.enabled_cloudwatch_logs_exports == toset(["postgresql", "upgrade"])
    error_message = "logs must be exported"
  }

  assert {
    condition     = contains(keys(aws_cloudwatch_log_group.rds), "/aws/rds/instance/emr-platform-production-postgres/postgresql") && length(aws_cloudwatch_log_group.rds) == 6
    error_message = "documented location /aws/rds/instance/<instance-id>, for the primary and both replicas"
  }

  # Replicas repeat every setting.
  # Mistake: a replica with weaker settings than its primary, unnoticed until it is promoted.
  assert {
    condition     = toset(keys(aws_db_instance.replica)) == toset(["emr-platform-production-postgres-replica-1", "emr-platform-production-postgres-replica-2"])
    error_message = "two replicas"
  }

  assert {
    condition = alltrue([
      for replica in aws_db_instance.replica :
      replica.replicate_source_db == aws_db_instance.main.identifier &&
      replica.storage_encrypted && replica.kms_key_id == aws_kms_key.rds.arn &&
      !replica.publicly_accessible && replica.deletion_protection && replica.iam_database_authentication_enabled &&
      replica.parameter_group_name == aws_db_parameter_group.main.name &&
      replica.vpc_security_group_ids == toset(["sg-rds"]) &&
      replica.monitoring_interval == 60 && replica.performance_insights_enabled && replica.performance_insights_kms_key_id == aws_kms_key.rds.arn &&
      replica.enabled_cloudwatch_logs_exports == toset(["postgresql", "upgrade"]) &&
      replica.backup_retention_period >= 30 && replica.copy_tags_to_snapshot &&
      replica.max_allocated_storage == 1000 && replica.ca_cert_identifier == aws_db_instance.main.ca_cert_identifier
    ])
    error_message = "a replica must be as protected as its primary"
  }
}

# Mistake: the same rule the wrong way round.
run "a_major_version_takes_minor_upgrades" {
  command = plan

  variables {
    rds_engine_version = "15"
  }

  assert {
    condition     = aws_db_instance.main.auto_minor_version_upgrade && alltrue([for replica in aws_db_instance.replica : replica.auto_minor_version_upgrade])
    error_message = "\"15\" means the newest 15"
  }
}
