# =============================================================================
# Names of the three buckets: bucket-audit.tf (CloudTrail, Config), bucket-access-logs.tf (S3, load balancer),
# bucket-backups.tf (database backups).
# Written out one by one, because scanners do not follow for_each over buckets.
# The account id makes the names unique: bucket names are shared by all of AWS.
# =============================================================================

locals {
  audit_bucket       = "${local.name}-audit-${local.account_id}"
  access_logs_bucket = "${local.name}-access-logs-${local.account_id}"
  backups_bucket     = "${local.name}-backups-${local.account_id}"

  # HIPAA asks for six years of documentation; seven leaves room for the year that is being audited.
  # https://www.ecfr.gov/current/title-45/section-164.316#p-164.316(b)(2)(i)
  audit_days = 2557
}
