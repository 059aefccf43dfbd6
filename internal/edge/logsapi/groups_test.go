package logsapi_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/service/groups"
)

const (
	invalid    = "InvalidParameterException"
	notFound   = "ResourceNotFoundException"
	exists     = "ResourceAlreadyExistsException"
	validation = "ValidationException"

	noGroup  = "The specified log group does not exist."
	noStream = "The specified log stream does not exist."
	badToken = "The specified nextToken is invalid."
)

func TestCreateLogGroup(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	create := func(in cwl.CreateLogGroupInput) error {
		_, err := s.CreateLogGroup(ctx, &in)
		return err
	}
	ok(t, "plain", create(cwl.CreateLogGroupInput{LogGroupName: ptr("/aws/lambda/f")}))
	refused(t, "again", create(cwl.CreateLogGroupInput{LogGroupName: ptr("/aws/lambda/f")}), exists, "The specified log group already exists")
	refused(t, "reserved", create(cwl.CreateLogGroupInput{LogGroupName: ptr("aws/lambda")}), invalid, "Log groups starting with AWS/ are reserved for AWS.")
	ok(t, "longest name", create(cwl.CreateLogGroupInput{LogGroupName: ptr(strings.Repeat("x", 512))}))
	refused(t, "name too long", create(cwl.CreateLogGroupInput{LogGroupName: ptr(strings.Repeat("x", 513))}), invalid,
		"1 validation error detected: Value '"+strings.Repeat("x", 513)+"' at 'logGroupName' failed to satisfy constraint: Member must have length less than or equal to 512")
	refused(t, "bad character", create(cwl.CreateLogGroupInput{LogGroupName: ptr("a b")}), invalid,
		`1 validation error detected: Value 'a b' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+`)
	refused(t, "key", create(cwl.CreateLogGroupInput{LogGroupName: ptr("k"), KmsKeyId: ptr("arn:aws:kms:us-east-1:000000000000:key/x")}), invalid,
		"The KMS key arn:aws:kms:us-east-1:000000000000:key/x cannot be used: this server does not encrypt log groups with KMS keys. Create the log group without kmsKeyId.")
	refused(t, "reserved tag", create(cwl.CreateLogGroupInput{LogGroupName: ptr("k"), Tags: map[string]string{"AWS:x": "1"}}), invalid,
		"Tag keys that begin with aws: are reserved: AWS:x.")
	_, err := s.DescribeLogStreams(ctx, &cwl.DescribeLogStreamsInput{LogGroupName: ptr("k")})
	refused(t, "nothing half done", err, notFound, noGroup)
	ok(t, "everything", create(cwl.CreateLogGroupInput{LogGroupName: ptr("all"), LogGroupClass: types.LogGroupClassInfrequentAccess,
		DeletionProtectionEnabled: ptr(true), Tags: map[string]string{"k": "v"}}))

	_, err = s.client(account, "eu-west-1").CreateLogGroup(ctx, &cwl.CreateLogGroupInput{LogGroupName: ptr("/aws/lambda/f")})
	ok(t, "same name in another region", err)
}

func TestCreateLogGroupUpToTheQuota(t *testing.T) {
	ctx := context.Background()
	s := newStack(t, func(o *groups.Options) { o.MaxGroups = 2 })
	s.group(t, "a")
	s.group(t, "b")
	_, err := s.CreateLogGroup(ctx, &cwl.CreateLogGroupInput{LogGroupName: ptr("c")})
	refused(t, "third of two", err, "LimitExceededException", "Resource limit exceeded.")
}

