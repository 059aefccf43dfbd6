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
	"github.com/google/go-cmp/cmp/cmpopts"
)

func (s *stack) lookupTable(t *testing.T, name, body string) string {
	t.Helper()
	out, err := s.CreateLookupTable(context.Background(), &cwl.CreateLookupTableInput{LookupTableName: &name, TableBody: &body})
	ok(t, "create lookup table "+name, err)
	return *out.LookupTableArn
}

func TestLookupTables(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	began := s.ms.Load()
	body := "\ufeffip,\"host, name\"\r\n10.0.0.1,\"a \"\"b\"\"\"\r\n\r\n10.0.0.2,ü\r\n"
	made, err := s.CreateLookupTable(ctx, &cwl.CreateLookupTableInput{
		LookupTableName: ptr("Hosts_1"), TableBody: &body, Description: ptr("who is who"), KmsKeyId: ptr("arn:aws:kms:x"), Tags: map[string]string{"team": "x"},
	})
	ok(t, "create", err)
	arn := "arn:aws:logs:us-east-1:000000000000:lookup-table:Hosts_1"
	if *made.LookupTableArn != arn || *made.CreatedAt != began {
		t.Errorf("created %s at %d", *made.LookupTableArn, *made.CreatedAt)
	}
	got, err := s.GetLookupTable(ctx, &cwl.GetLookupTableInput{LookupTableArn: &arn})
	ok(t, "get", err)
	want := &cwl.GetLookupTableOutput{
		LookupTableArn: &arn, LookupTableName: ptr("Hosts_1"), Description: ptr("who is who"), KmsKeyId: ptr("arn:aws:kms:x"),
		TableBody: &body, SizeBytes: ptr(int64(len(body))), LastUpdatedTime: &began,
	}
	if d := cmp.Diff(want, got, cmpopts.IgnoreUnexported(cwl.GetLookupTableOutput{}), cmpopts.IgnoreFields(cwl.GetLookupTableOutput{}, "ResultMetadata")); d != "" {
		t.Errorf("get (-want +got):\n%s", d)
	}
	s.lookupTable(t, "Abc", "id\n")
	s.sleep(time.Minute)
	updated, err := s.UpdateLookupTable(ctx, &cwl.UpdateLookupTableInput{LookupTableArn: &arn, TableBody: ptr("k\n1\n2\n3\n"), KmsKeyId: ptr("")})
	ok(t, "update", err)
	if *updated.LookupTableArn != arn || *updated.LastUpdatedTime != began+60_000 {
		t.Errorf("updated %s at %d", *updated.LookupTableArn, *updated.LastUpdatedTime)
	}
	list, err := s.DescribeLookupTables(ctx, &cwl.DescribeLookupTablesInput{})
	ok(t, "describe", err)
	wantList := []types.LookupTable{
		{LookupTableArn: ptr("arn:aws:logs:us-east-1:000000000000:lookup-table:Abc"), LookupTableName: ptr("Abc"), TableFields: []string{"id"},
			RecordsCount: ptr(int64(0)), SizeBytes: ptr(int64(3)), LastUpdatedTime: &began},
		{LookupTableArn: &arn, LookupTableName: ptr("Hosts_1"), Description: ptr("who is who"), TableFields: []string{"k"},
			RecordsCount: ptr(int64(3)), SizeBytes: ptr(int64(8)), LastUpdatedTime: ptr(began + 60_000)},
	}
	if d := cmp.Diff(wantList, list.LookupTables, cmpopts.IgnoreUnexported(types.LookupTable{})); d != "" || list.NextToken != nil {
		t.Errorf("describe (-want +got):\n%s", d)
	}

	_, err = s.TagResource(ctx, &cwl.TagResourceInput{ResourceArn: &arn, Tags: map[string]string{"a": "1"}})
	ok(t, "tag", err)
	_, err = s.UntagResource(ctx, &cwl.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{"team"}})
	ok(t, "untag", err)
	tags, err := s.ListTagsForResource(ctx, &cwl.ListTagsForResourceInput{ResourceArn: &arn})
	ok(t, "tags", err)
	if d := cmp.Diff(map[string]string{"a": "1"}, tags.Tags); d != "" {
		t.Errorf("tags (-want +got):\n%s", d)
	}

	if got, err := s.client("111111111111", region).DescribeLookupTables(ctx, &cwl.DescribeLookupTablesInput{}); err != nil || len(got.LookupTables) != 0 {
		t.Errorf("another account sees %v, %v", got, err)
	}
	_, err = s.DeleteLookupTable(ctx, &cwl.DeleteLookupTableInput{LookupTableArn: &arn})
	ok(t, "delete", err)
	_, err = s.GetLookupTable(ctx, &cwl.GetLookupTableInput{LookupTableArn: &arn})
	refused(t, "get deleted", err, "ResourceNotFoundException", "The specified lookup table does not exist.")
	_, err = s.ListTagsForResource(ctx, &cwl.ListTagsForResourceInput{ResourceArn: &arn})
	refused(t, "tags of deleted", err, "ResourceNotFoundException", "The specified lookup table does not exist.")
	s.lookupTable(t, "Hosts_1", "id\n")
	if tags, err := s.ListTagsForResource(ctx, &cwl.ListTagsForResourceInput{ResourceArn: &arn}); err != nil || len(tags.Tags) != 0 {
		t.Errorf("a new table has tags %v, %v", tags, err)
	}
}

