# The network: who can reach what, and what cannot get out.

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

  # Three tiers in three zones.
  # Mistake: a subnet or zone changed or moved, which replaces everything in it and breaks the CIDRs in the charts.
  assert {
    condition     = aws_vpc.main.cidr_block == "10.0.0.0/16" && aws_vpc.main.enable_dns_support && aws_vpc.main.enable_dns_hostnames
    error_message = "the VPC must be 10.0.0.0/16 with DNS"
  }

  assert {
    condition     = { for zone, subnet in aws_subnet.public : zone => subnet.cidr_block } == { us-east-1a = "10.0.0.0/20", us-east-1b = "10.0.16.0/20", us-east-1c = "10.0.32.0/20" }
    error_message = "public subnets moved"
  }

  assert {
    condition     = { for zone, subnet in aws_subnet.private : zone => subnet.cidr_block } == { us-east-1a = "10.0.64.0/19", us-east-1b = "10.0.96.0/19", us-east-1c = "10.0.128.0/19" }
    error_message = "private subnets moved"
  }

  assert {
    condition     = { for zone, subnet in aws_subnet.database : zone => subnet.cidr_block } == { us-east-1a = "10.0.192.0/22", us-east-1b = "10.0.196.0/22", us-east-1c = "10.0.200.0/22" }
    error_message = "database subnets moved"
  }

  assert {
    condition     = alltrue([for subnet in concat(values(aws_subnet.public), values(aws_subnet.private), values(aws_subnet.database)) : subnet.map_public_ip_on_launch == false])
    error_message = "no subnet may hand out public addresses"
  }

  assert {
    condition     = alltrue([for subnet in values(aws_subnet.public) : subnet.tags["kubernetes.io/role/elb"] == "1"]) && alltrue([for subnet in values(aws_subnet.private) : subnet.tags["kubernetes.io/role/internal-elb"] == "1"])
    error_message = "the load-balancer controller finds subnets by these tags"
  }

  # A way out per zone and none for the database.
  # Mistake: one NAT gateway for all zones (a zone's failure cuts the others off), or a way out of the database tier.
  assert {
    condition     = toset(keys(aws_nat_gateway.main)) == toset(["us-east-1a", "us-east-1b", "us-east-1c"])
    error_message = "each zone needs a NAT gateway of its own"
  }

  assert {
    condition     = alltrue([for zone, route in aws_route.private_nat : route.nat_gateway_id == aws_nat_gateway.main[zone].id && route.destination_cidr_block == "0.0.0.0/0"])
    error_message = "a private subnet must leave by its own zone's gateway"
  }

  assert {
    condition     = !contains(concat([aws_route.public_internet.route_table_id], [for route in aws_route.private_nat : route.route_table_id]), aws_route_table.database.id)
    error_message = "the database tier must have no default route"
  }

  assert {
    condition     = alltrue([for association in aws_route_table_association.database : association.route_table_id == aws_route_table.database.id])
    error_message = "database subnets must use the table without routes"
  }

  # Defaults are closed.
  # Mistake: what AWS opens by default (group, network ACL, route table) left open.
  assert {
    condition     = length(aws_default_security_group.closed.ingress) == 0 && length(aws_default_security_group.closed.egress) == 0
    error_message = "the default security group must have no rule"
  }

  assert {
    condition     = length(aws_default_network_acl.closed.ingress) == 0 && length(aws_default_network_acl.closed.egress) == 0
    error_message = "the default network ACL must have no rule"
  }

  assert {
    condition     = length(aws_default_route_table.closed.route) == 0
    error_message = "the main route table must have no route"
  }

  # The internet reaches the load balancer only.
  # Mistake: 0.0.0.0/0 into anything but the load balancer, or another port there.
  assert {
    condition     = toset([for rule in aws_vpc_security_group_ingress_rule.alb_https : rule.from_port]) == toset([443]) && toset([for rule in aws_vpc_security_group_ingress_rule.alb_https : rule.to_port]) == toset([443])
    error_message = "the load balancer listens on 443"
  }

  assert {
    condition     = toset([for rule in aws_vpc_security_group_ingress_rule.alb_http : rule.from_port]) == toset([80]) && toset([for rule in aws_vpc_security_group_ingress_rule.alb_http : rule.to_port]) == toset([80])
    error_message = "the load balancer redirects from 80"
  }

  assert {
    condition = alltrue([
      for rule in concat([
        aws_vpc_security_group_ingress_rule.nodes_from_alb,
        aws_vpc_security_group_ingress_rule.rds_from_nodes,
        aws_vpc_security_group_ingress_rule.redis_from_nodes,
        aws_vpc_security_group_ingress_rule.msk_iam_from_nodes,
        aws_vpc_security_group_ingress_rule.msk_prometheus_from_nodes,
      ]) : rule.cidr_ipv4 == null && rule.cidr_ipv6 == null && rule.ip_protocol == "tcp"
    ])
    error_message = "nodes and data stores let groups in, never addresses"
  }

  assert {
    condition     = toset([for rule in aws_vpc_security_group_ingress_rule.endpoints_from_private : rule.cidr_ipv4]) == toset(["10.0.64.0/19", "10.0.96.0/19", "10.0.128.0/19"])
    error_message = "endpoints serve the private tier only"
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.eks_api) == 0
    error_message = "nobody outside reaches the Kubernetes API by default"
  }

  # Each data store has one door.
  # Mistake: a data store open to another source or on another port (9092 and 9094 would bypass IAM).
  assert {
    condition     = aws_vpc_security_group_ingress_rule.rds_from_nodes.security_group_id == "sg-rds" && aws_vpc_security_group_ingress_rule.rds_from_nodes.referenced_security_group_id == "sg-nodes" && aws_vpc_security_group_ingress_rule.rds_from_nodes.from_port == 5432 && aws_vpc_security_group_ingress_rule.rds_from_nodes.to_port == 5432
    error_message = "PostgreSQL: 5432 from the nodes"
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.redis_from_nodes.security_group_id == "sg-redis" && aws_vpc_security_group_ingress_rule.redis_from_nodes.referenced_security_group_id == "sg-nodes" && aws_vpc_security_group_ingress_rule.redis_from_nodes.from_port == 6379 && aws_vpc_security_group_ingress_rule.redis_from_nodes.to_port == 6379
    error_message = "Redis: 6379 from the nodes"
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.msk_iam_from_nodes.security_group_id == "sg-msk" && aws_vpc_security_group_ingress_rule.msk_iam_from_nodes.referenced_security_group_id == "sg-nodes" && aws_vpc_security_group_ingress_rule.msk_iam_from_nodes.from_port == 9098 && aws_vpc_security_group_ingress_rule.msk_iam_from_nodes.to_port == 9098
    error_message = "Kafka: 9098 (IAM) from the nodes"
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.nodes_from_alb.referenced_security_group_id == "sg-alb" && aws_vpc_security_group_ingress_rule.nodes_from_alb.from_port == 8080 && aws_vpc_security_group_ingress_rule.nodes_from_alb.to_port == 8080
    error_message = "pods: 8080 from the load balancer"
  }

  assert {
    condition     = aws_db_instance.main.vpc_security_group_ids == toset(["sg-rds"]) && aws_elasticache_replication_group.main.security_group_ids == toset(["sg-redis"]) && aws_msk_cluster.main.broker_node_group_info[0].security_groups == toset(["sg-msk"])
    error_message = "each store carries its own group and no other"
  }

  # Network acls.
  # Mistake: a stateless ACL that forgets the answers (everything hangs), lets the internet into the database tier, or
  # passes RDP with the ephemeral range.
  assert {
    condition     = length(aws_network_acl.public.subnet_ids) == 3 && length(aws_network_acl.private.subnet_ids) == 3 && length(aws_network_acl.database.subnet_ids) == 3
    error_message = "each tier has its own ACL"
  }

  assert {
    condition     = alltrue([for rule in concat(tolist(aws_network_acl.database.ingress), tolist(aws_network_acl.database.egress)) : startswith(rule.cidr_block, "10.0.")])
    error_message = "the database tier talks to the VPC only"
  }

  assert {
    condition     = toset([for rule in aws_network_acl.database.ingress : rule.from_port if contains(["10.0.64.0/19", "10.0.96.0/19", "10.0.128.0/19"], rule.cidr_block)]) == toset([5432, 6379, 9098, 11001])
    error_message = "the private tier reaches the stores' ports only"
  }

  assert {
    condition     = toset([for rule in aws_network_acl.database.egress : rule.cidr_block if rule.from_port == 1024 && rule.to_port == 65535]) == toset(["10.0.64.0/19", "10.0.96.0/19", "10.0.128.0/19"])
    error_message = "answers to the private tier use ephemeral ports"
  }

  assert {
    condition     = anytrue([for rule in aws_network_acl.private.ingress : rule.action == "allow" && rule.cidr_block == "0.0.0.0/0" && rule.from_port == 1024 && rule.to_port == 65535])
    error_message = "answers from the internet reach nodes on ephemeral ports"
  }

  assert {
    condition = alltrue([
      for acl in [aws_network_acl.public, aws_network_acl.private] : anytrue([
        for deny in acl.ingress : deny.action == "deny" && deny.from_port == 3389 && deny.to_port == 3389 && deny.cidr_block == "0.0.0.0/0" && alltrue([
          for rule in acl.ingress : rule.rule_no > deny.rule_no if rule.action == "allow" && rule.cidr_block == "0.0.0.0/0"
        ])
      ])
    ])
    error_message = "RDP must be denied before the ephemeral range is allowed"
  }

  assert {
    condition     = toset([for rule in aws_network_acl.public.ingress : rule.to_port if rule.action == "allow" && rule.cidr_block == "0.0.0.0/0" && rule.from_port < 1024]) == toset([443, 80])
    error_message = "of the low ports, the internet may use 443 and 80"
  }

  assert {
    condition     = alltrue([for acl in [aws_network_acl.public, aws_network_acl.private, aws_network_acl.database] : length(acl.ingress) <= 20 && length(acl.egress) <= 20])
    error_message = "AWS allows 20 rules a direction"
  }

  # Endpoints.
  # Mistake: an endpoint lost, so that its traffic silently goes out through NAT, or one that carries data to other accounts.
  assert {
    condition     = toset(keys(aws_vpc_endpoint.interface)) == toset(["autoscaling", "ec2", "ec2messages", "ecr.api", "ecr.dkr", "elasticloadbalancing", "kms", "logs", "secretsmanager", "ssm", "ssmmessages", "sts"])
    error_message = "interface endpoints missing"
  }

  assert {
    condition     = alltrue([for endpoint in aws_vpc_endpoint.interface : endpoint.private_dns_enabled && endpoint.vpc_endpoint_type == "Interface" && length(endpoint.subnet_ids) == 3 && endpoint.security_group_ids == toset(["sg-endpoints"])])
    error_message = "interface endpoints need private DNS in three zones"
  }

  assert {
    condition     = aws_vpc_endpoint.s3.vpc_endpoint_type == "Gateway" && aws_vpc_endpoint.dynamodb.vpc_endpoint_type == "Gateway" && length(aws_vpc_endpoint.s3.route_table_ids) == 3 && length(aws_vpc_endpoint.dynamodb.route_table_ids) == 3
    error_message = "S3 and DynamoDB are gateways in the private route tables"
  }

  assert {
    condition = alltrue([
      for name, endpoint in aws_vpc_endpoint.interface : alltrue([
        for statement in jsondecode(endpoint.policy).Statement : try(statement.Condition.StringEquals["aws:PrincipalAccount"], "") == "333333333333" || statement.Action == "sts:AssumeRoleWithWebIdentity"
      ])
    ])
    error_message = "endpoints serve callers of this account"
  }

  assert {
    condition     = anytrue([for statement in jsondecode(aws_vpc_endpoint.interface["sts"].policy).Statement : statement.Action == "sts:AssumeRoleWithWebIdentity" && !can(statement.Condition)])
    error_message = "pods exchange tokens unsigned: an account condition would break every IRSA role"
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_vpc_endpoint.s3.policy).Statement : statement.Resource == "*" ? statement.Condition.StringEquals["aws:ResourceAccount"] == "333333333333" : statement.Action == "s3:GetObject"
    ])
    error_message = "through the S3 endpoint: own buckets, and reading of AWS's own"
  }

  # Flow logs.
  # Mistake: flow logs off, thinned out, unencrypted, or under another name than the documentation tells people to look.
  assert {
    condition     = aws_cloudwatch_log_group.flow_logs[0].name == "/aws/vpc/vpc-0123456789abcdef0/flow-logs"
    error_message = "documented location: /aws/vpc/<vpc-id>/flow-logs"
  }

  assert {
    condition     = aws_flow_log.main[0].traffic_type == "ALL" && aws_flow_log.main[0].log_destination == aws_cloudwatch_log_group.flow_logs[0].arn
    error_message = "accepted and rejected traffic is recorded"
  }
}

# Mistake: a switch that does nothing.
run "flow_logs_can_be_off_outside_production" {
  command = plan

  variables {
    environment      = "development"
    enable_flow_logs = false
  }

  assert {
    condition     = length(aws_flow_log.main) == 0 && length(aws_cloudwatch_log_group.flow_logs) == 0 && output.log_groups.vpc_flow == null
    error_message = "enable_flow_logs = false must leave flow logs out"
  }
}

# Mistake: zones renumbered because AWS listed them in another order or opened a new one.
run "zones_can_be_named" {
  command = plan

  variables {
    availability_zones = ["us-east-1d", "us-east-1b", "us-east-1f"]
  }

  assert {
    condition     = join(" ", output.availability_zones) == "us-east-1d us-east-1b us-east-1f" && aws_subnet.public["us-east-1d"].cidr_block == "10.0.0.0/20"
    error_message = "named zones must be used in their order"
  }
}
