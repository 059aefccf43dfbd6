package s3api

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cumulog/cumulog/internal/edge/sigv4"
	"github.com/cumulog/cumulog/internal/service/objects"
)

// upload opens the body of a request that stores bytes; its length must be
// known.
func (c *call) upload() (*sigv4.Body, error) {
	body, err := sigv4.NewBody(c.r, c.auth, sigv4.BodyOptions{})
	if err != nil {
		return nil, err
	}
	if body.Size() < 0 {
		return nil, &apiError{Code: "MissingContentLength", Status: http.StatusLengthRequired, Message: "You must provide the Content-Length HTTP header."}
	}
	if body.Size() > objects.MaxPut {
		return nil, &apiError{Code: "EntityTooLarge", Status: 400, Message: "Your proposed upload exceeds the maximum allowed size",
			Extra: [][2]string{{"ProposedSize", strconv.FormatInt(body.Size(), 10)}, {"MaxSizeAllowed", strconv.FormatInt(objects.MaxPut, 10)}}}
	}
	return body, nil
}

func bodyChecksum(body *sigv4.Body) func() objects.Checksum {
	return func() objects.Checksum {
		alg, value := body.Checksum()
		return objects.Checksum{Algorithm: alg.Upper(), Value: value}
	}
}

func putObject(c *call) (*reply, error) {
	o := objects.PutOptions{}
	var err error
	if o.Metadata, err = c.metadata(); err != nil {
		return nil, err
	}
	if o.IfNoneMatch, o.IfMatch, err = c.writeConditions(); err != nil {
		return nil, err
	}
	body, err := c.upload()
	if err != nil {
		return nil, err
	}
	o.Checksum = bodyChecksum(body)
	obj, err := c.h.objects.Put(c.ctx, c.scope, c.bucket, c.key, body, body.Size(), o)
	if err != nil {
		return nil, err
	}
	rep := newReply()
	rep.header.Set("Etag", quote(obj.ETag))
	rep.checksum(obj.Checksum)
	return rep, nil
}

// writeConditions reads If-Match and If-None-Match of a write; S3 knows only
// "*" for the latter.
func (c *call) writeConditions() (ifNoneMatch bool, ifMatch string, err error) {
	switch v := c.r.Header.Get("If-None-Match"); v {
	case "":
	case "*":
		ifNoneMatch = true
	default:
		return false, "", notImplemented("A value of If-None-Match other than * in a write")
	}
	ifMatch = unquote(c.r.Header.Get("If-Match"))
	if ifNoneMatch && ifMatch != "" {
		return false, "", notImplemented("The use of If-Match together with If-None-Match in a write")
	}
	return ifNoneMatch, ifMatch, nil
}

// metadata reads what describes an object from the headers.
func (c *call) metadata() (objects.Metadata, error) {
	h := c.r.Header
	m := objects.Metadata{
		ContentType:        h.Get("Content-Type"),
		ContentEncoding:    contentEncoding(h.Values("Content-Encoding")),
		ContentDisposition: h.Get("Content-Disposition"),
		ContentLanguage:    h.Get("Content-Language"),
		CacheControl:       h.Get("Cache-Control"),
		Expires:            h.Get("Expires"),
	}
	for name, values := range h {
		if key, ok := strings.CutPrefix(strings.ToLower(name), "x-amz-meta-"); ok && key != "" {
			if m.User == nil {
				m.User = make(map[string]string)
			}
			m.User[key] = strings.Join(values, ",")
		}
	}
	return m, nil
}

// contentEncoding drops aws-chunked, which is of the transfer only.
func contentEncoding(values []string) string {
	var keep []string
	for part := range strings.SplitSeq(strings.Join(values, ","), ",") {
		if part = strings.TrimSpace(part); part != "" && !strings.EqualFold(part, "aws-chunked") {
			keep = append(keep, part)
		}
	}
	return strings.Join(keep, ",")
}

// conditions reads those of a read; prefix is that of the copy headers or "".
func (c *call) conditions(prefix string) objects.Conditions {
	h := c.r.Header
	return objects.Conditions{
		IfMatch:           etags(h.Values(prefix + "If-Match")),
		IfNoneMatch:       etags(h.Values(prefix + "If-None-Match")),
		IfModifiedSince:   date(h.Get(prefix + "If-Modified-Since")),
		IfUnmodifiedSince: date(h.Get(prefix + "If-Unmodified-Since")),
	}
}

func etags(values []string) []string {
	var list []string
	for part := range strings.SplitSeq(strings.Join(values, ","), ",") {
		if part = unquote(strings.TrimSpace(part)); part != "" {
			list = append(list, part)
		}
	}
	return list
}

