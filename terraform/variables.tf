# =============================================================================
# Input variables. Each one is checked by itself here; what depends on two of them is a precondition at the resource it
# would break, since Terraform below 1.9 cannot compare variables here.
# Defaults are the documented values. Only environment and owner_email have none.
# =============================================================================

# -----------------------------------------------------------------------------
# Environment
# -----------------------------------------------------------------------------

variable "environment" {
  description = "Name of the environment: development, staging or production. Also the Terraform workspace"
  type        = string
  nullable    = false

  validation {
    condition     = contains(["development", "staging", "production"], var.environment)
    error_message = "environment must be development, staging or production."
  }
}

variable "owner_email" {
  description = "Team that owns the environment: the Owner tag, and the address that alerts go to"
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\\.[A-Za-z]{2,}$", var.owner_email))
    error_message = "owner_email must be one e-mail address, such as platform-team@example.com."
  }
}

variable "aws_region" {
  description = "AWS region of everything here"
  type        = string
  default     = "us-east-1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.aws_region))
    error_message = "aws_region must be the name of a region, such as us-east-1."
  }
}

variable "aws_account_id" {
  description = "The only AWS account that may be changed, 12 digits in quotes. null: whatever account the credentials belong to"
  type        = string
  default     = null

  validation {
    condition     = var.aws_account_id == null ? true : can(regex("^[0-9]{12}$", var.aws_account_id))
    error_message = "aws_account_id must be 12 digits in quotes (a number loses leading zeros), or null."
  }
}

# -----------------------------------------------------------------------------
# Network
# -----------------------------------------------------------------------------

variable "availability_zones" {
  description = "Three zones by name. Empty: the first three of the region that can run EKS. Name them to keep the choice when AWS opens another zone"
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(var.availability_zones) == 0 || (length(var.availability_zones) == 3 && length(distinct(var.availability_zones)) == 3)
    error_message = "availability_zones must name three different zones, or none."
  }
}

variable "enable_flow_logs" {
  description = "Record all VPC traffic in CloudWatch Logs. Required in production"
  type        = bool
  default     = true
  nullable    = false
}

variable "alb_ingress_cidrs" {
  description = "Networks that may reach the load balancer on 443 and 80. The default is the whole internet; nothing else is open to it"
  type        = list(string)
  default     = ["0.0.0.0/0"]
  nullable    = false

  validation {
    condition     = length(var.alb_ingress_cidrs) > 0 && alltrue([for cidr in var.alb_ingress_cidrs : can(cidrhost(cidr, 0)) && can(regex("^[0-9.]+/[0-9]+$", cidr))])
    error_message = "alb_ingress_cidrs must hold at least one IPv4 network in CIDR notation, such as 203.0.113.0/24."
  }
}

