package metricsapi

import (
	"context"
	"strings"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/metricsapi/metricswire"
	"github.com/cumulog/cumulog/internal/service/alarms"
)

func (a *API) putMetricAlarm(ctx context.Context, in *metricswire.PutMetricAlarmInput) (*metricswire.PutMetricAlarmOutput, error) {
	err := refuse(map[string]bool{
		"ActionConfiguration": in.ActionConfiguration != nil,
		"EvaluationCriteria":  in.EvaluationCriteria != nil,
		"EvaluationInterval":  in.EvaluationInterval != nil,
		"EvaluationWindow":    in.EvaluationWindow != nil,
		"ThresholdMetricId":   in.ThresholdMetricId != nil, // of anomaly detection bands
		"WarmUpConfiguration": in.WarmUpConfiguration != nil,
	})
	if err != nil {
		return nil, err
	}
	if in.Threshold == nil {
		return nil, validationf("Threshold must not be null")
	}
	queries, err := alarmQueries(scopeOf(ctx).Account, in.Metrics)
	if err != nil {
		return nil, err
	}
	tags, err := tagMap(in.Tags)
	if err != nil {
		return nil, err
	}
	return nil, a.alarms.Put(ctx, scopeOf(ctx), value(in.AlarmName), alarms.Config{
		Description:         value(in.AlarmDescription),
		ActionsEnabled:      in.ActionsEnabled == nil || *in.ActionsEnabled,
		OKActions:           in.OKActions,
		AlarmActions:        in.AlarmActions,
		InsufficientActions: in.InsufficientDataActions,
		Metric: &alarms.MetricSpec{
			Namespace:         value(in.Namespace),
			MetricName:        value(in.MetricName),
			Dimensions:        alarmDimensions(in.Dimensions),
			Statistic:         value(in.Statistic),
			ExtendedStatistic: value(in.ExtendedStatistic),
			Period:            int64(value(in.Period)),
			Unit:              value(in.Unit),
			Queries:           queries,
			EvaluationPeriods: int(value(in.EvaluationPeriods)),
			DatapointsToAlarm: int(value(in.DatapointsToAlarm)),
			Threshold:         value(in.Threshold),
			Comparison:        value(in.ComparisonOperator),
			TreatMissing:      value(in.TreatMissingData),
			LowSamples:        value(in.EvaluateLowSampleCountPercentile),
		},
	}, tags)
}

func alarmDimensions(in []metricswire.Dimension) []alarms.Dimension {
	var out []alarms.Dimension
	for i := range in {
		out = append(out, alarms.Dimension{Name: value(in[i].Name), Value: value(in[i].Value)})
	}
	return out
}

func alarmQueries(account string, in []metricswire.MetricDataQuery) ([]alarms.Query, error) {
	var out []alarms.Query
	for i := range in {
		q := &in[i]
		if err := ownAccount(account, q.AccountId); err != nil {
			return nil, err
		}
		query := alarms.Query{
			ID:         value(q.Id),
			Expression: value(q.Expression),
			Label:      value(q.Label),
			Period:     int64(value(q.Period)),
			ReturnData: q.ReturnData == nil || *q.ReturnData,
		}
		if s := q.MetricStat; s != nil {
			query.Stat = &alarms.Stat{
				Namespace:  value(s.Metric.Namespace),
				MetricName: value(s.Metric.MetricName),
				Dimensions: alarmDimensions(s.Metric.Dimensions),
				Period:     int64(value(s.Period)),
				Stat:       value(s.Stat),
				Unit:       value(s.Unit),
			}
		}
		out = append(out, query)
	}
	return out, nil
}

// ownAccount refuses the metrics of another account.
func ownAccount(account string, id *string) error {
	if id != nil && *id != account {
		return validationf("Metrics of another account are not supported by this server: %s", *id)
	}
	return nil
}

func (a *API) putCompositeAlarm(ctx context.Context, in *metricswire.PutCompositeAlarmInput) (*metricswire.PutCompositeAlarmOutput, error) {
	if err := refuse(map[string]bool{"ActionConfiguration": in.ActionConfiguration != nil}); err != nil {
		return nil, err
	}
	tags, err := tagMap(in.Tags)
	if err != nil {
		return nil, err
	}
	return nil, a.alarms.Put(ctx, scopeOf(ctx), value(in.AlarmName), alarms.Config{
		Description:         value(in.AlarmDescription),
		ActionsEnabled:      in.ActionsEnabled == nil || *in.ActionsEnabled,
		OKActions:           in.OKActions,
		AlarmActions:        in.AlarmActions,
		InsufficientActions: in.InsufficientDataActions,
		Composite: &alarms.CompositeSpec{
			Rule:            value(in.AlarmRule),
			Suppressor:      value(in.ActionsSuppressor),
			WaitPeriod:      int64(value(in.ActionsSuppressorWaitPeriod)),
			ExtensionPeriod: int64(value(in.ActionsSuppressorExtensionPeriod)),
		},
	}, tags)
}

