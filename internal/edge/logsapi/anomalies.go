package logsapi

import (
	"context"
	"strconv"

	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
	"github.com/cumulog/cumulog/internal/service/anomalies"
)

func (a *API) createLogAnomalyDetector(ctx context.Context, in *logswire.CreateLogAnomalyDetectorInput) (*logswire.CreateLogAnomalyDetectorOutput, error) {
	arn, err := a.anomalies.Create(ctx, scopeOf(ctx), anomalies.CreateRequest{
		Groups:     in.LogGroupArnList,
		Name:       value(in.DetectorName),
		Frequency:  value(in.EvaluationFrequency),
		Filter:     value(in.FilterPattern),
		KMSKey:     value(in.KmsKeyId),
		Visibility: int(value(in.AnomalyVisibilityTime)),
		Tags:       in.Tags,
	})
	if err != nil {
		return nil, err
	}
	return &logswire.CreateLogAnomalyDetectorOutput{AnomalyDetectorArn: &arn}, nil
}

func anomalyDetector(d *anomalies.Detector) logswire.AnomalyDetector {
	visibility := int64(d.Visibility)
	return logswire.AnomalyDetector{
		AnomalyDetectorArn:    &d.ARN,
		DetectorName:          optional(d.Name),
		LogGroupArnList:       []string{d.GroupARN},
		EvaluationFrequency:   &d.Frequency,
		FilterPattern:         optional(d.Filter),
		AnomalyDetectorStatus: &d.Status,
		KmsKeyId:              optional(d.KMSKey),
		CreationTimeStamp:     &d.CreatedMS,
		LastModifiedTimeStamp: &d.UpdatedMS,
		AnomalyVisibilityTime: &visibility,
	}
}

func (a *API) getLogAnomalyDetector(ctx context.Context, in *logswire.GetLogAnomalyDetectorInput) (*logswire.GetLogAnomalyDetectorOutput, error) {
	d, err := a.anomalies.Get(ctx, scopeOf(ctx), value(in.AnomalyDetectorArn))
	if err != nil {
		return nil, err
	}
	x := anomalyDetector(&d)
	return &logswire.GetLogAnomalyDetectorOutput{
		DetectorName: x.DetectorName, LogGroupArnList: x.LogGroupArnList, EvaluationFrequency: x.EvaluationFrequency,
		FilterPattern: x.FilterPattern, AnomalyDetectorStatus: x.AnomalyDetectorStatus, KmsKeyId: x.KmsKeyId,
		CreationTimeStamp: x.CreationTimeStamp, LastModifiedTimeStamp: x.LastModifiedTimeStamp, AnomalyVisibilityTime: x.AnomalyVisibilityTime,
	}, nil
}

func (a *API) listLogAnomalyDetectors(ctx context.Context, in *logswire.ListLogAnomalyDetectorsInput) (*logswire.ListLogAnomalyDetectorsOutput, error) {
	page, err := a.anomalies.List(ctx, scopeOf(ctx), anomalies.ListRequest{
		Group: value(in.FilterLogGroupArn), Token: in.NextToken, Limit: int(value(in.Limit)),
	})
	if err != nil {
		return nil, err
	}
	out := &logswire.ListLogAnomalyDetectorsOutput{AnomalyDetectors: make([]logswire.AnomalyDetector, len(page.Detectors)), NextToken: optional(page.Next)}
	for i := range page.Detectors {
		out.AnomalyDetectors[i] = anomalyDetector(&page.Detectors[i])
	}
	return out, nil
}

func (a *API) updateLogAnomalyDetector(ctx context.Context, in *logswire.UpdateLogAnomalyDetectorInput) (*logswire.UpdateLogAnomalyDetectorOutput, error) {
	r := anomalies.UpdateRequest{
		ARN: value(in.AnomalyDetectorArn), Frequency: in.EvaluationFrequency, Filter: in.FilterPattern, Enabled: value(in.Enabled),
	}
	if in.AnomalyVisibilityTime != nil {
		days := int(*in.AnomalyVisibilityTime)
		r.Visibility = &days
	}
	return nil, a.anomalies.Update(ctx, scopeOf(ctx), r)
}