variable "log_retention_days" {
  description = "Days that every log group is kept, at least 365"
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = contains([365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be one of the numbers that CloudWatch Logs knows, and at least a year: 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653."
  }
}

# -----------------------------------------------------------------------------
# EKS
# -----------------------------------------------------------------------------

variable "eks_version" {
  description = "Kubernetes version. The documented 1.28 can no longer be created; see the variable files"
  type        = string
  default     = "1.28"
  nullable    = false

  validation {
    condition     = can(regex("^1\\.(2[89]|[3-9][0-9])$", var.eks_version))
    error_message = "eks_version must be a minor version in quotes, 1.28 or newer, such as \"1.33\"."
  }
}

variable "eks_node_groups" {
  description = "Managed node groups by name: one instance size each, from m6i.xlarge to m6i.4xlarge, together 2 to 12 nodes"
  type = map(object({
    instance_type = string
    min_size      = number
    max_size      = number
  }))
  default = {
    m6i-xlarge  = { instance_type = "m6i.xlarge", min_size = 2, max_size = 6 }
    m6i-2xlarge = { instance_type = "m6i.2xlarge", min_size = 0, max_size = 4 }
    m6i-4xlarge = { instance_type = "m6i.4xlarge", min_size = 0, max_size = 2 }
  }
  nullable = false

  validation {
    condition     = alltrue([for group in values(var.eks_node_groups) : contains(["m6i.xlarge", "m6i.2xlarge", "m6i.4xlarge"], group.instance_type)])
    error_message = "Each of eks_node_groups must use m6i.xlarge, m6i.2xlarge or m6i.4xlarge."
  }

  validation {
    condition     = length(distinct([for group in values(var.eks_node_groups) : group.instance_type])) == length(var.eks_node_groups)
    error_message = "eks_node_groups must have one group per instance size: the autoscaler cannot choose between two equal ones."
  }

  validation {
    condition     = alltrue([for group in values(var.eks_node_groups) : group.min_size >= 0 && group.max_size >= 1 && group.max_size >= group.min_size && floor(group.min_size) == group.min_size && floor(group.max_size) == group.max_size])
    error_message = "In each of eks_node_groups, min_size and max_size must be whole numbers with 0 <= min_size <= max_size and max_size >= 1."
  }

  validation {
    condition     = sum(concat([0], [for group in values(var.eks_node_groups) : group.min_size])) >= 2
    error_message = "The min_size of all eks_node_groups must add up to at least 2: one node is no cluster that survives a node."
  }

  validation {
    condition     = sum(concat([0], [for group in values(var.eks_node_groups) : group.max_size])) <= 12
    error_message = "The max_size of all eks_node_groups must add up to at most 12, the documented limit."
  }

  validation {
    condition     = alltrue([for name in keys(var.eks_node_groups) : can(regex("^[a-z0-9][a-z0-9-]{0,29}$", name))])
    error_message = "The names of eks_node_groups must be lower-case letters, digits and dashes, at most 30 characters."
  }
}

variable "eks_admin_principal_arns" {
  description = "IAM roles or users that administer the cluster. Empty: whoever applies, with a warning"
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.eks_admin_principal_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/.+$", arn))])
    error_message = "eks_admin_principal_arns must be ARNs of IAM roles or users, not of assumed-role sessions (arn:aws:sts)."
  }
}

variable "eks_viewer_principal_arns" {
  description = "IAM roles or users that may look at the platform's namespace: enough for emr monitor, diagnose and logs"
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.eks_viewer_principal_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/.+$", arn))])
    error_message = "eks_viewer_principal_arns must be ARNs of IAM roles or users, not of assumed-role sessions (arn:aws:sts)."
  }
}

variable "eks_public_access_cidrs" {
  description = "Networks that may reach the Kubernetes API over the internet. Empty: the endpoint is private. Never the whole internet"
  type        = list(string)
  default     = []
  nullable    = false

  # A wide prefix is the whole internet in two lines (0.0.0.0/1 and 128.0.0.0/1), so the length is checked and not the text.
  validation {
    condition     = alltrue([for cidr in var.eks_public_access_cidrs : can(regex("^[0-9.]+/(1[6-9]|2[0-9]|3[0-2])$", cidr)) && can(cidrhost(cidr, 0))])
    error_message = "eks_public_access_cidrs must be IPv4 networks of /16 or smaller, such as 203.0.113.0/24; 0.0.0.0/0 would put the Kubernetes API on the internet."
  }
}

variable "eks_private_access_cidrs" {
  description = "Networks that may reach the private Kubernetes API from outside the VPC, by VPN or peering, such as 172.16.0.0/16"
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for cidr in var.eks_private_access_cidrs : can(cidrhost(cidr, 0)) && can(regex("^(10\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.|192\\.168\\.|100\\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\\.).*/([89]|[12][0-9]|3[0-2])$", cidr))])
    error_message = "eks_private_access_cidrs must be private IPv4 networks (10/8, 172.16/12, 192.168/16 or 100.64/10)."
  }
}

