# =============================================================================
# Metric alarms. One table per system; `emr monitor` uses the same thresholds.
#
# Columns: metric, dimensions, stat, period (s), datapoints to alarm / evaluation periods, comparison, threshold, and what
# missing data means. "missing" turns the alarm INSUFFICIENT_DATA, which is sent too: a metric that stopped is a problem.
# "notBreaching" is for metrics that exist only while something happens.
# =============================================================================

locals {
  gt = "GreaterThanThreshold"
  lt = "LessThanThreshold"

  # -----------------------------------------------------------------------------
  # PostgreSQL
  # -----------------------------------------------------------------------------

  rds_primary = { DBInstanceIdentifier = local.rds_identifier }

  rds_alarms = merge(
    {
      rds-cpu             = { namespace = "AWS/RDS", metric = "CPUUtilization", dimensions = local.rds_primary, compare = local.gt, threshold = 90, datapoints = 5, periods = 5, description = "PostgreSQL has used more than 90 % of its CPU for 5 minutes" }
      rds-free-storage    = { namespace = "AWS/RDS", metric = "FreeStorageSpace", dimensions = local.rds_primary, compare = local.lt, threshold = var.rds_allocated_storage * 1073741824 / 10, datapoints = 5, periods = 5, description = "PostgreSQL has less than 10 % of its initial storage free; autoscaling has not caught up or has reached its maximum" }
      rds-freeable-memory = { namespace = "AWS/RDS", metric = "FreeableMemory", dimensions = local.rds_primary, compare = local.lt, threshold = local.rds_gib * 1073741824 / 4, datapoints = 15, periods = 15, description = "PostgreSQL has less than 25 % of its memory left for 15 minutes" }
      rds-connections     = { namespace = "AWS/RDS", metric = "DatabaseConnections", dimensions = local.rds_primary, compare = local.gt, threshold = floor(local.rds_max_connections * 9 / 10), datapoints = 5, periods = 5, description = "PostgreSQL uses more than 90 % of its ${local.rds_max_connections} connections" }
      rds-load            = { namespace = "AWS/RDS", metric = "DBLoad", dimensions = local.rds_primary, compare = local.gt, threshold = local.rds_vcpus, datapoints = 15, periods = 15, description = "More sessions are active than PostgreSQL has vCPUs (${local.rds_vcpus}) for 15 minutes" }
      rds-read-latency    = { namespace = "AWS/RDS", metric = "ReadLatency", dimensions = local.rds_primary, compare = local.gt, threshold = 0.02, datapoints = 5, periods = 5, percentile = "p90", description = "One read in ten takes longer than 20 ms" }
      rds-write-latency   = { namespace = "AWS/RDS", metric = "WriteLatency", dimensions = local.rds_primary, compare = local.gt, threshold = 0.02, datapoints = 5, periods = 5, percentile = "p90", description = "One write in ten takes longer than 20 ms" }
      # Half of what max_slot_wal_keep_size allows before PostgreSQL drops the slot and the backup chain with it.
      rds-slot-lag = { namespace = "AWS/RDS", metric = "OldestReplicationSlotLag", dimensions = local.rds_primary, compare = local.gt, threshold = floor(var.rds_allocated_storage * 1073741824 / 10), datapoints = 5, periods = 5, missing = "notBreaching", description = "A replication slot is far behind: incremental backups or a replica stopped reading. See emr db-backup status" }
      rds-wal-disk = { namespace = "AWS/RDS", metric = "TransactionLogsDiskUsage", dimensions = local.rds_primary, compare = local.gt, threshold = floor(var.rds_allocated_storage * 1073741824 / 4), datapoints = 5, periods = 5, description = "Write-ahead logs fill a quarter of the initial storage" }
    },
    {
      for replica in local.rds_replicas : "${trimprefix(replica, "${local.name}-")}-lag" => {
        namespace = "AWS/RDS", metric = "ReplicaLag", dimensions = { DBInstanceIdentifier = replica }, compare = local.gt, threshold = 60, datapoints = 10, periods = 10, description = "Replica ${replica} has been more than 60 s behind for 10 minutes"
      }
    },
  )

  # -----------------------------------------------------------------------------
  # Redis: metrics are per node
  # -----------------------------------------------------------------------------

  redis_alarms = merge(
    { for member in local.redis_members : "${trimprefix(member, "${local.name}-")}-cpu" => { namespace = "AWS/ElastiCache", metric = "EngineCPUUtilization", dimensions = { CacheClusterId = member }, compare = local.gt, threshold = 90, datapoints = 5, periods = 5, description = "Redis node ${member} has used more than 90 % of its one command thread for 5 minutes" } },
    { for member in local.redis_members : "${trimprefix(member, "${local.name}-")}-memory" => { namespace = "AWS/ElastiCache", metric = "DatabaseMemoryUsagePercentage", dimensions = { CacheClusterId = member }, compare = local.gt, threshold = 80, datapoints = 5, periods = 5, description = "Redis node ${member} has used more than 80 % of its memory for 5 minutes" } },
    { for member in local.redis_members : "${trimprefix(member, "${local.name}-")}-evictions" => { namespace = "AWS/ElastiCache", metric = "Evictions", dimensions = { CacheClusterId = member }, compare = local.gt, threshold = 0, datapoints = 3, periods = 5, stat = "Sum", description = "Redis node ${member} throws entries away for want of memory" } },
    { for member in local.redis_has_replicas ? local.redis_members : [] : "${trimprefix(member, "${local.name}-")}-lag" => { namespace = "AWS/ElastiCache", metric = "ReplicationLag", dimensions = { CacheClusterId = member }, compare = local.gt, threshold = 30, datapoints = 5, periods = 5, missing = "notBreaching", description = "Redis replica ${member} is more than 30 s behind (the primary reports nothing)" } },
  )

  # -----------------------------------------------------------------------------
  # Kafka: the dimension names contain spaces
  # -----------------------------------------------------------------------------

  msk_cluster_dimensions = { "Cluster Name" = local.msk_name }
  msk_brokers            = { for broker in range(1, var.msk_number_of_broker_nodes + 1) : tostring(broker) => merge(local.msk_cluster_dimensions, { "Broker ID" = tostring(broker) }) }

  msk_alarms = merge(
    {
      kafka-active-controller  = { namespace = "AWS/Kafka", metric = "ActiveControllerCount", dimensions = local.msk_cluster_dimensions, compare = local.lt, threshold = 1, datapoints = 5, periods = 5, stat = "Maximum", missing = "breaching", description = "Kafka has no controller: no partition can get a new leader" }
      kafka-offline-partitions = { namespace = "AWS/Kafka", metric = "OfflinePartitionsCount", dimensions = local.msk_cluster_dimensions, compare = local.gt, threshold = 0, datapoints = 5, periods = 5, stat = "Maximum", description = "Kafka has partitions without a leader: they can be neither read nor written" }
    },
    { for broker, dimensions in local.msk_brokers : "kafka-disk-${broker}" => { namespace = "AWS/Kafka", metric = "KafkaDataLogsDiskUsed", dimensions = dimensions, compare = local.gt, threshold = 85, datapoints = 5, periods = 5, description = "Kafka broker ${broker} has used more than 85 % of its disk; storage scaling has not caught up or has reached its maximum" } },
    { for broker, dimensions in local.msk_brokers : "kafka-under-replicated-${broker}" => { namespace = "AWS/Kafka", metric = "UnderReplicatedPartitions", dimensions = dimensions, compare = local.gt, threshold = 0, datapoints = 15, periods = 15, stat = "Maximum", description = "Kafka broker ${broker} has had partitions with too few copies for 15 minutes" } },
  )

  # -----------------------------------------------------------------------------
  # EKS: Container Insights
  # -----------------------------------------------------------------------------

  eks_dimensions = { ClusterName = local.cluster_name }

  eks_alarms = {
    eks-node-cpu     = { namespace = "ContainerInsights", metric = "node_cpu_utilization", dimensions = local.eks_dimensions, compare = local.gt, threshold = 80, datapoints = 10, periods = 10, description = "Nodes have used more than 80 % of their CPU on average for 10 minutes" }
    eks-node-memory  = { namespace = "ContainerInsights", metric = "node_memory_utilization", dimensions = local.eks_dimensions, compare = local.gt, threshold = 80, datapoints = 10, periods = 10, description = "Nodes have used more than 80 % of their memory on average for 10 minutes" }
    eks-failed-nodes = { namespace = "ContainerInsights", metric = "cluster_failed_node_count", dimensions = local.eks_dimensions, compare = local.gt, threshold = 0, datapoints = 3, periods = 5, stat = "Maximum", description = "A node reports a failure condition" }
    # Each pending pod reports 1 once a minute, so the sum over a minute is their number.
    eks-pending-pods = { namespace = "ContainerInsights", metric = "pod_status_pending", dimensions = local.eks_dimensions, compare = local.gt, threshold = 3, datapoints = 8, periods = 10, stat = "Sum", description = "More than three pods have been pending for 8 of 10 minutes" }
  }

  # -----------------------------------------------------------------------------
  # NAT gateways
  # -----------------------------------------------------------------------------

  nat_alarms = {
    for zone in local.zones : "nat-ports-${zone}" => { namespace = "AWS/NATGateway", metric = "ErrorPortAllocation", dimensions = { NatGatewayId = aws_nat_gateway.main[zone].id }, compare = local.gt, threshold = 0, datapoints = 1, periods = 5, stat = "Sum", description = "The NAT gateway of ${zone} has no port left: new connections to EMR systems fail" }
  }

  # An object and not a map: the rows of the tables have different columns.
  alarms = merge(local.rds_alarms, local.redis_alarms, local.msk_alarms, local.eks_alarms, local.nat_alarms)
}

