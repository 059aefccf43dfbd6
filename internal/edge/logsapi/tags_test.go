package logsapi_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/go-cmp/cmp"
)

const groupARN = "arn:aws:logs:us-east-1:000000000000:log-group:g"

func TestTagResource(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	tag := func(arn string, tags map[string]string) error {
		_, err := s.TagResource(ctx, &cwl.TagResourceInput{ResourceArn: &arn, Tags: tags})
		return err
	}
	untag := func(arn string, keys ...string) error {
		_, err := s.UntagResource(ctx, &cwl.UntagResourceInput{ResourceArn: &arn, TagKeys: keys})
		return err
	}
	list := func(arn string) (map[string]string, error) {
		out, err := s.ListTagsForResource(ctx, &cwl.ListTagsForResourceInput{ResourceArn: &arn})
		if err != nil {
			return nil, err
		}
		return out.Tags, nil
	}
	want := func(what string, want map[string]string) {
		t.Helper()
		got, err := list(groupARN)
		ok(t, what, err)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", what, d)
		}
	}
	one := map[string]string{"a": "1"}
	_, err := list(groupARN)
	refused(t, "list, no group", err, notFound, noGroup)
	refused(t, "tag, no group", tag(groupARN, one), notFound, noGroup)
	refused(t, "untag, no group", untag(groupARN, "a"), notFound, noGroup)
	s.group(t, "g")
	want("untagged", map[string]string{})
	ok(t, "tag", tag(groupARN, map[string]string{"a": "1", "é k": ""}))
	ok(t, "merge", tag(groupARN, map[string]string{"a": "2", "b": "3"}))
	want("merged", map[string]string{"a": "2", "é k": "", "b": "3"})
	ok(t, "untag", untag(groupARN, "b", "unknown"))
	want("untagged", map[string]string{"a": "2", "é k": ""})

	refused(t, "ARN with :*", tag(groupARN+":*", one), invalid, "1 validation error detected: Value '"+groupARN+
		`:*' at 'resourceArn' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=/:,.@-]*`)
	refused(t, "no ARN", tag("g", one), invalid, "The specified resource ARN is invalid: g")
	for _, arn := range []string{"arn:aws:logs:us-east-1:000000000000:destination:d", "arn:aws:logs:us-east-1:111111111111:log-group:g",
		groupARN + ":log-stream:s"} {
		refused(t, arn, tag(arn, one), notFound, "The specified resource does not exist.")
		_, err := list(arn)
		refused(t, arn, err, notFound, "The specified resource does not exist.")
	}
	refused(t, "reserved", tag(groupARN, map[string]string{"aws:x": "1"}), invalid, "Tag keys that begin with aws: are reserved: aws:x.")

	many := map[string]string{}
	for i := range 48 {
		many[fmt.Sprint("k", i)] = strings.Repeat("v", 256)
	}
	ok(t, "fifty", tag(groupARN, many))
	err = tag(groupARN, map[string]string{"a": "9", "one more": "x"})
	refused(t, "fifty-one", err, "TooManyTagsException", "The resource can have at most 50 tags.")
	if e := (*types.TooManyTagsException)(nil); !errors.As(err, &e) || e.ResourceName == nil || *e.ResourceName != groupARN {
		t.Errorf("resourceName: %+v", e)
	}
	if got, _ := list(groupARN); len(got) != 50 || got["a"] != "2" {
		t.Errorf("after the refused call there are %d tags, a = %q", len(got), got["a"])
	}
	many["k48"], many["k49"], many["k50"] = "", "", ""
	if err := tag(groupARN, many); err == nil {
		t.Error("51 tags in one call were accepted")
	}
}

func TestTagLogGroup(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	g := ptr("g")
	_, err := s.TagLogGroup(ctx, &cwl.TagLogGroupInput{LogGroupName: g, Tags: map[string]string{"a": "1"}})
	refused(t, "tag, no group", err, notFound, noGroup)
	_, err = s.UntagLogGroup(ctx, &cwl.UntagLogGroupInput{LogGroupName: g, Tags: []string{"a"}})
	refused(t, "untag, no group", err, notFound, noGroup)
	_, err = s.ListTagsLogGroup(ctx, &cwl.ListTagsLogGroupInput{LogGroupName: g})
	refused(t, "list, no group", err, notFound, noGroup)

	s.group(t, "g")
	out, err := s.ListTagsLogGroup(ctx, &cwl.ListTagsLogGroupInput{LogGroupName: g})
	ok(t, "list", err)
	if out.Tags == nil || len(out.Tags) != 0 {
		t.Errorf("tags of an untagged group: %v, want {}", out.Tags)
	}
	_, err = s.TagLogGroup(ctx, &cwl.TagLogGroupInput{LogGroupName: g, Tags: map[string]string{"a": "1", "b": "2"}})
	ok(t, "tag", err)
	_, err = s.UntagLogGroup(ctx, &cwl.UntagLogGroupInput{LogGroupName: g, Tags: []string{"a", "x"}})
	ok(t, "untag", err)
	out, err = s.ListTagsLogGroup(ctx, &cwl.ListTagsLogGroupInput{LogGroupName: g})
	ok(t, "list", err)
	if d := cmp.Diff(map[string]string{"b": "2"}, out.Tags); d != "" {
		t.Errorf("tags (-want +got):\n%s", d)
	}
	many := map[string]string{}
	for i := range 50 {
		many[fmt.Sprint("k", i)] = ""
	}
	_, err = s.TagLogGroup(ctx, &cwl.TagLogGroupInput{LogGroupName: g, Tags: many})
	refused(t, "fifty-one", err, invalid, "The log group can have at most 50 tags.")
}
