# =============================================================================
# Advice: a plan goes on with these, as warnings. What cannot work is a precondition at its resource.
# =============================================================================

# The documented versions stay the defaults, because a cluster that already runs them must not be upgraded by a change of
# defaults. AWS refuses to create new ones, though.

# https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html
check "eks_version_creatable" {
  assert {
    condition     = tonumber(split(".", var.eks_version)[1]) >= 31
    error_message = "Kubernetes ${var.eks_version} is out of EKS's standard support or already beyond its extended support (1.28 since 26 November 2025): AWS refuses new clusters of ended versions. For a new environment set eks_version, for example \"1.33\"; see the variable file."
  }
}

# https://docs.aws.amazon.com/AmazonRDS/latest/PostgreSQLReleaseNotes/postgresql-release-calendar.html
check "rds_version_creatable" {
  assert {
    condition     = try(tonumber(split(".", var.rds_engine_version)[1]), 99) >= 7
    error_message = "PostgreSQL ${var.rds_engine_version} can no longer be created on RDS. For a new environment set rds_engine_version, for example \"15.13\"; see the variable file."
  }
}

# https://docs.aws.amazon.com/msk/latest/developerguide/supported-kafka-versions.html
check "kafka_version_creatable" {
  assert {
    condition     = !startswith(var.msk_kafka_version, "3.5.")
    error_message = "Kafka ${var.msk_kafka_version} is out of MSK's support since 23 October 2025, and new clusters of it are refused. For a new environment set msk_kafka_version, for example \"3.8.x\"; see the variable file."
  }
}

check "deletion_protection_in_production" {
  assert {
    condition     = var.deletion_protection || !local.is_production
    error_message = "deletion_protection is off in production: the next destroy deletes the database. Leave it off only for the apply before a planned destroy."
  }
}
