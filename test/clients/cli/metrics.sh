# Metrics, alarms and dashboards with the AWS CLI. AWS is the program, AWS_ARGUMENTS are arguments of every call; the argument
# is the part to run.
set -eu

cw() { "$AWS" $AWS_ARGUMENTS cloudwatch "$@"; }
fail() { echo "$*" >&2; exit 1; }
same() { [ "$1" = "$2" ] || fail "got '$1', want '$2'"; }

now=$(date -u +%s)
minute=$((now / 60 * 60))
at() { date -u -d "@$((minute - $1))" +%Y-%m-%dT%H:%M:%SZ; }

metrics() {
	cw put-metric-data --namespace App --metric-name Errors --value 3 --unit Count --timestamp "$(at 120)" --dimensions Service=orders,Zone=a
	cw put-metric-data --namespace App --metric-name Errors --statistic-values Sum=10,Minimum=1,Maximum=5,SampleCount=4 --unit Count --timestamp "$(at 60)" --dimensions Service=orders,Zone=a
	same "$(cw list-metrics --namespace App --query 'Metrics[].Dimensions[].Value' --output text)" "orders	a"
	same "$(cw get-metric-statistics --namespace App --metric-name Errors --dimensions Name=Service,Value=orders Name=Zone,Value=a \
		--start-time "$(at 600)" --end-time "$(at 0)" --period 600 --statistics Sum SampleCount --query 'sum(Datapoints[].Sum)' --output text)" "13.0"
	same "$(cw get-metric-data --start-time "$(at 600)" --end-time "$(at 0)" --scan-by TimestampAscending --query 'MetricDataResults[0].Values' --output text \
		--metric-data-queries '[{"Id":"e","MetricStat":{"Metric":{"Namespace":"App","MetricName":"Errors","Dimensions":[{"Name":"Service","Value":"orders"},{"Name":"Zone","Value":"a"}]},"Period":60,"Stat":"Sum"},"ReturnData":false},{"Id":"x","Expression":"e+1"}]')" \
		"4.0	11.0"
	if cw put-metric-data --namespace AWS/x --metric-name m --value 1 2>error; then fail "a reserved namespace was taken"; fi
	grep -q '(InvalidParameterValue)' error || fail "$(cat error)"
}

alarms() {
	cw put-metric-alarm --alarm-name errors --namespace App --metric-name Errors --dimensions Name=Service,Value=orders Name=Zone,Value=a --statistic Sum --period 60 \
		--evaluation-periods 2 --threshold 5 --comparison-operator GreaterThanThreshold --alarm-actions arn:aws:sns:us-east-1:000000000000:ops --tags Key=team,Value=a
	cw put-composite-alarm --alarm-name all --alarm-rule 'ALARM(errors)'
	same "$(cw describe-alarms --alarm-types MetricAlarm CompositeAlarm --query '[MetricAlarms[].AlarmName, CompositeAlarms[].AlarmName][]' --output text)" "errors	all"
	same "$(cw describe-alarms-for-metric --namespace App --metric-name Errors --dimensions Name=Service,Value=orders Name=Zone,Value=a --query 'MetricAlarms[].Threshold' --output text)" "5.0"
	cw set-alarm-state --alarm-name errors --state-value ALARM --state-reason test
	cw disable-alarm-actions --alarm-names errors
	same "$(cw describe-alarms --alarm-names errors --query 'MetricAlarms[].ActionsEnabled' --output text)" "False"
	cw enable-alarm-actions --alarm-names errors
	arn=$(cw describe-alarms --alarm-names errors --query 'MetricAlarms[0].AlarmArn' --output text)
	same "$(cw list-tags-for-resource --resource-arn "$arn" --query 'Tags[].Key' --output text)" "team"
	cw describe-alarm-history --alarm-name errors --query 'AlarmHistoryItems[].HistorySummary' --output text >history
	grep -q 'to ALARM' history || fail "history lacks the state: $(cat history)"
	cw delete-alarms --alarm-names all
	cw delete-alarms --alarm-names errors
	if cw delete-alarms --alarm-names none 2>error; then fail "an alarm that does not exist was deleted"; fi
	grep -q 'An error occurred (ResourceNotFound) when calling the DeleteAlarms operation' error || fail "$(cat error)"
}

dashboards() {
	cw put-dashboard --dashboard-name d --dashboard-body '{"widgets":[]}'
	same "$(cw get-dashboard --dashboard-name d --query DashboardBody --output text)" '{"widgets":[]}'
	same "$(cw list-dashboards --query 'DashboardEntries[].DashboardName' --output text)" "d"
	cw delete-dashboards --dashboard-names d
}

"$1"
