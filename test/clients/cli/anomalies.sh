# Anomaly detectors with the AWS CLI. AWS is the program.
set -eu

aws() { "$AWS" "$@"; }
fail() { echo "$*" >&2; exit 1; }
same() { [ "$1" = "$2" ] || fail "got '$1', want '$2'"; }

aws logs create-log-group --log-group-name app
group=$(aws logs describe-log-groups --query 'logGroups[0].logGroupArn' --output text)
arn=$(aws logs create-log-anomaly-detector --log-group-arn-list "$group" --detector-name app --evaluation-frequency FIFTEEN_MIN --filter-pattern ERROR --output text)
same "$(aws logs get-log-anomaly-detector --anomaly-detector-arn "$arn" --query '[detectorName, evaluationFrequency, filterPattern, anomalyVisibilityTime]' --output text)" "app	FIFTEEN_MIN	ERROR	21"
aws logs update-log-anomaly-detector --anomaly-detector-arn "$arn" --evaluation-frequency ONE_HOUR --anomaly-visibility-time 30 --no-enabled
same "$(aws logs list-log-anomaly-detectors --query 'anomalyDetectors[0].[evaluationFrequency, anomalyVisibilityTime, anomalyDetectorStatus]' --output text)" "ONE_HOUR	30	PAUSED"
same "$(aws logs list-anomalies --anomaly-detector-arn "$arn" --query 'length(anomalies)' --output text)" 0
if aws logs update-anomaly --anomaly-detector-arn "$arn" --anomaly-id 11111111-1111-1111-1111-111111111111 --suppression-type INFINITE 2>error; then fail "an anomaly that is not there was suppressed"; fi
grep -q 'The specified anomaly does not exist' error || fail "$(cat error)"
aws logs delete-log-anomaly-detector --anomaly-detector-arn "$arn"
same "$(aws logs list-log-anomaly-detectors --query 'length(anomalyDetectors)' --output text)" 0
