# =============================================================================
# Staging: production's shape with smaller machines, so that what works here works there
# =============================================================================

environment = "staging"
owner_email = "platform-team@example.com"

rds_instance_class = "db.r6i.xlarge"
redis_node_type    = "cache.r6g.large"
msk_instance_type  = "kafka.m5.large"

multi_az                   = true
rds_read_replica_count     = 1
redis_num_cache_nodes      = 3
msk_number_of_broker_nodes = 3

enable_flow_logs = true

# The documented versions (EKS 1.28, PostgreSQL 15.4, Kafka 3.5.1) are the defaults, and AWS creates none of them any more.
# For a NEW environment use these.
# eks_version        = "1.33"
# rds_engine_version = "15.13"
# msk_kafka_version  = "3.8.x"

# Guards and access of your own account:
# aws_account_id            = "222222222222"
# eks_admin_principal_arns  = ["arn:aws:iam::222222222222:role/emr-platform-deployer"]
# eks_viewer_principal_arns = ["arn:aws:iam::222222222222:role/emr-platform-developer"]
# eks_private_access_cidrs  = ["172.16.0.0/16"]
