package s3api

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/cumulog/cumulog/internal/edge/sigv4"
	"github.com/cumulog/cumulog/internal/service/objects"
)

func createMultipartUpload(c *call) (*reply, error) {
	m, err := c.metadata()
	if err != nil {
		return nil, err
	}
	plan, err := objects.PlanChecksum(strings.ToUpper(c.r.Header.Get("X-Amz-Checksum-Algorithm")), strings.ToUpper(c.r.Header.Get("X-Amz-Checksum-Type")))
	if err != nil {
		return nil, err
	}
	up, err := c.h.objects.CreateUpload(c.ctx, c.scope, c.bucket, c.key, m, plan)
	if err != nil {
		return nil, err
	}
	var x xmlWriter
	x.begin("InitiateMultipartUploadResult", namespace)
	x.text("Bucket", c.bucket)
	x.text("Key", c.key)
	x.text("UploadId", up.ID)
	x.end("InitiateMultipartUploadResult")
	rep := x.reply()
	if plan.Algorithm != "" {
		rep.header.Set("X-Amz-Checksum-Algorithm", plan.Algorithm)
		rep.header.Set("X-Amz-Checksum-Type", checksumType(plan))
	}
	return rep, nil
}

// part reads uploadId and partNumber.
func (c *call) part() (id string, number int, err error) {
	id = c.query.Get("uploadId")
	if id == "" {
		return "", 0, invalidArgument("This operation does not accept a query-string parameter partNumber without uploadId.", "uploadId", "")
	}
	s := c.query.Get("partNumber")
	if number, err = strconv.Atoi(s); err != nil || number < 1 || number > objects.MaxPart {
		return "", 0, invalidArgument("Part number must be an integer between 1 and 10000, inclusive", "partNumber", s)
	}
	return id, number, nil
}

func uploadPart(c *call) (*reply, error) {
	id, number, err := c.part()
	if err != nil {
		return nil, err
	}
	body, err := c.upload()
	if err != nil {
		return nil, err
	}
	p, err := c.h.objects.PutPart(c.ctx, c.scope, c.bucket, c.key, id, number, body, body.Size(), bodyChecksum(body))
	if err != nil {
		return nil, err
	}
	rep := newReply()
	rep.header.Set("Etag", quote(p.ETag))
	if p.Checksum.Algorithm != "" {
		rep.header.Set("X-Amz-Checksum-"+p.Checksum.Algorithm, p.Checksum.Value)
	}
	return rep, nil
}

func uploadPartCopy(c *call) (*reply, error) {
	id, number, err := c.part()
	if err != nil {
		return nil, err
	}
	src, err := c.copySource()
	if err != nil {
		return nil, err
	}
	var rng *objects.Range
	if s := c.r.Header.Get("X-Amz-Copy-Source-Range"); s != "" {
		if rng = parseRange(s); rng == nil || rng.First < 0 || rng.Last < 0 {
			return nil, invalidArgument("The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy", "x-amz-copy-source-range", s)
		}
	}
	p, err := c.h.objects.CopyPart(c.ctx, c.scope, src, rng, c.bucket, c.key, id, number)
	if err != nil {
		return nil, err
	}
	var x xmlWriter
	x.begin("CopyPartResult", namespace)
	x.time("LastModified", p.Modified)
	x.text("ETag", quote(p.ETag))
	if p.Checksum.Algorithm != "" {
		x.text("Checksum"+p.Checksum.Algorithm, p.Checksum.Value)
	}
	x.end("CopyPartResult")
	return x.reply(), nil
}

func completeMultipartUpload(c *call) (*reply, error) {
	o := objects.CompleteOptions{Size: -1}
	var err error
	if o.IfNoneMatch, o.IfMatch, err = c.writeConditions(); err != nil {
		return nil, err
	}
	alg, value, err := sigv4.HeaderChecksum(withoutCount(c.r.Header))
	if err != nil {
		return nil, err
	}
	if alg != "" {
		if h := c.r.Header.Get(alg.Header()); h != "" {
			value = h
		}
		o.Checksum = objects.Checksum{Algorithm: alg.Upper(), Value: value}
	}
	if s := c.r.Header.Get("X-Amz-Mp-Object-Size"); s != "" {
		if o.Size, err = strconv.ParseInt(s, 10, 64); err != nil || o.Size < 0 {
			return nil, invalidArgument("x-amz-mp-object-size must be a number", "x-amz-mp-object-size", s)
		}
	}
	var in completeDocument
	if ok, err := c.readXML(&in, sigv4.BodyOptions{IgnoreChecksum: true}); err != nil {
		return nil, err
	} else if !ok || len(in.Parts) == 0 || len(in.Parts) > objects.MaxPart {
		return nil, errMalformedXML
	}
	parts := make([]objects.CompletedPart, len(in.Parts))
	for i, p := range in.Parts {
		if p.Number < 1 || p.Number > objects.MaxPart {
			return nil, objects.ErrInvalidPartNumber
		}
		parts[i] = objects.CompletedPart{Number: p.Number, ETag: unquote(p.ETag)}
		for _, v := range []objects.Checksum{{Algorithm: "CRC32", Value: p.CRC32}, {Algorithm: "CRC32C", Value: p.CRC32C},
			{Algorithm: "CRC64NVME", Value: p.CRC64NVME}, {Algorithm: "SHA1", Value: p.SHA1}, {Algorithm: "SHA256", Value: p.SHA256}} {
			if v.Value != "" {
				parts[i].Checksum = v
			}
		}
	}
	obj, err := c.h.objects.CompleteUpload(c.ctx, c.scope, c.bucket, c.key, c.query.Get("uploadId"), parts, o)
	if err != nil {
		return nil, err
	}
	var x xmlWriter
	x.begin("CompleteMultipartUploadResult", namespace)
	x.text("Location", "http://"+c.r.Host+"/"+c.bucket+"/"+escapeKey(c.key))
	x.text("Bucket", c.bucket)
	x.text("Key", c.key)
	x.text("ETag", quote(obj.ETag))
	x.checksum(obj.Checksum)
	x.end("CompleteMultipartUploadResult")
	return x.reply(), nil
}

