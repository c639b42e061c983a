# Alarms, dashboards, outputs, tags.

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

  # Every alarm tells the topic.
  # Mistake: an alarm that tells nobody, or that stays silent when its metric stops.
  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.main), values(aws_cloudwatch_metric_alarm.kafka_cpu), values(aws_cloudwatch_metric_alarm.pod_restarts), values(aws_cloudwatch_metric_alarm.security)) :
      alarm.alarm_actions == toset([aws_sns_topic.alerts.arn]) && alarm.ok_actions == toset([aws_sns_topic.alerts.arn]) && alarm.insufficient_data_actions == toset([aws_sns_topic.alerts.arn])
    ])
    error_message = "alarm, OK and insufficient data go to the topic"
  }

  assert {
    condition     = aws_sns_topic.alerts.kms_master_key_id == "alerts" && aws_sns_topic_subscription.owner.endpoint == "platform-team@example.com" && aws_sns_topic_subscription.owner.protocol == "email"
    error_message = "the topic is encrypted and the owner subscribed"
  }

  assert {
    condition     = anytrue([for statement in jsondecode(aws_sns_topic_policy.alerts.policy).Statement : statement.Effect == "Deny" && try(statement.Condition.Bool["aws:SecureTransport"], "") == "false"]) && alltrue([for statement in jsondecode(aws_sns_topic_policy.alerts.policy).Statement : can(statement.Condition) && can(statement.Principal.Service) if statement.Effect == "Allow"])
    error_message = "TLS only, and services of this account only"
  }

  # Thresholds.
  # Mistake: a threshold typed wrongly. The table is the one of the monitoring design: value, comparison, datapoints/periods.
  assert {
    condition = alltrue([
      for name, wanted in {
        rds-cpu                  = [90, "GreaterThanThreshold", 5, 5]
        rds-free-storage         = [10737418240, "LessThanThreshold", 5, 5]   # 10 % of 100 GiB
        rds-freeable-memory      = [17179869184, "LessThanThreshold", 15, 15] # 25 % of 64 GiB
        rds-connections          = [4500, "GreaterThanThreshold", 5, 5]       # 90 % of 5000
        rds-load                 = [8, "GreaterThanThreshold", 15, 15]        # vCPUs of db.r6i.2xlarge
        rds-read-latency         = [0.02, "GreaterThanThreshold", 5, 5]
        rds-write-latency        = [0.02, "GreaterThanThreshold", 5, 5]
        rds-slot-lag             = [10737418240, "GreaterThanThreshold", 5, 5]
        rds-wal-disk             = [26843545600, "GreaterThanThreshold", 5, 5]
        postgres-replica-1-lag   = [60, "GreaterThanThreshold", 10, 10]
        postgres-replica-2-lag   = [60, "GreaterThanThreshold", 10, 10]
        redis-001-cpu            = [90, "GreaterThanThreshold", 5, 5]
        redis-002-memory         = [80, "GreaterThanThreshold", 5, 5]
        redis-003-evictions      = [0, "GreaterThanThreshold", 3, 5]
        redis-003-lag            = [30, "GreaterThanThreshold", 5, 5]
        kafka-active-controller  = [1, "LessThanThreshold", 5, 5]
        kafka-offline-partitions = [0, "GreaterThanThreshold", 5, 5]
        kafka-disk-3             = [85, "GreaterThanThreshold", 5, 5]
        kafka-under-replicated-1 = [0, "GreaterThanThreshold", 15, 15]
        eks-node-cpu             = [80, "GreaterThanThreshold", 10, 10]
        eks-node-memory          = [80, "GreaterThanThreshold", 10, 10]
        eks-failed-nodes         = [0, "GreaterThanThreshold", 3, 5]
        eks-pending-pods         = [3, "GreaterThanThreshold", 8, 10]
        nat-ports-us-east-1a     = [0, "GreaterThanThreshold", 1, 5]
      } :
      aws_cloudwatch_metric_alarm.main[name].threshold == wanted[0] && aws_cloudwatch_metric_alarm.main[name].comparison_operator == wanted[1] && aws_cloudwatch_metric_alarm.main[name].datapoints_to_alarm == wanted[2] && aws_cloudwatch_metric_alarm.main[name].evaluation_periods == wanted[3]
    ])
    error_message = "thresholds"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.main["rds-read-latency"].extended_statistic == "p90" && aws_cloudwatch_metric_alarm.main["rds-read-latency"].statistic == null
    error_message = "latency is a percentile"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.main["kafka-disk-3"].dimensions == tomap({ "Cluster Name" = "emr-platform-production-kafka", "Broker ID" = "3" })
    error_message = "MSK's dimension names contain spaces"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.main["kafka-active-controller"].treat_missing_data == "breaching"
    error_message = "no answer from the controller is no controller"
  }

  assert {
    condition     = toset(keys(aws_cloudwatch_metric_alarm.kafka_cpu)) == toset(["1", "2", "3"]) && alltrue([for alarm in aws_cloudwatch_metric_alarm.kafka_cpu : alarm.threshold == 60 && anytrue([for query in alarm.metric_query : query.expression == "user + system"])])
    error_message = "Kafka's CPU is user plus system, 60 %"
  }

  assert {
    condition     = toset(keys(aws_cloudwatch_metric_alarm.pod_restarts)) == toset(["api-gateway", "task-service", "emr-service", "sync-service", "handover-service"]) && alltrue([for alarm in aws_cloudwatch_metric_alarm.pod_restarts : anytrue([for query in alarm.metric_query : query.expression == "DIFF(restarts)"])])
    error_message = "restarts are a growing count"
  }

  # Security events.
  # Mistake: a security event that no filter sees.
  assert {
    condition     = toset(keys(aws_cloudwatch_log_metric_filter.security)) == toset(["root-user", "console-sign-in-without-mfa", "unauthorized-calls", "trail-changed", "key-disabled", "iam-policy-changed", "bucket-policy-changed", "network-opened"]) && toset(keys(aws_cloudwatch_metric_alarm.security)) == toset(keys(aws_cloudwatch_log_metric_filter.security))
    error_message = "eight events, each with its alarm"
  }

  assert {
    condition     = alltrue([for name, filter in aws_cloudwatch_log_metric_filter.security : filter.log_group_name == aws_cloudwatch_log_group.cloudtrail.name && filter.metric_transformation[0].name == aws_cloudwatch_metric_alarm.security[name].metric_name && filter.metric_transformation[0].namespace == aws_cloudwatch_metric_alarm.security[name].namespace])
    error_message = "an alarm must watch the metric that its filter writes"
  }

  assert {
    condition     = toset(keys(aws_cloudwatch_event_rule.alerts)) == toset(["backup-failed", "guardduty-finding", "aws-health"]) && alltrue([for target in aws_cloudwatch_event_target.alerts : target.arn == aws_sns_topic.alerts.arn])
    error_message = "event rules tell the topic"
  }

  # Dashboards.
  # Mistake: a dashboard that CloudWatch shows as empty, since its JSON is off by a level.
  assert {
    condition     = toset(keys(aws_cloudwatch_dashboard.main)) == toset(["eks", "rds", "redis", "msk", "application"])
    error_message = "five dashboards"
  }

  assert {
    condition = alltrue(flatten([
      for dashboard in aws_cloudwatch_dashboard.main : [
        for widget in jsondecode(dashboard.dashboard_body).widgets :
        widget.x + widget.width <= 24 && widget.properties.region == "us-east-1" && length(widget.properties.title) > 0 && (widget.type == "log" ? startswith(widget.properties.query, "SOURCE '") : alltrue([for metric in widget.properties.metrics : length(metric) >= 4 && length(metric) % 2 == 0]))
      ]
    ]))
    error_message = "widgets: inside 24 columns, metric rows of name and dimension pairs"
  }

  # Two widgets in one place: CloudWatch moves them about at each load.
  assert {
    condition     = alltrue([for dashboard in aws_cloudwatch_dashboard.main : length(distinct([for widget in jsondecode(dashboard.dashboard_body).widgets : "${widget.x}/${widget.y}"])) == length(jsondecode(dashboard.dashboard_body).widgets)])
    error_message = "each widget has its own place"
  }

  # Outputs for the cli.
  # Mistake: an output renamed, which the CLI reads by name.
  assert {
    condition = (
      output.region == "us-east-1" && output.environment == "production" && output.account_id == "333333333333" &&
      output.cluster_name == "emr-platform-production" && output.namespace == "emr-platform-production" &&
      startswith(output.cluster_endpoint, "https://") && output.cluster_ca_certificate == "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t" &&
      output.rds_instance_id == "emr-platform-production-postgres" && output.rds_port == 5432 && output.rds_database_name == "emr_platform" &&
      !strcontains(output.rds_endpoint, ":") && output.rds_secret_arn == "arn:aws:secretsmanager:us-east-1:333333333333:secret:database" &&
      join(",", output.rds_replica_ids) == "emr-platform-production-postgres-replica-1,emr-platform-production-postgres-replica-2" &&
      strcontains(output.kafka_bootstrap_brokers, ":9098") && output.redis_port == 6379 && startswith(output.redis_primary_endpoint, "master.") &&
      output.backup_bucket == "backups-bucket" && output.backup_kms_key_arn == "arn:aws:kms:us-east-1:333333333333:key/backup" &&
      output.alerts_topic_arn == "arn:aws:sns:us-east-1:333333333333:emr-platform-production-alerts" &&
      length(output.service_role_arns) == 5 && length(output.controller_role_arns) == 7 && length(output.dashboards) == 5
    )
    error_message = "outputs"
  }

  assert {
    condition     = output.log_groups.eks == "/aws/eks/emr-platform-production/cluster" && output.log_groups.application == "/aws/containerinsights/emr-platform-production/application" && output.log_groups.rds == "/aws/rds/instance/emr-platform-production-postgres/postgresql" && output.log_groups.vpc_flow == "/aws/vpc/vpc-0123456789abcdef0/flow-logs"
    error_message = "the documented log locations"
  }

  # Everything is tagged.
  # Mistake: resources that cannot be told apart on the bill, or found by who answers for them.
  assert {
    condition     = local.tags == { Project = "emr-platform", Environment = "production", Owner = "platform-team@example.com", ManagedBy = "terraform", DataClassification = "phi" }
    error_message = "the five tags"
  }
}

# Mistake: sizes that do not follow the instance class.
run "thresholds_follow_the_instance" {
  command = plan

  variables {
    environment        = "development"
    rds_instance_class = "db.m6i.large"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.main["rds-load"].threshold == 2 && aws_cloudwatch_metric_alarm.main["rds-freeable-memory"].threshold == 2147483648 && aws_cloudwatch_metric_alarm.main["rds-connections"].threshold == 810
    error_message = "db.m6i.large: 2 vCPUs, 8 GiB, 901 connections"
  }
}