func TestDeleteLogGroup(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	del := func(name string) error {
		_, err := s.DeleteLogGroup(ctx, &cwl.DeleteLogGroupInput{LogGroupName: &name})
		return err
	}
	protect := func(identifier string, on bool) error {
		_, err := s.PutLogGroupDeletionProtection(ctx, &cwl.PutLogGroupDeletionProtectionInput{LogGroupIdentifier: &identifier, DeletionProtectionEnabled: &on})
		return err
	}
	refused(t, "missing", del("g"), notFound, noGroup)
	refused(t, "protect missing", protect("g", true), notFound, noGroup)
	s.group(t, "g")
	s.stream(t, "g", "s")
	ok(t, "protect", protect("arn:aws:logs:us-east-1:000000000000:log-group:g", true))
	refused(t, "protected", del("g"), validation, "Cannot delete log group with deletion protection enabled. Disable deletion protection first.")
	_, err := s.DeleteLogStream(ctx, &cwl.DeleteLogStreamInput{LogGroupName: ptr("g"), LogStreamName: ptr("s")})
	refused(t, "stream of protected", err, validation, "Cannot delete log stream in a log group with deletion protection enabled. Disable deletion protection first.")
	ok(t, "unprotect", protect("g", false))

	_, err = s.PutLogEvents(ctx, &cwl.PutLogEventsInput{LogGroupName: ptr("g"), LogStreamName: ptr("s"),
		LogEvents: []types.InputLogEvent{{Timestamp: ptr(s.ms.Load()), Message: ptr("old")}}})
	ok(t, "put", err)
	ok(t, "delete", del("g"))
	refused(t, "delete again", del("g"), notFound, noGroup)
	_, err = s.CreateLogStream(ctx, &cwl.CreateLogStreamInput{LogGroupName: ptr("g"), LogStreamName: ptr("s")})
	refused(t, "stream in deleted", err, notFound, noGroup)

	s.group(t, "g")
	s.stream(t, "g", "s")
	got, err := s.GetLogEvents(ctx, &cwl.GetLogEventsInput{LogGroupName: ptr("g"), LogStreamName: ptr("s"), StartFromHead: ptr(true)})
	ok(t, "get", err)
	if len(got.Events) != 0 {
		t.Errorf("a recreated group shows %d old events", len(got.Events))
	}
}

