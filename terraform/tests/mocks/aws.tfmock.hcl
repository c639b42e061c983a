# What the mocked AWS answers. Defaults are valid in form (the provider checks ARNs in later plans); where a test must tell
# two resources of one type apart, each has its own answer below.

mock_data "aws_caller_identity" {
  defaults = {
    account_id = "333333333333"
    arn        = "arn:aws:sts::333333333333:assumed-role/emr-platform-deployer/alice"
  }
}

mock_data "aws_partition" {
  defaults = {
    partition  = "aws"
    dns_suffix = "amazonaws.com"
  }
}

mock_data "aws_iam_session_context" {
  defaults = {
    issuer_arn = "arn:aws:iam::333333333333:role/emr-platform-deployer"
  }
}

# Out of order on purpose: the module must sort, or a different answer would move subnets.
mock_data "aws_availability_zones" {
  defaults = {
    names = ["us-east-1c", "us-east-1a", "us-east-1d", "us-east-1b"]
  }
}

override_data {
  target = data.aws_secretsmanager_random_password.rds_master
  values = { random_password = "DrawnDatabasePassword0000000000000000000" }
}

override_data {
  target = data.aws_secretsmanager_random_password.redis_auth
  values = { random_password = "DrawnRedisToken0000000000000000000000000000000000000000000000000" }
}

# -----------------------------------------------------------------------------
# Network
# -----------------------------------------------------------------------------

mock_resource "aws_vpc" {
  defaults = {
    id  = "vpc-0123456789abcdef0"
    arn = "arn:aws:ec2:us-east-1:333333333333:vpc/vpc-0123456789abcdef0"
  }
}

mock_resource "aws_launch_template" {
  defaults = {
    id             = "lt-0123456789abcdef0"
    latest_version = 1
  }
}

override_resource {
  target = aws_security_group.alb
  values = { id = "sg-alb" }
}

override_resource {
  target = aws_security_group.nodes
  values = { id = "sg-nodes" }
}

override_resource {
  target = aws_security_group.rds
  values = { id = "sg-rds" }
}

override_resource {
  target = aws_security_group.redis
  values = { id = "sg-redis" }
}

override_resource {
  target = aws_security_group.msk
  values = { id = "sg-msk" }
}

override_resource {
  target = aws_security_group.endpoints
  values = { id = "sg-endpoints" }
}

override_resource {
  target = aws_security_group.eks_api
  values = { id = "sg-eks-api" }
}

# -----------------------------------------------------------------------------
# Identity
# -----------------------------------------------------------------------------

mock_resource "aws_iam_role" {
  defaults = {
    arn = "arn:aws:iam::333333333333:role/mock"
  }
}

mock_resource "aws_iam_openid_connect_provider" {
  defaults = {
    arn = "arn:aws:iam::333333333333:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF"
  }
}

mock_resource "aws_kms_key" {
  defaults = {
    arn    = "arn:aws:kms:us-east-1:333333333333:key/00000000-0000-0000-0000-000000000000"
    key_id = "00000000-0000-0000-0000-000000000000"
  }
}

override_resource {
  target = aws_kms_key.eks
  values = { arn = "arn:aws:kms:us-east-1:333333333333:key/eks" }
}

override_resource {
  target = aws_kms_key.ebs
  values = { arn = "arn:aws:kms:us-east-1:333333333333:key/ebs" }
}

override_resource {
  target = aws_kms_key.rds
  values = { arn = "arn:aws:kms:us-east-1:333333333333:key/rds" }
}

override_resource {
  target = aws_kms_key.redis
  values = { arn = "arn:aws:kms:us-east-1:333333333333:key/redis" }
}

override_resource {
  target = aws_kms_key.msk
  values = { arn = "arn:aws:kms:us-east-1:333333333333:key/msk" }
}

override_resource {
  target = aws_kms_key.secrets
  values = { arn = "arn:aws:kms:us-east-1:333333333333:key/secrets" }
}

override_resource {
  target = aws_kms_key.logs
  values = { arn = "arn:aws:kms:us-east-1:333333333333:key/logs" }
}

override_resource {
  target = aws_kms_key.backup
  values = { arn = "arn:aws:kms:us-east-1:333333333333:key/backup" }
}

override_resource {
  target = aws_kms_key.alerts
  values = {
    id  = "alerts"
    arn = "arn:aws:kms:us-east-1:333333333333:key/alerts"
  }
}

# -----------------------------------------------------------------------------
# Compute and data
# -----------------------------------------------------------------------------

