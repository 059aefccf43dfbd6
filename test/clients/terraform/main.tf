# What a team keeps in Terraform around its logs: groups, streams, and a bucket that exports go to.
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

variable "retention" {
  type    = number
  default = 30
}

variable "team" {
  type    = string
  default = "blue"
}

provider "aws" {
  region            = "us-east-1"
  access_key        = "test"
  secret_key        = "test"
  s3_use_path_style = true

  endpoints {
    cloudwatchlogs = var.endpoint
    iam            = var.endpoint
    s3             = var.endpoint
    sts            = var.endpoint
  }
}

data "aws_caller_identity" "me" {}

resource "aws_cloudwatch_log_group" "app" {
  name              = "/app/web"
  retention_in_days = var.retention
  tags = {
    team          = var.team
    "cost-center" = "a b/c+d=e@f"
    empty         = ""
  }
}

resource "aws_cloudwatch_log_group" "plain" {
  name = "plain"
}

resource "aws_cloudwatch_log_group" "generated" {
  name_prefix = "generated-"
}

resource "aws_cloudwatch_log_group" "kept" {
  name            = "kept"
  log_group_class = "INFREQUENT_ACCESS"
  skip_destroy    = true
}

resource "aws_cloudwatch_log_stream" "web" {
  name           = "2026/11/23/[$LATEST] web"
  log_group_name = aws_cloudwatch_log_group.app.name
}

resource "aws_s3_bucket" "exports" {
  bucket        = "exports-of-logs"
  force_destroy = true
  tags = {
    team = var.team
  }
}

data "aws_iam_policy_document" "exports" {
  statement {
    actions   = ["s3:GetBucketAcl", "s3:PutObject"]
    resources = [aws_s3_bucket.exports.arn, "${aws_s3_bucket.exports.arn}/*"]
    principals {
      type        = "Service"
      identifiers = ["logs.us-east-1.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.me.account_id]
    }
  }
}

resource "aws_s3_bucket_policy" "exports" {
  bucket = aws_s3_bucket.exports.id
  policy = data.aws_iam_policy_document.exports.json
}

resource "aws_s3_object" "hello" {
  bucket       = aws_s3_bucket.exports.id
  key          = "dir/hello.txt"
  content      = "hello ${var.team}"
  content_type = "text/plain"
  metadata = {
    by = "terraform"
  }
}

data "aws_cloudwatch_log_groups" "app" {
  log_group_name_prefix = "/app"
  depends_on            = [aws_cloudwatch_log_group.app]
}

data "aws_s3_objects" "all" {
  bucket     = aws_s3_bucket.exports.id
  depends_on = [aws_s3_object.hello]
}

output "account" {
  value = data.aws_caller_identity.me.account_id
}

output "groups" {
  value = data.aws_cloudwatch_log_groups.app.log_group_names
}

output "keys" {
  value = data.aws_s3_objects.all.keys
}