func (a *API) deleteLogAnomalyDetector(ctx context.Context, in *logswire.DeleteLogAnomalyDetectorInput) (*logswire.DeleteLogAnomalyDetectorOutput, error) {
	return nil, a.anomalies.Delete(ctx, scopeOf(ctx), value(in.AnomalyDetectorArn))
}

func (a *API) listAnomalies(ctx context.Context, in *logswire.ListAnomaliesInput) (*logswire.ListAnomaliesOutput, error) {
	page, err := a.anomalies.Anomalies(ctx, scopeOf(ctx), anomalies.AnomalyRequest{
		Detector: value(in.AnomalyDetectorArn), State: value(in.SuppressionState), Token: in.NextToken, Limit: int(value(in.Limit)),
	})
	if err != nil {
		return nil, err
	}
	out := &logswire.ListAnomaliesOutput{Anomalies: make([]logswire.Anomaly, len(page.Anomalies)), NextToken: optional(page.Next)}
	for i := range page.Anomalies {
		out.Anomalies[i] = anomalyOf(&page.Anomalies[i])
	}
	return out, nil
}

func anomalyOf(x *anomalies.Anomaly) logswire.Anomaly {
	text, regex, suppressed := x.PatternText(), x.PatternRegex(), x.Suppression != nil
	out := logswire.Anomaly{
		AnomalyId: &x.ID, PatternId: &x.PatternID, AnomalyDetectorArn: &x.DetectorARN, PatternString: &text, PatternRegex: &regex,
		Priority: &x.Priority, FirstSeen: &x.First, LastSeen: &x.Last, Description: &x.Description, Active: &x.Active, State: &x.State,
		Histogram: make(map[string]int64, len(x.Bars)), LogSamples: make([]logswire.LogEvent, len(x.Samples)),
		PatternTokens: make([]logswire.PatternToken, len(x.Tokens)), LogGroupArnList: []string{x.GroupARN}, Suppressed: &suppressed,
	}
	for _, b := range x.Bars {
		out.Histogram[strconv.FormatInt(b.At, 10)] = b.Count
	}
	for i := range x.Samples {
		out.LogSamples[i] = logswire.LogEvent{Timestamp: &x.Samples[i].At, Message: &x.Samples[i].Message}
	}
	position := int32(0)
	for i := range x.Tokens {
		t := &x.Tokens[i]
		dynamic := t.Dynamic()
		token := logswire.PatternToken{IsDynamic: &dynamic, TokenString: &t.Text, InferredTokenName: optional(t.Name), Enumerations: t.Values}
		at := int32(0)
		if dynamic {
			position++
			at = position
		}
		token.DynamicTokenPosition = &at
		out.PatternTokens[i] = token
	}
	if s := x.Suppression; s != nil {
		out.SuppressedDate, out.SuppressedUntil, out.IsPatternLevelSuppression = &s.At, &s.Until, &x.PatternLevel
	}
	return out
}

func (a *API) updateAnomaly(ctx context.Context, in *logswire.UpdateAnomalyInput) (*logswire.UpdateAnomalyOutput, error) {
	r := anomalies.UpdateAnomalyRequest{
		Detector: value(in.AnomalyDetectorArn), AnomalyID: value(in.AnomalyId), PatternID: value(in.PatternId),
		Type: value(in.SuppressionType), Baseline: in.Baseline,
	}
	if p := in.SuppressionPeriod; p != nil {
		r.Value, r.Unit = int(value(p.Value)), value(p.SuppressionUnit)
	}
	return nil, a.anomalies.UpdateAnomaly(ctx, scopeOf(ctx), r)
}
