# Combinations that must be refused, what is only warned about, and the documented variable files as they are written.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment              = "development"
  owner_email              = "dev-team@example.com"
  eks_version              = "1.33"
  rds_engine_version       = "15.13"
  msk_kafka_version        = "3.8.x"
  eks_admin_principal_arns = ["arn:aws:iam::111111111111:role/emr-platform-deployer"]
}

# -----------------------------------------------------------------------------
# Combinations that cannot work
# -----------------------------------------------------------------------------

# Mistake: the documented development file, which asks MSK for one broker.
run "one_broker" {
  command = plan

  variables {
    msk_number_of_broker_nodes = 1
  }

  expect_failures = [aws_msk_cluster.main]
}

# Mistake: brokers that do not spread evenly over three zones.
run "four_brokers" {
  command = plan

  variables {
    msk_number_of_broker_nodes = 4
  }

  expect_failures = [aws_msk_cluster.main]
}

# Mistake: a maximum below the initial size.
run "kafka_shrinking" {
  command = plan

  variables {
    msk_broker_volume_size     = 2000
    msk_broker_volume_max_size = 1500
  }

  expect_failures = [aws_msk_cluster.main]
}

# Mistake: a maximum that RDS refuses as too close.
run "storage_without_room_to_grow" {
  command = plan

  variables {
    rds_allocated_storage     = 1000
    rds_max_allocated_storage = 1050
  }

  expect_failures = [aws_db_instance.main]
}

# Mistake: production without a standby.
run "production_in_one_zone" {
  command = plan

  variables {
    environment = "production"
    multi_az    = false
  }

  expect_failures = [aws_db_instance.main]
}

# Mistake: production without the compliance record.
run "production_without_flow_logs" {
  command = plan

  variables {
    environment      = "production"
    multi_az         = true
    enable_flow_logs = false
  }

  expect_failures = [aws_vpc.main]
}

# Mistake: production sessions on one node.
run "production_with_one_redis_node" {
  command = plan

  variables {
    environment           = "production"
    multi_az              = true
    redis_num_cache_nodes = 1
  }

  expect_failures = [aws_elasticache_replication_group.main]
}

# Mistake: production events in two zones.
run "production_with_two_brokers" {
  command = plan

  variables {
    environment                = "production"
    multi_az                   = true
    msk_number_of_broker_nodes = 2
  }

  expect_failures = [aws_msk_cluster.main]
}

# Mistake: Security Hub with nothing to read.
run "security_hub_without_config" {
  command = plan

  variables {
    enable_security_hub = true
  }

  expect_failures = [aws_securityhub_account.main]
}

# Mistake: a region with two zones, where the third subnet has nowhere to go.
run "region_with_two_zones" {
  command = plan

  override_data {
    target = data.aws_availability_zones.available
    values = { names = ["us-west-1a", "us-west-1c"] }
  }

  variables {
    aws_region = "us-west-1"
  }

  expect_failures = [data.aws_availability_zones.available]
}

# -----------------------------------------------------------------------------
# Advice
# -----------------------------------------------------------------------------

# Mistake: production left deletable after a planned destroy was called off.
run "production_without_deletion_protection_warns" {
  command = plan

  variables {
    environment         = "production"
    multi_az            = true
    deletion_protection = false
  }

  expect_failures = [check.deletion_protection_in_production]
}

# -----------------------------------------------------------------------------
# The documented variable files, word for word (but for Kafka's one broker)
# -----------------------------------------------------------------------------

# Mistake: a renamed variable or a stricter rule that breaks files which people already have. The documented versions are
# the defaults and warn.
run "documented_development_file" {
  command = plan

  variables {
    environment                = "development"
    owner_email                = "dev-team@example.com"
    rds_instance_class         = "db.r6i.large"
    redis_node_type            = "cache.r6g.large"
    msk_instance_type          = "kafka.m5.large"
    rds_read_replica_count     = 0
    redis_num_cache_nodes      = 1
    msk_number_of_broker_nodes = 2
  }

  assert {
    condition     = aws_db_instance.main.instance_class == "db.r6i.large" && length(aws_db_instance.replica) == 0 && aws_elasticache_replication_group.main.num_cache_clusters == 1 && aws_msk_cluster.main.number_of_broker_nodes == 2 && !aws_db_instance.main.multi_az
    error_message = "development as documented"
  }

  # The committed file must say the same as this run.
  assert {
    condition = alltrue([
      for name, value in {
        environment                = var.environment
        owner_email                = var.owner_email
        rds_instance_class         = var.rds_instance_class
        redis_node_type            = var.redis_node_type
        msk_instance_type          = var.msk_instance_type
        rds_read_replica_count     = var.rds_read_replica_count
        redis_num_cache_nodes      = var.redis_num_cache_nodes
        msk_number_of_broker_nodes = var.msk_number_of_broker_nodes
      } : contains([for line in split("\n", file("environments/development.tfvars")) : trimspace(replace(replace(line, "/ +/", " "), "\"", ""))], "${name} = ${value}")
    ])
    error_message = "development.tfvars is not what is documented"
  }
}

# Mistake: the same, for production, where preconditions are strictest.
run "documented_production_file" {
  command = plan

  variables {
    environment                = "production"
    owner_email                = "platform-team@example.com"
    rds_instance_class         = "db.r6i.2xlarge"
    redis_node_type            = "cache.r6g.xlarge"
    msk_instance_type          = "kafka.m5.2xlarge"
    multi_az                   = true
    rds_read_replica_count     = 2
    redis_num_cache_nodes      = 3
    msk_number_of_broker_nodes = 3
    enable_flow_logs           = true
  }

  assert {
    condition     = aws_db_instance.main.multi_az && length(aws_db_instance.replica) == 2 && aws_elasticache_replication_group.main.num_cache_clusters == 3 && aws_msk_cluster.main.number_of_broker_nodes == 3 && length(aws_flow_log.main) == 1
    error_message = "production as documented"
  }

  # The committed file must say the same as this run.
  assert {
    condition = alltrue([
      for name, value in {
        environment                = var.environment
        owner_email                = var.owner_email
        rds_instance_class         = var.rds_instance_class
        redis_node_type            = var.redis_node_type
        msk_instance_type          = var.msk_instance_type
        multi_az                   = var.multi_az
        rds_read_replica_count     = var.rds_read_replica_count
        redis_num_cache_nodes      = var.redis_num_cache_nodes
        msk_number_of_broker_nodes = var.msk_number_of_broker_nodes
        enable_flow_logs           = var.enable_flow_logs
      } : contains([for line in split("\n", file("environments/production.tfvars")) : trimspace(replace(replace(line, "/ +/", " "), "\"", ""))], "${name} = ${value}")
    ])
    error_message = "production.tfvars is not what is documented"
  }
}
