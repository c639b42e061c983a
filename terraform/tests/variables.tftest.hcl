# Every variable's own check, with the mistakes it catches: several variables in a run, each of which has to be refused.

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

run "mistakes_1" {
  command = plan

  variables {
    # a typing error that makes a fourth environment.
    environment = "prod"
    # alerts that go nowhere.
    owner_email = "platform-team"
    # a zone where a region belongs.
    aws_region = "us-east-1a"
    # an account id written as a number loses its leading zero.
    aws_account_id = "12345678901"
    # two zones, where MSK and NAT need three.
    availability_zones = ["us-east-1a", "us-east-1b"]
    # a load balancer that nobody reaches.
    alb_ingress_cidrs = []
    # logs gone before an audit asks for them.
    log_retention_days = 90
    # a patch version.
    eks_version = "1.33.1"
    # a type outside the documented range.
    eks_node_groups = { a = { instance_type = "t3.large", min_size = 2, max_size = 4 } }
    # an assumed-role session, which an access entry never matches.
    eks_admin_principal_arns = ["arn:aws:sts::111111111111:assumed-role/deployer/alice"]
    # a whole account as a viewer.
    eks_viewer_principal_arns = ["arn:aws:iam::111111111111:root"]
    # the Kubernetes API on the internet.
    eks_public_access_cidrs = ["0.0.0.0/0"]
    # a public network in the list of private ones.
    eks_private_access_cidrs = ["203.0.113.0/24"]
    # a typing error that pins nothing.
    eks_addon_versions = { core-dns = "v1.11.3" }
    # a major version whose parameters and backups nobody proved.
    rds_engine_version = "16.4"
    # an instance without steady CPU.
    rds_instance_class = "db.t3.large"
    # less storage than documented.
    rds_allocated_storage = 20
    # more than RDS has.
    rds_max_allocated_storage = 70000
    # a name that RDS reserves.
    rds_database_name = "postgres"
    # a user that RDS reserves.
    rds_master_username = "rdsadmin"
    # less than the documented 30 days.
    rds_backup_retention_days = 7
    # more replicas than slots and senders were counted for.
    rds_read_replica_count = 6
    # a version with another parameter family.
    redis_engine_version = "6.2"
    # a node without steady CPU.
    redis_node_type = "cache.t3.micro"
    # no node.
    redis_num_cache_nodes = 0
    # a version that MSK does not know.
    msk_kafka_version = "2.8.1"
    # a broker without storage scaling.
    msk_instance_type = "kafka.t3.small"
    # more brokers than MSK gives without asking.
    msk_number_of_broker_nodes = 33
    # a disk larger than MSK has.
    msk_broker_volume_size = 20000
    # a maximum larger than MSK has.
    msk_broker_volume_max_size = 20000
    # a window that Secrets Manager refuses.
    secret_recovery_window_days = 3
    # a generation that counts down.
    credentials_generation = 0
    # a mode that S3 does not know.
    backup_object_lock_mode = "governance"
    # a vault's name where its ARN belongs.
    backup_copy_vault_arn = "emr-platform-dr"
  }

  expect_failures = [
    var.environment,
    var.owner_email,
    var.aws_region,
    var.aws_account_id,
    var.availability_zones,
    var.alb_ingress_cidrs,
    var.log_retention_days,
    var.eks_version,
    var.eks_node_groups,
    var.eks_admin_principal_arns,
    var.eks_viewer_principal_arns,
    var.eks_public_access_cidrs,
    var.eks_private_access_cidrs,
    var.eks_addon_versions,
    var.rds_engine_version,
    var.rds_instance_class,
    var.rds_allocated_storage,
    var.rds_max_allocated_storage,
    var.rds_database_name,
    var.rds_master_username,
    var.rds_backup_retention_days,
    var.rds_read_replica_count,
    var.redis_engine_version,
    var.redis_node_type,
    var.redis_num_cache_nodes,
    var.msk_kafka_version,
    var.msk_instance_type,
    var.msk_number_of_broker_nodes,
    var.msk_broker_volume_size,
    var.msk_broker_volume_max_size,
    var.secret_recovery_window_days,
    var.credentials_generation,
    var.backup_object_lock_mode,
    var.backup_copy_vault_arn,
  ]
}

run "mistakes_2" {
  command = plan

  variables {
    # two addresses in one tag.
    owner_email = "a@example.com, b@example.com"
    # the same zone twice.
    availability_zones = ["us-east-1a", "us-east-1b", "us-east-1a"]
    # an address without its prefix length.
    alb_ingress_cidrs = ["203.0.113.7"]
    # a number of days that CloudWatch Logs refuses at apply.
    log_retention_days = 500
    # a version below the documented one.
    eks_version = "1.27"
    # two groups that the autoscaler cannot choose between.
    eks_node_groups = { a = { instance_type = "m6i.xlarge", min_size = 1, max_size = 2 }, b = { instance_type = "m6i.xlarge", min_size = 1, max_size = 2 } }
    # the same, written so that a search for 0.0.0.0/0 finds nothing.
    eks_public_access_cidrs = ["0.0.0.0/1", "128.0.0.0/1"]
    # the EC2 name of the type.
    rds_instance_class = "r6i.2xlarge"
    # more than RDS keeps.
    rds_backup_retention_days = 60
    # more than five replicas.
    redis_num_cache_nodes = 7
    # no broker.
    msk_number_of_broker_nodes = 0
  }

  expect_failures = [
    var.owner_email,
    var.availability_zones,
    var.alb_ingress_cidrs,
    var.log_retention_days,
    var.eks_version,
    var.eks_node_groups,
    var.eks_public_access_cidrs,
    var.rds_instance_class,
    var.rds_backup_retention_days,
    var.redis_num_cache_nodes,
    var.msk_number_of_broker_nodes,
  ]
}

run "mistakes_3" {
  command = plan

  variables {
    # bounds the wrong way round.
    eks_node_groups = { a = { instance_type = "m6i.xlarge", min_size = 4, max_size = 3 } }
    # the same in IPv6.
    eks_public_access_cidrs = ["::/0"]
  }

  expect_failures = [
    var.eks_node_groups,
    var.eks_public_access_cidrs,
  ]
}

run "mistakes_4" {
  command = plan

  variables {
    # a cluster of one node.
    eks_node_groups = { a = { instance_type = "m6i.xlarge", min_size = 1, max_size = 12 } }
  }

  expect_failures = [
    var.eks_node_groups,
  ]
}

run "mistakes_5" {
  command = plan

  variables {
    # groups that together exceed the documented twelve.
    eks_node_groups = { a = { instance_type = "m6i.xlarge", min_size = 2, max_size = 8 }, b = { instance_type = "m6i.2xlarge", min_size = 0, max_size = 5 } }
  }

  expect_failures = [
    var.eks_node_groups,
  ]
}

run "mistakes_6" {
  command = plan

  variables {
    # no group at all.
    eks_node_groups = {}
  }

  expect_failures = [
    var.eks_node_groups,
  ]
}

run "mistakes_7" {
  command = plan

  variables {
    # a name that EKS refuses.
    eks_node_groups = { "A_b" = { instance_type = "m6i.xlarge", min_size = 2, max_size = 8 } }
  }

  expect_failures = [
    var.eks_node_groups,
  ]
}
