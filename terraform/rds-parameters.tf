# =============================================================================
# PostgreSQL parameters: TLS, logical replication for backups, audit
# =============================================================================

resource "aws_db_parameter_group" "main" {
  # The family is in the name: a major upgrade makes a second group beside the one in use.
  name        = "${local.name}-postgres${local.rds_major}"
  family      = "postgres${local.rds_major}"
  description = "TLS only, logical replication for incremental backups, audit"

  # --- encryption in transit, credentials ---
  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  parameter {
    name  = "rds.accepted_password_auth_method"
    value = "scram"
  }

  parameter {
    name  = "password_encryption"
    value = "scram-sha-256"
  }

  # --- logical replication: `emr db-backup incremental` streams pgoutput from a slot (static: they need a reboot) ---
  # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.FeatureSupport.LogicalReplication.html
  parameter {
    name         = "rds.logical_replication"
    value        = "1"
    apply_method = "pending-reboot"
  }

  # One slot per chain, a temporary one while a full backup starts, one per read replica, and room for a second chain.
  parameter {
    name         = "max_replication_slots"
    value        = "20"
    apply_method = "pending-reboot"
  }

  parameter {
    name         = "max_wal_senders"
    value        = "25"
    apply_method = "pending-reboot"
  }

  # A slot that nobody reads keeps WAL until the disk is full and the database stops. At a fifth of the disk PostgreSQL
  # drops the slot instead, and the next backup is a full one. In megabytes.
  # https://www.postgresql.org/docs/15/runtime-config-replication.html#GUC-MAX-SLOT-WAL-KEEP-SIZE
  parameter {
    name  = "max_slot_wal_keep_size"
    value = tostring(floor(var.rds_allocated_storage * 1024 / 5))
  }

  # --- audit ---
  parameter {
    name         = "shared_preload_libraries"
    value        = "pg_stat_statements,pgaudit"
    apply_method = "pending-reboot"
  }

  parameter {
    name  = "pgaudit.log"
    value = "ddl,role,write"
  }

  parameter {
    name         = "pgaudit.role"
    value        = "rds_pgaudit"
    apply_method = "pending-reboot"
  }

  parameter {
    name  = "log_connections"
    value = "1"
  }

  parameter {
    name  = "log_disconnections"
    value = "1"
  }

  parameter {
    name  = "log_lock_waits"
    value = "1"
  }

  parameter {
    name  = "log_min_duration_statement"
    value = "1000"
  }

  # Bound parameters are patient data; the log shows $1 instead.
  parameter {
    name  = "log_parameter_max_length"
    value = "0"
  }

  parameter {
    name  = "log_parameter_max_length_on_error"
    value = "0"
  }

  # --- capacity ---
  parameter {
    name         = "max_connections"
    value        = tostring(local.rds_max_connections)
    apply_method = "pending-reboot"
  }

  lifecycle {
    create_before_destroy = true
  }
}
