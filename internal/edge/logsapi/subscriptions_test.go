package logsapi_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cumulog/cumulog/internal/platform/sink"
)

const (
	lambdaARN   = "arn:aws:lambda:us-east-1:000000000000:function:f"
	kinesisARN  = "arn:aws:kinesis:us-east-1:000000000000:stream/s"
	firehoseARN = "arn:aws:firehose:us-east-1:000000000000:deliverystream/d"
	brokenARN   = "arn:aws:kinesis:us-east-1:000000000000:stream/broken"
	roleARN     = "arn:aws:iam::000000000000:role/r"
)

// subscribed is a stack whose targets are one HTTP server, which keeps what it gets.
type subscribed struct {
	*stack
	mu     sync.Mutex
	bodies []string
}

func newSubscribed(t *testing.T) *subscribed {
	t.Helper()
	s := &subscribed{stack: &stack{}}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/broken" {
			w.WriteHeader(500)
			return
		}
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Errorf("body: %v", err)
			return
		}
		raw, err := io.ReadAll(z)
		if err != nil {
			t.Errorf("body: %v", err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.bodies = append(s.bodies, string(raw))
	}))
	t.Cleanup(srv.Close)
	file := fmt.Sprintf(`{"targets":[
		{"arn":%q,"type":"http","url":"%s/broken"},
		{"arn":"arn:aws:*:*:*:*","type":"http","url":"%s/in"}
	]}`, brokenARN, srv.URL, srv.URL)
	var err error
	s.targets, err = sink.Load(strings.NewReader(file), sink.Options{})
	ok(t, "targets", err)
	t.Cleanup(func() { s.targets.Close() })
	s.open(t)
	return s
}

func (s *subscribed) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.bodies...)
}

func (s *subscribed) filter(t *testing.T, group, name, arn string) {
	t.Helper()
	in := &cwl.PutSubscriptionFilterInput{LogGroupName: &group, FilterName: &name, FilterPattern: ptr(""), DestinationArn: &arn}
	if !strings.Contains(arn, ":lambda:") {
		in.RoleArn = ptr(roleARN)
	}
	_, err := s.PutSubscriptionFilter(context.Background(), in)
	ok(t, "put filter "+name, err)
}