resource "aws_cloudwatch_metric_alarm" "main" {
  for_each = local.alarms

  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = can(each.value.percentile) ? null : try(each.value.stat, "Average")
  extended_statistic  = try(each.value.percentile, null)
  period              = 60
  evaluation_periods  = each.value.periods
  datapoints_to_alarm = each.value.datapoints
  comparison_operator = each.value.compare
  threshold           = each.value.threshold
  treat_missing_data  = try(each.value.missing, "missing")

  alarm_actions             = [aws_sns_topic.alerts.arn]
  ok_actions                = [aws_sns_topic.alerts.arn]
  insufficient_data_actions = [aws_sns_topic.alerts.arn]
}

# -----------------------------------------------------------------------------
# Alarms that need arithmetic
# -----------------------------------------------------------------------------

# AWS advises to keep user plus system below 60 %, so that the others can carry a broker that is being patched.
# https://docs.aws.amazon.com/msk/latest/developerguide/bestpractices.html#bestpractices-monitor-cpu
resource "aws_cloudwatch_metric_alarm" "kafka_cpu" {
  for_each = local.msk_brokers

  alarm_name          = "${local.name}-kafka-cpu-${each.key}"
  alarm_description   = "Kafka broker ${each.key} has used more than 60 % of its CPU for 15 minutes"
  evaluation_periods  = 15
  datapoints_to_alarm = 15
  comparison_operator = local.gt
  threshold           = 60
  treat_missing_data  = "missing"

  metric_query {
    id          = "total"
    expression  = "user + system"
    label       = "CPU user + system"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { user = "CpuUser", system = "CpuSystem" }

    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/Kafka"
        metric_name = metric_query.value
        dimensions  = each.value
        period      = 60
        stat        = "Average"
      }
    }
  }

  alarm_actions             = [aws_sns_topic.alerts.arn]
  ok_actions                = [aws_sns_topic.alerts.arn]
  insufficient_data_actions = [aws_sns_topic.alerts.arn]
}

# The metric counts since the pod began, so its growth is what matters. PodName is the workload's name here.
resource "aws_cloudwatch_metric_alarm" "pod_restarts" {
  for_each = toset(local.services)

  alarm_name          = "${local.name}-eks-restarts-${each.key}"
  alarm_description   = "Containers of ${each.key} keep restarting. Run: emr diagnose ${var.environment} ${each.key}"
  evaluation_periods  = 3
  datapoints_to_alarm = 2
  comparison_operator = local.gt
  threshold           = 0
  # A service that was never deployed has no restarts.
  treat_missing_data = "notBreaching"

  metric_query {
    id          = "rise"
    expression  = "DIFF(restarts)"
    label       = "New restarts"
    return_data = true
  }

  metric_query {
    id = "restarts"

    metric {
      namespace   = "ContainerInsights"
      metric_name = "pod_number_of_container_restarts"
      dimensions  = { ClusterName = local.cluster_name, Namespace = local.namespace, PodName = each.key }
      period      = 300
      stat        = "Maximum"
    }
  }

  alarm_actions             = [aws_sns_topic.alerts.arn]
  ok_actions                = [aws_sns_topic.alerts.arn]
  insufficient_data_actions = [aws_sns_topic.alerts.arn]
}
