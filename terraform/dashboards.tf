# =============================================================================
# Five CloudWatch dashboards: EKS, RDS, Redis, MSK, application
# Three graphs a row; the thresholds of alarms.tf are drawn as lines.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
# =============================================================================

locals {
  rds_instances = concat([local.rds_identifier], local.rds_replicas)

  # title, metrics (rows as CloudWatch wants them), and optionally stat and limit
  dashboard_graphs = {
    eks = [
      { title = "Node CPU (%)", metrics = [["ContainerInsights", "node_cpu_utilization", "ClusterName", local.cluster_name]], limit = 80 },
      { title = "Node memory (%)", metrics = [["ContainerInsights", "node_memory_utilization", "ClusterName", local.cluster_name]], limit = 80 },
      { title = "Nodes", metrics = [["ContainerInsights", "cluster_node_count", "ClusterName", local.cluster_name], ["ContainerInsights", "cluster_failed_node_count", "ClusterName", local.cluster_name]], stat = "Maximum" },
      { title = "Pods pending", metrics = [["ContainerInsights", "pod_status_pending", "ClusterName", local.cluster_name]], stat = "Sum", limit = 3 },
      { title = "Node file system (%)", metrics = [["ContainerInsights", "node_filesystem_utilization", "ClusterName", local.cluster_name]], limit = 80 },
      { title = "NAT ports refused", metrics = [for zone in local.zones : ["AWS/NATGateway", "ErrorPortAllocation", "NatGatewayId", aws_nat_gateway.main[zone].id]], stat = "Sum" },
    ]

    rds = [
      { title = "CPU (%)", metrics = [for id in local.rds_instances : ["AWS/RDS", "CPUUtilization", "DBInstanceIdentifier", id]], limit = 90 },
      { title = "Load (active sessions, line at ${local.rds_vcpus} vCPUs)", metrics = [for id in local.rds_instances : ["AWS/RDS", "DBLoad", "DBInstanceIdentifier", id]], limit = local.rds_vcpus },
      { title = "Connections (of ${local.rds_max_connections})", metrics = [for id in local.rds_instances : ["AWS/RDS", "DatabaseConnections", "DBInstanceIdentifier", id]], stat = "Maximum", limit = floor(local.rds_max_connections * 9 / 10) },
      { title = "Free storage (bytes)", metrics = [for id in local.rds_instances : ["AWS/RDS", "FreeStorageSpace", "DBInstanceIdentifier", id]], stat = "Minimum" },
      { title = "Latency p90 (s)", metrics = flatten([for id in local.rds_instances : [for metric in ["ReadLatency", "WriteLatency"] : { row = ["AWS/RDS", metric, "DBInstanceIdentifier", id] }]])[*].row, stat = "p90", limit = 0.02 },
      { title = "Replica lag (s)", metrics = length(local.rds_replicas) > 0 ? [for id in local.rds_replicas : ["AWS/RDS", "ReplicaLag", "DBInstanceIdentifier", id]] : [["AWS/RDS", "ReplicaLag", "DBInstanceIdentifier", local.rds_identifier]], stat = "Maximum", limit = 60 },
      { title = "Oldest replication slot (bytes behind)", metrics = [["AWS/RDS", "OldestReplicationSlotLag", "DBInstanceIdentifier", local.rds_identifier]], stat = "Maximum" },
      { title = "Write-ahead logs on disk (bytes)", metrics = [["AWS/RDS", "TransactionLogsDiskUsage", "DBInstanceIdentifier", local.rds_identifier]], stat = "Maximum" },
    ]

    redis = [
      { title = "Engine CPU (%)", metrics = [for id in local.redis_members : ["AWS/ElastiCache", "EngineCPUUtilization", "CacheClusterId", id]], limit = 90 },
      { title = "Memory (%)", metrics = [for id in local.redis_members : ["AWS/ElastiCache", "DatabaseMemoryUsagePercentage", "CacheClusterId", id]], limit = 80 },
      { title = "Evictions", metrics = [for id in local.redis_members : ["AWS/ElastiCache", "Evictions", "CacheClusterId", id]], stat = "Sum" },
      { title = "Hit rate (%)", metrics = [for id in local.redis_members : ["AWS/ElastiCache", "CacheHitRate", "CacheClusterId", id]] },
      { title = "Connections", metrics = [for id in local.redis_members : ["AWS/ElastiCache", "CurrConnections", "CacheClusterId", id]], stat = "Maximum" },
      { title = "Replication lag (s)", metrics = [for id in local.redis_members : ["AWS/ElastiCache", "ReplicationLag", "CacheClusterId", id]], stat = "Maximum", limit = 30 },
    ]

    msk = [
      { title = "Controllers (must be 1) and offline partitions", metrics = [["AWS/Kafka", "ActiveControllerCount", "Cluster Name", local.msk_name], ["AWS/Kafka", "OfflinePartitionsCount", "Cluster Name", local.msk_name]], stat = "Maximum" },
      { title = "Under-replicated partitions", metrics = [for id in keys(local.msk_brokers) : ["AWS/Kafka", "UnderReplicatedPartitions", "Cluster Name", local.msk_name, "Broker ID", id]], stat = "Maximum" },
      { title = "Disk used (%)", metrics = [for id in keys(local.msk_brokers) : ["AWS/Kafka", "KafkaDataLogsDiskUsed", "Cluster Name", local.msk_name, "Broker ID", id]], limit = 85 },
      { title = "CPU user (%)", metrics = [for id in keys(local.msk_brokers) : ["AWS/Kafka", "CpuUser", "Cluster Name", local.msk_name, "Broker ID", id]], limit = 60 },
      { title = "Bytes in (per s)", metrics = [for id in keys(local.msk_brokers) : ["AWS/Kafka", "BytesInPerSec", "Cluster Name", local.msk_name, "Broker ID", id]] },
      { title = "Bytes out (per s)", metrics = [for id in keys(local.msk_brokers) : ["AWS/Kafka", "BytesOutPerSec", "Cluster Name", local.msk_name, "Broker ID", id]] },
    ]

    application = [
      { title = "Pods ready", metrics = [for service in local.services : ["ContainerInsights", "pod_status_ready", "PodName", service, "ClusterName", local.cluster_name, "Namespace", local.namespace]], stat = "Sum" },
      { title = "Restarts since start", metrics = [for service in local.services : ["ContainerInsights", "pod_number_of_container_restarts", "PodName", service, "ClusterName", local.cluster_name, "Namespace", local.namespace]], stat = "Maximum" },
      { title = "Memory of the limit (%)", metrics = [for service in local.services : ["ContainerInsights", "pod_memory_utilization_over_pod_limit", "PodName", service, "ClusterName", local.cluster_name, "Namespace", local.namespace]], limit = 90 },
      { title = "CPU (%)", metrics = [for service in local.services : ["ContainerInsights", "pod_cpu_utilization", "PodName", service, "ClusterName", local.cluster_name, "Namespace", local.namespace]] },
      { title = "Network in (bytes per s)", metrics = [for service in local.services : ["ContainerInsights", "pod_network_rx_bytes", "PodName", service, "ClusterName", local.cluster_name, "Namespace", local.namespace]] },
      { title = "Network out (bytes per s)", metrics = [for service in local.services : ["ContainerInsights", "pod_network_tx_bytes", "PodName", service, "ClusterName", local.cluster_name, "Namespace", local.namespace]] },
    ]
  }

  application_log_widgets = [
    {
      title = "Errors per service", view = "timeSeries"
      query = "fields @timestamp | filter kubernetes.namespace_name = '${local.namespace}' and @message like /(?i)\"?level\"?[:=]\"?(error|fatal)/ | stats count(*) by kubernetes.container_name, bin(5m)"
    },
    {
      title = "Newest errors", view = "table"
      query = "fields @timestamp, kubernetes.pod_name, log | filter kubernetes.namespace_name = '${local.namespace}' and @message like /(?i)\"?level\"?[:=]\"?(error|fatal)/ | sort @timestamp desc | limit 50"
    },
  ]

  dashboard_widgets = {
    for name, graphs in local.dashboard_graphs : name => [
      for index, graph in graphs : {
        type   = "metric"
        x      = (index % 3) * 8
        y      = floor(index / 3) * 6
        width  = 8
        height = 6
        properties = merge(
          {
            title   = graph.title
            region  = var.aws_region
            view    = "timeSeries"
            period  = 60
            stat    = try(graph.stat, "Average")
            metrics = graph.metrics
          },
          can(graph.limit) ? { annotations = { horizontal = [{ label = "alarm", value = graph.limit }] } } : {},
        )
      }
    ]
  }

  application_log_rows = [
    for index, widget in local.application_log_widgets : {
      type   = "log"
      x      = 0
      y      = 12 + index * 6
      width  = 24
      height = 6
      properties = {
        title  = widget.title
        region = var.aws_region
        view   = widget.view
        query  = "SOURCE '${aws_cloudwatch_log_group.container_insights["application"].name}' | ${widget.query}"
      }
    }
  ]
}

resource "aws_cloudwatch_dashboard" "main" {
  for_each = local.dashboard_widgets

  dashboard_name = "${local.name}-${each.key}"
  dashboard_body = jsonencode({ widgets = concat(each.value, each.key == "application" ? local.application_log_rows : []) })
}