// date reads an HTTP date; one that cannot be read counts as absent (RFC 9110,
// 13.1.3).
func date(s string) time.Time {
	if s == "" {
		return time.Time{}
	}
	if t, err := http.ParseTime(s); err == nil {
		return t
	}
	t, _ := time.Parse(time.RFC3339, s)
	return t
}

func quote(etag string) string { return `"` + etag + `"` }

func unquote(etag string) string {
	etag = strings.TrimPrefix(etag, "W/")
	return strings.TrimSuffix(strings.TrimPrefix(etag, `"`), `"`)
}

// parseRange reads a Range header. S3 serves one range; it ignores what it
// cannot read, as RFC 9110 says. nil means the whole object.
func parseRange(s string) *objects.Range {
	spec, ok := strings.CutPrefix(s, "bytes=")
	if !ok || strings.Contains(spec, ",") {
		return nil
	}
	from, to, ok := strings.Cut(strings.TrimSpace(spec), "-")
	if !ok {
		return nil
	}
	number := func(s string) (int64, bool) {
		n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 63)
		return int64(n), err == nil
	}
	if from == "" {
		n, ok := number(to)
		if !ok {
			return nil
		}
		if n == 0 {
			return &objects.Range{First: 1<<63 - 1, Last: -1} // no bytes: cannot be satisfied
		}
		return &objects.Range{First: -n}
	}
	first, ok := number(from)
	if !ok {
		return nil
	}
	if to == "" {
		return &objects.Range{First: first, Last: -1}
	}
	last, ok := number(to)
	if !ok || last < first {
		return nil
	}
	return &objects.Range{First: first, Last: last}
}

func checksumType(c objects.Checksum) string {
	if c.Composite {
		return "COMPOSITE"
	}
	return "FULL_OBJECT"
}

func (rep *reply) checksum(c objects.Checksum) {
	if c.Algorithm != "" {
		rep.header.Set("X-Amz-Checksum-"+c.Algorithm, c.Value)
		rep.header.Set("X-Amz-Checksum-Type", checksumType(c))
	}
}

// describe sets the headers of an object.
func (c *call) describe(rep *reply, o objects.Object) {
	set := func(name, value string) {
		if value != "" {
			rep.header.Set(name, value)
		}
	}
	contentType := o.Metadata.ContentType
	if contentType == "" {
		contentType = "binary/octet-stream"
	}
	rep.header.Set("Content-Type", contentType)
	set("Content-Encoding", o.Metadata.ContentEncoding)
	set("Content-Disposition", o.Metadata.ContentDisposition)
	set("Content-Language", o.Metadata.ContentLanguage)
	set("Cache-Control", o.Metadata.CacheControl)
	set("Expires", o.Metadata.Expires)
	for k, v := range o.Metadata.User {
		// Lower case on the wire, as S3 sends it: boto3 keeps the case it sees.
		rep.header["x-amz-meta-"+k] = []string{v}
	}
	rep.header.Set("Etag", quote(o.ETag))
	rep.header.Set("Last-Modified", o.Modified.UTC().Format(http.TimeFormat))
	rep.header.Set("Accept-Ranges", "bytes")
	for _, name := range []string{"Content-Type", "Content-Encoding", "Content-Disposition", "Content-Language", "Cache-Control", "Expires"} {
		set(name, c.query.Get("response-"+strings.ToLower(name)))
	}
}

// checkOverrides refuses response-* parameters of anonymous requests, and part
// numbers, which would need the boundaries of the parts.
func (c *call) checkOverrides() error {
	if c.query.Has("partNumber") {
		return notImplemented("The reading of single parts (partNumber)")
	}
	if c.auth != nil {
		return nil
	}
	for name := range c.query {
		if strings.HasPrefix(name, "response-") {
			return invalidRequest("Request specific response headers cannot be used for anonymous GET requests.")
		}
	}
	return nil
}

func getObject(c *call) (*reply, error) {
	if err := c.checkOverrides(); err != nil {
		return nil, err
	}
	rng := parseRange(c.r.Header.Get("Range"))
	r, err := c.h.objects.Get(c.ctx, c.scope, c.bucket, c.key, rng, c.conditions(""))
	if err != nil {
		return nil, err
	}
	rep := newReply()
	c.describe(rep, r.Object)
	rep.body, rep.length = r, r.Length
	if rng != nil {
		rep.status = http.StatusPartialContent
		rep.header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", r.First, r.First+r.Length-1, r.Object.Size))
	} else if strings.EqualFold(c.r.Header.Get("X-Amz-Checksum-Mode"), "ENABLED") {
		rep.checksum(r.Object.Checksum)
	}
	return rep, nil
}

