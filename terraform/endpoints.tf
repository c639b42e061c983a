# =============================================================================
# VPC endpoints: AWS APIs stay inside the VPC, and NAT gateways are not paid for image layers
# =============================================================================

locals {
  # ssm, ssmmessages, ec2messages: Session Manager instead of SSH. elasticloadbalancing, autoscaling, ec2: the cluster's
  # controllers. sts: every IRSA exchange.
  interface_endpoints = toset([
    "autoscaling",
    "ec2",
    "ec2messages",
    "ecr.api",
    "ecr.dkr",
    "elasticloadbalancing",
    "kms",
    "logs",
    "secretsmanager",
    "ssm",
    "ssmmessages",
    "sts",
  ])

  # Buckets of AWS that nodes must read: image layers of ECR and the package repository of Amazon Linux 2023.
  # https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html#ecr-minimum-s3-perms
  # https://docs.aws.amazon.com/linux/al2023/ug/managing-repos-os-updates.html
  aws_owned_objects = [
    "arn:${local.partition}:s3:::prod-${var.aws_region}-starport-layer-bucket/*",
    "arn:${local.partition}:s3:::al2023-repos-${var.aws_region}-de612dc2/*",
  ]

  # Callers of this account only: stolen foreign credentials cannot use the endpoint to carry data out.
  own_callers_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OwnAccountCallers"
      Effect    = "Allow"
      Principal = "*"
      Action    = "*"
      Resource  = "*"
      Condition = { StringEquals = { "aws:PrincipalAccount" = local.account_id } }
    }]
  })

  # sts is the exception: AssumeRoleWithWebIdentity, the first call of every pod, carries a token and no signature, so it
  # has no principal account yet.
  sts_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "PodsExchangeTheirTokens"
      Effect    = "Allow"
      Principal = "*"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Resource  = "arn:${local.partition}:iam::${local.account_id}:role/*"
      }, {
      Sid       = "OwnAccountCallers"
      Effect    = "Allow"
      Principal = "*"
      Action    = ["sts:AssumeRole", "sts:GetCallerIdentity", "sts:TagSession"]
      Resource  = "*"
      Condition = { StringEquals = { "aws:PrincipalAccount" = local.account_id } }
    }]
  })
}

resource "aws_vpc_endpoint" "interface" {
  for_each = local.interface_endpoints

  vpc_id              = aws_vpc.main.id
  service_name        = "com.amazonaws.${var.aws_region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  subnet_ids          = [for subnet in aws_subnet.private : subnet.id]
  security_group_ids  = [aws_security_group.endpoints.id]
  private_dns_enabled = true
  policy              = each.key == "sts" ? local.sts_policy : local.own_callers_policy

  tags = { Name = "${local.name}-${each.key}" }
}

resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.main.id
  service_name      = "com.amazonaws.${var.aws_region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [for table in aws_route_table.private : table.id]

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OwnBuckets"
      Effect    = "Allow"
      Principal = "*"
      Action    = ["s3:Get*", "s3:List*", "s3:PutObject*", "s3:DeleteObject*", "s3:AbortMultipartUpload"]
      Resource  = "*"
      Condition = { StringEquals = { "aws:ResourceAccount" = local.account_id } }
      }, {
      Sid       = "ImageLayersAndPackages"
      Effect    = "Allow"
      Principal = "*"
      Action    = "s3:GetObject"
      Resource  = local.aws_owned_objects
    }]
  })

  tags = { Name = "${local.name}-s3" }
}

resource "aws_vpc_endpoint" "dynamodb" {
  vpc_id            = aws_vpc.main.id
  service_name      = "com.amazonaws.${var.aws_region}.dynamodb"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [for table in aws_route_table.private : table.id]

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OwnTables"
      Effect    = "Allow"
      Principal = "*"
      Action    = "dynamodb:*"
      Resource  = "arn:${local.partition}:dynamodb:${var.aws_region}:${local.account_id}:table/*"
    }]
  })

  tags = { Name = "${local.name}-dynamodb" }
}