// The rows of a query make a table.
func TestLookupTableOfAQuery(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	s.group(t, "/a")
	s.stream(t, "/a", "one")
	now := s.ms.Load()
	_, err := s.PutLogEvents(ctx, &cwl.PutLogEventsInput{LogGroupName: ptr("/a"), LogStreamName: ptr("one"), LogEvents: []types.InputLogEvent{
		{Timestamp: ptr(now - 2), Message: ptr(`{"id":"u1","name":"a, \"b\""}`)}, {Timestamp: ptr(now - 1), Message: ptr(`{"id":"u2"}`)},
	}})
	ok(t, "put events", err)
	start := func(text string) *string {
		out, err := s.StartQuery(ctx, &cwl.StartQueryInput{QueryString: &text, StartTime: ptr(now/1000 - 60), EndTime: ptr(now / 1000), LogGroupName: ptr("/a")})
		ok(t, text, err)
		s.results(t, *out.QueryId)
		return out.QueryId
	}
	id := start("fields id, name | sort id")
	made, err := s.CreateLookupTable(ctx, &cwl.CreateLookupTableInput{LookupTableName: ptr("users"), QueryId: id})
	ok(t, "create", err)
	got, err := s.GetLookupTable(ctx, &cwl.GetLookupTableInput{LookupTableArn: made.LookupTableArn})
	ok(t, "get", err)
	if want := "id,name\nu1,\"a, \"\"b\"\"\"\nu2,\n"; *got.TableBody != want {
		t.Errorf("the table is %q, want %q", *got.TableBody, want)
	}
	_, err = s.UpdateLookupTable(ctx, &cwl.UpdateLookupTableInput{LookupTableArn: made.LookupTableArn, QueryId: start("stats count(*) as n by id")})
	ok(t, "update", err)
	got, err = s.GetLookupTable(ctx, &cwl.GetLookupTableInput{LookupTableArn: made.LookupTableArn})
	ok(t, "get", err)
	if want := "id,n\nu1,1\nu2,1\n"; *got.TableBody != want {
		t.Errorf("the table is %q, want %q", *got.TableBody, want)
	}
	const one = "Exactly one of tableBody and queryId must be specified."
	_, err = s.CreateLookupTable(ctx, &cwl.CreateLookupTableInput{LookupTableName: ptr("x")})
	refused(t, "neither", err, "InvalidParameterException", one)
	_, err = s.UpdateLookupTable(ctx, &cwl.UpdateLookupTableInput{LookupTableArn: made.LookupTableArn, TableBody: ptr("id\n"), QueryId: id})
	refused(t, "both", err, "InvalidParameterException", one)
	_, err = s.CreateLookupTable(ctx, &cwl.CreateLookupTableInput{LookupTableName: ptr("x"), QueryId: ptr("none")})
	refused(t, "no such query", err, "ResourceNotFoundException", "The specified query does not exist.")
	_, err = s.CreateLookupTable(ctx, &cwl.CreateLookupTableInput{LookupTableName: ptr("x"), QueryId: start("filter id = 'none'")})
	refused(t, "no rows", err, "InvalidParameterException", "The query has no rows.")
}