variable "eks_addon_versions" {
  description = "Versions of add-ons by name, such as { coredns = \"v1.11.3-eksbuild.1\" }. Left out: the default of the Kubernetes version"
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.eks_addon_versions), ["vpc-cni", "kube-proxy", "eks-pod-identity-agent", "coredns", "aws-ebs-csi-driver", "metrics-server", "amazon-cloudwatch-observability"])) == 0
    error_message = "eks_addon_versions may name vpc-cni, kube-proxy, eks-pod-identity-agent, coredns, aws-ebs-csi-driver, metrics-server and amazon-cloudwatch-observability."
  }
}

# -----------------------------------------------------------------------------
# RDS
# -----------------------------------------------------------------------------

variable "rds_engine_version" {
  description = "PostgreSQL version: a minor such as \"15.4\" pins it, a major such as \"15\" lets RDS take minor upgrades. The documented 15.4 can no longer be created; see the variable files"
  type        = string
  default     = "15.4"
  nullable    = false

  # 15 is the documented major, the parameters in rds.tf are of 15, and emr db-backup is proven on 15.
  validation {
    condition     = can(regex("^15(\\.[0-9]+)?$", var.rds_engine_version))
    error_message = "rds_engine_version must be PostgreSQL 15 in quotes, such as \"15.13\" or \"15\"."
  }
}

variable "rds_instance_class" {
  description = "Instance class of PostgreSQL and its replicas"
  type        = string
  default     = "db.r6i.2xlarge"
  nullable    = false

  # Alarms compute memory and vCPUs from the name; burstable classes have neither a steady CPU nor every insight.
  validation {
    condition     = can(regex("^db\\.[rm][5-8][a-z]{0,2}\\.(large|xlarge|(2|4|8|12|16|24|32|48)xlarge)$", var.rds_instance_class))
    error_message = "rds_instance_class must be a memory or general class of generation 5 or newer, such as db.r6i.2xlarge; burstable classes (db.t*) are not allowed."
  }
}

variable "rds_allocated_storage" {
  description = "Storage at creation in GiB"
  type        = number
  default     = 100
  nullable    = false

  validation {
    condition     = var.rds_allocated_storage >= 100 && var.rds_allocated_storage <= 65536 && floor(var.rds_allocated_storage) == var.rds_allocated_storage
    error_message = "rds_allocated_storage must be a whole number of GiB from 100 to 65536."
  }
}

variable "rds_max_allocated_storage" {
  description = "Storage that autoscaling may grow to in GiB; the documented 1 TB"
  type        = number
  default     = 1000
  nullable    = false

  validation {
    condition     = var.rds_max_allocated_storage >= 110 && var.rds_max_allocated_storage <= 65536 && floor(var.rds_max_allocated_storage) == var.rds_max_allocated_storage
    error_message = "rds_max_allocated_storage must be a whole number of GiB from 110 to 65536."
  }
}

variable "rds_database_name" {
  description = "Name of the platform's database"
  type        = string
  default     = "emr_platform"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,62}$", var.rds_database_name)) && !contains(["postgres", "template0", "template1", "rdsadmin", "db"], var.rds_database_name)
    error_message = "rds_database_name must start with a letter, hold lower-case letters, digits and underscores (at most 63), and be no name that RDS reserves."
  }
}

variable "rds_master_username" {
  description = "Master user of PostgreSQL"
  type        = string
  default     = "emr_admin"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,62}$", var.rds_master_username)) && !contains(["admin", "postgres", "rdsadmin", "rds_superuser", "root"], var.rds_master_username)
    error_message = "rds_master_username must start with a letter, hold lower-case letters, digits and underscores (at most 63), and be no name that RDS reserves (admin, postgres, rdsadmin)."
  }
}

