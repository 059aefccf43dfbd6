package sink

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	longDate  = "20060102T150405Z"
	shortDate = "20060102"
)

// sign adds the headers of an AWS signature, version 4, to a request of one whole body. It signs all headers that h has, and
// the host. Paths are signed as every service but S3 wants them.
func (c Credentials) sign(method string, u *url.URL, h http.Header, body []byte, service, region string, at time.Time) {
	if c.AccessKeyID == "" {
		return
	}
	at = at.UTC()
	h.Set("X-Amz-Date", at.Format(longDate))
	if c.SessionToken != "" {
		h.Set("X-Amz-Security-Token", c.SessionToken)
	}
	names := []string{"host"}
	values := map[string]string{"host": u.Host}
	for name, v := range h {
		lower := strings.ToLower(name)
		names = append(names, lower)
		values[lower] = strings.Join(strings.Fields(strings.Join(v, ",")), " ")
	}
	slices.Sort(names)
	sum := sha256.Sum256(body)
	var b strings.Builder
	b.WriteString(method + "\n" + awsEscape(pathOf(u), true) + "\n" + canonicalQuery(u) + "\n")
	for _, name := range names {
		b.WriteString(name + ":" + values[name] + "\n")
	}
	signed := strings.Join(names, ";")
	b.WriteString("\n" + signed + "\n" + hex.EncodeToString(sum[:]))
	request := sha256.Sum256([]byte(b.String()))

	scope := at.Format(shortDate) + "/" + region + "/" + service + "/aws4_request"
	key := []byte("AWS4" + c.SecretKey)
	for part := range strings.SplitSeq(scope, "/") {
		key = mac(key, part)
	}
	signature := mac(key, "AWS4-HMAC-SHA256\n"+at.Format(longDate)+"\n"+scope+"\n"+hex.EncodeToString(request[:]))
	h.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+c.AccessKeyID+"/"+scope+", SignedHeaders="+signed+", Signature="+hex.EncodeToString(signature))
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// pathOf returns the path as it is sent.
func pathOf(u *url.URL) string {
	if p := u.EscapedPath(); p != "" {
		return p
	}
	return "/"
}

func canonicalQuery(u *url.URL) string {
	var parts []string
	for name, values := range u.Query() {
		for _, v := range values {
			parts = append(parts, awsEscape(name, false)+"="+awsEscape(v, false))
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, "&")
}

// awsEscape escapes all but letters, digits, "-", "_", "." and "~", and "/" in paths.
func awsEscape(s string, path bool) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.', c == '~', path && c == '/':
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}