func TestSubscriptionFilters(t *testing.T) {
	ctx := context.Background()
	s := newSubscribed(t)
	s.group(t, "app")
	at := s.ms.Load()
	_, err := s.PutSubscriptionFilter(ctx, &cwl.PutSubscriptionFilterInput{
		LogGroupName: ptr("app"), FilterName: ptr("b"), FilterPattern: ptr("{ $.a = 1 }"), DestinationArn: ptr(kinesisARN), RoleArn: ptr(roleARN),
		Distribution: types.DistributionRandom, FieldSelectionCriteria: ptr(`@aws.region = "us-east-1"`), EmitSystemFields: []string{"@aws.account"},
	})
	ok(t, "put b", err)
	s.sleep(time.Second)
	s.filter(t, "app", "a", lambdaARN)
	want := []types.SubscriptionFilter{
		{
			FilterName: ptr("a"), LogGroupName: ptr("app"), FilterPattern: ptr(""), DestinationArn: ptr(lambdaARN), Distribution: types.DistributionByLogStream,
			CreationTime: ptr(at + 1000),
		},
		{
			FilterName: ptr("b"), LogGroupName: ptr("app"), FilterPattern: ptr("{ $.a = 1 }"), DestinationArn: ptr(kinesisARN), RoleArn: ptr(roleARN),
			Distribution: types.DistributionRandom, CreationTime: &at, FieldSelectionCriteria: ptr(`@aws.region = "us-east-1"`), EmitSystemFields: []string{"@aws.account"},
		},
	}
	describe := func(in *cwl.DescribeSubscriptionFiltersInput, want []types.SubscriptionFilter) *string {
		t.Helper()
		in.LogGroupName = ptr("app")
		got, err := s.DescribeSubscriptionFilters(ctx, in)
		ok(t, "describe", err)
		if d := cmp.Diff(want, got.SubscriptionFilters, cmpopts.IgnoreUnexported(types.SubscriptionFilter{})); d != "" {
			t.Errorf("filters (-want +got)\n%s", d)
		}
		return got.NextToken
	}
	if next := describe(&cwl.DescribeSubscriptionFiltersInput{}, want); next != nil {
		t.Errorf("token %s at the end", *next)
	}
	next := describe(&cwl.DescribeSubscriptionFiltersInput{Limit: ptr(int32(1))}, want[:1])
	describe(&cwl.DescribeSubscriptionFiltersInput{NextToken: next}, want[1:])
	describe(&cwl.DescribeSubscriptionFiltersInput{FilterNamePrefix: ptr("b")}, want[1:])
	describe(&cwl.DescribeSubscriptionFiltersInput{FilterNamePrefix: ptr("c")}, []types.SubscriptionFilter{})

	// A third one is too many; a replaced one is not a third.
	third := &cwl.PutSubscriptionFilterInput{LogGroupName: ptr("app"), FilterName: ptr("c"), FilterPattern: ptr(""), DestinationArn: ptr(lambdaARN)}
	_, err = s.PutSubscriptionFilter(ctx, third)
	refused(t, "third", err, "LimitExceededException", "Resource limit exceeded.")
	s.sleep(time.Second)
	third.FilterName, third.FilterPattern = ptr("a"), ptr("x")
	_, err = s.PutSubscriptionFilter(ctx, third)
	ok(t, "replace", err)
	want[0].FilterPattern = ptr("x")
	describe(&cwl.DescribeSubscriptionFiltersInput{}, want)

	_, err = s.DeleteSubscriptionFilter(ctx, &cwl.DeleteSubscriptionFilterInput{LogGroupName: ptr("app"), FilterName: ptr("a")})
	ok(t, "delete", err)
	describe(&cwl.DescribeSubscriptionFiltersInput{}, want[1:])
	_, err = s.DeleteSubscriptionFilter(ctx, &cwl.DeleteSubscriptionFilterInput{LogGroupName: ptr("app"), FilterName: ptr("a")})
	refused(t, "delete again", err, "ResourceNotFoundException", "The specified subscription filter does not exist.")
	if got := s.got(); len(got) != 3 || !strings.Contains(got[0], "CWL CONTROL MESSAGE: Checking health of destination Kinesis stream.") ||
		!strings.Contains(got[1], "CWL CONTROL MESSAGE: Checking health of destination Lambda function.") {
		t.Errorf("control messages %q", got)
	}
}

