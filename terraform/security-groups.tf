# =============================================================================
# Security groups. Rules are resources of their own and never inline, so that a rule added by hand is seen as such and
# two writers never overwrite each other's rules.
# https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/security_group#protocol
#
#   internet -> alb :443/:80 -> pods :8080 -> postgres :5432, redis :6379, kafka :9098
# =============================================================================

locals {
  # The port on which the charts' pods serve traffic and health checks.
  service_port = 8080
}

# -----------------------------------------------------------------------------
# Load balancer: the only group that the internet may reach
# -----------------------------------------------------------------------------

resource "aws_security_group" "alb" {
  name        = "${local.name}-alb"
  description = "Load balancer of the API gateway"
  vpc_id      = aws_vpc.main.id

  tags = { Name = "${local.name}-alb" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "alb_https" {
  for_each = toset(var.alb_ingress_cidrs)

  security_group_id = aws_security_group.alb.id
  description       = "HTTPS from ${each.key}"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = each.key
}

resource "aws_vpc_security_group_ingress_rule" "alb_http" {
  for_each = toset(var.alb_ingress_cidrs)

  security_group_id = aws_security_group.alb.id
  description       = "HTTP from ${each.key}, answered with a redirect to HTTPS only"
  ip_protocol       = "tcp"
  from_port         = 80
  to_port           = 80
  cidr_ipv4         = each.key
}

resource "aws_vpc_security_group_egress_rule" "alb_to_pods" {
  security_group_id            = aws_security_group.alb.id
  description                  = "Pods of the API gateway (target type ip)"
  ip_protocol                  = "tcp"
  from_port                    = local.service_port
  to_port                      = local.service_port
  referenced_security_group_id = aws_security_group.nodes.id
}

# -----------------------------------------------------------------------------
# EKS: access to the private API endpoint, and the identity of the nodes
# -----------------------------------------------------------------------------

# Besides the group that EKS makes by itself (which joins control plane and nodes), for callers outside the cluster.
resource "aws_security_group" "eks_api" {
  name        = "${local.name}-eks-api"
  description = "Callers of the private Kubernetes API endpoint"
  vpc_id      = aws_vpc.main.id

  tags = { Name = "${local.name}-eks-api" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "eks_api" {
  for_each = toset(var.eks_private_access_cidrs)

  security_group_id = aws_security_group.eks_api.id
  description       = "Kubernetes API from ${each.key} (VPN or peered network)"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = each.key
}

# Nodes carry this group and the one of EKS. This one is the source that the data stores and endpoints let in; the one of
# EKS opens node to node and node to control plane.
# https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html
resource "aws_security_group" "nodes" {
  name        = "${local.name}-nodes"
  description = "EKS nodes and the pods on them"
  vpc_id      = aws_vpc.main.id

  # Not tagged kubernetes.io/cluster/*: the load-balancer controller expects exactly one tagged group on each node, and
  # that is the one of EKS.
  tags = { Name = "${local.name}-nodes" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "nodes_from_alb" {
  security_group_id            = aws_security_group.nodes.id
  description                  = "Load balancer to the API gateway's pods"
  ip_protocol                  = "tcp"
  from_port                    = local.service_port
  to_port                      = local.service_port
  referenced_security_group_id = aws_security_group.alb.id
}

resource "aws_vpc_security_group_egress_rule" "nodes_to_postgres" {
  security_group_id            = aws_security_group.nodes.id
  description                  = "PostgreSQL"
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
  referenced_security_group_id = aws_security_group.rds.id
}

resource "aws_vpc_security_group_egress_rule" "nodes_to_redis" {
  security_group_id            = aws_security_group.nodes.id
  description                  = "Redis over TLS"
  ip_protocol                  = "tcp"
  from_port                    = 6379
  to_port                      = 6379
  referenced_security_group_id = aws_security_group.redis.id
}

resource "aws_vpc_security_group_egress_rule" "nodes_to_kafka" {
  security_group_id            = aws_security_group.nodes.id
  description                  = "Kafka with IAM authentication over TLS"
  ip_protocol                  = "tcp"
  from_port                    = 9098
  to_port                      = 9098
  referenced_security_group_id = aws_security_group.msk.id
}

resource "aws_vpc_security_group_egress_rule" "nodes_https" {
  security_group_id = aws_security_group.nodes.id
  description       = "AWS APIs, image registries and EMR systems over HTTPS"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
}

# -----------------------------------------------------------------------------
# Data stores: in from the nodes on one port each. No egress rule at all: they open no connection of their own.
# -----------------------------------------------------------------------------

resource "aws_security_group" "rds" {
  name        = "${local.name}-rds"
  description = "PostgreSQL and its replicas"
  vpc_id      = aws_vpc.main.id

  tags = { Name = "${local.name}-rds" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "rds_from_nodes" {
  security_group_id            = aws_security_group.rds.id
  description                  = "PostgreSQL from pods"
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
  referenced_security_group_id = aws_security_group.nodes.id
}

resource "aws_security_group" "redis" {
  name        = "${local.name}-redis"
  description = "Redis replication group"
  vpc_id      = aws_vpc.main.id

  tags = { Name = "${local.name}-redis" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "redis_from_nodes" {
  security_group_id            = aws_security_group.redis.id
  description                  = "Redis over TLS from pods"
  ip_protocol                  = "tcp"
  from_port                    = 6379
  to_port                      = 6379
  referenced_security_group_id = aws_security_group.nodes.id
}

resource "aws_security_group" "msk" {
  name        = "${local.name}-msk"
  description = "Kafka brokers"
  vpc_id      = aws_vpc.main.id

  tags = { Name = "${local.name}-msk" }

  lifecycle {
    create_before_destroy = true
  }
}

# 9098 is SASL/IAM over TLS. 9092 (plaintext), 9094 (TLS without identity) and 9096 (SCRAM) stay closed.
# https://docs.aws.amazon.com/msk/latest/developerguide/port-info.html
resource "aws_vpc_security_group_ingress_rule" "msk_iam_from_nodes" {
  security_group_id            = aws_security_group.msk.id
  description                  = "Kafka with IAM authentication over TLS from pods"
  ip_protocol                  = "tcp"
  from_port                    = 9098
  to_port                      = 9098
  referenced_security_group_id = aws_security_group.nodes.id
}

resource "aws_vpc_security_group_ingress_rule" "msk_prometheus_from_nodes" {
  security_group_id            = aws_security_group.msk.id
  description                  = "Prometheus scrapes the JMX (11001) and node (11002) exporters"
  ip_protocol                  = "tcp"
  from_port                    = 11001
  to_port                      = 11002
  referenced_security_group_id = aws_security_group.nodes.id
}

resource "aws_vpc_security_group_egress_rule" "nodes_to_msk_prometheus" {
  security_group_id            = aws_security_group.nodes.id
  description                  = "Prometheus to the brokers' exporters"
  ip_protocol                  = "tcp"
  from_port                    = 11001
  to_port                      = 11002
  referenced_security_group_id = aws_security_group.msk.id
}

# -----------------------------------------------------------------------------
# VPC endpoints
# -----------------------------------------------------------------------------

resource "aws_security_group" "endpoints" {
  name        = "${local.name}-endpoints"
  description = "Interface endpoints of AWS services"
  vpc_id      = aws_vpc.main.id

  tags = { Name = "${local.name}-endpoints" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "endpoints_from_private" {
  for_each = toset(local.private_cidrs)

  security_group_id = aws_security_group.endpoints.id
  description       = "HTTPS from the private tier ${each.key}"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = each.key
}
