# =============================================================================
# EKS: control plane, and who may use it. Nodes are in eks-nodes.tf, add-ons in eks-addons.tf.
# =============================================================================

# -----------------------------------------------------------------------------
# Control plane
# -----------------------------------------------------------------------------

resource "aws_cloudwatch_log_group" "eks_cluster" {
  # EKS would make this group itself, without a key and kept for ever; made first, it is ours.
  name              = "/aws/eks/${local.cluster_name}/cluster"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.logs.arn
}

resource "aws_iam_role" "eks_cluster" {
  name        = "${local.name}-eks-cluster"
  description = "Control plane of the EKS cluster"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "eks.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "eks_cluster" {
  role       = aws_iam_role.eks_cluster.name
  policy_arn = "arn:${local.partition}:iam::aws:policy/AmazonEKSClusterPolicy"
}

resource "aws_eks_cluster" "main" {
  name     = local.cluster_name
  version  = var.eks_version
  role_arn = aws_iam_role.eks_cluster.arn

  enabled_cluster_log_types = ["api", "audit", "authenticator", "controllerManager", "scheduler"]

  # Add-ons are resources below. The self-managed copies would fight with them over the same objects.
  bootstrap_self_managed_addons = false

  vpc_config {
    subnet_ids         = [for subnet in aws_subnet.private : subnet.id]
    security_group_ids = [aws_security_group.eks_api.id]

    endpoint_private_access = true
    endpoint_public_access  = length(var.eks_public_access_cidrs) > 0
    public_access_cidrs     = length(var.eks_public_access_cidrs) > 0 ? var.eks_public_access_cidrs : null
  }

  encryption_config {
    resources = ["secrets"]

    provider {
      key_arn = aws_kms_key.eks.arn
    }
  }

  kubernetes_network_config {
    ip_family         = "ipv4"
    service_ipv4_cidr = "172.20.0.0/16"
  }

  access_config {
    authentication_mode = "API"
    # The creator would stay a hidden administrator for ever. Administrators are entries below instead. The literal
    # matters: changing it replaces the cluster.
    bootstrap_cluster_creator_admin_permissions = false
  }

  # At the end of standard support STANDARD would upgrade the cluster on a day that AWS picks.
  # https://docs.aws.amazon.com/eks/latest/userguide/view-upgrade-policy.html
  upgrade_policy {
    support_type = "EXTENDED"
  }

  # The role must outlive the cluster, which cleans up with it, and the log group must be there first.
  depends_on = [
    aws_cloudwatch_log_group.eks_cluster,
    aws_iam_role_policy_attachment.eks_cluster,
    aws_route.private_nat,
  ]
}

# -----------------------------------------------------------------------------
# Access entries: who may do what in Kubernetes, by IAM role. No aws-auth ConfigMap.
# Nodes need no entry of ours: EKS adds one for the role of each managed node group.
# -----------------------------------------------------------------------------

locals {
  # With nobody named, whoever applies is the administrator, or the new cluster could be used by no one.
  eks_admins = length(var.eks_admin_principal_arns) > 0 ? var.eks_admin_principal_arns : [data.aws_iam_session_context.current.issuer_arn]
}

check "eks_administrators_named" {
  assert {
    condition     = length(var.eks_admin_principal_arns) > 0
    error_message = "eks_admin_principal_arns is empty, so ${data.aws_iam_session_context.current.issuer_arn} becomes the cluster's administrator, and the next person who applies takes its place. Name the administrators' roles in the variable file."
  }
}

resource "aws_eks_access_entry" "admin" {
  for_each = toset(local.eks_admins)

  cluster_name  = aws_eks_cluster.main.name
  principal_arn = each.key
}

resource "aws_eks_access_policy_association" "admin" {
  for_each = toset(local.eks_admins)

  cluster_name  = aws_eks_cluster.main.name
  principal_arn = aws_eks_access_entry.admin[each.key].principal_arn
  policy_arn    = "arn:${local.partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"

  access_scope {
    type = "cluster"
  }
}

# Enough for `emr monitor`, `emr diagnose` and `emr logs`; no secrets, and the platform's namespace only.
resource "aws_eks_access_entry" "viewer" {
  for_each = toset(var.eks_viewer_principal_arns)

  cluster_name  = aws_eks_cluster.main.name
  principal_arn = each.key
}

resource "aws_eks_access_policy_association" "viewer" {
  for_each = toset(var.eks_viewer_principal_arns)

  cluster_name  = aws_eks_cluster.main.name
  principal_arn = aws_eks_access_entry.viewer[each.key].principal_arn
  policy_arn    = "arn:${local.partition}:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"

  access_scope {
    type       = "namespace"
    namespaces = [local.namespace]
  }
}