variable "rds_backup_retention_days" {
  description = "Days of automated backups, and of Object Lock on the backup bucket: 30 as documented, up to 35 (the most RDS keeps)"
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.rds_backup_retention_days >= 30 && var.rds_backup_retention_days <= 35 && floor(var.rds_backup_retention_days) == var.rds_backup_retention_days
    error_message = "rds_backup_retention_days must be from 30 (the documented retention) to 35 (the most RDS allows)."
  }
}

variable "rds_read_replica_count" {
  description = "Number of read replicas"
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.rds_read_replica_count >= 0 && var.rds_read_replica_count <= 5 && floor(var.rds_read_replica_count) == var.rds_read_replica_count
    error_message = "rds_read_replica_count must be a whole number from 0 to 5."
  }
}

variable "multi_az" {
  description = "Keep a standby of PostgreSQL in a second zone. Required in production"
  type        = bool
  default     = false
  nullable    = false
}

# -----------------------------------------------------------------------------
# ElastiCache
# -----------------------------------------------------------------------------

variable "redis_engine_version" {
  description = "Redis version, 7.0 or 7.1"
  type        = string
  default     = "7.0"
  nullable    = false

  validation {
    condition     = contains(["7.0", "7.1"], var.redis_engine_version)
    error_message = "redis_engine_version must be \"7.0\" (documented) or \"7.1\"."
  }
}

variable "redis_node_type" {
  description = "Node type of Redis"
  type        = string
  default     = "cache.r6g.xlarge"
  nullable    = false

  validation {
    condition     = can(regex("^cache\\.[rm][5-8][a-z]{0,2}\\.(large|xlarge|(2|4|8|12|16|24)xlarge)$", var.redis_node_type))
    error_message = "redis_node_type must be a memory or general type of generation 5 or newer, such as cache.r6g.xlarge; burstable types (cache.t*) are not allowed."
  }
}

variable "redis_num_cache_nodes" {
  description = "Redis nodes: one primary, the others replicas. One node has no failover"
  type        = number
  default     = 3
  nullable    = false

  validation {
    condition     = var.redis_num_cache_nodes >= 1 && var.redis_num_cache_nodes <= 6 && floor(var.redis_num_cache_nodes) == var.redis_num_cache_nodes
    error_message = "redis_num_cache_nodes must be a whole number from 1 to 6 (one primary, at most five replicas)."
  }
}

# -----------------------------------------------------------------------------
# MSK
# -----------------------------------------------------------------------------

variable "msk_kafka_version" {
  description = "Kafka version. The documented 3.5.1 can no longer be created; see the variable files"
  type        = string
  default     = "3.5.1"
  nullable    = false

  validation {
    condition     = can(regex("^(3\\.[5-9]|4\\.[0-9])\\.([0-9]+|x)(\\.kraft)?$", var.msk_kafka_version))
    error_message = "msk_kafka_version must be a version that MSK knows, 3.5.1 or newer, such as \"3.8.x\"."
  }
}

variable "msk_instance_type" {
  description = "Instance type of the brokers"
  type        = string
  default     = "kafka.m5.2xlarge"
  nullable    = false

  # Not kafka.t3.small: it has no storage scaling and fails under the alarms' load.
  validation {
    condition     = can(regex("^kafka\\.m(5|7g)\\.(large|xlarge|(2|4|8|12|16|24)xlarge)$", var.msk_instance_type))
    error_message = "msk_instance_type must be kafka.m5.* or kafka.m7g.*, such as kafka.m5.2xlarge."
  }
}

variable "msk_number_of_broker_nodes" {
  description = "Brokers: 2 (two zones, for development) or a multiple of 3 (three zones). MSK has no cluster of one. Between 2 and 3 the cluster is replaced"
  type        = number
  default     = 3
  nullable    = false

  # 1 passes here on purpose: the documented development file has it, and the precondition in msk.tf says what to write.
  validation {
    condition     = var.msk_number_of_broker_nodes >= 1 && var.msk_number_of_broker_nodes <= 30 && floor(var.msk_number_of_broker_nodes) == var.msk_number_of_broker_nodes
    error_message = "msk_number_of_broker_nodes must be a whole number of at most 30."
  }
}

