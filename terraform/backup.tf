# =============================================================================
# AWS Backup: daily and monthly recovery points of the database, in a vault of its own. RDS keeps its 30 days beside it
# (rds.tf), and `emr db-backup` makes logical backups (bucket-backups.tf): three ways back that share no single mistake.
# =============================================================================

resource "aws_backup_vault" "main" {
  name        = local.name
  kms_key_arn = aws_kms_key.backup.arn
}

# Nobody may delete a recovery point early. Without changeable_for_days this is governance mode, which an administrator can
# lift; the other mode never can be. https://docs.aws.amazon.com/aws-backup/latest/devguide/vault-lock.html
resource "aws_backup_vault_lock_configuration" "main" {
  backup_vault_name  = aws_backup_vault.main.name
  min_retention_days = 30
  max_retention_days = 2557
}

resource "aws_backup_plan" "main" {
  name = local.name

  rule {
    rule_name         = "daily"
    target_vault_name = aws_backup_vault.main.name
    # After RDS's own window (02:30), because two snapshots of one instance cannot run at once.
    schedule          = "cron(0 5 * * ? *)"
    start_window      = 60
    completion_window = 360

    lifecycle {
      delete_after = 35
    }

    dynamic "copy_action" {
      for_each = var.backup_copy_vault_arn == null ? [] : [var.backup_copy_vault_arn]

      content {
        destination_vault_arn = copy_action.value

        lifecycle {
          delete_after = 35
        }
      }
    }
  }

  rule {
    rule_name         = "monthly"
    target_vault_name = aws_backup_vault.main.name
    schedule          = "cron(0 8 1 * ? *)"
    start_window      = 60
    completion_window = 720

    lifecycle {
      delete_after = 365
    }

    dynamic "copy_action" {
      for_each = var.backup_copy_vault_arn == null ? [] : [var.backup_copy_vault_arn]

      content {
        destination_vault_arn = copy_action.value

        lifecycle {
          delete_after = 365
        }
      }
    }
  }
}

resource "aws_iam_role" "backup" {
  name        = "${local.name}-backup"
  description = "AWS Backup makes and restores recovery points"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "backup.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = local.account_id } }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "backup" {
  for_each = toset(["AWSBackupServiceRolePolicyForBackup", "AWSBackupServiceRolePolicyForRestores"])

  role       = aws_iam_role.backup.name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/${each.key}"
}

# By ARN and not by tag: a forgotten tag would be a database without backups that nobody notices.
resource "aws_backup_selection" "database" {
  name         = "${local.name}-database"
  plan_id      = aws_backup_plan.main.id
  iam_role_arn = aws_iam_role.backup.arn
  resources    = [aws_db_instance.main.arn]

  depends_on = [aws_iam_role_policy_attachment.backup]
}
