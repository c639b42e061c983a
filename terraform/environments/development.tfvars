# =============================================================================
# Development: small, no standby, cheap to destroy and make again
# =============================================================================

environment = "development"
owner_email = "dev-team@example.com"

# Smaller instance sizes for dev
rds_instance_class = "db.r6i.large"
redis_node_type    = "cache.r6g.large"
msk_instance_type  = "kafka.m5.large"

# Reduce replica counts
rds_read_replica_count = 0
redis_num_cache_nodes  = 1
# The documentation says 1, which Amazon MSK refuses: a cluster has at least two brokers, in two zones.
msk_number_of_broker_nodes = 2

# A deleted environment's secret names are free at once.
secret_recovery_window_days = 0

# The documented versions (EKS 1.28, PostgreSQL 15.4, Kafka 3.5.1) are the defaults, and AWS creates none of them any more.
# For a NEW environment use these.
# eks_version        = "1.33"
# rds_engine_version = "15.13"
# msk_kafka_version  = "3.8.x"

# Guards and access of your own account:
# aws_account_id            = "111111111111"
# eks_admin_principal_arns  = ["arn:aws:iam::111111111111:role/emr-platform-deployer"]
# eks_viewer_principal_arns = ["arn:aws:iam::111111111111:role/emr-platform-developer"]
# eks_private_access_cidrs  = ["172.16.0.0/16"]