func (a *API) deleteAlarms(ctx context.Context, in *metricswire.DeleteAlarmsInput) (*metricswire.DeleteAlarmsOutput, error) {
	return nil, a.alarms.Delete(ctx, scopeOf(ctx), in.AlarmNames)
}

func (a *API) enableAlarmActions(ctx context.Context, in *metricswire.EnableAlarmActionsInput) (*metricswire.EnableAlarmActionsOutput, error) {
	return nil, a.alarms.SetActionsEnabled(ctx, scopeOf(ctx), in.AlarmNames, true)
}

func (a *API) disableAlarmActions(ctx context.Context, in *metricswire.DisableAlarmActionsInput) (*metricswire.DisableAlarmActionsOutput, error) {
	return nil, a.alarms.SetActionsEnabled(ctx, scopeOf(ctx), in.AlarmNames, false)
}

func (a *API) setAlarmState(ctx context.Context, in *metricswire.SetAlarmStateInput) (*metricswire.SetAlarmStateOutput, error) {
	return nil, a.alarms.SetState(ctx, scopeOf(ctx), value(in.AlarmName), value(in.StateValue), value(in.StateReason), value(in.StateReasonData))
}

func (a *API) describeAlarms(ctx context.Context, in *metricswire.DescribeAlarmsInput) (*metricswire.DescribeAlarmsOutput, error) {
	page, err := a.alarms.Describe(ctx, scopeOf(ctx), alarms.DescribeRequest{
		Names:        in.AlarmNames,
		Prefix:       value(in.AlarmNamePrefix),
		Types:        in.AlarmTypes,
		State:        value(in.StateValue),
		ActionPrefix: value(in.ActionPrefix),
		ChildrenOf:   value(in.ChildrenOfAlarmName),
		ParentsOf:    value(in.ParentsOfAlarmName),
		Token:        in.NextToken,
		Limit:        int(value(in.MaxRecords)),
	})
	if err != nil {
		return nil, err
	}
	out := &metricswire.DescribeAlarmsOutput{
		CompositeAlarms: []metricswire.CompositeAlarm{}, MetricAlarms: []metricswire.MetricAlarm{}, NextToken: optional(page.Next),
	}
	for _, alarm := range page.Alarms {
		if alarm.Composite != nil {
			out.CompositeAlarms = append(out.CompositeAlarms, compositeAlarm(alarm))
		} else {
			out.MetricAlarms = append(out.MetricAlarms, metricAlarm(alarm))
		}
	}
	return out, nil
}

func (a *API) describeAlarmsForMetric(ctx context.Context, in *metricswire.DescribeAlarmsForMetricInput) (*metricswire.DescribeAlarmsForMetricOutput, error) {
	list := a.alarms.DescribeForMetric(ctx, scopeOf(ctx), alarms.MetricRequest{
		Namespace:         value(in.Namespace),
		MetricName:        value(in.MetricName),
		Dimensions:        alarmDimensions(in.Dimensions),
		Statistic:         value(in.Statistic),
		ExtendedStatistic: value(in.ExtendedStatistic),
		Period:            int64(value(in.Period)),
		Unit:              value(in.Unit),
	})
	out := &metricswire.DescribeAlarmsForMetricOutput{MetricAlarms: make([]metricswire.MetricAlarm, len(list))}
	for i, alarm := range list {
		out.MetricAlarms[i] = metricAlarm(alarm)
	}
	return out, nil
}

func metricAlarm(a *alarms.Alarm) metricswire.MetricAlarm {
	m, arn, evaluationPeriods := a.Metric, a.ARN(), int32(a.Metric.EvaluationPeriods)
	out := metricswire.MetricAlarm{
		AlarmName:                          &a.Name,
		AlarmArn:                           &arn,
		AlarmDescription:                   optional(a.Description),
		AlarmConfigurationUpdatedTimestamp: millis(a.ConfiguredMS),
		ActionsEnabled:                     &a.ActionsEnabled,
		OKActions:                          some(a.OKActions),
		AlarmActions:                       some(a.AlarmActions),
		InsufficientDataActions:            some(a.InsufficientActions),
		StateValue:                         &a.State.Value,
		StateReason:                        &a.Reason,
		StateReasonData:                    optional(a.ReasonData),
		StateUpdatedTimestamp:              millis(a.UpdatedMS),
		StateTransitionedTimestamp:         millis(a.TransitionedMS),
		EvaluationState:                    optional(a.Evaluation),
		MetricName:                         optional(m.MetricName),
		Namespace:                          optional(m.Namespace),
		Statistic:                          optional(m.Statistic),
		ExtendedStatistic:                  optional(m.ExtendedStatistic),
		Dimensions:                         wireAlarmDimensions(m.Dimensions),
		Period:                             optional(int32(m.Period)),
		Unit:                               optional(m.Unit),
		EvaluationPeriods:                  &evaluationPeriods,
		DatapointsToAlarm:                  optional(int32(m.DatapointsToAlarm)),
		Threshold:                          &m.Threshold,
		ComparisonOperator:                 &m.Comparison,
		TreatMissingData:                   optional(m.TreatMissing),
		EvaluateLowSampleCountPercentile:   optional(m.LowSamples),
	}
	for i := range m.Queries {
		out.Metrics = append(out.Metrics, wireAlarmQuery(&m.Queries[i]))
	}
	return out
}