func TestDescribeLogGroups(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	for _, n := range []string{"b/2", "a", "b/1", "B"} {
		s.group(t, n)
	}
	_, err := s.CreateLogGroup(ctx, &cwl.CreateLogGroupInput{LogGroupName: ptr("ia"), LogGroupClass: types.LogGroupClassInfrequentAccess, DeletionProtectionEnabled: ptr(true)})
	ok(t, "create", err)
	_, err = s.PutRetentionPolicy(ctx, &cwl.PutRetentionPolicyInput{LogGroupName: ptr("ia"), RetentionInDays: ptr(int32(7))})
	ok(t, "retention", err)

	list := func(in cwl.DescribeLogGroupsInput) (names []string, next *string) {
		t.Helper()
		out, err := s.DescribeLogGroups(ctx, &in)
		ok(t, "describe", err)
		for _, g := range out.LogGroups {
			names = append(names, *g.LogGroupName)
		}
		return names, out.NextToken
	}
	want := func(what string, in cwl.DescribeLogGroupsInput, want ...string) {
		t.Helper()
		got, next := list(in)
		if d := cmp.Diff(want, got); d != "" || next != nil {
			t.Errorf("%s: token %v (-want +got):\n%s", what, next, d)
		}
	}
	want("all", cwl.DescribeLogGroupsInput{}, "B", "a", "b/1", "b/2", "ia")
	want("prefix", cwl.DescribeLogGroupsInput{LogGroupNamePrefix: ptr("b/")}, "b/1", "b/2")
	want("pattern", cwl.DescribeLogGroupsInput{LogGroupNamePattern: ptr("/")}, "b/1", "b/2")
	want("pattern is case-sensitive", cwl.DescribeLogGroupsInput{LogGroupNamePattern: ptr("B")}, "B")
	want("wildcards are no wildcards", cwl.DescribeLogGroupsInput{LogGroupNamePattern: ptr("_")})
	want("class", cwl.DescribeLogGroupsInput{LogGroupClass: types.LogGroupClassInfrequentAccess}, "ia")
	want("identifiers", cwl.DescribeLogGroupsInput{LogGroupIdentifiers: []string{"b/1", "a", "a", "none"}, IncludeLinkedAccounts: ptr(true)}, "a", "b/1")
	want("own account", cwl.DescribeLogGroupsInput{AccountIdentifiers: []string{account}, IncludeLinkedAccounts: ptr(true), LogGroupNamePrefix: ptr("a")}, "a")

	out, err := s.DescribeLogGroups(ctx, &cwl.DescribeLogGroupsInput{LogGroupNamePrefix: ptr("ia")})
	ok(t, "describe", err)
	g := out.LogGroups[0]
	g.CreationTime = ptr(s.ms.Load() - *g.CreationTime)
	if d := cmp.Diff(types.LogGroup{
		LogGroupName: ptr("ia"), CreationTime: ptr(int64(0)), RetentionInDays: ptr(int32(7)), MetricFilterCount: ptr(int32(0)),
		Arn: ptr("arn:aws:logs:us-east-1:000000000000:log-group:ia:*"), LogGroupArn: ptr("arn:aws:logs:us-east-1:000000000000:log-group:ia"),
		StoredBytes: ptr(int64(0)), LogGroupClass: types.LogGroupClassInfrequentAccess,
		DeletionProtectionEnabled: ptr(true), BearerTokenAuthenticationEnabled: ptr(false),
	}, g, cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".noSmithyDocumentSerde" }, cmp.Ignore())); d != "" {
		t.Errorf("group (-want +got):\n%s", d)
	}

	bad := func(what string, in cwl.DescribeLogGroupsInput, text string) {
		t.Helper()
		_, err := s.DescribeLogGroups(ctx, &in)
		refused(t, what, err, invalid, text)
	}
	bad("prefix and pattern", cwl.DescribeLogGroupsInput{LogGroupNamePrefix: ptr("a"), LogGroupNamePattern: ptr("b")},
		"LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	bad("identifiers and prefix", cwl.DescribeLogGroupsInput{LogGroupNamePrefix: ptr("a"), LogGroupIdentifiers: []string{"a"}},
		"logGroupIdentifiers can be combined only with includeLinkedAccounts.")
	bad("accounts without the switch", cwl.DescribeLogGroupsInput{AccountIdentifiers: []string{account}},
		"accountIdentifiers can be used only when includeLinkedAccounts is true.")
	bad("foreign account", cwl.DescribeLogGroupsInput{AccountIdentifiers: []string{"111111111111"}, IncludeLinkedAccounts: ptr(true)},
		"Account 111111111111 is not linked to account 000000000000.")
	bad("limit", cwl.DescribeLogGroupsInput{Limit: ptr(int32(51))},
		"1 validation error detected: Value '51' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 50")
	bad("limit", cwl.DescribeLogGroupsInput{Limit: ptr(int32(0))},
		"1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1")
	bad("token", cwl.DescribeLogGroupsInput{NextToken: ptr("x")}, badToken)

	// Paging.
	_, next := list(cwl.DescribeLogGroupsInput{Limit: ptr(int32(2))})
	if next == nil {
		t.Fatal("no token on the first page")
	}
	s.group(t, "aa")
	_, err = s.DeleteLogGroup(ctx, &cwl.DeleteLogGroupInput{LogGroupName: ptr("a")})
	ok(t, "delete", err)
	got, _ := list(cwl.DescribeLogGroupsInput{Limit: ptr(int32(2)), NextToken: next})
	if d := cmp.Diff([]string{"aa", "b/1"}, got); d != "" {
		t.Errorf("second page (-want +got):\n%s", d)
	}
	bad("token of another query", cwl.DescribeLogGroupsInput{LogGroupNamePrefix: ptr("b"), NextToken: next}, badToken)
	_, err = s.client("111111111111", region).DescribeLogGroups(ctx, &cwl.DescribeLogGroupsInput{NextToken: next})
	refused(t, "token of another account", err, invalid, badToken)
	_, err = s.ListLogGroups(ctx, &cwl.ListLogGroupsInput{NextToken: next})
	refused(t, "token of another operation", err, invalid, badToken)
	s.sleep(24 * time.Hour)
	_, _ = list(cwl.DescribeLogGroupsInput{Limit: ptr(int32(2)), NextToken: next})
	s.sleep(time.Millisecond)
	bad("expired token", cwl.DescribeLogGroupsInput{Limit: ptr(int32(2)), NextToken: next}, badToken)
}

