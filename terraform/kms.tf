# =============================================================================
# Nine customer-managed keys, one for each kind of data, all rotated yearly. One key per kind keeps "who may decrypt
# backups" apart from "who may decrypt logs", and a disabled key takes down one thing only.
# Deleting a key is deleting the data: 30 days to change one's mind, and an alarm tells (monitoring.tf).
# =============================================================================

locals {
  # Hands the decision to IAM policies of this account. Without it a key can become unmanageable for ever.
  # https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html#key-policy-default-allow-root-enable-iam
  kms_account_statement = {
    Sid       = "AccountDecidesByIam"
    Effect    = "Allow"
    Principal = { AWS = "arn:${local.partition}:iam::${local.account_id}:root" }
    Action    = "kms:*"
    Resource  = "*"
  }
}

# -----------------------------------------------------------------------------
# 1. Kubernetes secrets (envelope encryption by the control plane)
# -----------------------------------------------------------------------------

resource "aws_kms_key" "eks" {
  description             = "${local.name}: Kubernetes secrets"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [local.kms_account_statement]
  })
}

resource "aws_kms_alias" "eks" {
  name          = "alias/${local.name}-eks"
  target_key_id = aws_kms_key.eks.key_id
}

# -----------------------------------------------------------------------------
# 2. Disks of nodes and persistent volumes
# -----------------------------------------------------------------------------

resource "aws_kms_key" "ebs" {
  description             = "${local.name}: node disks and persistent volumes"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      local.kms_account_statement,
      # Node groups launch through Auto Scaling, whose service-linked role gets no permission from IAM for our key.
      # It is named in a condition and not as the principal, because it does not exist in a new account before the first
      # group, and KMS refuses a policy with an unknown principal.
      # https://docs.aws.amazon.com/autoscaling/ec2/userguide/key-policy-requirements-EBS-encryption.html
      {
        Sid       = "AutoScalingUsesTheKey"
        Effect    = "Allow"
        Principal = { AWS = "*" }
        Action    = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
        Resource  = "*"
        Condition = {
          StringEquals = { "kms:CallerAccount" = local.account_id }
          ArnEquals    = { "aws:PrincipalArn" = local.autoscaling_role_arn }
        }
      },
      {
        Sid       = "AutoScalingAttachesVolumes"
        Effect    = "Allow"
        Principal = { AWS = "*" }
        Action    = "kms:CreateGrant"
        Resource  = "*"
        Condition = {
          StringEquals = { "kms:CallerAccount" = local.account_id }
          ArnEquals    = { "aws:PrincipalArn" = local.autoscaling_role_arn }
          Bool         = { "kms:GrantIsForAWSResource" = "true" }
        }
      },
    ]
  })
}

locals {
  autoscaling_role_arn = "arn:${local.partition}:iam::${local.account_id}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
}

resource "aws_kms_alias" "ebs" {
  name          = "alias/${local.name}-ebs"
  target_key_id = aws_kms_key.ebs.key_id
}

# -----------------------------------------------------------------------------
# 3. PostgreSQL: storage, snapshots, Performance Insights
# -----------------------------------------------------------------------------

resource "aws_kms_key" "rds" {
  description             = "${local.name}: PostgreSQL storage, snapshots and Performance Insights"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [local.kms_account_statement]
  })
}

resource "aws_kms_alias" "rds" {
  name          = "alias/${local.name}-rds"
  target_key_id = aws_kms_key.rds.key_id
}

# -----------------------------------------------------------------------------
# 4. Redis: storage and snapshots
# -----------------------------------------------------------------------------

resource "aws_kms_key" "redis" {
  description             = "${local.name}: Redis storage and snapshots"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [local.kms_account_statement]
  })
}

resource "aws_kms_alias" "redis" {
  name          = "alias/${local.name}-redis"
  target_key_id = aws_kms_key.redis.key_id
}

# -----------------------------------------------------------------------------
# 5. Kafka: broker storage
# -----------------------------------------------------------------------------

