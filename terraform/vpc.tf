# =============================================================================
# VPC: three zones, three tiers (public, private, database), NAT per zone
# The CIDRs are the documented ones. Charts allow the load balancer by the public CIDRs, so they are fixed.
# =============================================================================

locals {
  vpc_cidr = "10.0.0.0/16"

  public_cidrs   = ["10.0.0.0/20", "10.0.16.0/20", "10.0.32.0/20"]
  private_cidrs  = ["10.0.64.0/19", "10.0.96.0/19", "10.0.128.0/19"]
  database_cidrs = ["10.0.192.0/22", "10.0.196.0/22", "10.0.200.0/22"]

  zones = length(var.availability_zones) > 0 ? var.availability_zones : slice(sort(data.aws_availability_zones.available.names), 0, 3)

  public_subnets   = zipmap(local.zones, local.public_cidrs)
  private_subnets  = zipmap(local.zones, local.private_cidrs)
  database_subnets = zipmap(local.zones, local.database_cidrs)
}

data "aws_availability_zones" "available" {
  state = "available"

  # EKS refuses control-plane subnets in these zones.
  # https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html#network-requirements-subnets
  exclude_zone_ids = ["use1-az3", "usw1-az2", "cac1-az3"]

  # No Local Zones or Wavelength Zones: they have neither MSK nor RDS Multi-AZ.
  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }

  lifecycle {
    postcondition {
      condition     = length(self.names) >= 3
      error_message = "Region ${var.aws_region} offers this account fewer than three usable zones; the platform needs three. Choose another aws_region."
    }
  }
}

# -----------------------------------------------------------------------------
# VPC, and what AWS opens by default closed
# -----------------------------------------------------------------------------

resource "aws_vpc" "main" {
  cidr_block           = local.vpc_cidr
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = { Name = local.name }

  lifecycle {
    # The wrong workspace with the right variable file would plan one environment into the state of another.
    # `default` is let through for tests and for `plan` without a backend.
    precondition {
      condition     = terraform.workspace == var.environment || terraform.workspace == "default"
      error_message = "Workspace '${terraform.workspace}' does not match environment '${var.environment}'. Run: terraform workspace select ${var.environment}"
    }

    precondition {
      condition     = var.enable_flow_logs || !local.is_production
      error_message = "Flow logs are a compliance requirement in production. Set enable_flow_logs = true."
    }
  }
}

# Without this the VPC's default group lets all its members talk to each other, and anything launched without a group
# lands in it. https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-2
resource "aws_default_security_group" "closed" {
  vpc_id = aws_vpc.main.id

  tags = { Name = "${local.name}-default-closed" }
}

# A subnet that nobody associated with a tier gets no traffic and no route at all.
resource "aws_default_network_acl" "closed" {
  default_network_acl_id = aws_vpc.main.default_network_acl_id

  tags = { Name = "${local.name}-default-closed" }

  lifecycle {
    # AWS lists subnets here while they have no ACL of their own; that is not drift.
    ignore_changes = [subnet_ids]
  }
}

resource "aws_default_route_table" "closed" {
  default_route_table_id = aws_vpc.main.default_route_table_id
  route                  = []

  tags = { Name = "${local.name}-default-closed" }
}

# -----------------------------------------------------------------------------
# Subnets
# -----------------------------------------------------------------------------

resource "aws_subnet" "public" {
  for_each = local.public_subnets

  vpc_id            = aws_vpc.main.id
  availability_zone = each.key
  cidr_block        = each.value

  # Load balancers and NAT gateways bring their own addresses; nothing else belongs here.
  map_public_ip_on_launch = false

  tags = {
    Name = "${local.name}-public-${each.key}"
    Tier = "public"
    # How the load-balancer controller finds subnets for internet-facing load balancers.
    # https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/subnet_discovery/
    "kubernetes.io/role/elb"                      = "1"
    "kubernetes.io/cluster/${local.cluster_name}" = "shared"
  }
}

resource "aws_subnet" "private" {
  for_each = local.private_subnets

  vpc_id                  = aws_vpc.main.id
  availability_zone       = each.key
  cidr_block              = each.value
  map_public_ip_on_launch = false

  tags = {
    Name                                          = "${local.name}-private-${each.key}"
    Tier                                          = "private"
    "kubernetes.io/role/internal-elb"             = "1"
    "kubernetes.io/cluster/${local.cluster_name}" = "shared"
  }
}

resource "aws_subnet" "database" {
  for_each = local.database_subnets

  vpc_id                  = aws_vpc.main.id
  availability_zone       = each.key
  cidr_block              = each.value
  map_public_ip_on_launch = false

  tags = {
    Name = "${local.name}-database-${each.key}"
    Tier = "database"
  }
}

# -----------------------------------------------------------------------------
# Ways out: internet gateway for the public tier, one NAT gateway per zone for the private tier, none for the database
# -----------------------------------------------------------------------------

resource "aws_internet_gateway" "main" {
  vpc_id = aws_vpc.main.id

  tags = { Name = local.name }
}

# By zone name and not by count: taking a zone out must not renumber, and so replace, the gateways of the others.
resource "aws_eip" "nat" {
  for_each = local.public_subnets

  domain = "vpc"

  tags = { Name = "${local.name}-nat-${each.key}" }
}

resource "aws_nat_gateway" "main" {
  for_each = local.public_subnets

  allocation_id = aws_eip.nat[each.key].id
  subnet_id     = aws_subnet.public[each.key].id

  tags = { Name = "${local.name}-${each.key}" }

  depends_on = [aws_internet_gateway.main]
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.main.id

  tags = { Name = "${local.name}-public" }
}

resource "aws_route" "public_internet" {
  route_table_id         = aws_route_table.public.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.main.id
}

resource "aws_route_table_association" "public" {
  for_each = local.public_subnets

  route_table_id = aws_route_table.public.id
  subnet_id      = aws_subnet.public[each.key].id
}

# One table per zone, so that a zone's failure takes only its own way out.
resource "aws_route_table" "private" {
  for_each = local.private_subnets

  vpc_id = aws_vpc.main.id

  tags = { Name = "${local.name}-private-${each.key}" }
}

resource "aws_route" "private_nat" {
  for_each = local.private_subnets

  route_table_id         = aws_route_table.private[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.main[each.key].id
}

resource "aws_route_table_association" "private" {
  for_each = local.private_subnets

  route_table_id = aws_route_table.private[each.key].id
  subnet_id      = aws_subnet.private[each.key].id
}

# No aws_route on purpose: patient data has no way out of the VPC from this tier.
resource "aws_route_table" "database" {
  vpc_id = aws_vpc.main.id

  tags = { Name = "${local.name}-database" }
}

resource "aws_route_table_association" "database" {
  for_each = local.database_subnets

  route_table_id = aws_route_table.database.id
  subnet_id      = aws_subnet.database[each.key].id
}