mock_resource "aws_eks_cluster" {
  defaults = {
    arn                   = "arn:aws:eks:us-east-1:333333333333:cluster/emr-platform-production"
    endpoint              = "https://0123456789ABCDEF.gr7.us-east-1.eks.amazonaws.com"
    identity              = [{ oidc = [{ issuer = "https://oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF" }] }]
    certificate_authority = [{ data = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t" }]
  }
}

mock_resource "aws_db_instance" {
  defaults = {
    arn         = "arn:aws:rds:us-east-1:333333333333:db:emr-platform-production-postgres"
    address     = "emr-platform-production-postgres.abc.us-east-1.rds.amazonaws.com"
    resource_id = "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ"
  }
}

mock_resource "aws_elasticache_replication_group" {
  defaults = {
    primary_endpoint_address = "master.emr-platform-production-redis.abc.use1.cache.amazonaws.com"
    reader_endpoint_address  = "replica.emr-platform-production-redis.abc.use1.cache.amazonaws.com"
  }
}

mock_resource "aws_msk_configuration" {
  defaults = {
    arn             = "arn:aws:kafka:us-east-1:333333333333:configuration/emr/11111111-1111-1111-1111-111111111111-1"
    latest_revision = 1
  }
}

mock_resource "aws_msk_cluster" {
  defaults = {
    arn                        = "arn:aws:kafka:us-east-1:333333333333:cluster/emr-platform-production-kafka/22222222-2222-2222-2222-222222222222-2"
    bootstrap_brokers_sasl_iam = "b-1.kafka:9098,b-2.kafka:9098,b-3.kafka:9098"
  }
}

# -----------------------------------------------------------------------------
# Secrets
# -----------------------------------------------------------------------------

override_resource {
  target = aws_secretsmanager_secret.rds_master_password
  values = { id = "arn:aws:secretsmanager:us-east-1:333333333333:secret:rds-master-password", arn = "arn:aws:secretsmanager:us-east-1:333333333333:secret:rds-master-password" }
}

override_resource {
  target = aws_secretsmanager_secret.redis_auth_token
  values = { id = "arn:aws:secretsmanager:us-east-1:333333333333:secret:redis-auth-token", arn = "arn:aws:secretsmanager:us-east-1:333333333333:secret:redis-auth-token" }
}

override_resource {
  target = aws_secretsmanager_secret.database
  values = { id = "arn:aws:secretsmanager:us-east-1:333333333333:secret:database", arn = "arn:aws:secretsmanager:us-east-1:333333333333:secret:database" }
}

override_resource {
  target = aws_secretsmanager_secret.redis
  values = { id = "arn:aws:secretsmanager:us-east-1:333333333333:secret:redis", arn = "arn:aws:secretsmanager:us-east-1:333333333333:secret:redis" }
}

override_resource {
  target = aws_secretsmanager_secret.kafka
  values = { id = "arn:aws:secretsmanager:us-east-1:333333333333:secret:kafka", arn = "arn:aws:secretsmanager:us-east-1:333333333333:secret:kafka" }
}

override_resource {
  target = aws_secretsmanager_secret.api_gateway
  values = { id = "arn:aws:secretsmanager:us-east-1:333333333333:secret:api-gateway", arn = "arn:aws:secretsmanager:us-east-1:333333333333:secret:api-gateway" }
}

override_resource {
  target = aws_secretsmanager_secret.emr_service
  values = { id = "arn:aws:secretsmanager:us-east-1:333333333333:secret:emr-service", arn = "arn:aws:secretsmanager:us-east-1:333333333333:secret:emr-service" }
}

# -----------------------------------------------------------------------------
# Audit, backup, alerts
# -----------------------------------------------------------------------------

mock_resource "aws_cloudwatch_log_group" {
  defaults = {
    arn = "arn:aws:logs:us-east-1:333333333333:log-group:mock"
  }
}

mock_resource "aws_sns_topic" {
  defaults = {
    arn = "arn:aws:sns:us-east-1:333333333333:emr-platform-production-alerts"
  }
}

mock_resource "aws_backup_vault" {
  defaults = {
    arn = "arn:aws:backup:us-east-1:333333333333:backup-vault:emr-platform-production"
  }
}

override_resource {
  target = aws_s3_bucket.audit
  values = { id = "audit-bucket", arn = "arn:aws:s3:::audit-bucket" }
}

override_resource {
  target = aws_s3_bucket.access_logs
  values = { id = "access-logs-bucket", arn = "arn:aws:s3:::access-logs-bucket" }
}

override_resource {
  target = aws_s3_bucket.backups
  values = { id = "backups-bucket", arn = "arn:aws:s3:::backups-bucket" }
}
