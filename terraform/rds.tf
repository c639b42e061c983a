# =============================================================================
# RDS PostgreSQL: primary, replicas, logs, monitoring. Parameters are in rds-parameters.tf.
# =============================================================================

locals {
  rds_major = split(".", var.rds_engine_version)[0]

  # From the instance class, for the alarms: RDS publishes bytes and sessions, not percentages.
  rds_size      = split(".", var.rds_instance_class)[2]
  rds_vcpus     = lookup({ large = 2, xlarge = 4 }, local.rds_size, try(tonumber(trimsuffix(local.rds_size, "xlarge")) * 4, 2))
  rds_gib       = local.rds_vcpus * (startswith(var.rds_instance_class, "db.r") ? 8 : 4)
  rds_log_types = ["postgresql", "upgrade"]
  rds_replicas  = [for number in range(1, var.rds_read_replica_count + 1) : "${local.rds_identifier}-replica-${number}"]

  # The engine's own formula, LEAST(DBInstanceClassMemory / 9531392, 5000), as a number that the alarm can use too.
  # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html#RDS_Limits.MaxConnections
  rds_max_connections = min(floor(local.rds_gib * 1073741824 / 9531392), 5000)
}

resource "aws_db_subnet_group" "main" {
  name        = "${local.name}-database"
  description = "Database tier, three zones"
  subnet_ids  = [for subnet in aws_subnet.database : subnet.id]
}

# -----------------------------------------------------------------------------
# Logs: the groups exist before the instances, so RDS does not make them without key and retention
# -----------------------------------------------------------------------------

resource "aws_cloudwatch_log_group" "rds" {
  for_each = toset(flatten([
    for instance in concat([local.rds_identifier], local.rds_replicas) : [
      for type in local.rds_log_types : "/aws/rds/instance/${instance}/${type}"
    ]
  ]))

  name              = each.key
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.logs.arn
}

# -----------------------------------------------------------------------------
# Enhanced monitoring
# -----------------------------------------------------------------------------

resource "aws_iam_role" "rds_monitoring" {
  name        = "${local.name}-rds-monitoring"
  description = "RDS Enhanced Monitoring writes operating-system metrics to CloudWatch Logs"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "monitoring.rds.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account_id }
        ArnLike      = { "aws:SourceArn" = "arn:${local.partition}:rds:${var.aws_region}:${local.account_id}:db:${local.rds_identifier}*" }
      }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "rds_monitoring" {
  role       = aws_iam_role.rds_monitoring.name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}

# -----------------------------------------------------------------------------
# Primary
# -----------------------------------------------------------------------------