resource "aws_kms_key" "msk" {
  description             = "${local.name}: Kafka broker storage"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [local.kms_account_statement]
  })
}

resource "aws_kms_alias" "msk" {
  name          = "alias/${local.name}-msk"
  target_key_id = aws_kms_key.msk.key_id
}

# -----------------------------------------------------------------------------
# 6. Secrets Manager
# -----------------------------------------------------------------------------

resource "aws_kms_key" "secrets" {
  description             = "${local.name}: Secrets Manager entries"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [local.kms_account_statement]
  })
}

resource "aws_kms_alias" "secrets" {
  name          = "alias/${local.name}-secrets"
  target_key_id = aws_kms_key.secrets.key_id
}

# -----------------------------------------------------------------------------
# 7. Logs: every log group (flow logs among them), CloudTrail and the audit bucket
# -----------------------------------------------------------------------------

resource "aws_kms_key" "logs" {
  description             = "${local.name}: log groups, flow logs, CloudTrail and the audit bucket"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      local.kms_account_statement,
      # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
      {
        Sid       = "CloudWatchLogsOfThisAccount"
        Effect    = "Allow"
        Principal = { Service = "logs.${var.aws_region}.amazonaws.com" }
        Action    = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
        Resource  = "*"
        Condition = {
          ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:${local.partition}:logs:${var.aws_region}:${local.account_id}:log-group:*" }
        }
      },
      # https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html
      {
        Sid       = "CloudTrailEncrypts"
        Effect    = "Allow"
        Principal = { Service = "cloudtrail.amazonaws.com" }
        Action    = "kms:GenerateDataKey*"
        Resource  = "*"
        Condition = {
          StringEquals = { "aws:SourceArn" = local.trail_arn }
          StringLike   = { "kms:EncryptionContext:aws:cloudtrail:arn" = "arn:${local.partition}:cloudtrail:*:${local.account_id}:trail/*" }
        }
      },
      {
        Sid       = "CloudTrailReadsTheKey"
        Effect    = "Allow"
        Principal = { Service = "cloudtrail.amazonaws.com" }
        Action    = "kms:DescribeKey"
        Resource  = "*"
        Condition = { StringEquals = { "aws:SourceArn" = local.trail_arn } }
      },
      # AWS Config writes its history to the audit bucket (only where enable_config is on).
      {
        Sid       = "ConfigWritesToTheAuditBucket"
        Effect    = "Allow"
        Principal = { Service = "config.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:SourceAccount" = local.account_id } }
      },
    ]
  })
}

resource "aws_kms_alias" "logs" {
  name          = "alias/${local.name}-logs"
  target_key_id = aws_kms_key.logs.key_id
}

# -----------------------------------------------------------------------------
# 8. Backups: the bucket of `emr db-backup` and the AWS Backup vault
# -----------------------------------------------------------------------------

resource "aws_kms_key" "backup" {
  description             = "${local.name}: database backups and the AWS Backup vault"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [local.kms_account_statement]
  })
}

resource "aws_kms_alias" "backup" {
  name          = "alias/${local.name}-backup"
  target_key_id = aws_kms_key.backup.key_id
}

# -----------------------------------------------------------------------------
# 9. Alerts: the SNS topic
# -----------------------------------------------------------------------------

resource "aws_kms_key" "alerts" {
  description             = "${local.name}: alert topic"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      local.kms_account_statement,
      {
        Sid       = "AlarmsAndDatabaseEventsPublish"
        Effect    = "Allow"
        Principal = { Service = ["cloudwatch.amazonaws.com", "events.rds.amazonaws.com"] }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:SourceAccount" = local.account_id } }
      },
      # EventBridge does not send aws:SourceAccount when it publishes to an encrypted topic: with the condition its
      # messages are lost without a word.
      # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
      {
        Sid       = "EventRulesPublish"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = "*"
      },
    ]
  })
}

resource "aws_kms_alias" "alerts" {
  name          = "alias/${local.name}-alerts"
  target_key_id = aws_kms_key.alerts.key_id
}
