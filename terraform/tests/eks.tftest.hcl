# The cluster: who may use it, what its nodes look like, in which order its parts come up.

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

  # Control plane.
  # Mistake: the Kubernetes API on the internet, secrets in clear text in etcd, an audit log that is not written.
  assert {
    condition     = aws_eks_cluster.main.name == "emr-platform-production" && aws_eks_cluster.main.version == "1.33"
    error_message = "name or version"
  }

  assert {
    condition     = aws_eks_cluster.main.vpc_config[0].endpoint_private_access && !aws_eks_cluster.main.vpc_config[0].endpoint_public_access
    error_message = "the endpoint must be private by default"
  }

  assert {
    condition     = aws_eks_cluster.main.vpc_config[0].subnet_ids == toset([for subnet in aws_subnet.private : subnet.id])
    error_message = "the control plane's interfaces belong in the private tier"
  }

  assert {
    condition     = aws_eks_cluster.main.encryption_config[0].resources == toset(["secrets"]) && aws_eks_cluster.main.encryption_config[0].provider[0].key_arn == aws_kms_key.eks.arn
    error_message = "Kubernetes secrets must be encrypted with their key"
  }

  assert {
    condition     = aws_eks_cluster.main.enabled_cluster_log_types == toset(["api", "audit", "authenticator", "controllerManager", "scheduler"])
    error_message = "all five control-plane logs are documented"
  }

  assert {
    condition     = aws_cloudwatch_log_group.eks_cluster.name == "/aws/eks/emr-platform-production/cluster"
    error_message = "documented location: /aws/eks/<cluster-name>/cluster"
  }

  # Access.
  # Mistake: a hidden administrator, the aws-auth ConfigMap back, or nobody who may use the cluster.
  assert {
    condition     = aws_eks_cluster.main.access_config[0].authentication_mode == "API" && !aws_eks_cluster.main.access_config[0].bootstrap_cluster_creator_admin_permissions
    error_message = "access is by access entries only"
  }

  assert {
    condition     = keys(aws_eks_access_entry.admin) == ["arn:aws:iam::333333333333:role/emr-platform-deployer"] && alltrue([for association in aws_eks_access_policy_association.admin : endswith(association.policy_arn, "/AmazonEKSClusterAdminPolicy") && association.access_scope[0].type == "cluster"])
    error_message = "the named role administers the cluster"
  }

  assert {
    condition     = length(aws_eks_access_entry.viewer) == 0
    error_message = "no viewers unless named"
  }

  # Nodes are hardened.
  # Mistake: pods that reach the node's credentials, unencrypted disks, nodes outside the groups that data stores let in.
  assert {
    condition     = aws_launch_template.nodes.metadata_options[0].http_tokens == "required" && aws_launch_template.nodes.metadata_options[0].http_put_response_hop_limit == 1
    error_message = "IMDSv2 with a hop limit of 1"
  }

  assert {
    condition     = aws_launch_template.nodes.block_device_mappings[0].device_name == "/dev/xvda" && aws_launch_template.nodes.block_device_mappings[0].ebs[0].encrypted == "true" && aws_launch_template.nodes.block_device_mappings[0].ebs[0].volume_type == "gp3" && aws_launch_template.nodes.block_device_mappings[0].ebs[0].kms_key_id == aws_kms_key.ebs.arn
    error_message = "the root disk must be gp3, encrypted with its key"
  }

  assert {
    condition     = contains(aws_launch_template.nodes.vpc_security_group_ids, "sg-nodes") && contains(aws_launch_template.nodes.vpc_security_group_ids, aws_eks_cluster.main.vpc_config[0].cluster_security_group_id) && length(aws_launch_template.nodes.vpc_security_group_ids) == 2
    error_message = "nodes carry our group and the cluster's: with a template EKS adds none"
  }

  assert {
    condition     = toset([for specification in aws_launch_template.nodes.tag_specifications : specification.resource_type]) == toset(["instance", "volume", "network-interface"]) && alltrue([for specification in aws_launch_template.nodes.tag_specifications : specification.tags["DataClassification"] == "phi"])
    error_message = "default_tags do not reach instances and disks"
  }

  assert {
    condition     = toset(keys(aws_iam_role_policy_attachment.eks_nodes)) == toset(["AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly", "AmazonSSMManagedInstanceCore"])
    error_message = "node role: worker, image pulls, Session Manager, and nothing that pods should have"
  }

  # User data is mime for nodeadm.
  # Mistake: user data that AL2023 does not understand: the node never joins, and EKS says so after 25 minutes.
  assert {
    condition     = startswith(base64decode(aws_launch_template.nodes.user_data), "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"EMR-PLATFORM\"\n\n--EMR-PLATFORM\n")
    error_message = "the MIME header must come first"
  }

  assert {
    condition     = endswith(base64decode(aws_launch_template.nodes.user_data), "\n--EMR-PLATFORM--\n")
    error_message = "the last boundary must close the document"
  }

  # The parts, parsed as nodeadm would: the YAML must decode, and name the kind that nodeadm merges.
  assert {
    condition     = yamldecode(split("\n--EMR-PLATFORM", split("Content-Type: application/node.eks.aws\n\n---\n", base64decode(aws_launch_template.nodes.user_data))[1])[0]).kind == "NodeConfig"
    error_message = "the NodeConfig part must be YAML of kind NodeConfig"
  }

  assert {
    condition     = yamldecode(split("\n--EMR-PLATFORM", split("Content-Type: application/node.eks.aws\n\n---\n", base64decode(aws_launch_template.nodes.user_data))[1])[0]).spec.kubelet.config.maxPods == 110
    error_message = "without maxPods nodeadm allows 58 pods on an m6i.xlarge"
  }

  assert {
    condition     = startswith(split("Content-Type: text/x-shellscript; charset=\"us-ascii\"\n\n", base64decode(aws_launch_template.nodes.user_data))[1], "#!/bin/bash\n")
    error_message = "the script part must begin with its interpreter"
  }

  assert {
    condition     = length(aws_launch_template.nodes.user_data) < 16384 * 4 / 3
    error_message = "EC2 takes 16 KB of user data"
  }

  assert {
    condition     = length(aws_launch_template.nodes.image_id == null ? "" : aws_launch_template.nodes.image_id) == 0
    error_message = "with an image_id EKS would merge no bootstrap"
  }

  # Node groups.
  # Mistake: more or fewer nodes than documented, two sizes in one group, another image family.
  assert {
    condition     = sum([for group in aws_eks_node_group.main : group.scaling_config[0].min_size]) == 2 && sum([for group in aws_eks_node_group.main : group.scaling_config[0].max_size]) == 12
    error_message = "documented: 2 to 12 nodes"
  }

  assert {
    condition     = toset(flatten([for group in aws_eks_node_group.main : group.instance_types])) == toset(["m6i.xlarge", "m6i.2xlarge", "m6i.4xlarge"]) && alltrue([for group in aws_eks_node_group.main : length(group.instance_types) == 1])
    error_message = "documented: m6i.xlarge to m6i.4xlarge, one size per group"
  }

  assert {
    condition     = alltrue([for group in aws_eks_node_group.main : group.ami_type == "AL2023_x86_64_STANDARD" && group.subnet_ids == toset([for subnet in aws_subnet.private : subnet.id])])
    error_message = "AL2023 nodes in the private tier"
  }

  # Addons.
  # Mistake: an add-on lost, or its service account without the role, which shows only when a pod is refused.
  assert {
    condition = [
      aws_eks_addon.vpc_cni.addon_name, aws_eks_addon.kube_proxy.addon_name, aws_eks_addon.pod_identity_agent.addon_name, aws_eks_addon.coredns.addon_name,
      aws_eks_addon.ebs_csi_driver.addon_name, aws_eks_addon.metrics_server.addon_name, aws_eks_addon.cloudwatch_observability.addon_name,
    ] == ["vpc-cni", "kube-proxy", "eks-pod-identity-agent", "coredns", "aws-ebs-csi-driver", "metrics-server", "amazon-cloudwatch-observability"]
    error_message = "add-ons"
  }

  assert {
    condition     = alltrue([for addon in [aws_eks_addon.vpc_cni, aws_eks_addon.ebs_csi_driver, aws_eks_addon.cloudwatch_observability] : addon.service_account_role_arn != null])
    error_message = "these add-ons call AWS and need their roles"
  }

  assert {
    condition     = jsondecode(aws_eks_addon.vpc_cni.configuration_values).enableNetworkPolicy == "true" && jsondecode(aws_eks_addon.vpc_cni.configuration_values).env.ENABLE_PREFIX_DELEGATION == "true"
    error_message = "without the policy agent the charts' NetworkPolicies are ignored; without prefixes 110 pods do not fit"
  }

  assert {
    condition     = toset([for group in aws_cloudwatch_log_group.container_insights : group.name]) == toset(["/aws/containerinsights/emr-platform-production/application", "/aws/containerinsights/emr-platform-production/dataplane", "/aws/containerinsights/emr-platform-production/host", "/aws/containerinsights/emr-platform-production/performance"])
    error_message = "documented location: /aws/containerinsights/<cluster-name>"
  }
}

