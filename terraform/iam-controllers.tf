# =============================================================================
# Permissions of the cluster's controllers. Their roles are in iam.tf; the controllers themselves are installed by Helm.
# =============================================================================

# -----------------------------------------------------------------------------
# Add-ons whose permissions AWS maintains
# -----------------------------------------------------------------------------

resource "aws_iam_role_policy_attachment" "vpc_cni" {
  role       = aws_iam_role.irsa["vpc-cni"].name
  policy_arn = "arn:${local.partition}:iam::aws:policy/AmazonEKS_CNI_Policy"
}

resource "aws_iam_role_policy_attachment" "ebs_csi" {
  role       = aws_iam_role.irsa["ebs-csi"].name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy"
}

# The managed policy knows no customer-managed key; without this, encrypted volumes stay pending.
# https://docs.aws.amazon.com/eks/latest/userguide/ebs-csi.html
resource "aws_iam_role_policy" "ebs_csi" {
  name = "volume-key"
  role = aws_iam_role.irsa["ebs-csi"].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "kms:CreateGrant"
      Resource  = aws_kms_key.ebs.arn
      Condition = { Bool = { "kms:GrantIsForAWSResource" = "true" } }
      }, {
      Effect   = "Allow"
      Action   = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKeyWithoutPlaintext", "kms:DescribeKey"]
      Resource = aws_kms_key.ebs.arn
    }]
  })
}

resource "aws_iam_role_policy_attachment" "cloudwatch" {
  for_each = toset(["CloudWatchAgentServerPolicy", "AWSXrayWriteOnlyAccess"])

  role       = aws_iam_role.irsa["cloudwatch"].name
  policy_arn = "arn:${local.partition}:iam::aws:policy/${each.key}"
}

# -----------------------------------------------------------------------------
# External Secrets: may read exactly the entries that the charts name, and nothing else
# -----------------------------------------------------------------------------

resource "aws_iam_role_policy" "external_secrets" {
  name = "read-entries"
  role = aws_iam_role.irsa["external-secrets"].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid    = "ReadTheEntries"
      Effect = "Allow"
      Action = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
      Resource = [
        aws_secretsmanager_secret.database.arn,
        aws_secretsmanager_secret.redis.arn,
        aws_secretsmanager_secret.kafka.arn,
        aws_secretsmanager_secret.api_gateway.arn,
        aws_secretsmanager_secret.emr_service.arn,
      ]
      }, {
      Sid       = "DecryptThem"
      Effect    = "Allow"
      Action    = "kms:Decrypt"
      Resource  = aws_kms_key.secrets.arn
      Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${var.aws_region}.amazonaws.com" } }
    }]
  })
}

# -----------------------------------------------------------------------------
# Cluster autoscaler: reads everywhere (the API has no resource level), changes this cluster's groups only
# https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/cloudprovider/aws/README.md
# -----------------------------------------------------------------------------

resource "aws_iam_role_policy" "cluster_autoscaler" {
  name = "scale-node-groups"
  role = aws_iam_role.irsa["cluster-autoscaler"].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid    = "Look"
      Effect = "Allow"
      Action = [
        "autoscaling:DescribeAutoScalingGroups",
        "autoscaling:DescribeAutoScalingInstances",
        "autoscaling:DescribeLaunchConfigurations",
        "autoscaling:DescribeScalingActivities",
        "autoscaling:DescribeTags",
        "ec2:DescribeImages",
        "ec2:DescribeInstanceTypes",
        "ec2:DescribeLaunchTemplateVersions",
        "ec2:GetInstanceTypesFromInstanceRequirements",
      ]
      Resource = "*"
      }, {
      # Labels and taints of an empty group come from here, so the groups need no node-template tags.
      Sid      = "ReadNodeGroups"
      Effect   = "Allow"
      Action   = "eks:DescribeNodegroup"
      Resource = "arn:${local.partition}:eks:${var.aws_region}:${local.account_id}:nodegroup/${local.cluster_name}/*/*"
      }, {
      # EKS puts this tag on the groups of managed node groups.
      Sid       = "ScaleOwnGroups"
      Effect    = "Allow"
      Action    = ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"]
      Resource  = "*"
      Condition = { StringEquals = { "aws:ResourceTag/k8s.io/cluster-autoscaler/${local.cluster_name}" = "owned" } }
    }]
  })
}

# -----------------------------------------------------------------------------
# Load-balancer controller: makes and changes load balancers that carry this cluster's tag. Narrower than the controller's
# published policy: it names the cluster where that asks for any tag, and the VPC where that allows all security groups.
# https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/installation/#configure-iam
# -----------------------------------------------------------------------------

locals {
  lbc_ec2_arn = "arn:${local.partition}:ec2:${var.aws_region}:${local.account_id}"
  lbc_elb_arn = "arn:${local.partition}:elasticloadbalancing:${var.aws_region}:${local.account_id}"

  lbc_owned     = { StringEquals = { "aws:ResourceTag/elbv2.k8s.aws/cluster" = local.cluster_name } }
  lbc_requested = { StringEquals = { "aws:RequestTag/elbv2.k8s.aws/cluster" = local.cluster_name } }
}