func TestSubscriptionFilterErrors(t *testing.T) {
	ctx := context.Background()
	s := newSubscribed(t)
	s.group(t, "app")
	_, err := s.CreateLogGroup(ctx, &cwl.CreateLogGroupInput{LogGroupName: ptr("ia"), LogGroupClass: types.LogGroupClassInfrequentAccess})
	ok(t, "create", err)
	put := func(what, code, text string, change func(*cwl.PutSubscriptionFilterInput)) {
		t.Helper()
		in := &cwl.PutSubscriptionFilterInput{LogGroupName: ptr("app"), FilterName: ptr("f"), FilterPattern: ptr(""), DestinationArn: ptr(kinesisARN), RoleArn: ptr(roleARN)}
		change(in)
		_, err := s.PutSubscriptionFilter(ctx, in)
		refused(t, what, err, code, text)
	}
	const ip = "InvalidParameterException"
	type input = cwl.PutSubscriptionFilterInput
	put("no group", "ResourceNotFoundException", "The specified log group does not exist.", func(in *input) { in.LogGroupName = ptr("none") })
	put("class", "ValidationException", "This operation is only supported on the Standard log class.", func(in *input) { in.LogGroupName = ptr("ia") })
	put("pattern", ip, "Invalid filter pattern", func(in *input) { in.FilterPattern = ptr("{ $.a = }") })
	put("pattern before target", ip, "If a filter pattern starts with '{' it must end with '}'", func(in *input) { in.FilterPattern, in.DestinationArn = ptr("{"), ptr(brokenARN) })
	put("lambda with a role", ip, "destinationArn for vendor lambda cannot be used with roleArn", func(in *input) { in.DestinationArn = ptr(lambdaARN) })
	put("kinesis without", ip, "destinationArn for vendor kinesis cannot be used without roleArn", func(in *input) { in.RoleArn = nil })
	put("firehose without", ip, "destinationArn for vendor firehose cannot be used without roleArn", func(in *input) { in.DestinationArn, in.RoleArn = ptr(firehoseARN), nil })
	put("vendor", ip, "PutSubscriptionFilter operation cannot work with destinationArn for vendor sqs", func(in *input) { in.DestinationArn = ptr("arn:aws:sqs:us-east-1:000000000000:q") })
	put("no ARN", ip, "destinationArn is not an ARN: x", func(in *input) { in.DestinationArn = ptr("x") })
	put("broken", ip, "Could not deliver test message to specified Kinesis stream. Check if the given kinesis stream is in ACTIVE state.", func(in *input) { in.DestinationArn = ptr(brokenARN) })
	put("nobody", ip, "Could not deliver test message to specified Kinesis stream. Check if the given kinesis stream is in ACTIVE state. No target is configured for this ARN.",
		func(in *input) { in.DestinationArn = ptr("arn:aws-cn:kinesis:cn-north-1:000000000000:stream/s") })
	put("transformed", "InvalidOperationException", "applyOnTransformedLogs can only be used with a log group that has a transformer.", func(in *input) { in.ApplyOnTransformedLogs = true })
	put("criteria", ip, "The provided field selection criteria is invalid", func(in *input) { in.FieldSelectionCriteria = ptr("@aws.zone = 1") })
	put("system field", ip, "The system field @x is not supported. Use @aws.account or @aws.region.", func(in *input) { in.EmitSystemFields = []string{"@x"} })
	put("no destination", "ResourceNotFoundException", "The specified destination does not exist.", func(in *input) { in.DestinationArn = ptr("arn:aws:logs:us-east-1:000000000000:destination:none") })
	put("foreign destination", "AccessDeniedException", "User with accountId: 000000000000 is not authorized to perform: logs:PutSubscriptionFilter on resource: arn:aws:logs:us-east-1:111111111111:destination:none",
		func(in *input) { in.DestinationArn = ptr("arn:aws:logs:us-east-1:111111111111:destination:none") })
	put("distribution", ip, "1 validation error detected: Value 'x' at 'distribution' failed to satisfy constraint: Member must satisfy enum value set: [Random, ByLogStream]", func(in *input) { in.Distribution = "x" })

	got, err := s.DescribeSubscriptionFilters(ctx, &cwl.DescribeSubscriptionFiltersInput{LogGroupName: ptr("app")})
	ok(t, "describe", err)
	if len(got.SubscriptionFilters) != 0 {
		t.Errorf("filters %v were made", got.SubscriptionFilters)
	}
	_, err = s.DescribeSubscriptionFilters(ctx, &cwl.DescribeSubscriptionFiltersInput{LogGroupName: ptr("none")})
	refused(t, "describe", err, "ResourceNotFoundException", "The specified log group does not exist.")
	_, err = s.DescribeSubscriptionFilters(ctx, &cwl.DescribeSubscriptionFiltersInput{LogGroupName: ptr("app"), NextToken: ptr("x")})
	refused(t, "token", err, ip, "The specified nextToken is invalid.")
}

