package logsapi_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestAnomalyDetectors(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	s.group(t, "app")
	s.group(t, "other")
	group := "arn:aws:logs:us-east-1:000000000000:log-group:app"
	created, err := s.CreateLogAnomalyDetector(ctx, &cwl.CreateLogAnomalyDetectorInput{
		LogGroupArnList: []string{group}, DetectorName: ptr("d"), EvaluationFrequency: types.EvaluationFrequencyTenMin,
		FilterPattern: ptr("ERROR"), KmsKeyId: ptr("arn:aws:kms:us-east-1:000000000000:key/1"), AnomalyVisibilityTime: ptr(int64(7)), Tags: map[string]string{"a": "b"},
	})
	ok(t, "create", err)
	arn, at := created.AnomalyDetectorArn, s.ms.Load()
	want := &cwl.GetLogAnomalyDetectorOutput{
		DetectorName: ptr("d"), LogGroupArnList: []string{group}, EvaluationFrequency: types.EvaluationFrequencyTenMin, FilterPattern: ptr("ERROR"),
		AnomalyDetectorStatus: types.AnomalyDetectorStatusInitializing, KmsKeyId: ptr("arn:aws:kms:us-east-1:000000000000:key/1"),
		CreationTimeStamp: at, LastModifiedTimeStamp: at, AnomalyVisibilityTime: ptr(int64(7)),
	}
	check := func(what string) {
		t.Helper()
		got, err := s.GetLogAnomalyDetector(ctx, &cwl.GetLogAnomalyDetectorInput{AnomalyDetectorArn: arn})
		ok(t, what, err)
		if d := cmp.Diff(want, got, cmpopts.IgnoreUnexported(cwl.GetLogAnomalyDetectorOutput{}), cmpopts.IgnoreFields(cwl.GetLogAnomalyDetectorOutput{}, "ResultMetadata")); d != "" {
			t.Errorf("%s (-want +got):\n%s", what, d)
		}
	}
	check("get")
	tags, err := s.ListTagsForResource(ctx, &cwl.ListTagsForResourceInput{ResourceArn: arn})
	ok(t, "tags", err)
	if d := cmp.Diff(map[string]string{"a": "b"}, tags.Tags); d != "" {
		t.Errorf("tags: %s", d)
	}
	_, err = s.TagResource(ctx, &cwl.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"c": "d"}})
	ok(t, "tag", err)
	_, err = s.UntagResource(ctx, &cwl.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a"}})
	ok(t, "untag", err)
	tags, err = s.ListTagsForResource(ctx, &cwl.ListTagsForResourceInput{ResourceArn: arn})
	ok(t, "tags", err)
	if d := cmp.Diff(map[string]string{"c": "d"}, tags.Tags); d != "" {
		t.Errorf("tags: %s", d)
	}

	s.sleep(time.Minute)
	_, err = s.UpdateLogAnomalyDetector(ctx, &cwl.UpdateLogAnomalyDetectorInput{
		AnomalyDetectorArn: arn, Enabled: ptr(false), EvaluationFrequency: types.EvaluationFrequencyOneHour, FilterPattern: ptr("WARN"), AnomalyVisibilityTime: ptr(int64(90)),
	})
	ok(t, "update", err)
	want.EvaluationFrequency, want.FilterPattern, want.AnomalyVisibilityTime = types.EvaluationFrequencyOneHour, ptr("WARN"), ptr(int64(90))
	want.AnomalyDetectorStatus, want.LastModifiedTimeStamp = types.AnomalyDetectorStatusPaused, s.ms.Load()
	check("updated")
	_, err = s.UpdateLogAnomalyDetector(ctx, &cwl.UpdateLogAnomalyDetectorInput{AnomalyDetectorArn: arn, Enabled: ptr(true)})
	ok(t, "enable", err)
	want.AnomalyDetectorStatus = types.AnomalyDetectorStatusInitializing
	check("enabled")

	for i := range 3 {
		_, err := s.CreateLogAnomalyDetector(ctx, &cwl.CreateLogAnomalyDetectorInput{LogGroupArnList: []string{group[:len(group)-3] + "other"}, DetectorName: ptr(fmt.Sprint(i))})
		ok(t, "create", err)
	}
	list := func(in *cwl.ListLogAnomalyDetectorsInput) (names map[string]int, pages int) {
		t.Helper()
		names = map[string]int{}
		for p := cwl.NewListLogAnomalyDetectorsPaginator(s, in); p.HasMorePages(); pages++ {
			page, err := p.NextPage(ctx)
			ok(t, "list", err)
			for _, d := range page.AnomalyDetectors {
				names[*d.DetectorName]++
				if d.EvaluationFrequency != types.EvaluationFrequencyFiveMin && *d.DetectorName != "d" || *d.AnomalyVisibilityTime != 21 && *d.DetectorName != "d" {
					t.Errorf("defaults: %s, %d days", d.EvaluationFrequency, *d.AnomalyVisibilityTime)
				}
			}
		}
		return names, pages
	}
	names, pages := list(&cwl.ListLogAnomalyDetectorsInput{Limit: ptr(int32(1))})
	if d := cmp.Diff(map[string]int{"d": 1, "0": 1, "1": 1, "2": 1}, names); d != "" || pages != 4 {
		t.Errorf("%d pages: %s", pages, d)
	}
	names, _ = list(&cwl.ListLogAnomalyDetectorsInput{FilterLogGroupArn: &group})
	if d := cmp.Diff(map[string]int{"d": 1}, names); d != "" {
		t.Errorf("of a group: %s", d)
	}

	_, err = s.DeleteLogAnomalyDetector(ctx, &cwl.DeleteLogAnomalyDetectorInput{AnomalyDetectorArn: arn})
	ok(t, "delete", err)
	const gone = "The specified anomaly detector does not exist."
	_, err = s.GetLogAnomalyDetector(ctx, &cwl.GetLogAnomalyDetectorInput{AnomalyDetectorArn: arn})
	refused(t, "get the deleted", err, "ResourceNotFoundException", gone)
	_, err = s.DeleteLogAnomalyDetector(ctx, &cwl.DeleteLogAnomalyDetectorInput{AnomalyDetectorArn: arn})
	refused(t, "delete again", err, "ResourceNotFoundException", gone)
	_, err = s.DeleteLogGroup(ctx, &cwl.DeleteLogGroupInput{LogGroupName: ptr("other")})
	ok(t, "delete group", err)
	names, _ = list(&cwl.ListLogAnomalyDetectorsInput{})
	if len(names) != 0 {
		t.Errorf("after its group: %v", names)
	}
}