func headObject(c *call) (*reply, error) {
	if err := c.checkOverrides(); err != nil {
		return nil, err
	}
	o, err := c.h.objects.Head(c.ctx, c.scope, c.bucket, c.key, c.conditions(""))
	if err != nil {
		return nil, err
	}
	rep := newReply()
	c.describe(rep, o)
	rep.head, rep.length = true, o.Size
	if rng := parseRange(c.r.Header.Get("Range")); rng != nil {
		first, length, err := resolve(rng, o.Size)
		if err != nil {
			return nil, err
		}
		rep.status, rep.length = http.StatusPartialContent, length
		rep.header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, first+length-1, o.Size))
	} else if strings.EqualFold(c.r.Header.Get("X-Amz-Checksum-Mode"), "ENABLED") {
		rep.checksum(o.Checksum)
	}
	return rep, nil
}

// resolve gives first byte and length of a range in size bytes.
func resolve(rng *objects.Range, size int64) (first, length int64, err error) {
	if rng.First < 0 {
		n := min(-rng.First, size)
		first, length = size-n, n
	} else {
		last := size - 1
		if rng.Last >= 0 {
			last = min(last, rng.Last)
		}
		first, length = rng.First, last-rng.First+1
	}
	if length <= 0 {
		return 0, 0, &objects.RangeError{Size: size}
	}
	return first, length, nil
}

func deleteObject(c *call) (*reply, error) {
	if err := c.h.objects.Delete(c.ctx, c.scope, c.bucket, c.key, unquote(c.r.Header.Get("If-Match"))); err != nil {
		return nil, err
	}
	rep := newReply()
	rep.status = http.StatusNoContent
	return rep, nil
}

// copySource reads x-amz-copy-source: [/]bucket/key, URL-encoded, with an
// optional versionId.
func (c *call) copySource() (objects.CopySource, error) {
	raw := c.r.Header.Get("X-Amz-Copy-Source")
	path, query, _ := strings.Cut(raw, "?")
	bad := invalidArgument("Copy Source must mention the source bucket and key: sourcebucket/sourcekey", "x-amz-copy-source", raw)
	decoded, err := url.PathUnescape(path)
	if err != nil {
		return objects.CopySource{}, bad
	}
	bucket, key, ok := strings.Cut(strings.TrimPrefix(decoded, "/"), "/")
	if !ok || bucket == "" || key == "" {
		return objects.CopySource{}, bad
	}
	if strings.HasPrefix(bucket, "arn:") {
		return objects.CopySource{}, notImplemented("The copy from an access point")
	}
	if q, err := url.ParseQuery(query); err != nil || q.Get("versionId") != "" && q.Get("versionId") != "null" {
		return objects.CopySource{}, &apiError{Code: "NoSuchVersion", Status: 404, Message: "The specified version does not exist."}
	}
	return objects.CopySource{Bucket: bucket, Key: key, Conditions: c.conditions("X-Amz-Copy-Source-")}, nil
}

func copyObject(c *call) (*reply, error) {
	src, err := c.copySource()
	if err != nil {
		return nil, err
	}
	req := objects.CopyRequest{Source: src, Bucket: c.bucket, Key: c.key}
	switch d := c.r.Header.Get("X-Amz-Metadata-Directive"); d {
	case "", "COPY":
	case "REPLACE":
		req.Replace = true
		if req.Metadata, err = c.metadata(); err != nil {
			return nil, err
		}
	default:
		return nil, invalidArgument("Unknown metadata directive.", "x-amz-metadata-directive", d)
	}
	if alg := c.r.Header.Get("X-Amz-Checksum-Algorithm"); alg != "" {
		return nil, notImplemented("The header x-amz-checksum-algorithm in a copy")
	}
	if req.IfNoneMatch, req.IfMatch, err = c.writeConditions(); err != nil {
		return nil, err
	}
	o, err := c.h.objects.Copy(c.ctx, c.scope, req)
	if err != nil {
		return nil, err
	}
	var x xmlWriter
	x.begin("CopyObjectResult", namespace)
	x.time("LastModified", o.Modified)
	x.text("ETag", quote(o.ETag))
	x.checksum(o.Checksum)
	x.end("CopyObjectResult")
	return x.reply(), nil
}

func (x *xmlWriter) checksum(c objects.Checksum) {
	if c.Algorithm != "" {
		x.text("Checksum"+c.Algorithm, c.Value)
		x.text("ChecksumType", checksumType(c))
	}
}

// completeDocument is the body of CompleteMultipartUpload.
type completeDocument struct {
	XMLName xml.Name `xml:"CompleteMultipartUpload"`
	Parts   []struct {
		Number    int    `xml:"PartNumber"`
		ETag      string `xml:"ETag"`
		CRC32     string `xml:"ChecksumCRC32"`
		CRC32C    string `xml:"ChecksumCRC32C"`
		CRC64NVME string `xml:"ChecksumCRC64NVME"`
		SHA1      string `xml:"ChecksumSHA1"`
		SHA256    string `xml:"ChecksumSHA256"`
	} `xml:"Part"`
}
