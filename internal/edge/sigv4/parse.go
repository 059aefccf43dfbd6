package sigv4

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	timeFormat = "20060102T150405Z"

	// MaxExpires is the longest life of a presigned URL.
	MaxExpires = 7 * 24 * time.Hour

	// Bounds on what is parsed at all; anything longer is malformed.
	maxAuthorization = 8 << 10
	maxSignedHeaders = 128
)

// Auth is what a request claims about itself. Nothing in it is verified until
// a Verifier has returned it.
type Auth struct {
	AccessKey     string
	Date          string // yyyymmdd of the credential scope
	Region        string
	Service       string
	SignedHeaders []string // lower case, as listed
	Signature     string   // 64 hex digits
	Time          time.Time
	Stamp         string        // Time as it was signed
	Expires       time.Duration // presigned requests only
	Token         string        // session token
	PayloadHash   string        // x-amz-content-sha256, "" when absent
	Presigned     bool

	// Account is the account of the key: set by a Verifier only.
	Account string

	key      []byte // signing key; nil when not verified
	verified bool
}

// Verified reports whether a Verifier has accepted the signature.
func (a *Auth) Verified() bool { return a != nil && a.verified }

// Present reports whether r carries SigV4 credentials of any form.
func Present(r *http.Request) bool {
	return r.Header.Get("Authorization") != "" || hasPresigned(r.URL.RawQuery)
}

func hasPresigned(rawQuery string) bool {
	return strings.Contains(rawQuery, "X-Amz-Algorithm=") || strings.Contains(rawQuery, "X-Amz-Signature=") ||
		strings.Contains(rawQuery, "X-Amz-Credential=")
}

// Parse reads the credentials of r without verifying anything: header form
// first, then the presigned form. A request without credentials gives an
// *Error of kind Missing.
func Parse(r *http.Request) (*Auth, error) {
	header := r.Header.Get("Authorization")
	switch {
	case header != "" && hasPresigned(r.URL.RawQuery):
		return nil, refuse(Incomplete, "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified")
	case header != "":
		return parseHeader(r, header)
	case hasPresigned(r.URL.RawQuery):
		return parseQuery(r)
	case strings.Contains(r.URL.RawQuery, "AWSAccessKeyId=") && strings.Contains(r.URL.RawQuery, "Signature="):
		// A URL presigned with version 2, which boto3 makes unless told otherwise.
		return nil, refuse(Unsupported, textUnsupported)
	}
	return nil, refuse(Missing, textMissing)
}

func parseHeader(r *http.Request, header string) (*Auth, error) {
	if len(header) > maxAuthorization {
		return nil, refuse(Incomplete, "The authorization header is too long.")
	}
	if len(r.Header.Values("Authorization")) > 1 {
		return nil, refuse(Incomplete, "Only one Authorization header is allowed.")
	}
	rest, ok := strings.CutPrefix(header, algorithm)
	if !ok || rest == "" || (rest[0] != ' ' && rest[0] != '\t') {
		if !ok && (strings.HasPrefix(header, "AWS ") || strings.HasPrefix(header, "AWS4-")) {
			return nil, refuse(Unsupported, textUnsupported)
		}
		return nil, refuse(Incomplete, "The authorization header is malformed; the algorithm must be AWS4-HMAC-SHA256.")
	}
	a := &Auth{Token: r.Header.Get("X-Amz-Security-Token"), PayloadHash: r.Header.Get("X-Amz-Content-Sha256")}
	var credential, signed string
	for part := range strings.SplitSeq(rest, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			return nil, refuse(Incomplete, "The authorization header is malformed; a part is not of the form name=value.")
		}
		var dst *string
		switch name {
		case "Credential":
			dst = &credential
		case "SignedHeaders":
			dst = &signed
		case "Signature":
			dst = &a.Signature
		default:
			return nil, refuse(Incomplete, "The authorization header is malformed; unknown part "+strconv.Quote(name)+".")
		}
		if *dst != "" {
			return nil, refuse(Incomplete, "The authorization header is malformed; "+name+" is given twice.")
		}
		*dst = value
	}
	for _, p := range []struct{ name, value string }{{"Credential", credential}, {"SignedHeaders", signed}, {"Signature", a.Signature}} {
		if p.value == "" {
			return nil, refuse(Incomplete, "Authorization header requires '"+p.name+"' parameter.")
		}
	}
	if message := a.setScope(credential); message != "" {
		return nil, refuse(Incomplete, "The authorization header is malformed; "+message)
	}
	if message := a.setSigned(signed); message != "" {
		return nil, refuse(Incomplete, "The authorization header is malformed; "+message)
	}
	if message := a.setTime(r); message != "" {
		return nil, refuse(Incomplete, message)
	}
	return a, nil
}

