# =============================================================================
# Outputs: what the CLI, the charts and people need to find things. Endpoints, names and ARNs, never a secret's value.
# =============================================================================

# -----------------------------------------------------------------------------
# Where
# -----------------------------------------------------------------------------

output "environment" {
  description = "Name of the environment"
  value       = var.environment
}

output "region" {
  description = "AWS region"
  value       = var.aws_region
}

output "account_id" {
  description = "AWS account, 12 digits"
  value       = local.account_id
}

# -----------------------------------------------------------------------------
# Network
# -----------------------------------------------------------------------------

output "vpc_id" {
  description = "VPC"
  value       = aws_vpc.main.id
}

output "availability_zones" {
  description = "The three zones in use"
  value       = local.zones
}

output "public_subnet_ids" {
  description = "Subnets of load balancers and NAT gateways"
  value       = [for subnet in aws_subnet.public : subnet.id]
}

output "private_subnet_ids" {
  description = "Subnets of nodes and pods"
  value       = [for subnet in aws_subnet.private : subnet.id]
}

output "database_subnet_ids" {
  description = "Subnets of PostgreSQL, Redis and Kafka"
  value       = [for subnet in aws_subnet.database : subnet.id]
}

output "nat_public_ips" {
  description = "Addresses that EMR systems see as the source of calls; for their allow lists"
  value       = [for address in aws_eip.nat : address.public_ip]
}

output "security_group_ids" {
  description = "Security groups by purpose: alb, nodes, rds, redis, msk, endpoints, eks_api"
  value = {
    alb       = aws_security_group.alb.id
    nodes     = aws_security_group.nodes.id
    rds       = aws_security_group.rds.id
    redis     = aws_security_group.redis.id
    msk       = aws_security_group.msk.id
    endpoints = aws_security_group.endpoints.id
    eks_api   = aws_security_group.eks_api.id
  }
}

# -----------------------------------------------------------------------------
# Cluster
# -----------------------------------------------------------------------------

output "cluster_name" {
  description = "EKS cluster"
  value       = aws_eks_cluster.main.name
}

output "cluster_arn" {
  description = "ARN of the EKS cluster"
  value       = aws_eks_cluster.main.arn
}

output "cluster_version" {
  description = "Kubernetes version of the control plane"
  value       = aws_eks_cluster.main.version
}

output "cluster_endpoint" {
  description = "URL of the Kubernetes API (private unless eks_public_access_cidrs is set)"
  value       = aws_eks_cluster.main.endpoint
}

output "cluster_ca_certificate" {
  description = "CA certificate of the Kubernetes API, base64 of PEM"
  value       = aws_eks_cluster.main.certificate_authority[0].data
}

output "cluster_oidc_provider_arn" {
  description = "OIDC provider that IRSA roles trust"
  value       = aws_iam_openid_connect_provider.eks.arn
}

output "namespace" {
  description = "Kubernetes namespace of the services"
  value       = local.namespace
}

output "service_role_arns" {
  description = "IAM role of each service's pods, by service"
  value       = { for service in local.services : service => aws_iam_role.irsa[service].arn }
}

output "controller_role_arns" {
  description = "IAM role of each cluster controller and of the backup job (db-backup), by name"
  value       = { for name, role in aws_iam_role.irsa : name => role.arn if !contains(local.services, name) }
}

# -----------------------------------------------------------------------------
# PostgreSQL
# -----------------------------------------------------------------------------

output "rds_instance_id" {
  description = "Identifier of the primary"
  value       = aws_db_instance.main.identifier
}

output "rds_resource_id" {
  description = "DbiResourceId of the primary; changes when the instance is replaced, which ends a chain of incremental backups"
  value       = aws_db_instance.main.resource_id
}

output "rds_endpoint" {
  description = "Host name of the primary, without the port"
  value       = aws_db_instance.main.address
}

output "rds_port" {
  description = "Port of PostgreSQL"
  value       = aws_db_instance.main.port
}

output "rds_database_name" {
  description = "Database of the platform"
  value       = aws_db_instance.main.db_name
}

output "rds_secret_arn" {
  description = "Secrets Manager entry with host, port, dbname, username, password"
  value       = aws_secretsmanager_secret.database.arn
}

output "rds_replica_ids" {
  description = "Identifiers of the read replicas"
  value       = [for replica in aws_db_instance.replica : replica.identifier]
}

output "rds_replica_endpoints" {
  description = "Host names of the read replicas, without the port"
  value       = [for replica in aws_db_instance.replica : replica.address]
}

# -----------------------------------------------------------------------------
# Redis
# -----------------------------------------------------------------------------

output "redis_replication_group_id" {
  description = "Replication group"
  value       = aws_elasticache_replication_group.main.id
}

