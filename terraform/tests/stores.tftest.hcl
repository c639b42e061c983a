# Redis and Kafka.

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

  # Redis is protected.
  # Mistake: sessions in clear text on disk or on the wire, or a cache without a token.
  assert {
    condition     = aws_elasticache_replication_group.main.at_rest_encryption_enabled == "true" && aws_elasticache_replication_group.main.kms_key_id == aws_kms_key.redis.arn
    error_message = "at rest: the customer-managed key"
  }

  assert {
    condition     = aws_elasticache_replication_group.main.transit_encryption_enabled && aws_elasticache_replication_group.main.transit_encryption_mode == "required"
    error_message = "in transit: required, since preferred accepts plaintext"
  }

  assert {
    condition     = nonsensitive(aws_elasticache_replication_group.main.auth_token == aws_secretsmanager_secret_version.redis_auth_token.secret_string)
    error_message = "the token must be set at creation"
  }

  assert {
    condition     = aws_elasticache_subnet_group.main.subnet_ids == toset([for subnet in aws_subnet.database : subnet.id]) && aws_elasticache_replication_group.main.subnet_group_name == aws_elasticache_subnet_group.main.name
    error_message = "Redis belongs in the database tier"
  }

  # Redis is what is documented.
  # Mistake: documented size or daily snapshots lost, or logs to nowhere.
  assert {
    condition     = aws_elasticache_replication_group.main.engine == "redis" && aws_elasticache_replication_group.main.engine_version == "7.0" && aws_elasticache_replication_group.main.node_type == "cache.r6g.xlarge" && aws_elasticache_replication_group.main.num_cache_clusters == 3
    error_message = "Redis 7.0, three nodes of cache.r6g.xlarge"
  }

  assert {
    condition     = aws_elasticache_replication_group.main.automatic_failover_enabled && aws_elasticache_replication_group.main.multi_az_enabled
    error_message = "three nodes fail over between zones"
  }

  assert {
    condition     = aws_elasticache_replication_group.main.snapshot_retention_limit == 30
    error_message = "daily snapshots, kept 30 days"
  }

  assert {
    condition     = toset([for delivery in aws_elasticache_replication_group.main.log_delivery_configuration : delivery.log_type]) == toset(["slow-log", "engine-log"])
    error_message = "slow and engine logs go to CloudWatch"
  }

  # Kafka is protected.
  # Mistake: a broker that lets anyone in, or speaks plaintext.
  assert {
    condition     = aws_msk_cluster.main.client_authentication[0].unauthenticated == false && aws_msk_cluster.main.client_authentication[0].sasl[0].iam && !aws_msk_cluster.main.client_authentication[0].sasl[0].scram && length(aws_msk_cluster.main.client_authentication[0].tls) == 0
    error_message = "IAM is the only way in"
  }

  assert {
    condition     = aws_msk_cluster.main.encryption_info[0].encryption_in_transit[0].client_broker == "TLS" && aws_msk_cluster.main.encryption_info[0].encryption_in_transit[0].in_cluster
    error_message = "TLS to clients and between brokers"
  }

  assert {
    condition     = aws_msk_cluster.main.encryption_info[0].encryption_at_rest_kms_key_arn == aws_kms_key.msk.arn
    error_message = "at rest: the customer-managed key"
  }

  assert {
    condition     = aws_msk_cluster.main.broker_node_group_info[0].connectivity_info[0].public_access[0].type == "DISABLED" && aws_msk_cluster.main.broker_node_group_info[0].client_subnets == toset([for subnet in aws_subnet.database : subnet.id])
    error_message = "no public brokers; the database tier"
  }

  # Kafka is what is documented.
  # Mistake: documented size lost, or a disk that cannot grow.
  assert {
    condition     = aws_msk_cluster.main.number_of_broker_nodes == 3 && aws_msk_cluster.main.broker_node_group_info[0].instance_type == "kafka.m5.2xlarge" && aws_msk_cluster.main.broker_node_group_info[0].storage_info[0].ebs_storage_info[0].volume_size == 1000
    error_message = "three brokers of kafka.m5.2xlarge with 1 TB"
  }

  assert {
    condition     = aws_appautoscaling_target.msk_storage.max_capacity == 5000 && aws_appautoscaling_target.msk_storage.min_capacity == 1 && aws_appautoscaling_target.msk_storage.resource_id == aws_msk_cluster.main.arn
    error_message = "storage grows to 5 TB"
  }

  assert {
    condition     = aws_appautoscaling_policy.msk_storage.target_tracking_scaling_policy_configuration[0].disable_scale_in && aws_appautoscaling_policy.msk_storage.target_tracking_scaling_policy_configuration[0].predefined_metric_specification[0].predefined_metric_type == "KafkaBrokerStorageUtilization"
    error_message = "a broker's disk cannot shrink: MSK refuses a policy that could"
  }

  assert {
    condition     = aws_msk_cluster.main.enhanced_monitoring == "PER_TOPIC_PER_BROKER" && aws_msk_cluster.main.open_monitoring[0].prometheus[0].jmx_exporter[0].enabled_in_broker && aws_msk_cluster.main.open_monitoring[0].prometheus[0].node_exporter[0].enabled_in_broker
    error_message = "enhanced monitoring and Prometheus"
  }

  assert {
    condition     = aws_msk_cluster.main.logging_info[0].broker_logs[0].cloudwatch_logs[0].enabled && aws_msk_cluster.main.logging_info[0].broker_logs[0].cloudwatch_logs[0].log_group == aws_cloudwatch_log_group.msk.name
    error_message = "broker logs go to their log group"
  }

  # Kafka writes are durable.
  # Mistake: acknowledged events lost with one broker, or topics made by a typing error.
  assert {
    condition     = strcontains(aws_msk_configuration.main.server_properties, "default.replication.factor=3\n") && strcontains(aws_msk_configuration.main.server_properties, "min.insync.replicas=2\n") && strcontains(aws_msk_configuration.main.server_properties, "unclean.leader.election.enable=false\n") && strcontains(aws_msk_configuration.main.server_properties, "auto.create.topics.enable=false\n")
    error_message = "three copies, two in sync, no unclean leader, no automatic topics"
  }

  assert {
    condition     = can(regex("^emr-platform-production-kafka-[0-9a-f]{8}$", aws_msk_configuration.main.name))
    error_message = "the configuration's name must carry the hash of its content"
  }
}