// setTime takes X-Amz-Date, or else Date in either of its forms.
func (a *Auth) setTime(r *http.Request) string {
	stamp := r.Header.Get("X-Amz-Date")
	if stamp == "" {
		stamp = r.Header.Get("Date")
	}
	if stamp == "" {
		return "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
	}
	t, err := time.Parse(timeFormat, stamp)
	if err != nil {
		if t, err = http.ParseTime(stamp); err != nil {
			return "Date must be in ISO-8601 'basic format'. Got '" + clip(stamp) + "'. See http://en.wikipedia.org/wiki/ISO_8601"
		}
	}
	a.Time = t.UTC()
	a.Stamp = a.Time.Format(timeFormat)
	if a.Stamp[:8] != a.Date {
		return "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '" + clip(a.Date) + "' != '" + a.Stamp[:8] + "', from '" + a.Stamp + "'."
	}
	return ""
}

func parseQuery(r *http.Request) (*Auth, error) {
	if len(r.URL.RawQuery) > 4*maxAuthorization {
		return nil, refuse(IncompleteQuery, "The query string is too long.")
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, refuse(IncompleteQuery, "The query string cannot be decoded.")
	}
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Expires"} {
		if len(q[name]) != 1 || q[name][0] == "" {
			return nil, refuse(IncompleteQuery, "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.")
		}
	}
	if q.Get("X-Amz-Algorithm") != algorithm {
		return nil, refuse(Unsupported, "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"")
	}
	a := &Auth{Presigned: true, Token: q.Get("X-Amz-Security-Token"), Signature: q.Get("X-Amz-Signature")}
	a.PayloadHash = q.Get("X-Amz-Content-Sha256")
	if a.PayloadHash == "" {
		a.PayloadHash = r.Header.Get("X-Amz-Content-Sha256")
	}
	if message := a.setScope(q.Get("X-Amz-Credential")); message != "" {
		return nil, refuse(IncompleteQuery, "Error parsing the X-Amz-Credential parameter; "+message)
	}
	if message := a.setSigned(q.Get("X-Amz-SignedHeaders")); message != "" {
		return nil, refuse(IncompleteQuery, message)
	}
	a.Stamp = q.Get("X-Amz-Date")
	if a.Time, err = time.Parse(timeFormat, a.Stamp); err != nil {
		return nil, refuse(IncompleteQuery, "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
	}
	if a.Stamp[:8] != a.Date {
		return nil, refuse(IncompleteQuery, "Invalid credential date \""+clip(a.Date)+"\". This date is not the same as X-Amz-Date: \""+a.Stamp[:8]+"\".")
	}
	seconds, err := strconv.ParseInt(q.Get("X-Amz-Expires"), 10, 64)
	switch {
	case err != nil:
		return nil, refuse(IncompleteQuery, "X-Amz-Expires should be a number")
	case seconds < 0:
		return nil, refuse(IncompleteQuery, "X-Amz-Expires must be non-negative")
	case seconds > int64(MaxExpires/time.Second):
		return nil, refuse(IncompleteQuery, "X-Amz-Expires must be less than a week (in seconds) that is 604800")
	}
	a.Expires = time.Duration(seconds) * time.Second
	return a, nil
}

// setScope splits AccessKey/yyyymmdd/region/service/aws4_request. Access keys
// may hold slashes in other S3 servers, so the last four parts count.
func (a *Auth) setScope(credential string) string {
	parts := strings.Split(credential, "/")
	n := len(parts)
	if n < 5 {
		return "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\"."
	}
	a.AccessKey = strings.Join(parts[:n-4], "/")
	a.Date, a.Region, a.Service = parts[n-4], parts[n-3], parts[n-2]
	switch {
	case parts[n-1] != "aws4_request":
		return "incorrect terminal \"" + clip(parts[n-1]) + "\". This endpoint uses \"aws4_request\"."
	case a.AccessKey == "" || a.Region == "" || a.Service == "":
		return "the Credential has an empty part."
	case len(a.Date) != 8 || !digits(a.Date):
		return "incorrect date format \"" + clip(a.Date) + "\". This date in the credential must be in the format \"yyyyMMdd\"."
	}
	return ""
}

func (a *Auth) setSigned(list string) string {
	a.SignedHeaders = strings.Split(list, ";")
	if len(a.SignedHeaders) > maxSignedHeaders {
		return "there are too many signed headers."
	}
	for i, name := range a.SignedHeaders {
		if name == "" {
			return "SignedHeaders holds an empty name."
		}
		a.SignedHeaders[i] = strings.ToLower(name)
	}
	if len(a.Signature) != 64 || !hexDigits(a.Signature) {
		return "the Signature must be 64 hexadecimal digits."
	}
	return ""
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func hexDigits(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// clip keeps what is echoed to a client short.
func clip(s string) string {
	if len(s) > 64 {
		return s[:64]
	}
	return s
}