func TestDescribeLogGroupsGivesFiftyByDefault(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	for i := range 51 {
		s.group(t, fmt.Sprintf("g%02d", i))
	}
	out, err := s.DescribeLogGroups(ctx, &cwl.DescribeLogGroupsInput{})
	ok(t, "describe", err)
	if len(out.LogGroups) != 50 || out.NextToken == nil {
		t.Errorf("first page has %d groups, token %v", len(out.LogGroups), out.NextToken)
	}
	out, err = s.DescribeLogGroups(ctx, &cwl.DescribeLogGroupsInput{NextToken: out.NextToken})
	ok(t, "describe", err)
	if len(out.LogGroups) != 1 || *out.LogGroups[0].LogGroupName != "g50" || out.NextToken != nil {
		t.Errorf("second page %v", out)
	}
	full, err := s.DescribeLogGroups(ctx, &cwl.DescribeLogGroupsInput{LogGroupNamePrefix: ptr("g4")})
	ok(t, "describe", err)
	if full.NextToken != nil {
		t.Error("a full listing carries a token")
	}
}

func TestListLogGroups(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	for name, tags := range map[string]map[string]string{
		"/aws/lambda/a": {"env": "Prod-1", "team": "x"}, "/aws/lambda/b": {"env": "dev"}, "discovery": {"env": ""}, "my-lambda": nil,
	} {
		_, err := s.CreateLogGroup(ctx, &cwl.CreateLogGroupInput{LogGroupName: &name, Tags: tags})
		ok(t, "create", err)
	}
	want := func(what string, in cwl.ListLogGroupsInput, want ...string) {
		t.Helper()
		out, err := s.ListLogGroups(ctx, &in)
		ok(t, what, err)
		var got []string
		for _, g := range out.LogGroups {
			got = append(got, *g.LogGroupName)
			if *g.LogGroupArn != "arn:aws:logs:us-east-1:000000000000:log-group:"+*g.LogGroupName || g.LogGroupClass != types.LogGroupClassStandard {
				t.Errorf("%s: item %+v", what, g)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", what, d)
		}
	}
	pattern := func(p string) cwl.ListLogGroupsInput { return cwl.ListLogGroupsInput{LogGroupNamePattern: &p} }
	tag := func(key string, values ...string) cwl.ListLogGroupsInput {
		return cwl.ListLogGroupsInput{LogGroupTags: []types.TagFilter{{Key: &key, Values: values}}}
	}
	want("all", cwl.ListLogGroupsInput{Limit: ptr(int32(1000))}, "/aws/lambda/a", "/aws/lambda/b", "discovery", "my-lambda")
	want("substring", pattern("lambda"), "/aws/lambda/a", "/aws/lambda/b", "my-lambda")
	want("prefix", pattern("^/aws/"), "/aws/lambda/a", "/aws/lambda/b")
	want("alternatives", pattern("^/aws/lambda/a|disco"), "/aws/lambda/a", "discovery")
	want("case", pattern("Lambda"))
	want("class", cwl.ListLogGroupsInput{LogGroupClass: types.LogGroupClassDelivery})
	want("tag key", tag("env"), "/aws/lambda/a", "/aws/lambda/b", "discovery")
	want("tag value", tag("env", "dev"), "/aws/lambda/b")
	want("tag value, other case", tag("env", "Dev"))
	want("tag values", tag("env", "dev", "*OD-1"), "/aws/lambda/a", "/aws/lambda/b")
	want("tag wildcard at the end", tag("env", "prod*"), "/aws/lambda/a")
	want("tag wildcards", tag("env", "*e*"), "/aws/lambda/b")
	want("tag negated", tag("env", "!dev"), "/aws/lambda/a", "discovery")
	want("tags and pattern", cwl.ListLogGroupsInput{LogGroupNamePattern: ptr("^/aws/"), LogGroupTags: []types.TagFilter{{Key: ptr("env")}, {Key: ptr("team")}}}, "/aws/lambda/a")

	bad := func(what string, in cwl.ListLogGroupsInput, text string) {
		t.Helper()
		_, err := s.ListLogGroups(ctx, &in)
		refused(t, what, err, invalid, text)
	}
	bad("data sources", cwl.ListLogGroupsInput{DataSources: []types.DataSourceFilter{{Name: ptr("amazon_vpc")}}}, "Filtering log groups by dataSources is not supported by this server.")
	bad("field indexes", cwl.ListLogGroupsInput{FieldIndexNames: []string{"f"}}, "Filtering log groups by fieldIndexNames is not supported by this server.")
	bad("limit", cwl.ListLogGroupsInput{Limit: ptr(int32(1001))},
		"1 validation error detected: Value '1001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 1000")

	out, err := s.ListLogGroups(ctx, &cwl.ListLogGroupsInput{Limit: ptr(int32(1)), LogGroupTags: []types.TagFilter{{Key: ptr("env")}}})
	ok(t, "page", err)
	out, err = s.ListLogGroups(ctx, &cwl.ListLogGroupsInput{Limit: ptr(int32(2)), LogGroupTags: []types.TagFilter{{Key: ptr("env")}}, NextToken: out.NextToken})
	ok(t, "page", err)
	if len(out.LogGroups) != 2 || *out.LogGroups[0].LogGroupName != "/aws/lambda/b" || out.NextToken != nil {
		t.Errorf("second page: %+v", out)
	}
}

func TestRetentionPolicy(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	put := func(group string, days int32) error {
		_, err := s.PutRetentionPolicy(ctx, &cwl.PutRetentionPolicyInput{LogGroupName: &group, RetentionInDays: &days})
		return err
	}
	del := func(group string) error {
		_, err := s.DeleteRetentionPolicy(ctx, &cwl.DeleteRetentionPolicyInput{LogGroupName: &group})
		return err
	}
	days := func() *int32 {
		t.Helper()
		out, err := s.DescribeLogGroups(ctx, &cwl.DescribeLogGroupsInput{LogGroupNamePrefix: ptr("g")})
		ok(t, "describe", err)
		return out.LogGroups[0].RetentionInDays
	}
	refused(t, "missing", put("g", 1), notFound, noGroup)
	refused(t, "missing", del("g"), notFound, noGroup)
	s.group(t, "g")
	for _, d := range []int32{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653} {
		ok(t, fmt.Sprint(d), put("g", d))
		if got := days(); got == nil || *got != d {
			t.Errorf("retention %v, want %d", got, d)
		}
	}
	for _, d := range []int32{-1, 0, 2, 366, 3654} {
		refused(t, fmt.Sprint(d), put("g", d), invalid, fmt.Sprintf("1 validation error detected: Value '%d' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: "+
			"[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]", d))
	}
	ok(t, "delete", del("g"))
	ok(t, "delete again", del("g"))
	if got := days(); got != nil {
		t.Errorf("retention %d after it was deleted", *got)
	}

	_, err := s.CreateLogGroup(ctx, &cwl.CreateLogGroupInput{LogGroupName: ptr("d"), LogGroupClass: types.LogGroupClassDelivery})
	ok(t, "create", err)
	refused(t, "delivery", put("d", 7), validation, "The retention of log groups in the Delivery log class cannot be changed.")
	refused(t, "delivery", del("d"), validation, "The retention of log groups in the Delivery log class cannot be changed.")
}
