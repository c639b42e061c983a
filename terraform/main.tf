# =============================================================================
# EMR Integration Platform: provider, backend, names
#
# One flat root module, one workspace per environment:
#
#   terraform init -backend-config=bucket=... -backend-config=key=... \
#                  -backend-config=region=... -backend-config=dynamodb_table=...
#   terraform workspace select production
#   terraform plan -var-file="environments/production.tfvars"
#
# `emr deploy ENVIRONMENT` does the same with the backend of emr.config.yaml.
#
# Where things are:
#   main.tf             versions, backend, provider, names    kms.tf              nine rotated keys
#   variables.tf        inputs and their checks               secrets.tf          Secrets Manager entries, credentials
#   checks.tf           advice that does not stop a plan      iam.tf              roles of pods (IRSA)
#   outputs.tf          what the CLI reads                    iam-controllers.tf  permissions of cluster controllers
#   vpc.tf              VPC, subnets, NAT, routes             storage.tf          names of the buckets
#   flow-logs.tf        VPC flow logs                         bucket-*.tf         audit, access-log, backup bucket
#   network-acls.tf     one network ACL per tier              audit.tf            CloudTrail, account-wide switches
#   endpoints.tf        VPC endpoints and their policies      backup.tf           AWS Backup vault and plan
#   security-groups.tf  groups, one rule per resource         monitoring.tf       alert topic, security events
#   eks*.tf             cluster, nodes, add-ons               alarms.tf           metric alarms
#   rds*.tf             PostgreSQL, replicas, parameters      dashboards.tf       five CloudWatch dashboards
#   elasticache.tf      Redis                                 user-data.sh        node bootstrap script
#   msk.tf              Kafka                                 tests/              terraform test, AWS mocked
# =============================================================================

terraform {
  # 1.6 is the documented minimum, so: no ephemeral values (1.10), no write-only arguments (1.11), no validation that
  # reads another variable (1.9), no provider functions (1.8). Only tests/ needs 1.7, for mock_provider.
  required_version = ">= 1.6.0"

  required_providers {
    # The only provider. .terraform.lock.hcl pins 5.100.0 with the h1 hash of linux_amd64, which is where the CLI and CI
    # run. On another platform add its hash once: terraform providers lock -platform=darwin_arm64
    # https://developer.hashicorp.com/terraform/cli/commands/providers/lock
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  # Partial configuration: bucket, key, region, dynamodb_table and kms_key_id come by -backend-config, because each
  # environment lives in an account of its own. The bucket and the table are made by `emr bootstrap`, not here: a state
  # cannot hold the bucket that holds it.
  # `encrypt` is fixed here so that nobody can forget it: the state holds the database password and the Redis token.
  backend "s3" {
    encrypt = true
  }
}

provider "aws" {
  region = var.aws_region

  # Refuses to touch any other account, whatever credentials are in the environment.
  allowed_account_ids = var.aws_account_id == null ? null : [var.aws_account_id]

  default_tags {
    tags = local.tags
  }
}

# -----------------------------------------------------------------------------
# Where we are
# -----------------------------------------------------------------------------

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

# The role behind the session, since an access entry takes a role and not an assumed-role session.
data "aws_iam_session_context" "current" {
  arn = data.aws_caller_identity.current.arn
}

# -----------------------------------------------------------------------------
# Names
# -----------------------------------------------------------------------------

locals {
  project = "emr-platform"
  name    = "${local.project}-${var.environment}"

  account_id    = data.aws_caller_identity.current.account_id
  partition     = data.aws_partition.current.partition
  is_production = var.environment == "production"

  cluster_name = local.name
  namespace    = local.name
  services     = ["api-gateway", "task-service", "emr-service", "sync-service", "handover-service"]

  # Named before they exist, because log groups, policies and alarms need the names first.
  rds_identifier = "${local.name}-postgres"
  redis_id       = "${local.name}-redis"
  msk_name       = "${local.name}-kafka"

  tags = {
    Project            = local.project
    Environment        = var.environment
    Owner              = var.owner_email
    ManagedBy          = "terraform"
    DataClassification = "phi"
  }
}
