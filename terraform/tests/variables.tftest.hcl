# Every variable's own check, with the mistake it catches. Every run must fail, at the variable it names.

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

# Mistake: a typing error that makes a fourth environment.
run "environment_unknown" {
  command = plan

  variables {
    environment = "prod"
  }

  expect_failures = [var.environment]
}

# Mistake: alerts that go nowhere.
run "owner_email_without_domain" {
  command = plan

  variables {
    owner_email = "platform-team"
  }

  expect_failures = [var.owner_email]
}

# Mistake: two addresses in one tag.
run "owner_email_two" {
  command = plan

  variables {
    owner_email = "a@example.com, b@example.com"
  }

  expect_failures = [var.owner_email]
}

# Mistake: a zone where a region belongs.
run "region_is_a_zone" {
  command = plan

  variables {
    aws_region = "us-east-1a"
  }

  expect_failures = [var.aws_region]
}

# Mistake: an account id written as a number loses its leading zero.
run "account_without_leading_zero" {
  command = plan

  variables {
    aws_account_id = "12345678901"
  }

  expect_failures = [var.aws_account_id]
}

# Mistake: two zones, where MSK and NAT need three.
run "two_zones" {
  command = plan

  variables {
    availability_zones = ["us-east-1a", "us-east-1b"]
  }

  expect_failures = [var.availability_zones]
}

# Mistake: the same zone twice.
run "one_zone_twice" {
  command = plan

  variables {
    availability_zones = ["us-east-1a", "us-east-1b", "us-east-1a"]
  }

  expect_failures = [var.availability_zones]
}

# Mistake: a load balancer that nobody reaches.
run "alb_open_to_nobody" {
  command = plan

  variables {
    alb_ingress_cidrs = []
  }

  expect_failures = [var.alb_ingress_cidrs]
}

# Mistake: an address without its prefix length.
run "alb_cidr_is_an_address" {
  command = plan

  variables {
    alb_ingress_cidrs = ["203.0.113.7"]
  }

  expect_failures = [var.alb_ingress_cidrs]
}

# Mistake: logs gone before an audit asks for them.
run "logs_kept_too_short" {
  command = plan

  variables {
    log_retention_days = 90
  }

  expect_failures = [var.log_retention_days]
}

# Mistake: a number of days that CloudWatch Logs refuses at apply.
run "logs_kept_an_unknown_time" {
  command = plan

  variables {
    log_retention_days = 500
  }

  expect_failures = [var.log_retention_days]
}

# Mistake: a patch version.
run "eks_version_is_a_number" {
  command = plan

  variables {
    eks_version = "1.33.1"
  }

  expect_failures = [var.eks_version]
}

# Mistake: a version below the documented one.
run "eks_version_too_old" {
  command = plan

  variables {
    eks_version = "1.27"
  }

  expect_failures = [var.eks_version]
}

# Mistake: a type outside the documented range.
run "nodes_of_another_type" {
  command = plan

  variables {
    eks_node_groups = { a = { instance_type = "t3.large", min_size = 2, max_size = 4 } }
  }

  expect_failures = [var.eks_node_groups]
}

# Mistake: two groups that the autoscaler cannot choose between.
run "nodes_two_groups_of_one_size" {
  command = plan

  variables {
    eks_node_groups = { a = { instance_type = "m6i.xlarge", min_size = 1, max_size = 2 }, b = { instance_type = "m6i.xlarge", min_size = 1, max_size = 2 } }
  }

  expect_failures = [var.eks_node_groups]
}

# Mistake: bounds the wrong way round.
run "nodes_minimum_above_maximum" {
  command = plan

  variables {
    eks_node_groups = { a = { instance_type = "m6i.xlarge", min_size = 4, max_size = 3 } }
  }

  expect_failures = [var.eks_node_groups]
}

# Mistake: a cluster of one node.
run "nodes_fewer_than_two" {
  command = plan

  variables {
    eks_node_groups = { a = { instance_type = "m6i.xlarge", min_size = 1, max_size = 12 } }
  }

  expect_failures = [var.eks_node_groups]
}

