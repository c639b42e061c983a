# Who may do what: roles of pods, controllers and services; keys and buckets.

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

  # Each role trusts one service account.
  # Mistake: a role that another service account, or another audience's token, can take.
  assert {
    condition = alltrue([
      for service in ["api-gateway", "task-service", "emr-service", "sync-service", "handover-service"] :
      jsondecode(aws_iam_role.irsa[service].assume_role_policy).Statement[0].Condition.StringEquals["oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF:sub"] == "system:serviceaccount:emr-platform-production:${service}" &&
      aws_iam_role.irsa[service].name == "emr-platform-production-${service}"
    ])
    error_message = "each service's role is for its own service account"
  }

  assert {
    condition = alltrue([
      for name, account in {
        vpc-cni                  = "kube-system:aws-node"
        ebs-csi                  = "kube-system:ebs-csi-controller-sa"
        load-balancer-controller = "kube-system:aws-load-balancer-controller"
        cluster-autoscaler       = "kube-system:cluster-autoscaler"
        external-secrets         = "external-secrets:external-secrets"
        cloudwatch               = "amazon-cloudwatch:cloudwatch-agent"
        db-backup                = "emr-platform-production:db-backup"
      } : jsondecode(aws_iam_role.irsa[name].assume_role_policy).Statement[0].Condition.StringEquals["oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF:sub"] == "system:serviceaccount:${account}"
    ])
    error_message = "each controller's role is for its own service account"
  }

  assert {
    condition = alltrue([
      for role in aws_iam_role.irsa :
      length(jsondecode(role.assume_role_policy).Statement) == 1 &&
      join(",", keys(jsondecode(role.assume_role_policy).Statement[0].Condition)) == "StringEquals" &&
      jsondecode(role.assume_role_policy).Statement[0].Condition.StringEquals["oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF:aud"] == "sts.amazonaws.com" &&
      jsondecode(role.assume_role_policy).Statement[0].Principal.Federated == aws_iam_openid_connect_provider.eks.arn
    ])
    error_message = "audience and provider must be checked, by equality"
  }

  assert {
    condition     = length(aws_iam_role.irsa) == 12
    error_message = "twelve roles: seven controllers and jobs, five services"
  }

  # No policy grants everything.
  # Mistake: a wildcard that grants everything. Statements with the resource * may only look, or carry a condition.
  assert {
    condition = alltrue(flatten([
      for policy in concat(
        [for policy in aws_iam_role_policy.service_kafka : policy.policy],
        [for policy in aws_iam_role_policy.flow_logs : policy.policy],
        [aws_iam_role_policy.db_backup.policy, aws_iam_role_policy.ebs_csi.policy, aws_iam_role_policy.external_secrets.policy, aws_iam_role_policy.cluster_autoscaler.policy, aws_iam_role_policy.load_balancer_controller.policy, aws_iam_role_policy.cloudtrail.policy],
        ) : [
        for statement in jsondecode(policy).Statement : [
          for action in flatten([statement.Action]) : !endswith(action, ":*") && action != "*"
        ]
      ]
    ]))
    error_message = "no role may have all actions of a service"
  }

  assert {
    condition = alltrue(flatten([
      for policy in concat(
        [for policy in aws_iam_role_policy.service_kafka : policy.policy],
        [for policy in aws_iam_role_policy.flow_logs : policy.policy],
        [aws_iam_role_policy.db_backup.policy, aws_iam_role_policy.ebs_csi.policy, aws_iam_role_policy.external_secrets.policy, aws_iam_role_policy.cluster_autoscaler.policy, aws_iam_role_policy.load_balancer_controller.policy, aws_iam_role_policy.cloudtrail.policy],
        ) : [
        for statement in jsondecode(policy).Statement : [
          for action in flatten([statement.Action]) : can(regex(":(Describe|List|Get)", action)) || can(statement.Condition)
        ] if contains(flatten([statement.Resource]), "*")
      ]
    ]))
    error_message = "on all resources a role may only look, unless a condition narrows it"
  }

  # Services write their own topics.
  # Mistake: a service that writes another's topics, or a gateway with permissions that it never needs.
  assert {
    condition     = toset(keys(aws_iam_role_policy.service_kafka)) == toset(["task-service", "emr-service", "sync-service", "handover-service"])
    error_message = "the API gateway speaks no Kafka"
  }

  assert {
    condition = alltrue(flatten([
      for service, policy in aws_iam_role_policy.service_kafka : [
        for statement in jsondecode(policy.policy).Statement : [
          for resource in flatten([statement.Resource]) : endswith(resource, "/${service}.*")
        ] if contains(flatten([statement.Action]), "kafka-cluster:WriteData") || contains(flatten([statement.Action]), "kafka-cluster:CreateTopic")
      ]
    ]))
    error_message = "only the owner writes a topic"
  }

  assert {
    condition = alltrue(flatten([
      for service, policy in aws_iam_role_policy.service_kafka : [
        for statement in jsondecode(policy.policy).Statement : [
          for resource in flatten([statement.Resource]) : strcontains(resource, "/emr-platform-production-kafka/22222222-2222-2222-2222-222222222222-2")
        ]
      ]
    ]))
    error_message = "permissions end at this cluster"
  }

  assert {
    condition = alltrue(flatten([
      for service, policy in aws_iam_role_policy.service_kafka : [
        for statement in jsondecode(policy.policy).Statement : statement.Resource == "arn:aws:kafka:us-east-1:333333333333:group/emr-platform-production-kafka/22222222-2222-2222-2222-222222222222-2/${service}*" if contains(flatten([statement.Action]), "kafka-cluster:AlterGroup")
      ]
    ]))
    error_message = "a service joins its own consumer groups"
  }

  # External secrets reads five entries.
  # Mistake: External Secrets that can read all secrets of the account, the master password's source among them.
  assert {
    condition     = toset(jsondecode(aws_iam_role_policy.external_secrets.policy).Statement[0].Resource) == toset([for entry in ["database", "redis", "kafka", "api-gateway", "emr-service"] : "arn:aws:secretsmanager:us-east-1:333333333333:secret:${entry}"])
    error_message = "exactly the five entries of the charts"
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.external_secrets.policy).Statement[1].Resource == aws_kms_key.secrets.arn && jsondecode(aws_iam_role_policy.external_secrets.policy).Statement[1].Condition.StringEquals["kms:ViaService"] == "secretsmanager.us-east-1.amazonaws.com"
    error_message = "decryption only through Secrets Manager"
  }

  # The backup job cannot destroy backups.
  # Mistake: a backup job that can destroy backups, or read other secrets.
  assert {
    condition = length(setintersection(toset(flatten([for statement in jsondecode(aws_iam_role_policy.db_backup.policy).Statement : statement.Action])), toset([
      "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention", "s3:PutBucketPolicy", "rds:DeleteDBSnapshot", "rds:DeleteDBInstance", "rds:ModifyDBSnapshotAttribute",
    ]))) == 0
    error_message = "no destruction, no sharing of snapshots"
  }

  assert {
    condition     = alltrue([for statement in jsondecode(aws_iam_role_policy.db_backup.policy).Statement : statement.Resource == "arn:aws:secretsmanager:us-east-1:333333333333:secret:database" if contains(flatten([statement.Action]), "secretsmanager:GetSecretValue")])
    error_message = "the database's entry only"
  }

  # Controllers change this cluster only.
  # Mistake: a controller that changes other clusters' machines or load balancers.
  assert {
    condition     = alltrue([for statement in jsondecode(aws_iam_role_policy.cluster_autoscaler.policy).Statement : statement.Condition.StringEquals["aws:ResourceTag/k8s.io/cluster-autoscaler/emr-platform-production"] == "owned" if contains(flatten([statement.Action]), "autoscaling:SetDesiredCapacity")])
    error_message = "the autoscaler scales groups tagged for this cluster"
  }

  assert {
    condition     = alltrue([for statement in jsondecode(aws_iam_role_policy.load_balancer_controller.policy).Statement : statement.Condition.StringEquals["aws:ResourceTag/elbv2.k8s.aws/cluster"] == "emr-platform-production" if contains(flatten([statement.Action]), "elasticloadbalancing:DeleteLoadBalancer")])
    error_message = "the controller deletes load balancers tagged for this cluster"
  }

  assert {
    condition     = alltrue([for statement in jsondecode(aws_iam_role_policy.load_balancer_controller.policy).Statement : can(statement.Condition) || alltrue([for resource in flatten([statement.Resource]) : endswith(resource, ":security-group-rule/*")]) if contains(flatten([statement.Action]), "ec2:AuthorizeSecurityGroupIngress")])
    error_message = "the controller opens security groups of this VPC"
  }

  # Service roles check the source.
  # Mistake: a service role that another account's resource can borrow (confused deputy).
  assert {
    condition = alltrue([
      for role in [aws_iam_role.flow_logs[0], aws_iam_role.rds_monitoring, aws_iam_role.cloudtrail, aws_iam_role.backup] :
      can(jsondecode(role.assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"]) || can(jsondecode(role.assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceArn"])
    ])
    error_message = "service roles must name their account or resource"
  }

  # Nine keys rotate.
  # Mistake: a key without rotation, one that is gone in a week, or one that nobody can administer any more.
  assert {
    condition = alltrue([
      for key in [aws_kms_key.eks, aws_kms_key.ebs, aws_kms_key.rds, aws_kms_key.redis, aws_kms_key.msk, aws_kms_key.secrets, aws_kms_key.logs, aws_kms_key.backup, aws_kms_key.alerts] :
      key.enable_key_rotation && key.deletion_window_in_days == 30
    ])
    error_message = "keys rotate, and their deletion takes 30 days"
  }

  assert {
    condition = alltrue([
      for key in [aws_kms_key.eks, aws_kms_key.ebs, aws_kms_key.rds, aws_kms_key.redis, aws_kms_key.msk, aws_kms_key.secrets, aws_kms_key.logs, aws_kms_key.backup, aws_kms_key.alerts] :
      jsondecode(key.policy).Statement[0].Principal.AWS == "arn:aws:iam::333333333333:root" && alltrue([
        for statement in jsondecode(key.policy).Statement : can(statement.Condition) || statement.Sid == "AccountDecidesByIam" || statement.Sid == "EventRulesPublish"
      ])
    ])
    error_message = "keys stay manageable, and every other statement is narrowed"
  }

  assert {
    condition     = length(output.kms_key_arns) == 9 && length(distinct(values(output.kms_key_arns))) == 9
    error_message = "nine different keys"
  }

  # Key policies let services in.
  # Mistake: a key policy that the service's calls do not match: log groups and node launches fail at apply.
  assert {
    condition     = one([for statement in jsondecode(aws_kms_key.logs.policy).Statement : statement.Condition.ArnLike["kms:EncryptionContext:aws:logs:arn"] if statement.Sid == "CloudWatchLogsOfThisAccount"]) == "arn:aws:logs:us-east-1:333333333333:log-group:*"
    error_message = "CloudWatch Logs of this account"
  }

  assert {
    condition     = alltrue([for statement in jsondecode(aws_kms_key.logs.policy).Statement : statement.Condition.StringEquals["aws:SourceArn"] == "arn:aws:cloudtrail:us-east-1:333333333333:trail/emr-platform-production-audit" if try(statement.Principal.Service, "") == "cloudtrail.amazonaws.com"])
    error_message = "CloudTrail, for this trail"
  }

  assert {
    condition     = alltrue([for statement in jsondecode(aws_kms_key.ebs.policy).Statement : statement.Condition.ArnEquals["aws:PrincipalArn"] == "arn:aws:iam::333333333333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling" && statement.Condition.StringEquals["kms:CallerAccount"] == "333333333333" if try(statement.Principal.AWS, "") == "*"])
    error_message = "Auto Scaling's role and nobody else"
  }

  assert {
    condition     = one([for statement in jsondecode(aws_kms_key.ebs.policy).Statement : statement.Condition.Bool["kms:GrantIsForAWSResource"] if statement.Sid == "AutoScalingAttachesVolumes"]) == "true"
    error_message = "grants for AWS resources only"
  }

  assert {
    condition     = toset(flatten([for statement in jsondecode(aws_kms_key.alerts.policy).Statement : statement.Principal.Service if can(statement.Principal.Service)])) == toset(["cloudwatch.amazonaws.com", "events.rds.amazonaws.com", "events.amazonaws.com"])
    error_message = "those who publish to the encrypted topic"
  }
}