func TestDestinations(t *testing.T) {
	ctx := context.Background()
	s := newSubscribed(t)
	at := s.ms.Load()
	put, err := s.PutDestination(ctx, &cwl.PutDestinationInput{DestinationName: ptr("d"), TargetArn: ptr(kinesisARN), RoleArn: ptr(roleARN), Tags: map[string]string{"k": "v"}})
	ok(t, "put", err)
	want := types.Destination{
		DestinationName: ptr("d"), TargetArn: ptr(kinesisARN), RoleArn: ptr(roleARN), Arn: ptr("arn:aws:logs:us-east-1:000000000000:destination:d"), CreationTime: &at,
	}
	same := func(what string, want, got any) {
		t.Helper()
		if d := cmp.Diff(want, got, cmpopts.IgnoreUnexported(types.Destination{})); d != "" {
			t.Errorf("%s (-want +got)\n%s", what, d)
		}
	}
	same("put", &want, put.Destination)
	tags, err := s.ListTagsForResource(ctx, &cwl.ListTagsForResourceInput{ResourceArn: want.Arn})
	ok(t, "tags", err)
	same("tags", map[string]string{"k": "v"}, tags.Tags)
	_, err = s.TagResource(ctx, &cwl.TagResourceInput{ResourceArn: want.Arn, Tags: map[string]string{"l": "w"}})
	ok(t, "tag", err)
	_, err = s.UntagResource(ctx, &cwl.UntagResourceInput{ResourceArn: want.Arn, TagKeys: []string{"k"}})
	ok(t, "untag", err)
	tags, err = s.ListTagsForResource(ctx, &cwl.ListTagsForResourceInput{ResourceArn: want.Arn})
	ok(t, "tags", err)
	same("tags", map[string]string{"l": "w"}, tags.Tags)
	_, err = s.ListTagsForResource(ctx, &cwl.ListTagsForResourceInput{ResourceArn: ptr("arn:aws:logs:us-east-1:000000000000:destination:x")})
	refused(t, "tags of none", err, "ResourceNotFoundException", "The specified resource does not exist.")

	// Another account may subscribe once the policy says so.
	other := s.client("111111111111", region)
	_, err = other.CreateLogGroup(ctx, &cwl.CreateLogGroupInput{LogGroupName: ptr("theirs")})
	ok(t, "create", err)
	subscribe := func() error {
		_, err := other.PutSubscriptionFilter(ctx, &cwl.PutSubscriptionFilterInput{LogGroupName: ptr("theirs"), FilterName: ptr("f"), FilterPattern: ptr(""), DestinationArn: want.Arn})
		return err
	}
	refused(t, "subscribe", subscribe(), "AccessDeniedException", "User with accountId: 111111111111 is not authorized to perform: logs:PutSubscriptionFilter on resource: "+*want.Arn)
	policy := func(principal, condition string) string {
		return `{"Version":"2012-10-17","Statement":[{"Sid":"","Effect":"Allow","Principal":` + principal + `,"Action":"logs:PutSubscriptionFilter","Resource":"` + *want.Arn + `"` + condition + `}]}`
	}
	setPolicy := func(text string) error {
		_, err := s.PutDestinationPolicy(ctx, &cwl.PutDestinationPolicyInput{DestinationName: ptr("d"), AccessPolicy: &text})
		return err
	}
	for _, no := range []string{policy(`{"AWS":"222222222222"}`, ""), policy(`"*"`, `,"Condition":{"StringEquals":{"aws:PrincipalOrgID":["o-1"]}}`)} {
		ok(t, "policy", setPolicy(no))
		refused(t, "subscribe", subscribe(), "AccessDeniedException", "User with accountId: 111111111111 is not authorized to perform: logs:PutSubscriptionFilter on resource: "+*want.Arn)
	}
	for _, yes := range []string{policy(`{"AWS":["222222222222","111111111111"]}`, ""), policy(`{"AWS":"arn:aws:iam::111111111111:root"}`, ""), policy(`"*"`, "")} {
		ok(t, "policy", setPolicy(yes))
		ok(t, "subscribe", subscribe())
	}
	const bad = "Error occurred while parsing accessPolicy. Please check if the accessPolicy has been constructed correctly using IAM grammar."
	refused(t, "bad policy", setPolicy("{"), "InvalidParameterException", bad)
	refused(t, "empty policy", setPolicy("{}"), "InvalidParameterException", bad)
	refused(t, "long policy", setPolicy(strings.Repeat(" ", 5121)), "InvalidParameterException", "The access policy has 5121 bytes, more than 5120.")
	_, err = s.PutDestinationPolicy(ctx, &cwl.PutDestinationPolicyInput{DestinationName: ptr("x"), AccessPolicy: ptr(policy(`"*"`, ""))})
	refused(t, "policy of none", err, "ResourceNotFoundException", "The specified destination does not exist.")

	// A change of the target keeps the policy and the time.
	s.sleep(time.Second)
	put, err = s.PutDestination(ctx, &cwl.PutDestinationInput{DestinationName: ptr("d"), TargetArn: ptr(firehoseARN), RoleArn: ptr(roleARN)})
	ok(t, "put again", err)
	want.TargetArn, want.AccessPolicy = ptr(firehoseARN), ptr(policy(`"*"`, ""))
	same("put again", &want, put.Destination)
	_, err = s.PutDestination(ctx, &cwl.PutDestinationInput{DestinationName: ptr("e"), TargetArn: ptr(firehoseARN), RoleArn: ptr(roleARN)})
	ok(t, "put e", err)
	page, err := s.DescribeDestinations(ctx, &cwl.DescribeDestinationsInput{Limit: ptr(int32(1))})
	ok(t, "describe", err)
	same("page", []types.Destination{want}, page.Destinations)
	page, err = s.DescribeDestinations(ctx, &cwl.DescribeDestinationsInput{NextToken: page.NextToken})
	ok(t, "describe", err)
	if len(page.Destinations) != 1 || *page.Destinations[0].DestinationName != "e" || page.NextToken != nil {
		t.Errorf("second page %+v", page)
	}
	page, err = s.DescribeDestinations(ctx, &cwl.DescribeDestinationsInput{DestinationNamePrefix: ptr("e")})
	ok(t, "describe", err)
	if len(page.Destinations) != 1 {
		t.Errorf("by prefix %+v", page)
	}

	_, err = s.PutDestination(ctx, &cwl.PutDestinationInput{DestinationName: ptr("x"), TargetArn: ptr(brokenARN), RoleArn: ptr(roleARN)})
	refused(t, "broken", err, "InvalidParameterException", "Could not deliver test message to specified destination. Check if the destination is valid.")
	_, err = s.PutDestination(ctx, &cwl.PutDestinationInput{DestinationName: ptr("x"), TargetArn: ptr(lambdaARN), RoleArn: ptr(roleARN)})
	refused(t, "vendor", err, "InvalidParameterException", "PutDestination operation cannot work with targetArn for vendor lambda")
	_, err = s.DeleteDestination(ctx, &cwl.DeleteDestinationInput{DestinationName: ptr("d")})
	ok(t, "delete", err)
	_, err = s.DeleteDestination(ctx, &cwl.DeleteDestinationInput{DestinationName: ptr("d")})
	refused(t, "delete again", err, "ResourceNotFoundException", "The specified destination does not exist.")
}

