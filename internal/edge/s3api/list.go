package s3api

import (
	"encoding/base64"
	"encoding/xml"
	"strings"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/edge/sigv4"
	"github.com/cumulog/cumulog/internal/service/objects"
)

// Tokens are positions: a version letter and the last key or prefix shown.
func encodeToken(after string) string {
	return base64.RawURLEncoding.EncodeToString([]byte("1" + after))
}

func decodeToken(token string) (string, error) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) < 2 || raw[0] != '1' || !utf8.Valid(raw) {
		return "", invalidArgument("The continuation token provided is incorrect", "continuation-token", token)
	}
	return string(raw[1:]), nil
}

// listing is what the listing operations have in common.
type listing struct {
	prefix, delimiter, after string
	limit                    int
	url                      bool // encoding-type=url
	bucket                   objects.Bucket
	page                     objects.Page
}

func (c *call) list(after string) (*listing, error) {
	l := &listing{prefix: c.query.Get("prefix"), delimiter: c.query.Get("delimiter"), after: after}
	var err error
	if l.limit, err = c.number("max-keys", objects.MaxList, 0, objects.MaxList); err != nil {
		return nil, err
	}
	switch encoding := c.query.Get("encoding-type"); encoding {
	case "":
	case "url":
		l.url = true
	default:
		return nil, invalidArgument("Invalid Encoding Method specified in Request", "encoding-type", encoding)
	}
	if l.bucket, err = c.h.objects.Bucket(c.ctx, c.scope, c.bucket); err != nil {
		return nil, err
	}
	if l.limit == 0 {
		return l, nil
	}
	l.page, err = c.h.objects.List(c.ctx, c.scope, c.bucket, objects.ListOptions{
		Prefix: l.prefix, Delimiter: l.delimiter, After: after, Limit: l.limit,
	})
	return l, err
}

// key writes a key or a piece of one, encoded when the client asked for it.
func (l *listing) key(s string) string {
	if !l.url {
		return s
	}
	return escapeKey(s)
}

