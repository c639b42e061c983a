# Credentials: one value in database, cache and entries, until it is rotated.

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

# The whole module once; the runs below look at what it made.
run "apply" {
  command = apply
}

# -----------------------------------------------------------------------------
# Credentials
# -----------------------------------------------------------------------------

# Mistake: an entry that lacks a key the charts name (pods wait for ever), or under another key of KMS.
run "entries_hold_what_the_charts_read" {
  command = plan

  assert {
    condition = [
      aws_secretsmanager_secret.database.name, aws_secretsmanager_secret.redis.name, aws_secretsmanager_secret.kafka.name, aws_secretsmanager_secret.api_gateway.name, aws_secretsmanager_secret.emr_service.name,
    ] == ["emr-platform/production/database", "emr-platform/production/redis", "emr-platform/production/kafka", "emr-platform/production/api-gateway", "emr-platform/production/emr-service"]
    error_message = "names of the entries"
  }

  assert {
    condition     = nonsensitive(join(" ", keys(jsondecode(aws_secretsmanager_secret_version.database.secret_string)))) == "dbname host password port username" && nonsensitive(join(" ", keys(jsondecode(aws_secretsmanager_secret_version.redis.secret_string)))) == "auth_token host port" && nonsensitive(join(" ", keys(jsondecode(aws_secretsmanager_secret_version.kafka.secret_string)))) == "bootstrap_servers"
    error_message = "keys of the entries"
  }

  assert {
    condition = alltrue([
      for secret in [
        aws_secretsmanager_secret.database, aws_secretsmanager_secret.redis, aws_secretsmanager_secret.kafka, aws_secretsmanager_secret.api_gateway,
        aws_secretsmanager_secret.emr_service, aws_secretsmanager_secret.rds_master_password, aws_secretsmanager_secret.redis_auth_token,
      ] : secret.kms_key_id == aws_kms_key.secrets.arn && secret.recovery_window_in_days == 30
    ])
    error_message = "entries are encrypted with their key and can be brought back"
  }

  # Endpoint without the port (the provider's `endpoint` has one), brokers of the IAM listener.
  assert {
    condition     = nonsensitive(jsondecode(aws_secretsmanager_secret_version.database.secret_string).host) == "emr-platform-production-postgres.abc.us-east-1.rds.amazonaws.com" && nonsensitive(jsondecode(aws_secretsmanager_secret_version.kafka.secret_string).bootstrap_servers) == "b-1.kafka:9098,b-2.kafka:9098,b-3.kafka:9098"
    error_message = "endpoints in the entries"
  }
}

# Mistake: database and entry with different passwords after a plan drew a new one: every pod locked out.
run "one_password_in_both_places" {
  command = plan

  assert {
    condition     = nonsensitive(aws_db_instance.main.password == jsondecode(aws_secretsmanager_secret_version.database.secret_string).password && aws_db_instance.main.password == aws_secretsmanager_secret_version.rds_master_password.secret_string)
    error_message = "the database's password must be the one in the entry"
  }
}

# Mistake: the data source draws again at the next plan, and the plan changes the password of a running database.
run "a_new_draw_changes_nothing" {
  command = plan

  override_data {
    target = data.aws_secretsmanager_random_password.rds_master
    values = { random_password = "AnotherDraw" }
  }

  override_data {
    target = data.aws_secretsmanager_random_password.redis_auth
    values = { random_password = "AnotherDraw" }
  }

  assert {
    condition     = nonsensitive(aws_db_instance.main.password) == "DrawnDatabasePassword0000000000000000000" && nonsensitive(aws_elasticache_replication_group.main.auth_token) == "DrawnRedisToken0000000000000000000000000000000000000000000000000"
    error_message = "credentials must stay until credentials_generation is raised"
  }
}

# Mistake: a rotation that rotates nothing.
run "credentials_rotate_on_request" {
  command = apply

  variables {
    credentials_generation = 2
  }

  override_data {
    target = data.aws_secretsmanager_random_password.rds_master
    values = { random_password = "AnotherDraw" }
  }

  override_data {
    target = data.aws_secretsmanager_random_password.redis_auth
    values = { random_password = "AnotherTokenOfSixteenOrMore" }
  }

  assert {
    condition     = nonsensitive(aws_db_instance.main.password) == "AnotherDraw" && nonsensitive(aws_elasticache_replication_group.main.auth_token) == "AnotherTokenOfSixteenOrMore" && nonsensitive(jsondecode(aws_secretsmanager_secret_version.database.secret_string).password) == "AnotherDraw" && nonsensitive(jsondecode(aws_secretsmanager_secret_version.redis.secret_string).auth_token) == "AnotherTokenOfSixteenOrMore"
    error_message = "a raised generation must reach database, cache and entries"
  }
}