func TestAccountPolicies(t *testing.T) {
	ctx := context.Background()
	s := newSubscribed(t)
	const kind = types.PolicyTypeSubscriptionFilterPolicy
	document := `{"DestinationArn":"` + kinesisARN + `","RoleArn":"` + roleARN + `","FilterPattern":"x","Distribution":"Random"}`
	put := func(name, document, selection string) (*types.AccountPolicy, error) {
		in := &cwl.PutAccountPolicyInput{PolicyName: &name, PolicyType: kind, PolicyDocument: &document, Scope: types.ScopeAll}
		if selection != "" {
			in.SelectionCriteria = &selection
		}
		out, err := s.PutAccountPolicy(ctx, in)
		if err != nil {
			return nil, err
		}
		return out.AccountPolicy, nil
	}
	got, err := put("p", document, `LogGroupName NOT IN ["a", "b"]`)
	ok(t, "put", err)
	want := types.AccountPolicy{
		PolicyName: ptr("p"), PolicyType: kind, PolicyDocument: &document, Scope: types.ScopeAll, LastUpdatedTime: ptr(s.ms.Load()),
		SelectionCriteria: ptr(`LogGroupName NOT IN ["a", "b"]`), AccountId: ptr(account),
	}
	same := func(want, got any) {
		t.Helper()
		if d := cmp.Diff(want, got, cmpopts.IgnoreUnexported(types.AccountPolicy{})); d != "" {
			t.Errorf("policy (-want +got)\n%s", d)
		}
	}
	same(&want, got)
	for _, name := range []*string{nil, ptr("p")} {
		list, err := s.DescribeAccountPolicies(ctx, &cwl.DescribeAccountPoliciesInput{PolicyType: kind, PolicyName: name})
		ok(t, "describe", err)
		same([]types.AccountPolicy{want}, list.AccountPolicies)
	}
	list, err := s.DescribeAccountPolicies(ctx, &cwl.DescribeAccountPoliciesInput{PolicyType: types.PolicyTypeDataProtectionPolicy})
	ok(t, "describe", err)
	same([]types.AccountPolicy{}, list.AccountPolicies)
	_, err = s.DescribeAccountPolicies(ctx, &cwl.DescribeAccountPoliciesInput{PolicyType: kind, PolicyName: ptr("q")})
	refused(t, "describe q", err, "ResourceNotFoundException", "The specified account policy does not exist.")

	const ip = "InvalidParameterException"
	bad := func(what, document, selection, code, text string) {
		t.Helper()
		_, err := put("p", document, selection)
		refused(t, what, err, code, text)
	}
	bad("no JSON", "x", "", ip, "Malformed Subscription filter policy")
	bad("unknown member", `{"DestinationArn":"x","Filter":""}`, "", ip, "Malformed Subscription filter policy")
	bad("no destination", `{"FilterPattern":""}`, "", ip, "MissingDestinationArnfield in policy document")
	bad("pattern", strings.Replace(document, `"x"`, `"{"`, 1), "", ip, "If a filter pattern starts with '{' it must end with '}'")
	bad("role", `{"DestinationArn":"`+kinesisARN+`","FilterPattern":""}`, "", ip, "destinationArn for vendor kinesis cannot be used without roleArn")
	for _, selection := range []string{"x", `LogGroupName IN ["a"]`, `LogGroupName NOT IN []`, `LogGroupNameNOT IN ["a"]`, `LogGroupName NOT IN ["a"] x`, `LogGroupName NOT IN ["a",1]`} {
		bad(selection, document, selection, ip, "The provided SelectionCriteria string is invalid.")
	}
	_, err = put("second", document, "")
	refused(t, "second", err, "LimitExceededException", "Resource limit exceeded.")
	_, err = put("aws/x", document, "")
	refused(t, "reserved", err, ip, "policyName must not begin with aws/.")
	_, err = s.PutAccountPolicy(ctx, &cwl.PutAccountPolicyInput{PolicyName: ptr("x"), PolicyType: types.PolicyTypeFieldIndexPolicy, PolicyDocument: ptr("{}")})
	refused(t, "other type", err, ip, "Account policies of type FIELD_INDEX_POLICY are not supported. Supported types are [SUBSCRIPTION_FILTER_POLICY].")
	_, err = put("p", document, "")
	ok(t, "replace", err)
	_, err = s.DeleteAccountPolicy(ctx, &cwl.DeleteAccountPolicyInput{PolicyName: ptr("p"), PolicyType: kind})
	ok(t, "delete", err)
	_, err = s.DeleteAccountPolicy(ctx, &cwl.DeleteAccountPolicyInput{PolicyName: ptr("p"), PolicyType: kind})
	refused(t, "delete again", err, "ResourceNotFoundException", "The specified account policy does not exist.")
}