# Mistake: groups that together exceed the documented twelve.
run "nodes_more_than_twelve" {
  command = plan

  variables {
    eks_node_groups = { a = { instance_type = "m6i.xlarge", min_size = 2, max_size = 8 }, b = { instance_type = "m6i.2xlarge", min_size = 0, max_size = 5 } }
  }

  expect_failures = [var.eks_node_groups]
}

# Mistake: no group at all.
run "nodes_none" {
  command = plan

  variables {
    eks_node_groups = {}
  }

  expect_failures = [var.eks_node_groups]
}

# Mistake: a name that EKS refuses.
run "nodes_group_name" {
  command = plan

  variables {
    eks_node_groups = { "A_b" = { instance_type = "m6i.xlarge", min_size = 2, max_size = 8 } }
  }

  expect_failures = [var.eks_node_groups]
}

# Mistake: an assumed-role session, which an access entry never matches.
run "admin_is_a_session" {
  command = plan

  variables {
    eks_admin_principal_arns = ["arn:aws:sts::111111111111:assumed-role/deployer/alice"]
  }

  expect_failures = [var.eks_admin_principal_arns]
}

# Mistake: a whole account as a viewer.
run "viewer_is_an_account" {
  command = plan

  variables {
    eks_viewer_principal_arns = ["arn:aws:iam::111111111111:root"]
  }

  expect_failures = [var.eks_viewer_principal_arns]
}

# Mistake: the Kubernetes API on the internet.
run "api_open_to_the_internet" {
  command = plan

  variables {
    eks_public_access_cidrs = ["0.0.0.0/0"]
  }

  expect_failures = [var.eks_public_access_cidrs]
}

# Mistake: the same, written so that a search for 0.0.0.0/0 finds nothing.
run "api_open_to_the_internet_in_two_halves" {
  command = plan

  variables {
    eks_public_access_cidrs = ["0.0.0.0/1", "128.0.0.0/1"]
  }

  expect_failures = [var.eks_public_access_cidrs]
}

# Mistake: the same in IPv6.
run "api_open_to_ipv6" {
  command = plan

  variables {
    eks_public_access_cidrs = ["::/0"]
  }

  expect_failures = [var.eks_public_access_cidrs]
}

# Mistake: a public network in the list of private ones.
run "private_access_from_the_internet" {
  command = plan

  variables {
    eks_private_access_cidrs = ["203.0.113.0/24"]
  }

  expect_failures = [var.eks_private_access_cidrs]
}

# Mistake: a typing error that pins nothing.
run "addon_unknown" {
  command = plan

  variables {
    eks_addon_versions = { core-dns = "v1.11.3" }
  }

  expect_failures = [var.eks_addon_versions]
}

# Mistake: a major version whose parameters and backups nobody proved.
run "postgres_another_major" {
  command = plan

  variables {
    rds_engine_version = "16.4"
  }

  expect_failures = [var.rds_engine_version]
}

# Mistake: an instance without steady CPU.
run "postgres_burstable" {
  command = plan

  variables {
    rds_instance_class = "db.t3.large"
  }

  expect_failures = [var.rds_instance_class]
}

# Mistake: the EC2 name of the type.
run "postgres_class_without_prefix" {
  command = plan

  variables {
    rds_instance_class = "r6i.2xlarge"
  }

  expect_failures = [var.rds_instance_class]
}

# Mistake: less storage than documented.
run "postgres_too_small" {
  command = plan

  variables {
    rds_allocated_storage = 20
  }

  expect_failures = [var.rds_allocated_storage]
}

# Mistake: more than RDS has.
run "postgres_maximum_too_large" {
  command = plan

  variables {
    rds_max_allocated_storage = 70000
  }

  expect_failures = [var.rds_max_allocated_storage]
}

# Mistake: a name that RDS reserves.
run "postgres_database_reserved" {
  command = plan

  variables {
    rds_database_name = "postgres"
  }

  expect_failures = [var.rds_database_name]
}

