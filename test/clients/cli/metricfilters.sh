# Metric filters with the AWS CLI. AWS is the program, AWS_ARGUMENTS are arguments of every call.
set -eu

aws() { "$AWS" $AWS_ARGUMENTS "$@"; }
fail() { echo "$*" >&2; exit 1; }
same() { [ "$1" = "$2" ] || fail "got '$1', want '$2'"; }

aws logs create-log-group --log-group-name app
aws logs create-log-stream --log-group-name app --log-stream-name s
aws logs put-metric-filter --log-group-name app --filter-name errors --filter-pattern '?ERROR ?WARN' \
	--metric-transformations metricName=Errors,metricNamespace=App,metricValue=1,defaultValue=0
aws logs put-metric-filter --log-group-name app --filter-name bytes --filter-pattern '[ip, user, size]' \
	--metric-transformations 'metricName=Bytes,metricNamespace=App,metricValue=$size,unit=Bytes,dimensions={User=$user}'
same "$(aws logs describe-metric-filters --log-group-name app --query 'metricFilters[].filterName' --output text)" "bytes	errors"
same "$(aws logs describe-metric-filters --log-group-name app --filter-name-prefix by --query 'metricFilters[0].metricTransformations[0].dimensions.User' --output text)" '$user'
same "$(aws logs describe-log-groups --query 'logGroups[0].metricFilterCount' --output text)" 2
if aws logs put-metric-filter --log-group-name app --filter-name bad --filter-pattern 'a b' \
	--metric-transformations 'metricName=m,metricNamespace=App,metricValue=1,dimensions={A=$.a}' 2>error; then fail "dimensions of terms were taken"; fi
grep -q 'The specified filter pattern does not support dimensions' error || fail "$(cat error)"

now=$(date +%s)000
aws logs put-log-events --log-group-name app --log-stream-name s --log-events \
	"timestamp=$now,message='an ERROR'" "timestamp=$now,message='WARN twice WARN'" "timestamp=$now,message='10.0.0.1 ann 12'" "timestamp=$now,message=fine" >/dev/null
sum() {
	aws cloudwatch get-metric-statistics --namespace App "$@" --start-time "$(date -u -d '-1 hour' +%Y-%m-%dT%H:%M:00Z)" --end-time "$(date -u -d '+2 minutes' +%Y-%m-%dT%H:%M:00Z)" \
		--period 7200 --statistics Sum --query 'sum(Datapoints[].Sum)' --output text
}
for _ in $(seq 60); do
	if [ "$(sum --metric-name Bytes --dimensions Name=User,Value=ann)" = 12.0 ]; then break; fi
done
same "$(sum --metric-name Bytes --dimensions Name=User,Value=ann)" 12.0
same "$(sum --metric-name Errors)" 2.0
aws logs delete-metric-filter --log-group-name app --filter-name errors
same "$(aws logs describe-metric-filters --log-group-name app --query 'length(metricFilters)' --output text)" 1
