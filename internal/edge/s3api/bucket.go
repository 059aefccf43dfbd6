package s3api

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"

	"github.com/cumulog/cumulog/internal/edge/sigv4"
	"github.com/cumulog/cumulog/internal/service/objects"
)

// ownerID is the canonical user id of an account: 64 hex digits, as S3 has
// them.
func ownerID(account string) string {
	sum := sha256.Sum256([]byte("canonical user " + account))
	return hex.EncodeToString(sum[:])
}

func (x *xmlWriter) owner(name, account string) {
	x.begin(name, "")
	x.text("ID", ownerID(account))
	x.end(name)
}

func (c *call) account(b objects.Bucket) string {
	if b.Account != "" {
		return b.Account
	}
	return c.scope.Account
}

func listBuckets(c *call) (*reply, error) {
	limit, err := c.number("max-buckets", 10000, 1, 10000)
	if err != nil {
		return nil, err
	}
	all, err := c.h.objects.Buckets(c.ctx, c.scope)
	if err != nil {
		return nil, err
	}
	prefix, after, region := c.query.Get("prefix"), "", c.query.Get("bucket-region")
	if token := c.query.Get("continuation-token"); token != "" {
		if after, err = decodeToken(token); err != nil {
			return nil, err
		}
	}
	var x xmlWriter
	x.begin("ListAllMyBucketsResult", namespace)
	x.owner("Owner", c.scope.Account)
	x.begin("Buckets", "")
	n, last, more := 0, "", false
	for _, b := range all {
		if !strings.HasPrefix(b.Name, prefix) || b.Name <= after || region != "" && b.Region != region {
			continue
		}
		if n == limit {
			more = true
			break
		}
		x.begin("Bucket", "")
		x.text("Name", b.Name)
		x.time("CreationDate", b.Created)
		x.optional("BucketRegion", b.Region)
		x.end("Bucket")
		n, last = n+1, b.Name
	}
	x.end("Buckets")
	if more {
		x.text("ContinuationToken", encodeToken(last))
	}
	x.optional("Prefix", prefix)
	x.end("ListAllMyBucketsResult")
	return x.reply(), nil
}

func createBucket(c *call) (*reply, error) {
	var in struct {
		XMLName            xml.Name `xml:"CreateBucketConfiguration"`
		LocationConstraint string   `xml:"LocationConstraint"`
		Location           *struct {
			Type string `xml:"Type"`
		} `xml:"Location"`
		Bucket *struct {
			Type string `xml:"Type"`
		} `xml:"Bucket"`
		Tags *struct {
			Tag []struct{ Key, Value string } `xml:"Tag"`
		} `xml:"Tags"`
	}
	if _, err := c.readXML(&in, sigv4.BodyOptions{}); err != nil {
		return nil, err
	}
	switch {
	case in.Location != nil || in.Bucket != nil:
		return nil, notImplemented("The creation of directory buckets")
	case in.Tags != nil && len(in.Tags.Tag) > 0:
		return nil, notImplemented("The element Tags of CreateBucket, for which there is PutBucketTagging,")
	}
	if err := c.h.objects.CreateBucket(c.ctx, c.scope, c.bucket, in.LocationConstraint); err != nil {
		return nil, err
	}
	rep := newReply()
	rep.header.Set("Location", "/"+c.bucket)
	return rep, nil
}

func headBucket(c *call) (*reply, error) {
	b, err := c.h.objects.Bucket(c.ctx, c.scope, c.bucket)
	if err != nil {
		return nil, err
	}
	rep := newReply()
	if b.Region != "" {
		rep.header.Set("X-Amz-Bucket-Region", b.Region)
	}
	rep.header.Set("X-Amz-Access-Point-Alias", "false")
	return rep, nil
}

func deleteBucket(c *call) (*reply, error) {
	if err := c.h.objects.DeleteBucket(c.ctx, c.scope, c.bucket); err != nil {
		return nil, err
	}
	rep := newReply()
	rep.status = http.StatusNoContent
	return rep, nil
}