# Mistake: a user that RDS reserves.
run "postgres_user_reserved" {
  command = plan

  variables {
    rds_master_username = "rdsadmin"
  }

  expect_failures = [var.rds_master_username]
}

# Mistake: less than the documented 30 days.
run "postgres_seven_days_of_backups" {
  command = plan

  variables {
    rds_backup_retention_days = 7
  }

  expect_failures = [var.rds_backup_retention_days]
}

# Mistake: more than RDS keeps.
run "postgres_too_many_days_of_backups" {
  command = plan

  variables {
    rds_backup_retention_days = 60
  }

  expect_failures = [var.rds_backup_retention_days]
}

# Mistake: more replicas than slots and senders were counted for.
run "postgres_too_many_replicas" {
  command = plan

  variables {
    rds_read_replica_count = 6
  }

  expect_failures = [var.rds_read_replica_count]
}

# Mistake: a version with another parameter family.
run "redis_unknown_version" {
  command = plan

  variables {
    redis_engine_version = "6.2"
  }

  expect_failures = [var.redis_engine_version]
}

# Mistake: a node without steady CPU.
run "redis_burstable" {
  command = plan

  variables {
    redis_node_type = "cache.t3.micro"
  }

  expect_failures = [var.redis_node_type]
}

# Mistake: no node.
run "redis_no_node" {
  command = plan

  variables {
    redis_num_cache_nodes = 0
  }

  expect_failures = [var.redis_num_cache_nodes]
}

# Mistake: more than five replicas.
run "redis_too_many_nodes" {
  command = plan

  variables {
    redis_num_cache_nodes = 7
  }

  expect_failures = [var.redis_num_cache_nodes]
}

# Mistake: a version that MSK does not know.
run "kafka_unknown_version" {
  command = plan

  variables {
    msk_kafka_version = "2.8.1"
  }

  expect_failures = [var.msk_kafka_version]
}

# Mistake: a broker without storage scaling.
run "kafka_burstable" {
  command = plan

  variables {
    msk_instance_type = "kafka.t3.small"
  }

  expect_failures = [var.msk_instance_type]
}

# Mistake: more brokers than MSK gives without asking.
run "kafka_too_many_brokers" {
  command = plan

  variables {
    msk_number_of_broker_nodes = 33
  }

  expect_failures = [var.msk_number_of_broker_nodes]
}

# Mistake: no broker.
run "kafka_no_broker" {
  command = plan

  variables {
    msk_number_of_broker_nodes = 0
  }

  expect_failures = [var.msk_number_of_broker_nodes]
}

# Mistake: a disk larger than MSK has.
run "kafka_volume_too_large" {
  command = plan

  variables {
    msk_broker_volume_size = 20000
  }

  expect_failures = [var.msk_broker_volume_size]
}

# Mistake: a maximum larger than MSK has.
run "kafka_maximum_too_large" {
  command = plan

  variables {
    msk_broker_volume_max_size = 20000
  }

  expect_failures = [var.msk_broker_volume_max_size]
}

# Mistake: a window that Secrets Manager refuses.
run "recovery_window_too_short" {
  command = plan

  variables {
    secret_recovery_window_days = 3
  }

  expect_failures = [var.secret_recovery_window_days]
}

# Mistake: a generation that counts down.
run "generation_zero" {
  command = plan

  variables {
    credentials_generation = 0
  }

  expect_failures = [var.credentials_generation]
}

# Mistake: a mode that S3 does not know.
run "lock_mode_unknown" {
  command = plan

  variables {
    backup_object_lock_mode = "governance"
  }

  expect_failures = [var.backup_object_lock_mode]
}

# Mistake: a vault's name where its ARN belongs.
run "copy_vault_is_a_name" {
  command = plan

  variables {
    backup_copy_vault_arn = "emr-platform-dr"
  }

  expect_failures = [var.backup_copy_vault_arn]
}