// escapeKey percent-encodes all but unreserved bytes and slashes.
func escapeKey(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', strings.IndexByte("-._~/*", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}

func (x *xmlWriter) listHead(c *call, l *listing) {
	x.text("Name", c.bucket)
	x.text("Prefix", l.key(l.prefix))
	if l.delimiter != "" {
		x.text("Delimiter", l.key(l.delimiter))
	}
	x.int("MaxKeys", int64(l.limit))
	if l.url {
		x.text("EncodingType", "url")
	}
	x.bool("IsTruncated", l.page.Next != "")
}

func (x *xmlWriter) entry(c *call, l *listing, o objects.Object, owner bool) {
	x.text("Key", l.key(o.Key))
	x.time("LastModified", o.Modified)
	x.text("ETag", quote(o.ETag))
	if o.Checksum.Algorithm != "" {
		x.text("ChecksumAlgorithm", o.Checksum.Algorithm)
		x.text("ChecksumType", checksumType(o.Checksum))
	}
	x.int("Size", o.Size)
	if owner {
		x.owner("Owner", c.account(l.bucket))
	}
	x.text("StorageClass", "STANDARD")
}

func (x *xmlWriter) prefixes(l *listing) {
	for _, p := range l.page.Prefixes {
		x.begin("CommonPrefixes", "")
		x.text("Prefix", l.key(p))
		x.end("CommonPrefixes")
	}
}

func listObjects(c *call) (*reply, error) {
	l, err := c.list(c.query.Get("marker"))
	if err != nil {
		return nil, err
	}
	var x xmlWriter
	x.begin("ListBucketResult", namespace)
	x.listHead(c, l)
	x.text("Marker", l.key(l.after))
	// S3 gives NextMarker only with a delimiter; it does no harm without, but
	// old clients compare.
	if l.page.Next != "" && l.delimiter != "" {
		x.text("NextMarker", l.key(l.page.Next))
	}
	for _, o := range l.page.Objects {
		x.begin("Contents", "")
		x.entry(c, l, o, true)
		x.end("Contents")
	}
	x.prefixes(l)
	x.end("ListBucketResult")
	return x.reply(), nil
}

func listObjectsV2(c *call) (*reply, error) {
	token, start := c.query.Get("continuation-token"), c.query.Get("start-after")
	after := start
	if c.query.Has("continuation-token") {
		var err error
		if after, err = decodeToken(token); err != nil {
			return nil, err
		}
	}
	l, err := c.list(after)
	if err != nil {
		return nil, err
	}
	owner := c.query.Get("fetch-owner") == "true"
	var x xmlWriter
	x.begin("ListBucketResult", namespace)
	x.listHead(c, l)
	x.int("KeyCount", int64(len(l.page.Objects)+len(l.page.Prefixes)))
	x.optional("ContinuationToken", token)
	x.optional("StartAfter", l.key(start))
	if l.page.Next != "" {
		x.text("NextContinuationToken", encodeToken(l.page.Next))
	}
	for _, o := range l.page.Objects {
		x.begin("Contents", "")
		x.entry(c, l, o, owner)
		x.end("Contents")
	}
	x.prefixes(l)
	x.end("ListBucketResult")
	return x.reply(), nil
}

// listObjectVersions answers as S3 does for a bucket that never had
// versioning: every object is its one version, "null".
func listObjectVersions(c *call) (*reply, error) {
	marker := c.query.Get("key-marker")
	if v := c.query.Get("version-id-marker"); v != "" && marker == "" {
		return nil, invalidArgument("A version-id marker cannot be specified without a key marker.", "version-id-marker", v)
	}
	l, err := c.list(marker)
	if err != nil {
		return nil, err
	}
	var x xmlWriter
	x.begin("ListVersionsResult", namespace)
	x.listHead(c, l)
	x.text("KeyMarker", l.key(marker))
	x.text("VersionIdMarker", "")
	if l.page.Next != "" {
		x.text("NextKeyMarker", l.key(l.page.Next))
		x.text("NextVersionIdMarker", "null")
	}
	for _, o := range l.page.Objects {
		x.begin("Version", "")
		x.text("VersionId", "null")
		x.bool("IsLatest", true)
		x.entry(c, l, o, true)
		x.end("Version")
	}
	x.prefixes(l)
	x.end("ListVersionsResult")
	return x.reply(), nil
}

type deleteEntry struct {
	Key              string  `xml:"Key"`
	VersionID        string  `xml:"VersionId"`
	ETag             string  `xml:"ETag"`
	Size             *string `xml:"Size"`
	LastModifiedTime *string `xml:"LastModifiedTime"`
}

func deleteObjects(c *call) (*reply, error) {
	alg, _, err := sigv4.HeaderChecksum(c.r.Header)
	if err != nil {
		return nil, err
	}
	if c.r.Header.Get("Content-Md5") == "" && alg == "" && c.r.Header.Get("X-Amz-Trailer") == "" {
		return nil, invalidRequest("Missing required header for this request: Content-MD5")
	}
	var in struct {
		XMLName xml.Name      `xml:"Delete"`
		Quiet   bool          `xml:"Quiet"`
		Objects []deleteEntry `xml:"Object"`
	}
	if ok, err := c.readXML(&in, sigv4.BodyOptions{}); err != nil {
		return nil, err
	} else if !ok || len(in.Objects) == 0 || len(in.Objects) > objects.MaxDelete {
		return nil, errMalformedXML
	}
	errs := make([]error, len(in.Objects))
	var keys []string
	var at []int
	for i, o := range in.Objects {
		switch {
		case o.VersionID != "" && o.VersionID != "null":
			errs[i] = &apiError{Code: "NoSuchVersion", Message: "The specified version does not exist."}
		case o.Size != nil || o.LastModifiedTime != nil:
			errs[i] = notImplemented("The conditional deletion by size or time")
		case o.ETag != "":
			errs[i] = c.h.objects.Delete(c.ctx, c.scope, c.bucket, o.Key, unquote(o.ETag))
		default:
			keys, at = append(keys, o.Key), append(at, i)
		}
	}
	plain, err := c.h.objects.DeleteMany(c.ctx, c.scope, c.bucket, keys)
	if err != nil {
		return nil, err
	}
	for i, err := range plain {
		errs[at[i]] = err
	}
	var x xmlWriter
	x.begin("DeleteResult", namespace)
	for i, o := range in.Objects {
		if errs[i] == nil {
			if !in.Quiet {
				x.begin("Deleted", "")
				x.text("Key", o.Key)
				x.optional("VersionId", o.VersionID)
				x.end("Deleted")
			}
			continue
		}
		e := mapError(errs[i])
		if e == nil {
			c.h.logger.Error("s3 deletion failed", "operation", c.op, "request_id", c.requestID, "error", errs[i])
			e = errInternal
		}
		x.begin("Error", "")
		x.text("Key", o.Key)
		x.optional("VersionId", o.VersionID)
		x.text("Code", e.Code)
		x.text("Message", e.Message)
		x.end("Error")
	}
	x.end("DeleteResult")
	return x.reply(), nil
}