func wireAlarmDimensions(in []alarms.Dimension) []metricswire.Dimension {
	out := make([]metricswire.Dimension, len(in))
	for i := range in {
		out[i] = metricswire.Dimension{Name: &in[i].Name, Value: &in[i].Value}
	}
	return out
}

func wireAlarmQuery(q *alarms.Query) metricswire.MetricDataQuery {
	out := metricswire.MetricDataQuery{
		Id:         &q.ID,
		Expression: optional(q.Expression),
		Label:      optional(q.Label),
		Period:     optional(int32(q.Period)),
		ReturnData: &q.ReturnData,
	}
	if s := q.Stat; s != nil {
		period := int32(s.Period)
		out.MetricStat = &metricswire.MetricStat{
			Metric: &metricswire.Metric{Namespace: &s.Namespace, MetricName: &s.MetricName, Dimensions: wireAlarmDimensions(s.Dimensions)},
			Period: &period,
			Stat:   &s.Stat,
			Unit:   optional(s.Unit),
		}
	}
	return out
}

func compositeAlarm(a *alarms.Alarm) metricswire.CompositeAlarm {
	c, arn := a.Composite, a.ARN()
	out := metricswire.CompositeAlarm{
		AlarmName:                          &a.Name,
		AlarmArn:                           &arn,
		AlarmDescription:                   optional(a.Description),
		AlarmConfigurationUpdatedTimestamp: millis(a.ConfiguredMS),
		AlarmRule:                          &c.Rule,
		ActionsEnabled:                     &a.ActionsEnabled,
		OKActions:                          some(a.OKActions),
		AlarmActions:                       some(a.AlarmActions),
		InsufficientDataActions:            some(a.InsufficientActions),
		StateValue:                         &a.State.Value,
		StateReason:                        &a.Reason,
		StateReasonData:                    optional(a.ReasonData),
		StateUpdatedTimestamp:              millis(a.UpdatedMS),
		StateTransitionedTimestamp:         millis(a.TransitionedMS),
		ActionsSuppressedBy:                optional(a.SuppressedBy),
		ActionsSuppressedReason:            optional(a.SuppressedReason),
	}
	if c.Suppressor != "" {
		wait, extension := int32(c.WaitPeriod), int32(c.ExtensionPeriod)
		out.ActionsSuppressor, out.ActionsSuppressorWaitPeriod, out.ActionsSuppressorExtensionPeriod = &c.Suppressor, &wait, &extension
	}
	return out
}

func (a *API) describeAlarmHistory(ctx context.Context, in *metricswire.DescribeAlarmHistoryInput) (*metricswire.DescribeAlarmHistoryOutput, error) {
	if in.AlarmContributorId != nil {
		return nil, validationf("AlarmContributorId is not supported by this server.")
	}
	page, err := a.alarms.History(ctx, scopeOf(ctx), alarms.HistoryRequest{
		Name:        value(in.AlarmName),
		Types:       in.AlarmTypes,
		Item:        value(in.HistoryItemType),
		FromMS:      int64(value(in.StartDate)),
		ToMS:        int64(value(in.EndDate)),
		OldestFirst: value(in.ScanBy) == metricswire.ScanByTimestampAscending,
		Token:       in.NextToken,
		Limit:       int(value(in.MaxRecords)),
	})
	if err != nil {
		return nil, err
	}
	out := &metricswire.DescribeAlarmHistoryOutput{AlarmHistoryItems: []metricswire.AlarmHistoryItem{}, NextToken: optional(page.Next)}
	for i := range page.Items {
		item := &page.Items[i]
		at := awsproto.Millis(item.AtMS)
		out.AlarmHistoryItems = append(out.AlarmHistoryItems, metricswire.AlarmHistoryItem{
			AlarmName:       &item.Name,
			AlarmType:       &item.Type,
			Timestamp:       &at,
			HistoryItemType: &item.Item,
			HistorySummary:  &item.Summary,
			HistoryData:     optional(item.Data),
		})
	}
	return out, nil
}

// tagMap returns tags by key. A key that comes twice is refused (ours).
func tagMap(tags []metricswire.Tag) (map[string]string, error) {
	m := make(map[string]string, len(tags))
	for i := range tags {
		key := value(tags[i].Key)
		if _, twice := m[key]; twice {
			return nil, validationf("Tag keys must be unique: %s", strings.TrimSpace(key))
		}
		m[key] = value(tags[i].Value)
	}
	return m, nil
}
