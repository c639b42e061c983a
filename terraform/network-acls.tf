# =============================================================================
# Network ACLs: one per tier. A second, stateless fence behind the security groups, so answers need rules too.
# Quota: 20 rules a direction. https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-nacls
# =============================================================================

locals {
  # Answers come back to any of these: NAT gateways and load balancers use 1024-65535, and the VPC CNI's source NAT
  # (--random-fully) draws from the same range, so the Linux default of 32768-60999 would be too narrow.
  # https://docs.aws.amazon.com/vpc/latest/userguide/custom-network-acl.html#nacl-ephemeral-ports
  ephemeral_from = 1024
  ephemeral_to   = 65535

  # What the private tier may reach in the database tier. 11001-11002: MSK's Prometheus exporters.
  database_tier_ports = {
    postgres   = { from = 5432, to = 5432 }
    redis      = { from = 6379, to = 6379 }
    kafka_iam  = { from = 9098, to = 9098 }
    kafka_prom = { from = 11001, to = 11002 }
  }

  database_tier_ingress = flatten([
    for name in sort(keys(local.database_tier_ports)) : [
      for cidr in local.private_cidrs : merge(local.database_tier_ports[name], { cidr = cidr })
    ]
  ])
}

resource "aws_network_acl" "public" {
  vpc_id     = aws_vpc.main.id
  subnet_ids = [for subnet in aws_subnet.public : subnet.id]

  # Everything inside the VPC: nodes on their way to the NAT gateways, targets answering the load balancer.
  ingress {
    rule_no    = 100
    action     = "allow"
    protocol   = "-1"
    from_port  = 0
    to_port    = 0
    cidr_block = local.vpc_cidr
  }

  # The ephemeral range below contains RDP; nothing here speaks it.
  # https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-21
  ingress {
    rule_no    = 110
    action     = "deny"
    protocol   = "tcp"
    from_port  = 3389
    to_port    = 3389
    cidr_block = "0.0.0.0/0"
  }

  ingress {
    rule_no    = 120
    action     = "allow"
    protocol   = "tcp"
    from_port  = 443
    to_port    = 443
    cidr_block = "0.0.0.0/0"
  }

  # Only for the load balancer's redirect to HTTPS.
  ingress {
    rule_no    = 130
    action     = "allow"
    protocol   = "tcp"
    from_port  = 80
    to_port    = 80
    cidr_block = "0.0.0.0/0"
  }

  ingress {
    rule_no    = 140
    action     = "allow"
    protocol   = "tcp"
    from_port  = local.ephemeral_from
    to_port    = local.ephemeral_to
    cidr_block = "0.0.0.0/0"
  }

  egress {
    rule_no    = 100
    action     = "allow"
    protocol   = "-1"
    from_port  = 0
    to_port    = 0
    cidr_block = local.vpc_cidr
  }

  egress {
    rule_no    = 120
    action     = "allow"
    protocol   = "tcp"
    from_port  = 443
    to_port    = 443
    cidr_block = "0.0.0.0/0"
  }

  # Answers to clients of the load balancer, and EMR systems that listen on high ports (8443 is common for FHIR).
  egress {
    rule_no    = 140
    action     = "allow"
    protocol   = "tcp"
    from_port  = local.ephemeral_from
    to_port    = local.ephemeral_to
    cidr_block = "0.0.0.0/0"
  }

  tags = { Name = "${local.name}-public" }
}

resource "aws_network_acl" "private" {
  vpc_id     = aws_vpc.main.id
  subnet_ids = [for subnet in aws_subnet.private : subnet.id]

  ingress {
    rule_no    = 100
    action     = "allow"
    protocol   = "-1"
    from_port  = 0
    to_port    = 0
    cidr_block = local.vpc_cidr
  }

  ingress {
    rule_no    = 110
    action     = "deny"
    protocol   = "tcp"
    from_port  = 3389
    to_port    = 3389
    cidr_block = "0.0.0.0/0"
  }

  # Answers from the internet keep the remote address behind a NAT gateway, hence 0.0.0.0/0. There is no route in from
  # the internet to this tier, so nothing can open a connection through this rule.
  ingress {
    rule_no    = 140
    action     = "allow"
    protocol   = "tcp"
    from_port  = local.ephemeral_from
    to_port    = local.ephemeral_to
    cidr_block = "0.0.0.0/0"
  }

  egress {
    rule_no    = 100
    action     = "allow"
    protocol   = "-1"
    from_port  = 0
    to_port    = 0
    cidr_block = local.vpc_cidr
  }

  egress {
    rule_no    = 120
    action     = "allow"
    protocol   = "tcp"
    from_port  = 443
    to_port    = 443
    cidr_block = "0.0.0.0/0"
  }

  egress {
    rule_no    = 140
    action     = "allow"
    protocol   = "tcp"
    from_port  = local.ephemeral_from
    to_port    = local.ephemeral_to
    cidr_block = "0.0.0.0/0"
  }

  tags = { Name = "${local.name}-private" }
}

resource "aws_network_acl" "database" {
  vpc_id     = aws_vpc.main.id
  subnet_ids = [for subnet in aws_subnet.database : subnet.id]

  # The private tier, on the three stores' ports and nothing else.
  dynamic "ingress" {
    for_each = local.database_tier_ingress

    content {
      rule_no    = 100 + ingress.key * 10
      action     = "allow"
      protocol   = "tcp"
      from_port  = ingress.value.from
      to_port    = ingress.value.to
      cidr_block = ingress.value.cidr
    }
  }

  # Inside the tier: replication of Redis, of Kafka and of PostgreSQL.
  dynamic "ingress" {
    for_each = local.database_cidrs

    content {
      rule_no    = 500 + ingress.key * 10
      action     = "allow"
      protocol   = "-1"
      from_port  = 0
      to_port    = 0
      cidr_block = ingress.value
    }
  }

  dynamic "egress" {
    for_each = local.private_cidrs

    content {
      rule_no    = 100 + egress.key * 10
      action     = "allow"
      protocol   = "tcp"
      from_port  = local.ephemeral_from
      to_port    = local.ephemeral_to
      cidr_block = egress.value
    }
  }

  dynamic "egress" {
    for_each = local.database_cidrs

    content {
      rule_no    = 500 + egress.key * 10
      action     = "allow"
      protocol   = "-1"
      from_port  = 0
      to_port    = 0
      cidr_block = egress.value
    }
  }

  tags = { Name = "${local.name}-database" }
}