func TestLookupTableErrors(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	arn := s.lookupTable(t, "hosts", "id\n1\n")
	create := func(what, name, body, code, text string) {
		t.Helper()
		_, err := s.CreateLookupTable(ctx, &cwl.CreateLookupTableInput{LookupTableName: &name, TableBody: &body})
		refused(t, what, err, code, text)
	}
	create("taken", "hosts", "id\n", "ResourceAlreadyExistsException", "The specified lookup table already exists")
	create("bad CSV", "x", "id\n1,2\n", "ValidationException", "The lookup table is not valid CSV: line 2: It has 2 fields where the header has 1.")
	create("no header", "x", "\n", "ValidationException", "The lookup table is not valid CSV: It has no header.")
	create("bad name", "a-b", "id\n", "InvalidParameterException",
		"1 validation error detected: Value 'a-b' at 'lookupTableName' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9_]+$")
	_, err := s.CreateLookupTable(ctx, &cwl.CreateLookupTableInput{LookupTableName: ptr("x"), TableBody: ptr("id\n"), Tags: map[string]string{"aws:x": ""}})
	refused(t, "reserved tag", err, "InvalidParameterException", "Tag keys that begin with aws: are reserved: aws:x.")

	_, err = s.UpdateLookupTable(ctx, &cwl.UpdateLookupTableInput{LookupTableArn: &arn, TableBody: ptr("id,id\n")})
	refused(t, "update with bad CSV", err, "ValidationException", "The lookup table is not valid CSV: line 1: Two columns are named id.")
	for what, call := range map[string]func(arn string) error{
		"get": func(arn string) error {
			_, err := s.GetLookupTable(ctx, &cwl.GetLookupTableInput{LookupTableArn: &arn})
			return err
		},
		"update": func(arn string) error {
			_, err := s.UpdateLookupTable(ctx, &cwl.UpdateLookupTableInput{LookupTableArn: &arn, TableBody: ptr("id\n")})
			return err
		},
		"delete": func(arn string) error {
			_, err := s.DeleteLookupTable(ctx, &cwl.DeleteLookupTableInput{LookupTableArn: &arn})
			return err
		},
	} {
		for _, bad := range []string{"hosts", "arn:aws:logs:us-east-1:000000000000:log-group:hosts", "arn:aws:logs:us-east-1:000000000000:lookup-table:"} {
			refused(t, what+" "+bad, call(bad), "InvalidParameterException", "The specified lookupTableArn is invalid.")
		}
		for _, missing := range []string{
			"arn:aws:logs:us-east-1:000000000000:lookup-table:none", "arn:aws:logs:us-east-1:111111111111:lookup-table:hosts",
			"arn:aws:logs:eu-west-1:000000000000:lookup-table:hosts", "arn:aws-cn:logs:us-east-1:000000000000:lookup-table:hosts",
		} {
			refused(t, what+" "+missing, call(missing), "ResourceNotFoundException", "The specified lookup table does not exist.")
		}
	}
	tags := map[string]string{}
	for i := range 51 {
		tags[fmt.Sprint("k", i)] = ""
	}
	delete(tags, "k50")
	_, err = s.TagResource(ctx, &cwl.TagResourceInput{ResourceArn: &arn, Tags: tags})
	ok(t, "50 tags", err)
	_, err = s.TagResource(ctx, &cwl.TagResourceInput{ResourceArn: &arn, Tags: map[string]string{"k50": ""}})
	refused(t, "51 tags", err, "TooManyTagsException", "The resource can have at most 50 tags.")

	_, err = s.DescribeLookupTables(ctx, &cwl.DescribeLookupTablesInput{MaxResults: -1})
	refused(t, "no results", err, "InvalidParameterException", "maxResults must be between 1 and 100.")
	_, err = s.DescribeLookupTables(ctx, &cwl.DescribeLookupTablesInput{NextToken: ptr("x")})
	refused(t, "bad token", err, "InvalidParameterException", "The specified nextToken is invalid.")
}

func TestLookupTablePages(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	var want []string
	for i := range 100 {
		name := fmt.Sprintf("t%03d", i)
		want = append(want, name)
		s.lookupTable(t, name, "id\n")
	}
	_, err := s.CreateLookupTable(ctx, &cwl.CreateLookupTableInput{LookupTableName: ptr("one_more"), TableBody: ptr("id\n")})
	refused(t, "the 101st", err, "LimitExceededException", "Resource limit exceeded.")
	pages := func(prefix *string, limit int32, want []string, wantPages int) {
		t.Helper()
		var got []string
		var token *string
		n := 0
		for {
			out, err := s.DescribeLookupTables(ctx, &cwl.DescribeLookupTablesInput{LookupTableNamePrefix: prefix, MaxResults: limit, NextToken: token})
			ok(t, "describe", err)
			n++
			for _, x := range out.LookupTables {
				got = append(got, *x.LookupTableName)
			}
			if token = out.NextToken; token == nil {
				break
			}
		}
		if d := cmp.Diff(want, got); d != "" || n != wantPages {
			t.Errorf("%d pages, want %d (-want +got):\n%s", n, wantPages, d)
		}
	}
	pages(nil, 0, want, 2)
	pages(nil, 100, want, 1)
	pages(nil, 30, want, 4)
	pages(ptr("t01"), 3, want[10:20], 4)
	pages(ptr("T"), 0, nil, 1)
	first, err := s.DescribeLookupTables(ctx, &cwl.DescribeLookupTablesInput{MaxResults: 1})
	ok(t, "describe", err)
	_, err = s.DescribeLookupTables(ctx, &cwl.DescribeLookupTablesInput{LookupTableNamePrefix: ptr("t"), NextToken: first.NextToken})
	refused(t, "token of another question", err, "InvalidParameterException", "The specified nextToken is invalid.")
}

func TestLargestLookupTable(t *testing.T) {
	s := newStack(t)
	body := "id,name\n" + strings.Repeat("1,\"quoted\n\"\n", (10<<20-8)/12)
	body += strings.Repeat("\n", 10<<20-len(body))
	arn := s.lookupTable(t, "large", body)
	got, err := s.GetLookupTable(context.Background(), &cwl.GetLookupTableInput{LookupTableArn: &arn})
	ok(t, "get", err)
	if *got.TableBody != body {
		t.Errorf("another body of %d bytes came back", len(*got.TableBody))
	}
	_, err = s.CreateLookupTable(context.Background(), &cwl.CreateLookupTableInput{LookupTableName: ptr("larger"), TableBody: ptr(body + "\n")})
	if err == nil || !strings.Contains(err.Error(), "InvalidParameterException") || !strings.Contains(err.Error(), "length less than or equal to 10485760") {
		t.Errorf("a byte more: %.300v", err)
	}
}
