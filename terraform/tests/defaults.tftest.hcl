# The defaults, with nothing set but what has none: the documented values, and the warnings that go with them.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment = "development"
  owner_email = "dev-team@example.com"
}

# Mistake: a warning that no longer comes for a version that AWS refuses; the apply then fails after half an hour.
run "documented_versions_warn" {
  command = plan

  expect_failures = [
    check.eks_version_creatable,
    check.rds_version_creatable,
    check.kafka_version_creatable,
    check.eks_administrators_named,
  ]
}

# Mistake: a default that silently leaves the documentation.
run "documented_defaults" {
  command = plan

  # Warned about above; here they are only in the way of the assertions.
  expect_failures = [
    check.eks_version_creatable,
    check.rds_version_creatable,
    check.kafka_version_creatable,
    check.eks_administrators_named,
  ]

  assert {
    condition     = aws_eks_cluster.main.version == "1.28" && aws_db_instance.main.engine_version == "15.4" && aws_elasticache_replication_group.main.engine_version == "7.0" && aws_msk_cluster.main.kafka_version == "3.5.1"
    error_message = "documented versions"
  }

  assert {
    condition     = aws_db_instance.main.instance_class == "db.r6i.2xlarge" && aws_elasticache_replication_group.main.node_type == "cache.r6g.xlarge" && aws_msk_cluster.main.broker_node_group_info[0].instance_type == "kafka.m5.2xlarge"
    error_message = "documented sizes"
  }

  assert {
    condition     = aws_elasticache_replication_group.main.num_cache_clusters == 3 && aws_msk_cluster.main.number_of_broker_nodes == 3 && aws_db_instance.main.allocated_storage == 100 && aws_db_instance.main.backup_retention_period == 30 && aws_db_instance.main.deletion_protection
    error_message = "documented counts, and protection on"
  }
}
