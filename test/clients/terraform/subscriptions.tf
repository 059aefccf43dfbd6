# What a team keeps in Terraform about where its logs go: subscription filters, a destination with its policy, a policy for the account.
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
  default = "?ERROR ?FATAL"
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
    cloudwatchlogs = var.endpoint
    iam            = var.endpoint
    sts            = var.endpoint
  }
}

locals {
  role   = "arn:aws:iam::000000000000:role/ship"
  stream = "arn:aws:kinesis:us-east-1:000000000000:stream/logs"
}

resource "aws_cloudwatch_log_group" "app" {
  name = "/app/web"
}

resource "aws_cloudwatch_log_subscription_filter" "function" {
  name            = "errors"
  log_group_name  = aws_cloudwatch_log_group.app.name
  filter_pattern  = var.pattern
  destination_arn = "arn:aws:lambda:us-east-1:000000000000:function:ship"
}

resource "aws_cloudwatch_log_subscription_filter" "stream" {
  name            = "all"
  log_group_name  = aws_cloudwatch_log_group.app.name
  filter_pattern  = ""
  destination_arn = local.stream
  role_arn        = local.role
  distribution    = "Random"
}

resource "aws_cloudwatch_log_destination" "central" {
  name       = "central"
  role_arn   = local.role
  target_arn = local.stream
  tags = {
    team = var.team
  }
}

data "aws_iam_policy_document" "central" {
  statement {
    effect    = "Allow"
    actions   = ["logs:PutSubscriptionFilter"]
    resources = [aws_cloudwatch_log_destination.central.arn]

    principals {
      type        = "AWS"
      identifiers = ["111111111111", "222222222222"]
    }
  }
}

resource "aws_cloudwatch_log_destination_policy" "central" {
  destination_name = aws_cloudwatch_log_destination.central.name
  access_policy    = data.aws_iam_policy_document.central.json
}

resource "aws_cloudwatch_log_account_policy" "all" {
  policy_name = "all"
  policy_type = "SUBSCRIPTION_FILTER_POLICY"
  policy_document = jsonencode({
    DestinationArn = local.stream
    RoleArn        = local.role
    FilterPattern  = var.pattern
    Distribution   = "ByLogStream"
  })
  selection_criteria = "LogGroupName NOT IN [\"${aws_cloudwatch_log_group.app.name}\"]"
}
