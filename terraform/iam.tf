# =============================================================================
# Roles of pods (IRSA): one per service account, trusted for exactly that service account.
# The controllers' permissions are in iam-controllers.tf, the services' and the backup job's are here.
# https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html
# =============================================================================

# No thumbprint: AWS checks the EKS issuer against its own list of certificate authorities.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_verify-thumbprint.html
resource "aws_iam_openid_connect_provider" "eks" {
  url            = aws_eks_cluster.main.identity[0].oidc[0].issuer
  client_id_list = ["sts.amazonaws.com"]

  tags = { Name = local.name }
}

locals {
  oidc_issuer = replace(aws_eks_cluster.main.identity[0].oidc[0].issuer, "https://", "")

  # role name suffix -> the one service account that may take the role
  irsa = merge(
    {
      vpc-cni                  = { namespace = "kube-system", service_account = "aws-node" }
      ebs-csi                  = { namespace = "kube-system", service_account = "ebs-csi-controller-sa" }
      load-balancer-controller = { namespace = "kube-system", service_account = "aws-load-balancer-controller" }
      cluster-autoscaler       = { namespace = "kube-system", service_account = "cluster-autoscaler" }
      external-secrets         = { namespace = "external-secrets", service_account = "external-secrets" }
      cloudwatch               = { namespace = "amazon-cloudwatch", service_account = "cloudwatch-agent" }
      db-backup                = { namespace = local.namespace, service_account = "db-backup" }
    },
    { for service in local.services : service => { namespace = local.namespace, service_account = service } },
  )
}

resource "aws_iam_role" "irsa" {
  for_each = local.irsa

  name                 = "${local.name}-${each.key}"
  description          = "Pods of service account ${each.value.namespace}/${each.value.service_account}"
  max_session_duration = 3600

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = aws_iam_openid_connect_provider.eks.arn }
      Condition = {
        StringEquals = {
          # Without :aud a token made for another audience would do; with StringLike on :sub another service account would.
          "${local.oidc_issuer}:aud" = "sts.amazonaws.com"
          "${local.oidc_issuer}:sub" = "system:serviceaccount:${each.value.namespace}:${each.value.service_account}"
        }
      }
    }]
  })
}

# -----------------------------------------------------------------------------
# Services: Kafka by IAM. Database, Redis and service secrets come through External Secrets, so they need nothing here.
# The API gateway speaks to Redis only: its role has no permission at all, which is the least there is.
#
# Topics are named <owning service>.<event>. The owner alone creates and writes them; the services of the platform read
# each other's. A consumer group starts with its service's name.
# https://docs.aws.amazon.com/msk/latest/developerguide/iam-access-control.html#kafka-actions
# -----------------------------------------------------------------------------

locals {
  kafka_services = [for service in local.services : service if service != "api-gateway"]

  # arn:aws:kafka:REGION:ACCOUNT:cluster/NAME/UUID -> .../topic/NAME/UUID, .../group/NAME/UUID
  msk_topic_prefix = replace(aws_msk_cluster.main.arn, ":cluster/", ":topic/")
  msk_group_prefix = replace(aws_msk_cluster.main.arn, ":cluster/", ":group/")
  msk_tx_prefix    = replace(aws_msk_cluster.main.arn, ":cluster/", ":transactional-id/")
}

resource "aws_iam_role_policy" "service_kafka" {
  for_each = toset(local.kafka_services)

  name = "kafka"
  role = aws_iam_role.irsa[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "Connect"
      Effect   = "Allow"
      Action   = ["kafka-cluster:Connect", "kafka-cluster:DescribeCluster", "kafka-cluster:WriteDataIdempotently"]
      Resource = aws_msk_cluster.main.arn
      }, {
      Sid    = "OwnTopics"
      Effect = "Allow"
      Action = [
        "kafka-cluster:CreateTopic",
        "kafka-cluster:DescribeTopic",
        "kafka-cluster:DescribeTopicDynamicConfiguration",
        "kafka-cluster:ReadData",
        "kafka-cluster:WriteData",
      ]
      Resource = "${local.msk_topic_prefix}/${each.key}.*"
      }, {
      Sid      = "ReadTheOthers"
      Effect   = "Allow"
      Action   = ["kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"]
      Resource = [for other in local.kafka_services : "${local.msk_topic_prefix}/${other}.*" if other != each.key]
      }, {
      Sid      = "OwnConsumerGroups"
      Effect   = "Allow"
      Action   = ["kafka-cluster:AlterGroup", "kafka-cluster:DescribeGroup"]
      Resource = "${local.msk_group_prefix}/${each.key}*"
      }, {
      Sid      = "OwnTransactions"
      Effect   = "Allow"
      Action   = ["kafka-cluster:AlterTransactionalId", "kafka-cluster:DescribeTransactionalId"]
      Resource = "${local.msk_tx_prefix}/${each.key}*"
    }]
  })
}

# -----------------------------------------------------------------------------
# Backup job: what `emr db-backup --via job` does inside the VPC
# -----------------------------------------------------------------------------

resource "aws_iam_role_policy" "db_backup" {
  name = "db-backup"
  role = aws_iam_role.irsa["db-backup"].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "FindBackups"
      Effect   = "Allow"
      Action   = ["s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads", "s3:GetBucketLocation", "s3:GetBucketObjectLockConfiguration"]
      Resource = aws_s3_bucket.backups.arn
      }, {
      # No s3:BypassGovernanceRetention and no s3:DeleteObjectVersion: a stolen job token can hide a backup behind a delete
      # marker, but cannot destroy it.
      Sid      = "WriteReadAndPruneBackups"
      Effect   = "Allow"
      Action   = ["s3:PutObject", "s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectRetention", "s3:PutObjectRetention", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
      Resource = "${aws_s3_bucket.backups.arn}/*"
      }, {
      Sid      = "BackupKey"
      Effect   = "Allow"
      Action   = ["kms:GenerateDataKey", "kms:Decrypt", "kms:DescribeKey"]
      Resource = aws_kms_key.backup.arn
      }, {
      Sid      = "DatabaseCredentials"
      Effect   = "Allow"
      Action   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
      Resource = aws_secretsmanager_secret.database.arn
      }, {
      Sid       = "SecretsKey"
      Effect    = "Allow"
      Action    = "kms:Decrypt"
      Resource  = aws_kms_key.secrets.arn
      Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${var.aws_region}.amazonaws.com" } }
      }, {
      # The manifest names DbiResourceId: a restored or replaced instance breaks a chain of incrementals.
      Sid      = "DescribeTheDatabase"
      Effect   = "Allow"
      Action   = ["rds:DescribeDBInstances", "rds:DescribeDBSnapshots", "rds:ListTagsForResource"]
      Resource = "*"
      }, {
      Sid    = "Snapshots"
      Effect = "Allow"
      Action = ["rds:CreateDBSnapshot", "rds:AddTagsToResource"]
      Resource = [
        aws_db_instance.main.arn,
        "arn:${local.partition}:rds:${var.aws_region}:${local.account_id}:snapshot:${local.name}-*",
      ]
    }]
  })
}