output "redis_primary_endpoint" {
  description = "Host name for writes; follows a failover"
  value       = aws_elasticache_replication_group.main.primary_endpoint_address
}

output "redis_reader_endpoint" {
  description = "Host name for reads, spread over the replicas"
  value       = aws_elasticache_replication_group.main.reader_endpoint_address
}

output "redis_port" {
  description = "Port of Redis (TLS)"
  value       = aws_elasticache_replication_group.main.port
}

output "redis_secret_arn" {
  description = "Secrets Manager entry with host, port, auth_token"
  value       = aws_secretsmanager_secret.redis.arn
}

# -----------------------------------------------------------------------------
# Kafka
# -----------------------------------------------------------------------------

output "kafka_cluster_name" {
  description = "MSK cluster; the value of the metric dimension \"Cluster Name\""
  value       = aws_msk_cluster.main.cluster_name
}

output "kafka_cluster_arn" {
  description = "ARN of the MSK cluster"
  value       = aws_msk_cluster.main.arn
}

output "kafka_configuration_name" {
  description = "MSK configuration in use; its name ends in the hash of its content"
  value       = aws_msk_configuration.main.name
}

output "kafka_bootstrap_brokers" {
  description = "Brokers for IAM authentication over TLS, host:9098 separated by commas"
  value       = aws_msk_cluster.main.bootstrap_brokers_sasl_iam
}

output "kafka_secret_arn" {
  description = "Secrets Manager entry with bootstrap_servers"
  value       = aws_secretsmanager_secret.kafka.arn
}

# -----------------------------------------------------------------------------
# Logs, dashboards, alerts
# -----------------------------------------------------------------------------

output "log_groups" {
  description = "Log groups for emr logs, by source: eks, application, dataplane, host, performance, rds, rds_upgrade, redis_slow, redis_engine, kafka, vpc_flow (null when off), cloudtrail"
  value = {
    eks          = aws_cloudwatch_log_group.eks_cluster.name
    application  = aws_cloudwatch_log_group.container_insights["application"].name
    dataplane    = aws_cloudwatch_log_group.container_insights["dataplane"].name
    host         = aws_cloudwatch_log_group.container_insights["host"].name
    performance  = aws_cloudwatch_log_group.container_insights["performance"].name
    rds          = aws_cloudwatch_log_group.rds["/aws/rds/instance/${local.rds_identifier}/postgresql"].name
    rds_upgrade  = aws_cloudwatch_log_group.rds["/aws/rds/instance/${local.rds_identifier}/upgrade"].name
    redis_slow   = aws_cloudwatch_log_group.redis["slow-log"].name
    redis_engine = aws_cloudwatch_log_group.redis["engine-log"].name
    kafka        = aws_cloudwatch_log_group.msk.name
    vpc_flow     = one(aws_cloudwatch_log_group.flow_logs[*].name)
    cloudtrail   = aws_cloudwatch_log_group.cloudtrail.name
  }
}

output "dashboards" {
  description = "CloudWatch dashboards by subject: eks, rds, redis, msk, application"
  value       = { for subject, dashboard in aws_cloudwatch_dashboard.main : subject => dashboard.dashboard_name }
}

output "alerts_topic_arn" {
  description = "SNS topic of all alarms"
  value       = aws_sns_topic.alerts.arn
}

output "cloudtrail_arn" {
  description = "Trail of API calls"
  value       = aws_cloudtrail.main.arn
}

# -----------------------------------------------------------------------------
# Backups and buckets
# -----------------------------------------------------------------------------

output "backup_bucket" {
  description = "Bucket for emr db-backup"
  value       = aws_s3_bucket.backups.id
}

output "backup_kms_key_arn" {
  description = "Key of the backup bucket and of the AWS Backup vault"
  value       = aws_kms_key.backup.arn
}

output "backup_vault_name" {
  description = "AWS Backup vault"
  value       = aws_backup_vault.main.name
}

output "audit_bucket" {
  description = "Bucket of CloudTrail and AWS Config"
  value       = aws_s3_bucket.audit.id
}

output "access_logs_bucket" {
  description = "Bucket of S3 and load-balancer access logs; the charts' ingress.accessLogsBucket"
  value       = aws_s3_bucket.access_logs.id
}

output "kms_key_arns" {
  description = "Customer-managed keys by what they encrypt"
  value = {
    eks     = aws_kms_key.eks.arn
    ebs     = aws_kms_key.ebs.arn
    rds     = aws_kms_key.rds.arn
    redis   = aws_kms_key.redis.arn
    msk     = aws_kms_key.msk.arn
    secrets = aws_kms_key.secrets.arn
    logs    = aws_kms_key.logs.arn
    backup  = aws_kms_key.backup.arn
    alerts  = aws_kms_key.alerts.arn
  }
}
