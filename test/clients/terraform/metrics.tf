# What a team keeps in Terraform about its metrics: alarms on a metric, on an expression and on other alarms, and a dashboard.
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

variable "threshold" {
  type    = number
  default = 5
}

variable "team" {
  type    = string
  default = "blue"
}

provider "aws" {
  region     = "us-east-1"
  access_key = "test"
  secret_key = "test"

  endpoints {
    cloudwatch     = var.endpoint
    cloudwatchlogs = var.endpoint
    iam            = var.endpoint
    sts            = var.endpoint
  }
}

locals {
  topic = "arn:aws:sns:us-east-1:000000000000:ops"
}

resource "aws_cloudwatch_metric_alarm" "errors" {
  alarm_name          = "errors"
  alarm_description   = "too many errors <é>"
  namespace           = "App"
  metric_name         = "Errors"
  dimensions          = { Service = "orders", Zone = "a" }
  statistic           = "Sum"
  unit                = "Count"
  period              = 60
  evaluation_periods  = 3
  datapoints_to_alarm = 2
  threshold           = var.threshold
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.topic]
  ok_actions          = [local.topic]
  tags = {
    team = var.team
  }
}

resource "aws_cloudwatch_metric_alarm" "percentile" {
  alarm_name                            = "slow"
  namespace                             = "App"
  metric_name                           = "Latency"
  extended_statistic                    = "p99.9"
  evaluate_low_sample_count_percentiles = "ignore"
  period                                = 10
  evaluation_periods                    = 1
  threshold                             = 0
  comparison_operator                   = "LessThanOrEqualToThreshold"
  actions_enabled                       = false
}

resource "aws_cloudwatch_metric_alarm" "rate" {
  alarm_name          = "error-rate"
  evaluation_periods  = 2
  threshold           = 10
  comparison_operator = "GreaterThanOrEqualToThreshold"

  metric_query {
    id          = "rate"
    expression  = "100 * errors / requests"
    label       = "Error rate"
    return_data = true
  }

  metric_query {
    id = "errors"
    metric {
      namespace   = "App"
      metric_name = "Errors"
      period      = 60
      stat        = "Sum"
      unit        = "Count"
      dimensions  = { Service = "orders" }
    }
  }

  metric_query {
    id = "requests"
    metric {
      namespace   = "App"
      metric_name = "Requests"
      period      = 60
      stat        = "Sum"
    }
  }
}

resource "aws_cloudwatch_composite_alarm" "both" {
  alarm_name        = "both"
  alarm_description = "errors, and slow"
  alarm_rule        = "ALARM(${aws_cloudwatch_metric_alarm.errors.alarm_name}) AND ALARM(${aws_cloudwatch_metric_alarm.percentile.alarm_name})"
  alarm_actions     = [local.topic]

  actions_suppressor {
    alarm            = aws_cloudwatch_metric_alarm.rate.alarm_name
    wait_period      = 20
    extension_period = 60
  }
  tags = {
    team = var.team
  }
}

resource "aws_cloudwatch_dashboard" "app" {
  dashboard_name = "app"
  dashboard_body = jsonencode({
    widgets = [
      {
        type       = "metric"
        x          = 0
        y          = 0
        width      = 12
        height     = 6
        properties = { region = "us-east-1", title = "Errors of ${var.team}", metrics = [["App", "Errors", "Service", "orders", { stat = "Sum" }]] }
      },
      { type = "text", x = 0, y = 6, width = 6, height = 2, properties = { markdown = "# Hello <é>" } },
    ]
  })
}