# Mistake: a viewer that sees more than the platform's namespace.
run "viewers_see_one_namespace" {
  command = plan

  variables {
    eks_viewer_principal_arns = ["arn:aws:iam::333333333333:role/emr-platform-developer"]
  }

  assert {
    condition     = alltrue([for association in aws_eks_access_policy_association.viewer : endswith(association.policy_arn, "/AmazonEKSViewPolicy") && association.access_scope[0].type == "namespace" && association.access_scope[0].namespaces == toset(["emr-platform-production"])])
    error_message = "viewers read the platform's namespace"
  }
}

# Mistake: an apply that leaves a cluster nobody can use, and says nothing.
run "without_administrators_the_caller_is_one_and_a_warning_says_so" {
  command = plan

  variables {
    eks_admin_principal_arns = []
  }

  expect_failures = [check.eks_administrators_named]
}

# Mistake: an allow list that does not switch the public endpoint on, or is not passed on.
run "public_endpoint_by_allow_list" {
  command = plan

  variables {
    eks_public_access_cidrs  = ["203.0.113.0/24"]
    eks_private_access_cidrs = ["172.16.0.0/16"]
  }

  assert {
    condition     = aws_eks_cluster.main.vpc_config[0].endpoint_public_access && aws_eks_cluster.main.vpc_config[0].public_access_cidrs == toset(["203.0.113.0/24"]) && aws_eks_cluster.main.vpc_config[0].endpoint_private_access
    error_message = "the allow list must reach the cluster"
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.eks_api["172.16.0.0/16"].security_group_id == "sg-eks-api" && aws_vpc_security_group_ingress_rule.eks_api["172.16.0.0/16"].from_port == 443
    error_message = "the VPN must reach the private endpoint"
  }
}

# Mistake: a pinned add-on version that does not arrive.
run "addon_versions_can_be_pinned" {
  command = plan

  variables {
    eks_addon_versions = { coredns = "v1.11.3-eksbuild.1" }
  }

  assert {
    condition     = aws_eks_addon.coredns.addon_version == "v1.11.3-eksbuild.1"
    error_message = "eks_addon_versions must reach the add-on"
  }
}
