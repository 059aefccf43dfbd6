package sigv4

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// appendCanonicalRequest writes the canonical request. path is the canonical
// URI; hash the payload hash or constant.
func appendCanonicalRequest(dst []byte, r *http.Request, a *Auth, path, hash string) ([]byte, error) {
	dst = append(dst, r.Method...)
	dst = append(dst, '\n')
	dst = append(dst, path...)
	dst = append(dst, '\n')
	dst, err := appendCanonicalQuery(dst, r.URL.RawQuery, a.Presigned)
	if err != nil {
		return dst, err
	}
	dst = append(dst, '\n')
	for _, name := range a.SignedHeaders {
		dst = append(dst, name...)
		dst = append(dst, ':')
		dst = appendHeader(dst, r, name)
		dst = append(dst, '\n')
	}
	dst = append(dst, '\n')
	for i, name := range a.SignedHeaders {
		if i > 0 {
			dst = append(dst, ';')
		}
		dst = append(dst, name...)
	}
	dst = append(dst, '\n')
	return append(dst, hash...), nil
}

// appendHeader writes a header's canonical value: values joined by a comma,
// each trimmed, runs of spaces made one. net/http takes some headers out of
// the map; they are read where it puts them.
func appendHeader(dst []byte, r *http.Request, name string) []byte {
	switch name {
	case "host":
		return appendTrimmed(dst, r.Host)
	case "transfer-encoding":
		return append(dst, strings.Join(r.TransferEncoding, ",")...)
	case "content-length":
		if r.Header.Get("Content-Length") == "" {
			if r.ContentLength >= 0 {
				dst = strconv.AppendInt(dst, r.ContentLength, 10)
			}
			return dst
		}
	}
	for i, v := range r.Header.Values(name) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendTrimmed(dst, v)
	}
	return dst
}

func appendTrimmed(dst []byte, v string) []byte {
	v = strings.Trim(v, " \t")
	if !strings.Contains(v, "  ") {
		return append(dst, v...)
	}
	space := false
	for i := range len(v) {
		if v[i] == ' ' && space {
			continue
		}
		space = v[i] == ' '
		dst = append(dst, v[i])
	}
	return dst
}

// appendCanonicalQuery decodes each pair and writes it encoded by the rule of
// SigV4, sorted by encoded name, then value. A presigned request signs all
// but its signature.
func appendCanonicalQuery(dst []byte, raw string, presigned bool) ([]byte, error) {
	if raw == "" {
		return dst, nil
	}
	type pair struct{ name, value string }
	pairs := make([]pair, 0, strings.Count(raw, "&")+1)
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		n, err1 := url.QueryUnescape(name)
		v, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil {
			return dst, refuse(Mismatch, "The query string cannot be decoded.")
		}
		if presigned && n == "X-Amz-Signature" {
			continue
		}
		pairs = append(pairs, pair{string(appendEscaped(nil, n, false)), string(appendEscaped(nil, v, false))})
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	for i, p := range pairs {
		if i > 0 {
			dst = append(dst, '&')
		}
		dst = append(dst, p.name...)
		dst = append(dst, '=')
		dst = append(dst, p.value...)
	}
	return dst, nil
}

// canonicalPaths returns the canonical URIs under which r may have been
// signed. S3 signs the encoded path once, without normalising it; clients
// differ in which reserved bytes they escape on the wire, so both the path as
// sent and its strict encoding are tried. Other services encode the encoded
// path again; botocore also removes dot segments, the Go SDK does not.
func canonicalPaths(r *http.Request, service string) []string {
	sent := r.URL.EscapedPath()
	if r.RequestURI != "" && r.RequestURI[0] == '/' {
		sent, _, _ = strings.Cut(r.RequestURI, "?")
	}
	if sent == "" {
		sent = "/"
	}
	if sent == "/" {
		return []string{"/"}
	}
	if service == "s3" {
		strict := sent
		if decoded, err := url.PathUnescape(sent); err == nil {
			strict = string(appendEscaped(nil, decoded, true))
		}
		if strict == sent {
			return []string{sent}
		}
		return []string{sent, strict}
	}
	twice := string(appendEscaped(nil, sent, true))
	normal := string(appendEscaped(nil, removeDotSegments(sent), true))
	if normal == twice {
		return []string{twice}
	}
	return []string{twice, normal}
}

func removeDotSegments(path string) string {
	var out []string
	for s := range strings.SplitSeq(path, "/") {
		switch s {
		case "", ".":
		case "..":
			if len(out) > 0 {
				out = out[:len(out)-1]
			}
		default:
			out = append(out, s)
		}
	}
	normal := "/" + strings.Join(out, "/")
	if len(normal) > 1 && strings.HasSuffix(path, "/") {
		normal += "/"
	}
	return normal
}

const upperHex = "0123456789ABCDEF"

// appendEscaped percent-encodes every byte but A–Z a–z 0–9 - . _ ~ (and / in
// paths).
func appendEscaped(dst []byte, s string, path bool) []byte {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~', path && c == '/':
			dst = append(dst, c)
		default:
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return dst
}
