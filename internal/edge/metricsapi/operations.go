package metricsapi

import (
	"maps"
	"slices"

	"github.com/cumulog/cumulog/internal/edge/awshttp"
)

// operations is the table of the operations that are built.
func (a *API) operations() map[string]awshttp.ShapeOperation {
	return map[string]awshttp.ShapeOperation{
		"DeleteAlarms":            awshttp.Shaped(a.deleteAlarms),
		"DeleteDashboards":        awshttp.Shaped(a.deleteDashboards),
		"DescribeAlarmHistory":    awshttp.Shaped(a.describeAlarmHistory),
		"DescribeAlarms":          awshttp.Shaped(a.describeAlarms),
		"DescribeAlarmsForMetric": awshttp.Shaped(a.describeAlarmsForMetric),
		"DisableAlarmActions":     awshttp.Shaped(a.disableAlarmActions),
		"EnableAlarmActions":      awshttp.Shaped(a.enableAlarmActions),
		"GetDashboard":            awshttp.Shaped(a.getDashboard),
		"GetMetricData":           awshttp.Shaped(a.getMetricData),
		"GetMetricStatistics":     awshttp.Shaped(a.getMetricStatistics),
		"ListDashboards":          awshttp.Shaped(a.listDashboards),
		"ListMetrics":             awshttp.Shaped(a.listMetrics),
		"ListTagsForResource":     awshttp.Shaped(a.listTagsForResource),
		"PutCompositeAlarm":       awshttp.Shaped(a.putCompositeAlarm),
		"PutDashboard":            awshttp.Shaped(a.putDashboard),
		"PutMetricAlarm":          awshttp.Shaped(a.putMetricAlarm),
		"PutMetricData":           awshttp.Shaped(a.putMetricData),
		"SetAlarmState":           awshttp.Shaped(a.setAlarmState),
		"TagResource":             awshttp.Shaped(a.tagResource),
		"UntagResource":           awshttp.Shaped(a.untagResource),
	}
}

func sortedKeys[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }
