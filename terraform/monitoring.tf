# =============================================================================
# Alerts: one encrypted topic, what publishes to it, and the security events that CloudTrail sees.
# The metric alarms are in alarms.tf.
# =============================================================================

resource "aws_sns_topic" "alerts" {
  name              = "${local.name}-alerts"
  display_name      = "EMR platform ${var.environment}"
  kms_master_key_id = aws_kms_key.alerts.id
}

resource "aws_sns_topic_policy" "alerts" {
  arn = aws_sns_topic.alerts.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.alerts.arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "AlarmsAndDatabaseEvents"
        Effect    = "Allow"
        Principal = { Service = ["cloudwatch.amazonaws.com", "events.rds.amazonaws.com"] }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.alerts.arn
        Condition = { StringEquals = { "aws:SourceAccount" = local.account_id } }
      },
      # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
      {
        Sid       = "OwnEventRules"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.alerts.arn
        Condition = { ArnLike = { "aws:SourceArn" = "arn:${local.partition}:events:${var.aws_region}:${local.account_id}:rule/${local.name}-*" } }
      },
    ]
  })
}

# The owner gets a mail with a link to confirm; nothing is delivered before that. Paging systems subscribe themselves.
resource "aws_sns_topic_subscription" "owner" {
  topic_arn = aws_sns_topic.alerts.arn
  protocol  = "email"
  endpoint  = var.owner_email
}

# -----------------------------------------------------------------------------
# Database events: failover, low storage, deletion, and whatever RDS finds worth telling
# -----------------------------------------------------------------------------

resource "aws_db_event_subscription" "main" {
  name      = "${local.name}-rds"
  sns_topic = aws_sns_topic.alerts.arn

  source_type      = "db-instance"
  source_ids       = concat([aws_db_instance.main.identifier], [for replica in aws_db_instance.replica : replica.identifier])
  event_categories = ["availability", "configuration change", "deletion", "failover", "failure", "low storage", "maintenance", "notification", "recovery", "restoration"]

  depends_on = [aws_sns_topic_policy.alerts]
}

# -----------------------------------------------------------------------------
# Event rules: failed backups, security findings, AWS's own incidents
# -----------------------------------------------------------------------------

locals {
  event_rules = {
    backup-failed = {
      description = "A job of AWS Backup did not complete"
      pattern     = { source = ["aws.backup"], detail-type = ["Backup Job State Change", "Copy Job State Change"], detail = { state = ["ABORTED", "EXPIRED", "FAILED"] } }
    }
    guardduty-finding = {
      description = "GuardDuty found something of medium severity or worse"
      pattern     = { source = ["aws.guardduty"], detail-type = ["GuardDuty Finding"], detail = { severity = [{ numeric = [">=", 4] }] } }
    }
    aws-health = {
      description = "AWS announces an incident or a scheduled change for this account"
      pattern     = { source = ["aws.health"], detail-type = ["AWS Health Event"] }
    }
  }
}

resource "aws_cloudwatch_event_rule" "alerts" {
  for_each = local.event_rules

  name          = "${local.name}-${each.key}"
  description   = each.value.description
  event_pattern = jsonencode(each.value.pattern)
}

resource "aws_cloudwatch_event_target" "alerts" {
  for_each = local.event_rules

  rule      = aws_cloudwatch_event_rule.alerts[each.key].name
  target_id = "alerts"
  arn       = aws_sns_topic.alerts.arn
}

# -----------------------------------------------------------------------------
# Security events in the trail. The patterns are those of the CIS AWS Foundations Benchmark.
# https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html
# -----------------------------------------------------------------------------