// withoutCount drops the -N of composite checksums, which are not base64.
func withoutCount(h http.Header) http.Header {
	out := http.Header{}
	for name, values := range h {
		if !strings.HasPrefix(name, "X-Amz-Checksum-") || len(values) == 0 {
			continue
		}
		v := values[0]
		if i := strings.LastIndexByte(v, '-'); i > 0 {
			v = v[:i]
		}
		out[name] = []string{v}
	}
	return out
}

func abortMultipartUpload(c *call) (*reply, error) {
	if err := c.h.objects.AbortUpload(c.ctx, c.scope, c.bucket, c.key, c.query.Get("uploadId")); err != nil {
		return nil, err
	}
	rep := newReply()
	rep.status = http.StatusNoContent
	return rep, nil
}

func listParts(c *call) (*reply, error) {
	limit, err := c.number("max-parts", 1000, 0, 1000)
	if err != nil {
		return nil, err
	}
	after, err := c.number("part-number-marker", 0, 0, objects.MaxPart)
	if err != nil {
		return nil, err
	}
	up, parts, more, err := c.h.objects.Parts(c.ctx, c.scope, c.bucket, c.key, c.query.Get("uploadId"), after, limit)
	if err != nil {
		return nil, err
	}
	var x xmlWriter
	x.begin("ListPartsResult", namespace)
	x.text("Bucket", c.bucket)
	x.text("Key", c.key)
	x.text("UploadId", up.ID)
	x.owner("Initiator", c.scope.Account)
	x.owner("Owner", c.scope.Account)
	x.text("StorageClass", "STANDARD")
	x.int("PartNumberMarker", int64(after))
	if len(parts) > 0 {
		x.int("NextPartNumberMarker", int64(parts[len(parts)-1].Number))
	}
	x.int("MaxParts", int64(limit))
	x.bool("IsTruncated", more)
	if up.Checksum.Algorithm != "" {
		x.text("ChecksumAlgorithm", up.Checksum.Algorithm)
		x.text("ChecksumType", checksumType(up.Checksum))
	}
	for _, p := range parts {
		x.begin("Part", "")
		x.int("PartNumber", int64(p.Number))
		x.time("LastModified", p.Modified)
		x.text("ETag", quote(p.ETag))
		x.int("Size", p.Size)
		if p.Checksum.Algorithm != "" {
			x.text("Checksum"+p.Checksum.Algorithm, p.Checksum.Value)
		}
		x.end("Part")
	}
	x.end("ListPartsResult")
	return x.reply(), nil
}

func listMultipartUploads(c *call) (*reply, error) {
	l := &listing{prefix: c.query.Get("prefix"), delimiter: c.query.Get("delimiter"), url: c.query.Get("encoding-type") == "url"}
	limit, err := c.number("max-uploads", 1000, 1, 1000)
	if err != nil {
		return nil, err
	}
	o := objects.UploadListOptions{Prefix: l.prefix, Delimiter: l.delimiter, AfterKey: c.query.Get("key-marker"), Limit: limit}
	if o.AfterKey != "" { // S3 ignores the id without a key
		o.AfterID = c.query.Get("upload-id-marker")
	}
	page, err := c.h.objects.Uploads(c.ctx, c.scope, c.bucket, o)
	if err != nil {
		return nil, err
	}
	var x xmlWriter
	x.begin("ListMultipartUploadsResult", namespace)
	x.text("Bucket", c.bucket)
	x.text("KeyMarker", l.key(o.AfterKey))
	x.text("UploadIdMarker", o.AfterID)
	if page.Truncated {
		x.text("NextKeyMarker", l.key(page.NextKey))
		x.text("NextUploadIdMarker", page.NextID)
	}
	x.text("Prefix", l.key(l.prefix))
	x.optional("Delimiter", l.key(l.delimiter))
	if l.url {
		x.text("EncodingType", "url")
	}
	x.int("MaxUploads", int64(limit))
	x.bool("IsTruncated", page.Truncated)
	for _, u := range page.Uploads {
		x.begin("Upload", "")
		x.text("Key", l.key(u.Key))
		x.text("UploadId", u.ID)
		x.owner("Initiator", c.scope.Account)
		x.owner("Owner", c.scope.Account)
		x.text("StorageClass", "STANDARD")
		x.time("Initiated", u.Initiated)
		if u.Checksum.Algorithm != "" {
			x.text("ChecksumAlgorithm", u.Checksum.Algorithm)
			x.text("ChecksumType", checksumType(u.Checksum))
		}
		x.end("Upload")
	}
	l.page.Prefixes = page.Prefixes
	x.prefixes(l)
	x.end("ListMultipartUploadsResult")
	return x.reply(), nil
}
