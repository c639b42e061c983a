# =============================================================================
# EKS nodes: one managed group per instance size, so that the autoscaler sees one shape per group
# =============================================================================

locals {
  # The NodeConfig part is merged by EKS with its own (cluster name, endpoint, CA). The script part runs before the
  # kubelet starts. https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html#launch-template-user-data
  node_config = yamlencode({
    apiVersion = "node.eks.aws/v1alpha1"
    kind       = "NodeConfig"
    spec = {
      kubelet = {
        config = {
          # nodeadm counts single addresses; with prefix delegation (see vpc-cni below) an m6i carries the usual 110.
          # https://docs.aws.amazon.com/eks/latest/best-practices/prefix-mode-linux.html
          maxPods              = 110
          containerLogMaxSize  = "50Mi"
          containerLogMaxFiles = 5
          seccompDefault       = true
        }
      }
    }
  })

  node_user_data = join("\n", [
    "MIME-Version: 1.0",
    "Content-Type: multipart/mixed; boundary=\"EMR-PLATFORM\"",
    "",
    "--EMR-PLATFORM",
    "Content-Type: application/node.eks.aws",
    "",
    "---",
    local.node_config,
    "--EMR-PLATFORM",
    "Content-Type: text/x-shellscript; charset=\"us-ascii\"",
    "",
    file("${path.module}/user-data.sh"),
    "--EMR-PLATFORM--",
    "",
  ])
}

resource "aws_iam_role" "eks_nodes" {
  name        = "${local.name}-eks-nodes"
  description = "EKS nodes. Pods have roles of their own and cannot reach this one (IMDS hop limit 1)"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.amazonaws.com" }
    }]
  })
}

# No AmazonEKS_CNI_Policy: the CNI has a role of its own (iam-controllers.tf). SSM replaces SSH.
resource "aws_iam_role_policy_attachment" "eks_nodes" {
  for_each = toset([
    "AmazonEKSWorkerNodePolicy",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonSSMManagedInstanceCore",
  ])

  role       = aws_iam_role.eks_nodes.name
  policy_arn = "arn:${local.partition}:iam::aws:policy/${each.key}"
}

resource "aws_launch_template" "nodes" {
  name                   = "${local.name}-nodes"
  description            = "EKS nodes: encrypted disks, IMDSv2, AL2023 user data"
  update_default_version = true

  # No image_id: EKS then picks the AMI of ami_type and merges its bootstrap into the user data.
  user_data = base64encode(local.node_user_data)

  # A template with groups gets none added by EKS, so the cluster's own must be named too.
  vpc_security_group_ids = [
    aws_security_group.nodes.id,
    aws_eks_cluster.main.vpc_config[0].cluster_security_group_id,
  ]

  # Session tokens are required, and a hop limit of 1 keeps them from reaching pods.
  # https://docs.aws.amazon.com/eks/latest/best-practices/identity-and-access-management.html
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
    instance_metadata_tags      = "disabled"
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_type           = "gp3"
      volume_size           = 100
      encrypted             = true
      kms_key_id            = aws_kms_key.ebs.arn
      delete_on_termination = true
    }
  }

  monitoring {
    enabled = true
  }

  # default_tags stop at the template; instances and disks get theirs here.
  dynamic "tag_specifications" {
    for_each = toset(["instance", "volume", "network-interface"])

    content {
      resource_type = tag_specifications.key
      tags          = merge(local.tags, { Name = "${local.name}-node" })
    }
  }
}

resource "aws_eks_node_group" "main" {
  for_each = var.eks_node_groups

  cluster_name    = aws_eks_cluster.main.name
  node_group_name = "${local.name}-${each.key}"
  node_role_arn   = aws_iam_role.eks_nodes.arn
  subnet_ids      = [for subnet in aws_subnet.private : subnet.id]
  version         = var.eks_version

  ami_type       = "AL2023_x86_64_STANDARD"
  capacity_type  = "ON_DEMAND"
  instance_types = [each.value.instance_type]

  scaling_config {
    min_size     = each.value.min_size
    max_size     = each.value.max_size
    desired_size = each.value.min_size
  }

  update_config {
    max_unavailable_percentage = 33
  }

  launch_template {
    id      = aws_launch_template.nodes.id
    version = aws_launch_template.nodes.latest_version
  }

  labels = {
    "emr-platform/node-group" = each.key
  }

  lifecycle {
    # From the first minute on it belongs to the cluster autoscaler.
    ignore_changes = [scaling_config[0].desired_size]
  }

  # Without network plugin and proxy nodes never become Ready, and the group fails after 25 minutes.
  depends_on = [
    aws_iam_role_policy_attachment.eks_nodes,
    aws_eks_addon.vpc_cni,
    aws_eks_addon.kube_proxy,
    aws_eks_addon.pod_identity_agent,
  ]
}