variable "msk_broker_volume_size" {
  description = "Storage of each broker at creation in GiB; the documented 1 TB"
  type        = number
  default     = 1000
  nullable    = false

  validation {
    condition     = var.msk_broker_volume_size >= 100 && var.msk_broker_volume_size <= 16384 && floor(var.msk_broker_volume_size) == var.msk_broker_volume_size
    error_message = "msk_broker_volume_size must be a whole number of GiB from 100 to 16384."
  }
}

variable "msk_broker_volume_max_size" {
  description = "Storage that scaling may grow each broker to in GiB; the documented 5 TB"
  type        = number
  default     = 5000
  nullable    = false

  validation {
    condition     = var.msk_broker_volume_max_size >= 100 && var.msk_broker_volume_max_size <= 16384 && floor(var.msk_broker_volume_max_size) == var.msk_broker_volume_max_size
    error_message = "msk_broker_volume_max_size must be a whole number of GiB from 100 to 16384."
  }
}

# -----------------------------------------------------------------------------
# Protection, secrets, backups
# -----------------------------------------------------------------------------

variable "deletion_protection" {
  description = "RDS refuses to delete the database and its replicas. To destroy an environment, apply with false first"
  type        = bool
  default     = true
  nullable    = false
}

variable "secret_recovery_window_days" {
  description = "Days that a deleted Secrets Manager entry can be brought back, 7 to 30. 0 deletes at once, so that an environment can be made again under its name"
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.secret_recovery_window_days == 0 || (var.secret_recovery_window_days >= 7 && var.secret_recovery_window_days <= 30)
    error_message = "secret_recovery_window_days must be 0 or from 7 to 30."
  }
}

variable "credentials_generation" {
  description = "Raise it to rotate the database password and the Redis token; restart the services afterwards"
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.credentials_generation >= 1 && floor(var.credentials_generation) == var.credentials_generation
    error_message = "credentials_generation must be a whole number from 1."
  }
}

variable "backup_object_lock_mode" {
  description = "Object Lock of the backup bucket: GOVERNANCE (a privileged role can lift it) or COMPLIANCE (nobody can)"
  type        = string
  default     = "GOVERNANCE"
  nullable    = false

  validation {
    condition     = contains(["GOVERNANCE", "COMPLIANCE"], var.backup_object_lock_mode)
    error_message = "backup_object_lock_mode must be GOVERNANCE or COMPLIANCE."
  }
}

variable "backup_copy_vault_arn" {
  description = "AWS Backup vault in another region or account that gets a copy of each recovery point; null for none. Disaster recovery"
  type        = string
  default     = null

  validation {
    condition     = var.backup_copy_vault_arn == null ? true : can(regex("^arn:aws[a-z-]*:backup:[a-z0-9-]+:[0-9]{12}:backup-vault:.+$", var.backup_copy_vault_arn))
    error_message = "backup_copy_vault_arn must be the ARN of an AWS Backup vault, or null."
  }
}

# -----------------------------------------------------------------------------
# Account-wide switches: for accounts where the organisation does not run them already
# -----------------------------------------------------------------------------

variable "enable_guardduty" {
  description = "Switch GuardDuty on for this account and region"
  type        = bool
  default     = false
  nullable    = false
}

variable "enable_security_hub" {
  description = "Switch Security Hub on for this account and region; it needs AWS Config"
  type        = bool
  default     = false
  nullable    = false
}

variable "enable_config" {
  description = "Record this account's configuration with AWS Config"
  type        = bool
  default     = false
  nullable    = false
}

variable "config_runs_elsewhere" {
  description = "The organisation already records this account with AWS Config, so Security Hub may be switched on without enable_config"
  type        = bool
  default     = false
  nullable    = false
}
