# =============================================================================
# Production: patient data. Every protection is on by default or demanded by a precondition.
# =============================================================================

environment = "production"
owner_email = "platform-team@example.com"

# Production-grade instances
rds_instance_class = "db.r6i.2xlarge"
redis_node_type    = "cache.r6g.xlarge"
msk_instance_type  = "kafka.m5.2xlarge"

# High availability
multi_az                   = true
rds_read_replica_count     = 2
redis_num_cache_nodes      = 3
msk_number_of_broker_nodes = 3

# Enhanced monitoring
enable_flow_logs = true

# The documented versions (EKS 1.28, PostgreSQL 15.4, Kafka 3.5.1) are the defaults, and AWS creates none of them any more.
# For a NEW environment use these.
# eks_version        = "1.33"
# rds_engine_version = "15.13"
# msk_kafka_version  = "3.8.x"

# Guards and access of your own account:
# aws_account_id            = "333333333333"
# eks_admin_principal_arns  = ["arn:aws:iam::333333333333:role/emr-platform-deployer"]
# eks_viewer_principal_arns = ["arn:aws:iam::333333333333:role/emr-platform-developer"]
# eks_private_access_cidrs  = ["172.16.0.0/16"]

# Disaster recovery: a vault in another region that gets a copy of each recovery point.
# backup_copy_vault_arn = "arn:aws:backup:us-west-2:333333333333:backup-vault:emr-platform-dr"

# Where the organisation does not run them already:
# enable_guardduty    = true
# enable_config       = true
# enable_security_hub = true