resource "aws_db_instance" "main" {
  identifier = local.rds_identifier

  engine         = "postgres"
  engine_version = var.rds_engine_version
  instance_class = var.rds_instance_class

  # "15.4" is a pin: a minor upgrade behind Terraform's back would be planned as a downgrade, which RDS refuses. "15" means
  # "the newest 15", and then RDS may follow.
  auto_minor_version_upgrade  = !strcontains(var.rds_engine_version, ".")
  allow_major_version_upgrade = false

  db_name  = var.rds_database_name
  username = var.rds_master_username
  # Not manage_master_user_password: RDS refuses read replicas of some engines with it, and rotates the password every
  # seven days behind the pods' backs. See secrets.tf for where this one comes from.
  password = aws_secretsmanager_secret_version.rds_master_password.secret_string
  port     = 5432

  storage_type          = "gp3"
  allocated_storage     = var.rds_allocated_storage
  max_allocated_storage = var.rds_max_allocated_storage
  storage_encrypted     = true
  kms_key_id            = aws_kms_key.rds.arn

  multi_az               = var.multi_az
  db_subnet_group_name   = aws_db_subnet_group.main.name
  vpc_security_group_ids = [aws_security_group.rds.id]
  publicly_accessible    = false
  ca_cert_identifier     = "rds-ca-rsa2048-g1"

  # For people: a token of 15 minutes instead of a password.
  iam_database_authentication_enabled = true

  parameter_group_name = aws_db_parameter_group.main.name
  maintenance_window   = "sun:04:30-sun:05:30"
  apply_immediately    = false

  backup_retention_period  = var.rds_backup_retention_days
  backup_window            = "02:30-03:30"
  copy_tags_to_snapshot    = true
  delete_automated_backups = false

  deletion_protection = var.deletion_protection
  skip_final_snapshot = false
  # The network's id makes it unique: a second environment of this name would fail to be destroyed on the first one's
  # snapshot. Not the time: then no two plans were equal, and none could be approved by its fingerprint.
  final_snapshot_identifier = "${local.rds_identifier}-final-${trimprefix(aws_vpc.main.id, "vpc-")}"

  monitoring_interval                   = 60
  monitoring_role_arn                   = aws_iam_role.rds_monitoring.arn
  performance_insights_enabled          = true
  performance_insights_kms_key_id       = aws_kms_key.rds.arn
  performance_insights_retention_period = local.is_production ? 731 : 7
  enabled_cloudwatch_logs_exports       = local.rds_log_types

  tags = { Name = local.rds_identifier }

  lifecycle {
    # Set at creation, see above.
    ignore_changes = [final_snapshot_identifier]

    precondition {
      condition     = var.multi_az || !local.is_production
      error_message = "Production runs in several zones. Set multi_az = true."
    }

    precondition {
      condition     = var.rds_max_allocated_storage >= ceil(var.rds_allocated_storage * 1.1)
      error_message = "rds_max_allocated_storage (${var.rds_max_allocated_storage} GiB) must be at least 10 % above rds_allocated_storage (${var.rds_allocated_storage} GiB), or RDS refuses storage autoscaling."
    }
  }

  depends_on = [
    aws_cloudwatch_log_group.rds,
    aws_iam_role_policy_attachment.rds_monitoring,
  ]
}

# -----------------------------------------------------------------------------
# Read replicas: a replica inherits the data and nothing else, so every setting is repeated. A promoted one must be as
# protected as the primary was.
# -----------------------------------------------------------------------------

resource "aws_db_instance" "replica" {
  for_each = toset(local.rds_replicas)

  identifier          = each.key
  replicate_source_db = aws_db_instance.main.identifier
  instance_class      = var.rds_instance_class

  auto_minor_version_upgrade = !strcontains(var.rds_engine_version, ".")

  storage_type          = "gp3"
  max_allocated_storage = var.rds_max_allocated_storage
  storage_encrypted     = true
  kms_key_id            = aws_kms_key.rds.arn

  vpc_security_group_ids = [aws_security_group.rds.id]
  publicly_accessible    = false
  ca_cert_identifier     = "rds-ca-rsa2048-g1"

  iam_database_authentication_enabled = true

  parameter_group_name = aws_db_parameter_group.main.name
  # Never in the same hour as the primary.
  maintenance_window = "sun:06:00-sun:07:00"
  apply_immediately  = false

  backup_retention_period  = var.rds_backup_retention_days
  backup_window            = "02:30-03:30"
  copy_tags_to_snapshot    = true
  delete_automated_backups = false

  deletion_protection = var.deletion_protection
  # RDS cannot take a final snapshot of a replica.
  # https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html
  skip_final_snapshot = true

  monitoring_interval                   = 60
  monitoring_role_arn                   = aws_iam_role.rds_monitoring.arn
  performance_insights_enabled          = true
  performance_insights_kms_key_id       = aws_kms_key.rds.arn
  performance_insights_retention_period = local.is_production ? 731 : 7
  enabled_cloudwatch_logs_exports       = local.rds_log_types

  tags = { Name = each.key }

  depends_on = [
    aws_cloudwatch_log_group.rds,
    aws_iam_role_policy_attachment.rds_monitoring,
  ]
}