# Mistake: failover asked of one node, which ElastiCache refuses at apply.
run "one_redis_node_has_no_failover" {
  command = plan

  variables {
    environment           = "development"
    redis_num_cache_nodes = 1
  }

  assert {
    condition     = !aws_elasticache_replication_group.main.automatic_failover_enabled && !aws_elasticache_replication_group.main.multi_az_enabled
    error_message = "one node: no failover, no multi-AZ"
  }
}

# Mistake: a changed configuration under the same name: MSK refuses to delete the one in use, and the apply is stuck.
run "another_kafka_configuration_has_another_name" {
  command = plan

  variables {
    msk_kafka_version = "3.9.x"
  }

  assert {
    condition     = aws_msk_configuration.main.name != run.apply.kafka_configuration_name
    error_message = "a change must give a new name"
  }
}

# Mistake: two brokers in three zones (refused), or a minimum of two in-sync copies that stops all writes while one is patched.
run "two_brokers_take_two_zones" {
  command = plan

  variables {
    environment                = "development"
    msk_number_of_broker_nodes = 2
  }

  assert {
    condition     = length(aws_msk_cluster.main.broker_node_group_info[0].client_subnets) == 2
    error_message = "two brokers, two zones"
  }

  assert {
    condition     = strcontains(aws_msk_configuration.main.server_properties, "default.replication.factor=2\n") && strcontains(aws_msk_configuration.main.server_properties, "min.insync.replicas=1\n")
    error_message = "two copies, one in sync"
  }
}
