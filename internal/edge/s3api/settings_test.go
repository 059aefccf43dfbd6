package s3api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/cumulog/cumulog/internal/platform/vfs"
)

func TestBucketTagging(t *testing.T) {
	fsys := vfs.NewMem()
	srv := startOn(t, true, fsys, "objects")
	ctx := t.Context()
	c, b := srv.client("us-east-1"), aws.String("bkt")
	_, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: b})
	ok(t, err)
	set := func(tags ...string) error {
		in := &s3.PutBucketTaggingInput{Bucket: b, Tagging: &types.Tagging{TagSet: []types.Tag{}}}
		for i := 0; i < len(tags); i += 2 {
			in.Tagging.TagSet = append(in.Tagging.TagSet, types.Tag{Key: &tags[i], Value: &tags[i+1]})
		}
		_, err := c.PutBucketTagging(ctx, in)
		return err
	}
	get := func(c *s3.Client) (got []string) {
		out, err := c.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: b})
		ok(t, err)
		for _, tag := range out.TagSet {
			got = append(got, *tag.Key, *tag.Value)
		}
		return got
	}
	many := func(n int) (tags []string) {
		for i := range n {
			tags = append(tags, fmt.Sprint(i), "")
		}
		return tags
	}
	ok(t, set(many(50)...))
	wantCode(t, set(many(51)...), "BadRequest")
	wantCode(t, set("a", "1", "a", "2"), "InvalidTag")
	wantCode(t, set("aws:x", "1"), "InvalidTag")
	wantCode(t, set("", "1"), "InvalidTag")
	wantCode(t, set(strings.Repeat("ü", 129), "1"), "InvalidTag")
	wantCode(t, set("a", strings.Repeat("ü", 257)), "InvalidTag")
	if n := len(get(c)); n != 100 {
		t.Errorf("refused tags changed the bucket: %d keys and values, want 100", n)
	}
	want := []string{"a", "<1> &", strings.Repeat("ü", 128), strings.Repeat("ö", 256)}
	ok(t, set(want...))
	again := startOn(t, true, fsys, "objects") // as after a restart
	for _, c := range []*s3.Client{c, again.client("eu-west-1")} {
		if got := get(c); !slices.Equal(got, want) {
			t.Errorf("tags are %q, want %q", got, want)
		}
	}
	_, err = c.DeleteBucketTagging(ctx, &s3.DeleteBucketTaggingInput{Bucket: b})
	ok(t, err)
	_, err = c.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: b})
	wantCode(t, err, "NoSuchTagSet")
}

func TestBucketPolicy(t *testing.T) {
	srv := start(t, true)
	ctx := t.Context()
	c, b := srv.client("us-east-1"), aws.String("bkt")
	_, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: b})
	ok(t, err)
	set := func(policy string) error {
		_, err := c.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: b, Policy: &policy})
		return err
	}
	// The policy of AWS's guide to exporting logs.
	export := `{
  "Version": "2012-10-17",
  "Statement": [
    {"Action": "s3:GetBucketAcl", "Effect": "Allow", "Resource": "arn:aws:s3:::bkt", "Principal": {"Service": "logs.us-east-1.amazonaws.com"},
     "Condition": {"StringEquals": {"aws:SourceAccount": ["000000000000"]}, "ArnLike": {"aws:SourceArn": ["arn:aws:logs:us-east-1:000000000000:log-group:*"]}}},
    {"Action": ["s3:PutObject"], "Effect": "Allow", "Resource": "arn:aws:s3:::bkt/*", "Principal": {"Service": ["logs.us-east-1.amazonaws.com"]}}
  ]
}`
	one := func(effect, principal string) string {
		return fmt.Sprintf(`{"Statement":{"Effect":%q,"Principal":%s,"Action":"s3:*","Resource":"arn:aws:s3:::bkt/*"}}`, effect, principal)
	}
	for _, tt := range []struct{ name, policy, code string }{
		{"own account", one("Allow", `{"AWS":["000000000000","arn:aws:iam::000000000000:root"]}`), ""},
		{"export", export, ""},
		{"deny", one("Deny", `{"Service":"logs.amazonaws.com"}`), "NotImplemented"},
		{"everyone", one("Allow", `"*"`), "NotImplemented"},
		{"every account", one("Allow", `{"AWS":"*"}`), "NotImplemented"},
		{"other account", one("Allow", `{"AWS":"arn:aws:iam::111111111111:root"}`), "NotImplemented"},
		{"nobody", one("Allow", `"someone"`), "MalformedPolicy"},
		{"effect", one("Perhaps", `{"Service":"logs.amazonaws.com"}`), "MalformedPolicy"},
		{"no statement", `{"Statement":[]}`, "MalformedPolicy"},
		{"no JSON", `{`, "MalformedPolicy"},
		{"too large", export + strings.Repeat(" ", 20<<10-len(export)+1), "MalformedPolicy"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := set(tt.policy)
			if tt.code == "" {
				ok(t, err)
				return
			}
			wantCode(t, err, tt.code)
		})
	}
	out, err := c.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: b})
	ok(t, err)
	equal(t, *out.Policy, export) // byte for byte, and unchanged by what was refused
	status, err := c.GetBucketPolicyStatus(ctx, &s3.GetBucketPolicyStatusInput{Bucket: b})
	ok(t, err)
	equal(t, *status.PolicyStatus.IsPublic, false)
	_, err = c.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: b})
	ok(t, err)
	_, err = c.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: b})
	wantCode(t, err, "NoSuchBucketPolicy")
}