resource "aws_iam_role_policy" "load_balancer_controller" {
  name = "load-balancers"
  role = aws_iam_role.irsa["load-balancer-controller"].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid    = "Look"
      Effect = "Allow"
      Action = [
        "acm:DescribeCertificate",
        "acm:ListCertificates",
        "ec2:DescribeAccountAttributes",
        "ec2:DescribeAddresses",
        "ec2:DescribeAvailabilityZones",
        "ec2:DescribeInstances",
        "ec2:DescribeInternetGateways",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeRouteTables",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeTags",
        "ec2:DescribeVpcPeeringConnections",
        "ec2:DescribeVpcs",
        "ec2:GetSecurityGroupsForVpc",
        "elasticloadbalancing:Describe*",
        "shield:DescribeProtection",
        "shield:GetSubscriptionState",
        "wafv2:GetWebACL",
        "wafv2:GetWebACLForResource",
      ]
      Resource = "*"
      }, {
      Sid       = "ServiceLinkedRole"
      Effect    = "Allow"
      Action    = "iam:CreateServiceLinkedRole"
      Resource  = "arn:${local.partition}:iam::${local.account_id}:role/aws-service-role/elasticloadbalancing.amazonaws.com/*"
      Condition = { StringEquals = { "iam:AWSServiceName" = "elasticloadbalancing.amazonaws.com" } }
      }, {
      Sid      = "WebAcl"
      Effect   = "Allow"
      Action   = ["wafv2:AssociateWebACL", "wafv2:DisassociateWebACL"]
      Resource = ["${local.lbc_elb_arn}:loadbalancer/app/*", "arn:${local.partition}:wafv2:${var.aws_region}:${local.account_id}:regional/webacl/*"]
      }, {
      Sid       = "RulesInThisVpc"
      Effect    = "Allow"
      Action    = ["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"]
      Resource  = "${local.lbc_ec2_arn}:security-group/*"
      Condition = { ArnEquals = { "ec2:Vpc" = aws_vpc.main.arn } }
      }, {
      Sid      = "RuleObjects"
      Effect   = "Allow"
      Action   = ["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"]
      Resource = "${local.lbc_ec2_arn}:security-group-rule/*"
      }, {
      Sid      = "CreateGroupInThisVpc"
      Effect   = "Allow"
      Action   = "ec2:CreateSecurityGroup"
      Resource = aws_vpc.main.arn
      }, {
      Sid       = "CreateTaggedGroup"
      Effect    = "Allow"
      Action    = "ec2:CreateSecurityGroup"
      Resource  = "${local.lbc_ec2_arn}:security-group/*"
      Condition = local.lbc_requested
      }, {
      Sid       = "TagNewGroup"
      Effect    = "Allow"
      Action    = "ec2:CreateTags"
      Resource  = "${local.lbc_ec2_arn}:security-group/*"
      Condition = { StringEquals = { "ec2:CreateAction" = "CreateSecurityGroup", "aws:RequestTag/elbv2.k8s.aws/cluster" = local.cluster_name } }
      }, {
      Sid       = "ChangeOwnGroups"
      Effect    = "Allow"
      Action    = ["ec2:CreateTags", "ec2:DeleteTags", "ec2:DeleteSecurityGroup"]
      Resource  = "${local.lbc_ec2_arn}:security-group/*"
      Condition = local.lbc_owned
      }, {
      Sid       = "CreateTaggedLoadBalancers"
      Effect    = "Allow"
      Action    = ["elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateTargetGroup"]
      Resource  = ["${local.lbc_elb_arn}:loadbalancer/*", "${local.lbc_elb_arn}:targetgroup/*"]
      Condition = local.lbc_requested
      }, {
      Sid       = "TagNewLoadBalancers"
      Effect    = "Allow"
      Action    = "elasticloadbalancing:AddTags"
      Resource  = ["${local.lbc_elb_arn}:loadbalancer/*", "${local.lbc_elb_arn}:targetgroup/*"]
      Condition = { StringEquals = { "elasticloadbalancing:CreateAction" = ["CreateLoadBalancer", "CreateTargetGroup"], "aws:RequestTag/elbv2.k8s.aws/cluster" = local.cluster_name } }
      }, {
      # Listeners and rules hang on a load balancer; the tag is asked of that.
      Sid    = "ChangeOwnLoadBalancers"
      Effect = "Allow"
      Action = [
        "elasticloadbalancing:AddTags",
        "elasticloadbalancing:CreateListener",
        "elasticloadbalancing:DeleteLoadBalancer",
        "elasticloadbalancing:DeleteTargetGroup",
        "elasticloadbalancing:DeregisterTargets",
        "elasticloadbalancing:ModifyIpPools",
        "elasticloadbalancing:ModifyLoadBalancerAttributes",
        "elasticloadbalancing:ModifyTargetGroup",
        "elasticloadbalancing:ModifyTargetGroupAttributes",
        "elasticloadbalancing:RegisterTargets",
        "elasticloadbalancing:RemoveTags",
        "elasticloadbalancing:SetIpAddressType",
        "elasticloadbalancing:SetSecurityGroups",
        "elasticloadbalancing:SetSubnets",
        "elasticloadbalancing:SetWebAcl",
      ]
      Resource  = ["${local.lbc_elb_arn}:loadbalancer/*", "${local.lbc_elb_arn}:targetgroup/*"]
      Condition = local.lbc_owned
      }, {
      Sid    = "ListenersAndRules"
      Effect = "Allow"
      Action = [
        "elasticloadbalancing:AddListenerCertificates",
        "elasticloadbalancing:AddTags",
        "elasticloadbalancing:CreateRule",
        "elasticloadbalancing:DeleteListener",
        "elasticloadbalancing:DeleteRule",
        "elasticloadbalancing:ModifyListener",
        "elasticloadbalancing:ModifyListenerAttributes",
        "elasticloadbalancing:ModifyRule",
        "elasticloadbalancing:RemoveListenerCertificates",
        "elasticloadbalancing:RemoveTags",
        "elasticloadbalancing:SetRulePriorities",
      ]
      Resource = ["${local.lbc_elb_arn}:listener/*", "${local.lbc_elb_arn}:listener-rule/*"]
    }]
  })
}