// What PutLogEvents takes comes out at the target.
func TestDelivery(t *testing.T) {
	s := newSubscribed(t)
	run, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.subscriptions.Run(run)
	}()
	t.Cleanup(func() { cancel(); <-done })
	s.group(t, "app")
	s.stream(t, "app", "s")
	s.filter(t, "app", "f", lambdaARN)
	at := s.ms.Load()
	_, err := s.PutLogEvents(context.Background(), &cwl.PutLogEventsInput{LogGroupName: ptr("app"), LogStreamName: ptr("s"), LogEvents: []types.InputLogEvent{
		{Timestamp: &at, Message: ptr("one")}, {Timestamp: &at, Message: ptr("two")},
	}})
	ok(t, "put events", err)
	limit := time.After(20 * time.Second)
	each := time.NewTicker(time.Millisecond)
	defer each.Stop()
	for len(s.got()) < 2 {
		select {
		case <-each.C:
		case <-limit:
			t.Fatal("nothing was delivered")
		}
	}
	var d struct {
		MessageType, LogGroup, LogStream string
		LogEvents                        []struct{ Message string }
	}
	if err := json.NewDecoder(bytes.NewReader([]byte(s.got()[1]))).Decode(&d); err != nil {
		t.Fatal(err)
	}
	if d.MessageType != "DATA_MESSAGE" || d.LogGroup != "app" || d.LogStream != "s" || len(d.LogEvents) != 2 || d.LogEvents[1].Message != "two" {
		t.Errorf("delivered %+v", d)
	}
}