func getBucketLocation(c *call) (*reply, error) {
	b, err := c.h.objects.Bucket(c.ctx, c.scope, c.bucket)
	if err != nil {
		return nil, err
	}
	region := b.Region
	if region == "us-east-1" {
		region = "" // S3 answers null for its first region
	}
	var x xmlWriter
	x.begin("LocationConstraint", namespace)
	x.escape(region)
	x.end("LocationConstraint")
	return x.reply(), nil
}

func (x *xmlWriter) fullControl(account string) {
	x.begin("AccessControlPolicy", namespace)
	x.owner("Owner", account)
	x.begin("AccessControlList", "")
	x.begin("Grant", "")
	x.buf = append(x.buf, `<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser">`...)
	x.text("ID", ownerID(account))
	x.end("Grantee")
	x.text("Permission", "FULL_CONTROL")
	x.end("Grant")
	x.end("AccessControlList")
	x.end("AccessControlPolicy")
}

func getBucketACL(c *call) (*reply, error) {
	b, err := c.h.objects.Bucket(c.ctx, c.scope, c.bucket)
	if err != nil {
		return nil, err
	}
	var x xmlWriter
	x.fullControl(c.account(b))
	return x.reply(), nil
}

func getObjectACL(c *call) (*reply, error) {
	b, err := c.h.objects.Bucket(c.ctx, c.scope, c.bucket)
	if err != nil {
		return nil, err
	}
	if _, err := c.h.objects.Head(c.ctx, c.scope, c.bucket, c.key, objects.Conditions{}); err != nil {
		return nil, err
	}
	var x xmlWriter
	x.fullControl(c.account(b))
	return x.reply(), nil
}

func getObjectTagging(c *call) (*reply, error) {
	if _, err := c.h.objects.Head(c.ctx, c.scope, c.bucket, c.key, objects.Conditions{}); err != nil {
		return nil, err
	}
	var x xmlWriter
	x.begin("Tagging", namespace)
	x.text("TagSet", "")
	x.end("Tagging")
	return x.reply(), nil
}

func getBucketRequestPayment(c *call) (*reply, error) {
	if _, err := c.h.objects.Bucket(c.ctx, c.scope, c.bucket); err != nil {
		return nil, err
	}
	var x xmlWriter
	x.begin("RequestPaymentConfiguration", namespace)
	x.text("Payer", "BucketOwner")
	x.end("RequestPaymentConfiguration")
	return x.reply(), nil
}

// emptyConfiguration answers that a bucket does not use a feature.
func emptyConfiguration(element string) operation {
	return func(c *call) (*reply, error) {
		if _, err := c.h.objects.Bucket(c.ctx, c.scope, c.bucket); err != nil {
			return nil, err
		}
		var x xmlWriter
		x.begin(element, namespace)
		x.end(element)
		return x.reply(), nil
	}
}

// absent answers that a bucket has no such configuration.
func absent(code, message string) operation {
	return func(c *call) (*reply, error) {
		if _, err := c.h.objects.Bucket(c.ctx, c.scope, c.bucket); err != nil {
			return nil, err
		}
		return nil, c.missing(code, message)
	}
}

func nothingToDelete(c *call) (*reply, error) {
	if _, err := c.h.objects.Bucket(c.ctx, c.scope, c.bucket); err != nil {
		return nil, err
	}
	rep := newReply()
	rep.status = http.StatusNoContent
	return rep, nil
}

// number reads a numeric parameter. Values above high count as high; those
// below low, and what is no number, are refused.
func (c *call) number(name string, absent, low, high int) (int, error) {
	s := c.query.Get(name)
	if s == "" {
		return absent, nil
	}
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		return 0, invalidArgument("Provided "+name+" not an integer or within integer range", name, s)
	}
	if int(n) < low {
		return 0, invalidArgument("Argument "+name+" must be an integer between "+strconv.Itoa(low)+" and 2147483647", name, s)
	}
	return min(int(n), high), nil
}
