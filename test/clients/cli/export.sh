#!/usr/bin/env bash
# Script B: export a log group to S3 with the AWS CLI and read the objects back.
# $AWS is the AWS CLI to use (version 1 or 2). It works in the present directory, prints nothing but progress, and leaves:
#   keys     the keys that `aws s3 ls --recursive` shows
#   lines    every exported line, object after object
set -euo pipefail
aws() { "$AWS" ${AWS_ARGUMENTS:-} "$@"; }

aws s3 mb s3://my-bucket-name

task="$(aws logs create-export-task --task-name "export-task-$(date '+%Y-%m-%d-%H-%M-%S')" --log-group-name my-log-group --from "$(date -d '1 day ago' +%s)000" --to "$(date +%s)000" --destination my-bucket-name --destination-prefix "logs/my-log-file/" --query taskId --output text)"

for _ in $(seq 1 120); do
  status="$(aws logs describe-export-tasks --task-id "$task" --query 'exportTasks[0].status.code' --output text)"
  echo "task $task is $status"
  case "$status" in
    COMPLETED) break ;;
    FAILED | CANCELLED) exit 1 ;;
  esac
  sleep 0.5
done
[ "$status" = COMPLETED ]

aws s3 ls --recursive s3://my-bucket-name | tee listing
awk '{ $1 = $2 = $3 = ""; print substr($0, 4) }' listing >keys

: >lines
grep "/$task/" keys | while read -r key; do
  aws s3 cp "s3://my-bucket-name/$key" - | gunzip >>lines
done
