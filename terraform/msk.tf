# =============================================================================
# MSK: Kafka with IAM authentication over TLS, and storage that grows by itself
# =============================================================================

locals {
  # A broker per zone, or a multiple. Two brokers (the smallest cluster that MSK makes) take two zones.
  msk_zone_count = var.msk_number_of_broker_nodes == 2 ? 2 : 3
  msk_zones      = slice(local.zones, 0, local.msk_zone_count)

  # With three copies one broker may be down while writes still need two. With two brokers a minimum of two would stop all
  # writes during each broker's patching, so there it is one.
  msk_replication_factor = min(3, var.msk_number_of_broker_nodes)
  msk_min_insync         = max(1, local.msk_replication_factor - 1)

  msk_server_properties = join("\n", [
    "auto.create.topics.enable=false",
    "allow.everyone.if.no.acl.found=false",
    "default.replication.factor=${local.msk_replication_factor}",
    "min.insync.replicas=${local.msk_min_insync}",
    "offsets.topic.replication.factor=${local.msk_replication_factor}",
    "transaction.state.log.replication.factor=${local.msk_replication_factor}",
    "transaction.state.log.min.isr=${local.msk_min_insync}",
    "unclean.leader.election.enable=false",
    "num.partitions=6",
    "log.retention.hours=168",
    "",
  ])
}

# A configuration in use cannot be deleted, and its Kafka versions cannot be changed. Named by the hash of both, a change
# makes a new one, moves the cluster over, and only then deletes the old one.
resource "aws_msk_configuration" "main" {
  name           = "${local.msk_name}-${substr(sha256("${var.msk_kafka_version}\n${local.msk_server_properties}"), 0, 8)}"
  description    = "Durable writes, no topics by accident"
  kafka_versions = [var.msk_kafka_version]

  server_properties = local.msk_server_properties

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudwatch_log_group" "msk" {
  name              = "/aws/msk/${local.msk_name}/broker"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.logs.arn
}

resource "aws_msk_cluster" "main" {
  cluster_name           = local.msk_name
  kafka_version          = var.msk_kafka_version
  number_of_broker_nodes = var.msk_number_of_broker_nodes
  enhanced_monitoring    = "PER_TOPIC_PER_BROKER"
  storage_mode           = "LOCAL"

  broker_node_group_info {
    instance_type   = var.msk_instance_type
    az_distribution = "DEFAULT"
    client_subnets  = [for zone in local.msk_zones : aws_subnet.database[zone].id]
    security_groups = [aws_security_group.msk.id]

    storage_info {
      ebs_storage_info {
        volume_size = var.msk_broker_volume_size
      }
    }

    connectivity_info {
      public_access {
        type = "DISABLED"
      }
    }
  }

  client_authentication {
    unauthenticated = false

    sasl {
      iam   = true
      scram = false
    }
  }

  encryption_info {
    encryption_at_rest_kms_key_arn = aws_kms_key.msk.arn

    encryption_in_transit {
      client_broker = "TLS"
      in_cluster    = true
    }
  }

  configuration_info {
    arn      = aws_msk_configuration.main.arn
    revision = aws_msk_configuration.main.latest_revision
  }

  open_monitoring {
    prometheus {
      jmx_exporter {
        enabled_in_broker = true
      }

      node_exporter {
        enabled_in_broker = true
      }
    }
  }

  logging_info {
    broker_logs {
      cloudwatch_logs {
        enabled   = true
        log_group = aws_cloudwatch_log_group.msk.name
      }
    }
  }

  tags = { Name = local.msk_name }

  lifecycle {
    # Grown by the scaling policy below; EBS volumes of brokers never shrink.
    ignore_changes = [broker_node_group_info[0].storage_info[0].ebs_storage_info[0].volume_size]

    precondition {
      condition     = var.msk_number_of_broker_nodes >= 2
      error_message = "Amazon MSK has no cluster of one broker. Write msk_number_of_broker_nodes = 2 (the least, two zones) or 3 (the documented three zones)."
    }

    precondition {
      condition     = var.msk_number_of_broker_nodes % local.msk_zone_count == 0
      error_message = "Brokers are spread evenly over three zones, so msk_number_of_broker_nodes must be 2, 3 or a multiple of 3; ${var.msk_number_of_broker_nodes} is not. Write ${ceil(var.msk_number_of_broker_nodes / 3) * 3}."
    }

    precondition {
      condition     = !local.is_production || var.msk_number_of_broker_nodes >= 3
      error_message = "Production runs brokers in three zones. Set msk_number_of_broker_nodes = 3."
    }

    precondition {
      condition     = var.msk_broker_volume_max_size >= var.msk_broker_volume_size
      error_message = "msk_broker_volume_max_size (${var.msk_broker_volume_max_size} GiB) is below msk_broker_volume_size (${var.msk_broker_volume_size} GiB)."
    }
  }
}

# -----------------------------------------------------------------------------
# Storage scaling: 1 TB to 5 TB per broker
# https://docs.aws.amazon.com/msk/latest/developerguide/msk-autoexpand.html
# -----------------------------------------------------------------------------

resource "aws_appautoscaling_target" "msk_storage" {
  service_namespace  = "kafka"
  scalable_dimension = "kafka:broker-storage:VolumeSize"
  resource_id        = aws_msk_cluster.main.arn
  # Must be 1 for MSK: the real floor is the volume's present size.
  min_capacity = 1
  max_capacity = var.msk_broker_volume_max_size
}

resource "aws_appautoscaling_policy" "msk_storage" {
  name               = "${local.msk_name}-storage"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.msk_storage.service_namespace
  scalable_dimension = aws_appautoscaling_target.msk_storage.scalable_dimension
  resource_id        = aws_appautoscaling_target.msk_storage.resource_id

  target_tracking_scaling_policy_configuration {
    # Well below the alarm at 85 %: an expansion takes hours, and the next one must wait six.
    target_value = 70
    # MSK refuses a policy that could scale in, as a volume cannot shrink.
    disable_scale_in = true

    predefined_metric_specification {
      predefined_metric_type = "KafkaBrokerStorageUtilization"
    }
  }
}
