# Metric filters of all kinds that the provider knows.
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }
}

variable "endpoint" {
  type = string
}

variable "pattern" {
  type    = string
  default = "?ERROR ?WARN"
}

provider "aws" {
  region     = "us-east-1"
  access_key = "test"
  secret_key = "test"

  endpoints {
    cloudwatchlogs = var.endpoint
    iam            = var.endpoint
    sts            = var.endpoint
  }
}

resource "aws_cloudwatch_log_group" "app" {
  name = "/app/web"
}

resource "aws_cloudwatch_log_metric_filter" "errors" {
  name           = "errors"
  log_group_name = aws_cloudwatch_log_group.app.name
  pattern        = var.pattern

  metric_transformation {
    name          = "Errors"
    namespace     = "App"
    value         = "1"
    default_value = "0"
  }
}

resource "aws_cloudwatch_log_metric_filter" "latency" {
  name           = "latency by path"
  log_group_name = aws_cloudwatch_log_group.app.name
  pattern        = "{ $.latency = * && $.path = * }"

  metric_transformation {
    name      = "Latency"
    namespace = "App"
    value     = "$.latency"
    unit      = "Milliseconds"
    dimensions = {
      Path = "$.path"
    }
  }
}

resource "aws_cloudwatch_log_metric_filter" "everything" {
  name           = "everything"
  log_group_name = aws_cloudwatch_log_group.app.name
  pattern        = ""

  metric_transformation {
    name      = "Events"
    namespace = "App"
    value     = "1"
  }
}

output "id" {
  value = aws_cloudwatch_log_metric_filter.errors.id
}
