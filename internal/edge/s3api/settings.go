package s3api

import (
	"bytes"
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"slices"

	"github.com/cumulog/cumulog/internal/edge/sigv4"
	"github.com/cumulog/cumulog/internal/service/objects"
)

const policyAbsent = "The bucket policy does not exist"

func getBucketTagging(c *call) (*reply, error) {
	tags, err := c.h.objects.BucketTags(c.ctx, c.scope, c.bucket)
	if err != nil {
		return nil, err
	}
	if len(tags) == 0 {
		return nil, c.missing("NoSuchTagSet", "The TagSet does not exist")
	}
	var x xmlWriter
	x.begin("Tagging", namespace)
	x.begin("TagSet", "")
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		x.begin("Tag", "")
		x.text("Key", k)
		x.text("Value", tags[k])
		x.end("Tag")
	}
	x.end("TagSet")
	x.end("Tagging")
	return x.reply(), nil
}

func putBucketTagging(c *call) (*reply, error) {
	var in struct {
		XMLName xml.Name                      `xml:"Tagging"`
		Tags    []struct{ Key, Value string } `xml:"TagSet>Tag"`
	}
	if ok, err := c.readXML(&in, sigv4.BodyOptions{}); err != nil {
		return nil, err
	} else if !ok {
		return nil, errMalformedXML
	}
	tags := map[string]string{}
	for _, t := range in.Tags {
		if _, twice := tags[t.Key]; twice {
			return nil, &apiError{Code: "InvalidTag", Status: http.StatusBadRequest, Message: "Cannot provide multiple Tags with the same key"}
		}
		tags[t.Key] = t.Value
	}
	return c.noContent(c.h.objects.SetBucketTags(c.ctx, c.scope, c.bucket, tags))
}

func deleteBucketTagging(c *call) (*reply, error) {
	return c.noContent(c.h.objects.SetBucketTags(c.ctx, c.scope, c.bucket, nil))
}

func getBucketPolicy(c *call) (*reply, error) {
	policy, err := c.h.objects.BucketPolicy(c.ctx, c.scope, c.bucket)
	if err != nil {
		return nil, err
	}
	if policy == "" {
		return nil, c.missing("NoSuchBucketPolicy", policyAbsent)
	}
	rep := newReply()
	rep.header.Set("Content-Type", "application/json")
	rep.body, rep.length = io.NopCloser(bytes.NewReader([]byte(policy))), int64(len(policy))
	return rep, nil
}

// getBucketPolicyStatus says that no policy makes a bucket public: those that
// could are refused.
func getBucketPolicyStatus(c *call) (*reply, error) {
	if policy, err := c.h.objects.BucketPolicy(c.ctx, c.scope, c.bucket); err != nil {
		return nil, err
	} else if policy == "" {
		return nil, c.missing("NoSuchBucketPolicy", policyAbsent)
	}
	var x xmlWriter
	x.begin("PolicyStatus", namespace)
	x.bool("IsPublic", false)
	x.end("PolicyStatus")
	return x.reply(), nil
}

func putBucketPolicy(c *call) (*reply, error) {
	body, err := sigv4.NewBody(c.r, c.auth, sigv4.BodyOptions{})
	if err != nil {
		return nil, err
	}
	// One byte over the limit is enough to be refused.
	raw, err := io.ReadAll(io.LimitReader(body, objects.MaxBucketPolicy+1))
	if err != nil {
		return nil, err
	}
	if len(raw) == 0 {
		return nil, objects.ErrMalformedPolicy
	}
	return c.noContent(c.h.objects.SetBucketPolicy(c.ctx, c.scope, c.bucket, string(raw)))
}

func deleteBucketPolicy(c *call) (*reply, error) {
	return c.noContent(c.h.objects.SetBucketPolicy(c.ctx, c.scope, c.bucket, ""))
}

func (c *call) noContent(err error) (*reply, error) {
	if err != nil {
		return nil, err
	}
	rep := newReply()
	rep.status = http.StatusNoContent
	return rep, nil
}

// missing is the answer that a bucket has no such configuration.
func (c *call) missing(code, message string) error {
	return &apiError{Code: code, Status: http.StatusNotFound, Message: message, Extra: [][2]string{{"BucketName", c.bucket}}}
}