func TestAnomalyDetectorErrors(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	s.group(t, "app")
	_, err := s.CreateLogGroup(ctx, &cwl.CreateLogGroupInput{LogGroupName: ptr("ia"), LogGroupClass: types.LogGroupClassInfrequentAccess})
	ok(t, "create", err)
	const prefix = "arn:aws:logs:us-east-1:000000000000:log-group:"
	create := func(what, code, text string, change func(*cwl.CreateLogAnomalyDetectorInput)) {
		t.Helper()
		in := &cwl.CreateLogAnomalyDetectorInput{LogGroupArnList: []string{prefix + "app"}}
		change(in)
		_, err := s.CreateLogAnomalyDetector(ctx, in)
		refused(t, what, err, code, text)
	}
	const invalid, missing = "InvalidParameterException", "ResourceNotFoundException"
	create("no group", invalid, "Exactly one log group ARN must be specified.", func(in *cwl.CreateLogAnomalyDetectorInput) { in.LogGroupArnList = []string{} })
	create("two groups", invalid, "Exactly one log group ARN must be specified.", func(in *cwl.CreateLogAnomalyDetectorInput) {
		in.LogGroupArnList = []string{prefix + "app", prefix + "ia"}
	})
	create("a name", invalid, "Invalid log group Arn: app", func(in *cwl.CreateLogAnomalyDetectorInput) { in.LogGroupArnList = []string{"app"} })
	create("no such group", missing, "The specified log group does not exist.", func(in *cwl.CreateLogAnomalyDetectorInput) { in.LogGroupArnList = []string{prefix + "none"} })
	create("class", invalid, "Anomaly detection is only supported for log groups in the Standard log class.", func(in *cwl.CreateLogAnomalyDetectorInput) {
		in.LogGroupArnList = []string{prefix + "ia"}
	})
	create("pattern", invalid, "If a filter pattern starts with '{' it must end with '}'", func(in *cwl.CreateLogAnomalyDetectorInput) { in.FilterPattern = ptr("{ $.a = ") })
	create("visibility", invalid, "1 validation error detected: Value '6' at 'anomalyVisibilityTime' failed to satisfy constraint: Member must have value greater than or equal to 7",
		func(in *cwl.CreateLogAnomalyDetectorInput) { in.AnomalyVisibilityTime = ptr(int64(6)) })
	create("frequency", invalid, "1 validation error detected: Value 'HOURLY' at 'evaluationFrequency' failed to satisfy constraint: Member must satisfy enum value set: [ONE_MIN, FIVE_MIN, TEN_MIN, FIFTEEN_MIN, THIRTY_MIN, ONE_HOUR]",
		func(in *cwl.CreateLogAnomalyDetectorInput) { in.EvaluationFrequency = "HOURLY" })

	const arn = "arn:aws:logs:us-east-1:000000000000:anomaly-detector:11111111-1111-1111-1111-111111111111"
	const none = "The specified anomaly detector does not exist."
	_, err = s.ListAnomalies(ctx, &cwl.ListAnomaliesInput{AnomalyDetectorArn: ptr(arn)})
	refused(t, "anomalies of none", err, missing, none)
	_, err = s.ListAnomalies(ctx, &cwl.ListAnomaliesInput{NextToken: ptr("x")})
	refused(t, "token", err, invalid, "The specified nextToken is invalid.")
	_, err = s.ListLogAnomalyDetectors(ctx, &cwl.ListLogAnomalyDetectorsInput{NextToken: ptr("x")})
	refused(t, "token", err, invalid, "The specified nextToken is invalid.")
	_, err = s.UpdateLogAnomalyDetector(ctx, &cwl.UpdateLogAnomalyDetectorInput{AnomalyDetectorArn: ptr(arn), Enabled: ptr(true)})
	refused(t, "update none", err, missing, none)
	update := func(what, code, text string, in cwl.UpdateAnomalyInput) {
		t.Helper()
		in.AnomalyDetectorArn = ptr(arn)
		_, err := s.UpdateAnomaly(ctx, &in)
		refused(t, what, err, code, text)
	}
	id := ptr("11111111-1111-1111-1111-111111111111")
	update("no id", invalid, "Exactly one of anomalyId and patternId must be specified.", cwl.UpdateAnomalyInput{})
	update("both ids", invalid, "Exactly one of anomalyId and patternId must be specified.", cwl.UpdateAnomalyInput{AnomalyId: id, PatternId: ptr("00000000000000000000000000000000")})
	update("no period", invalid, "A suppressionType of LIMITED needs a suppressionPeriod with a positive value and a suppressionUnit.",
		cwl.UpdateAnomalyInput{AnomalyId: id, SuppressionType: types.SuppressionTypeLimited})
	update("no detector", missing, none, cwl.UpdateAnomalyInput{AnomalyId: id, SuppressionType: types.SuppressionTypeInfinite})

	page, err := s.ListAnomalies(ctx, &cwl.ListAnomaliesInput{})
	ok(t, "anomalies", err)
	if len(page.Anomalies) != 0 || page.NextToken != nil {
		t.Errorf("got %v", page.Anomalies)
	}
}