locals {
  security_namespace = "${local.name}/security"

  security_events = {
    root-user = {
      description = "Someone used the root user"
      pattern     = "{ $.userIdentity.type = \"Root\" && $.userIdentity.invokedBy NOT EXISTS && $.eventType != \"AwsServiceEvent\" }"
      threshold   = 0
    }
    console-sign-in-without-mfa = {
      description = "Someone signed in to the console without a second factor"
      pattern     = "{ ($.eventName = \"ConsoleLogin\") && ($.additionalEventData.MFAUsed != \"Yes\") && ($.userIdentity.type = \"IAMUser\") && ($.responseElements.ConsoleLogin = \"Success\") }"
      threshold   = 0
    }
    unauthorized-calls = {
      description = "More than ten calls in five minutes were refused for want of permission"
      pattern     = "{ ($.errorCode = \"*UnauthorizedOperation\") || ($.errorCode = \"AccessDenied*\") }"
      threshold   = 10
    }
    trail-changed = {
      description = "CloudTrail was changed, stopped or deleted"
      pattern     = "{ ($.eventName = CreateTrail) || ($.eventName = UpdateTrail) || ($.eventName = DeleteTrail) || ($.eventName = StartLogging) || ($.eventName = StopLogging) }"
      threshold   = 0
    }
    key-disabled = {
      description = "A customer-managed key was disabled or is going to be deleted, and the data with it"
      pattern     = "{ ($.eventSource = kms.amazonaws.com) && (($.eventName = DisableKey) || ($.eventName = ScheduleKeyDeletion)) }"
      threshold   = 0
    }
    iam-policy-changed = {
      description = "An IAM policy was changed (expected during a deploy of the infrastructure)"
      pattern     = "{ ($.eventName = DeleteGroupPolicy) || ($.eventName = DeleteRolePolicy) || ($.eventName = DeleteUserPolicy) || ($.eventName = PutGroupPolicy) || ($.eventName = PutRolePolicy) || ($.eventName = PutUserPolicy) || ($.eventName = CreatePolicy) || ($.eventName = DeletePolicy) || ($.eventName = CreatePolicyVersion) || ($.eventName = DeletePolicyVersion) || ($.eventName = AttachRolePolicy) || ($.eventName = DetachRolePolicy) || ($.eventName = AttachUserPolicy) || ($.eventName = DetachUserPolicy) }"
      threshold   = 0
    }
    bucket-policy-changed = {
      description = "Who may read a bucket was changed (expected during a deploy of the infrastructure)"
      pattern     = "{ ($.eventSource = s3.amazonaws.com) && (($.eventName = PutBucketAcl) || ($.eventName = PutBucketPolicy) || ($.eventName = PutBucketLifecycle) || ($.eventName = DeleteBucketPolicy) || ($.eventName = DeleteBucketLifecycle) || ($.eventName = PutBucketPublicAccessBlock)) }"
      threshold   = 0
    }
    network-opened = {
      description = "A security group, network ACL or gateway was changed (expected during a deploy of the infrastructure)"
      pattern     = "{ ($.eventName = AuthorizeSecurityGroupIngress) || ($.eventName = RevokeSecurityGroupIngress) || ($.eventName = CreateNetworkAclEntry) || ($.eventName = ReplaceNetworkAclEntry) || ($.eventName = AttachInternetGateway) || ($.eventName = CreateRoute) || ($.eventName = ReplaceRoute) }"
      threshold   = 0
    }
  }
}

resource "aws_cloudwatch_log_metric_filter" "security" {
  for_each = local.security_events

  name           = "${local.name}-${each.key}"
  log_group_name = aws_cloudwatch_log_group.cloudtrail.name
  pattern        = each.value.pattern

  metric_transformation {
    namespace     = local.security_namespace
    name          = each.key
    value         = "1"
    default_value = "0"
  }
}

resource "aws_cloudwatch_metric_alarm" "security" {
  for_each = local.security_events

  alarm_name          = "${local.name}-security-${each.key}"
  alarm_description   = each.value.description
  namespace           = local.security_namespace
  metric_name         = aws_cloudwatch_log_metric_filter.security[each.key].metric_transformation[0].name
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  treat_missing_data  = "notBreaching"

  alarm_actions             = [aws_sns_topic.alerts.arn]
  ok_actions                = [aws_sns_topic.alerts.arn]
  insufficient_data_actions = [aws_sns_topic.alerts.arn]
}
