# =============================================================================
# ElastiCache Redis: one shard, one primary and its replicas
# =============================================================================

locals {
  redis_has_replicas = var.redis_num_cache_nodes > 1
  redis_members      = [for number in range(1, var.redis_num_cache_nodes + 1) : format("%s-%03d", local.redis_id, number)]
}

resource "aws_elasticache_subnet_group" "main" {
  name        = "${local.name}-redis"
  description = "Database tier, three zones"
  subnet_ids  = [for subnet in aws_subnet.database : subnet.id]
}

resource "aws_elasticache_parameter_group" "main" {
  name        = "${local.name}-redis7"
  family      = "redis7"
  description = "Cache and sessions"

  # Cache entries have a time to live and may go; sessions and locks without one must not.
  parameter {
    name  = "maxmemory-policy"
    value = "volatile-lru"
  }

  # Drops connections of pods that died without a word.
  parameter {
    name  = "tcp-keepalive"
    value = "300"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudwatch_log_group" "redis" {
  for_each = toset(["slow-log", "engine-log"])

  name              = "/aws/elasticache/${local.redis_id}/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.logs.arn
}

resource "aws_elasticache_replication_group" "main" {
  replication_group_id = local.redis_id
  description          = "Cache and sessions of ${local.name}"

  engine         = "redis"
  engine_version = var.redis_engine_version
  node_type      = var.redis_node_type
  port           = 6379

  # The documented "3-node cluster" is one primary with two replicas, one in each zone.
  num_cache_clusters         = var.redis_num_cache_nodes
  automatic_failover_enabled = local.redis_has_replicas
  # ElastiCache refuses both of these for a single node.
  multi_az_enabled = local.redis_has_replicas

  subnet_group_name    = aws_elasticache_subnet_group.main.name
  parameter_group_name = aws_elasticache_parameter_group.main.name
  security_group_ids   = [aws_security_group.redis.id]

  at_rest_encryption_enabled = true
  kms_key_id                 = aws_kms_key.redis.arn

  # `required`, since `preferred` accepts plaintext too. The token must be there at creation: added later, ElastiCache
  # takes a second change (SET after ROTATE) before it refuses clients without one.
  # https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth.html
  transit_encryption_enabled = true
  transit_encryption_mode    = "required"
  auth_token                 = aws_secretsmanager_secret_version.redis_auth_token.secret_string
  # A rotated token is accepted beside the old one, so running pods keep their sessions until they read the new one.
  auth_token_update_strategy = "ROTATE"

  snapshot_retention_limit  = 30
  snapshot_window           = "03:30-04:30"
  final_snapshot_identifier = "${local.redis_id}-final-${trimprefix(aws_vpc.main.id, "vpc-")}"

  maintenance_window         = "sun:05:00-sun:06:00"
  auto_minor_version_upgrade = true
  apply_immediately          = false

  dynamic "log_delivery_configuration" {
    for_each = aws_cloudwatch_log_group.redis

    content {
      destination      = log_delivery_configuration.value.name
      destination_type = "cloudwatch-logs"
      log_format       = "json"
      log_type         = log_delivery_configuration.key
    }
  }

  tags = { Name = local.redis_id }

  lifecycle {
    # Set at creation; the time keeps a second environment of this name from failing on the first one's snapshot.
    ignore_changes = [final_snapshot_identifier]

    precondition {
      condition     = !local.is_production || local.redis_has_replicas
      error_message = "Production needs a Redis replica to fail over to. Set redis_num_cache_nodes = 3."
    }
  }
}
