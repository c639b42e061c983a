# =============================================================================
# Secrets Manager. What the charts read, by External Secrets:
#
#   emr-platform/<environment>/database      host, port, dbname, username, password
#   emr-platform/<environment>/redis         host, port, auth_token
#   emr-platform/<environment>/kafka         bootstrap_servers
#   emr-platform/<environment>/api-gateway   jwt_signing_key                       (empty: filled in by hand)
#   emr-platform/<environment>/emr-service   fhir_client_id, fhir_client_secret    (empty: filled in by hand)
#
# Where the generated values are kept besides Secrets Manager: in the Terraform state, in clear text, because Terraform
# below 1.11 knows no write-only argument. The state bucket is encrypted, versioned, private and TLS only (`emr bootstrap`),
# plan files are mode 0600 and deleted by the CLI, and no output carries a value.
# =============================================================================

locals {
  secret_prefix = "${local.project}/${var.environment}"
}

# -----------------------------------------------------------------------------
# Generated credentials
#
# Secrets Manager itself draws the values. The data source draws a new one at every plan, so a version keeps its first
# one (ignore_changes), and database, cache and entries all read it from there. Used directly, an apply that fails halfway
# would leave the database with one password and the entry with another.
#
# Rotation: raise credentials_generation, apply, restart the services. https://developer.hashicorp.com/terraform/language/meta-arguments/lifecycle#replace_triggered_by
# -----------------------------------------------------------------------------

data "aws_secretsmanager_random_password" "rds_master" {
  password_length = 40
  # Letters and digits are 238 bits, and nothing needs escaping in a URL, a shell or a YAML file.
  exclude_punctuation        = true
  require_each_included_type = true
}

data "aws_secretsmanager_random_password" "redis_auth" {
  password_length            = 64
  exclude_punctuation        = true
  require_each_included_type = true
}

resource "terraform_data" "credentials_generation" {
  input = var.credentials_generation
}

resource "aws_secretsmanager_secret" "rds_master_password" {
  name                    = "${local.secret_prefix}/rds-master-password"
  description             = "Source of the PostgreSQL master password. Pods read ${local.secret_prefix}/database instead"
  kms_key_id              = aws_kms_key.secrets.arn
  recovery_window_in_days = var.secret_recovery_window_days
}

resource "aws_secretsmanager_secret_version" "rds_master_password" {
  secret_id     = aws_secretsmanager_secret.rds_master_password.id
  secret_string = sensitive(data.aws_secretsmanager_random_password.rds_master.random_password)

  lifecycle {
    ignore_changes       = [secret_string]
    replace_triggered_by = [terraform_data.credentials_generation]
    # The current version of a secret cannot be removed; the new one must take its label first.
    create_before_destroy = true
  }
}

resource "aws_secretsmanager_secret" "redis_auth_token" {
  name                    = "${local.secret_prefix}/redis-auth-token"
  description             = "Source of the Redis AUTH token. Pods read ${local.secret_prefix}/redis instead"
  kms_key_id              = aws_kms_key.secrets.arn
  recovery_window_in_days = var.secret_recovery_window_days
}

resource "aws_secretsmanager_secret_version" "redis_auth_token" {
  secret_id     = aws_secretsmanager_secret.redis_auth_token.id
  secret_string = sensitive(data.aws_secretsmanager_random_password.redis_auth.random_password)

  lifecycle {
    ignore_changes        = [secret_string]
    replace_triggered_by  = [terraform_data.credentials_generation]
    create_before_destroy = true
  }
}

# -----------------------------------------------------------------------------
# Connection entries
# -----------------------------------------------------------------------------

resource "aws_secretsmanager_secret" "database" {
  name                    = "${local.secret_prefix}/database"
  description             = "PostgreSQL connection: host, port, dbname, username, password"
  kms_key_id              = aws_kms_key.secrets.arn
  recovery_window_in_days = var.secret_recovery_window_days
}

resource "aws_secretsmanager_secret_version" "database" {
  secret_id = aws_secretsmanager_secret.database.id
  secret_string = jsonencode({
    host     = aws_db_instance.main.address
    port     = aws_db_instance.main.port
    dbname   = aws_db_instance.main.db_name
    username = aws_db_instance.main.username
    password = aws_secretsmanager_secret_version.rds_master_password.secret_string
  })
}

resource "aws_secretsmanager_secret" "redis" {
  name                    = "${local.secret_prefix}/redis"
  description             = "Redis connection: host, port, auth_token"
  kms_key_id              = aws_kms_key.secrets.arn
  recovery_window_in_days = var.secret_recovery_window_days
}

resource "aws_secretsmanager_secret_version" "redis" {
  secret_id = aws_secretsmanager_secret.redis.id
  secret_string = jsonencode({
    host       = aws_elasticache_replication_group.main.primary_endpoint_address
    port       = aws_elasticache_replication_group.main.port
    auth_token = aws_secretsmanager_secret_version.redis_auth_token.secret_string
  })
}

resource "aws_secretsmanager_secret" "kafka" {
  name                    = "${local.secret_prefix}/kafka"
  description             = "Kafka connection: bootstrap_servers (IAM authentication over TLS)"
  kms_key_id              = aws_kms_key.secrets.arn
  recovery_window_in_days = var.secret_recovery_window_days
}

resource "aws_secretsmanager_secret_version" "kafka" {
  secret_id = aws_secretsmanager_secret.kafka.id
  secret_string = jsonencode({
    bootstrap_servers = aws_msk_cluster.main.bootstrap_brokers_sasl_iam
  })
}

# -----------------------------------------------------------------------------
# Services' own entries: containers without a version, so that no value is in the code or in the state
# -----------------------------------------------------------------------------

resource "aws_secretsmanager_secret" "api_gateway" {
  name                    = "${local.secret_prefix}/api-gateway"
  description             = "API gateway: jwt_signing_key. Put the value with aws secretsmanager put-secret-value"
  kms_key_id              = aws_kms_key.secrets.arn
  recovery_window_in_days = var.secret_recovery_window_days
}

resource "aws_secretsmanager_secret" "emr_service" {
  name                    = "${local.secret_prefix}/emr-service"
  description             = "EMR service: fhir_client_id, fhir_client_secret. Put the values with aws secretsmanager put-secret-value"
  kms_key_id              = aws_kms_key.secrets.arn
  recovery_window_in_days = var.secret_recovery_window_days
}
