package sink

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// awsCaller makes calls of one service with an AWS-like API, which stands anywhere.
type awsCaller struct {
	client   *http.Client
	endpoint *url.URL
	region   string
	keys     Credentials
	service  string // name in signatures
	timeout  time.Duration
	now      func() time.Time
}

// openCaller reads endpoint, region, credentials and timeout. Place is the endpoint; the connector adds what is behind it.
func openCaller(f *Fields, o *Options, t *Target, service string) *awsCaller {
	c := &awsCaller{client: o.HTTP, service: service, now: o.Now}
	c.endpoint, t.Place = f.URL("endpoint", "https", "http")
	c.region = regionOf(f, t)
	c.keys = credentialsOf(f)
	c.timeout = timeoutOf(f)
	return c
}

// regionOf returns the setting, else the region of the pattern when that is one.
func regionOf(f *Fields, t *Target) string {
	def := "us-east-1"
	if p, err := parsePattern(t.ARN); err == nil && p[3] != "" && !strings.Contains(p[3], "*") {
		def = p[3]
	}
	region := f.Text("region", def)
	if region == "" || strings.Trim(region, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		f.Fail("region", "%q is not a name of a region", region)
	}
	return region
}

// credentialsOf reads accessKeyId, secretAccessKey and sessionToken. Without them requests are not signed.
func credentialsOf(f *Fields) Credentials {
	c := Credentials{f.Text("accessKeyId", ""), f.Text("secretAccessKey", ""), f.Text("sessionToken", "")}
	if (c.AccessKeyID == "") != (c.SecretKey == "") {
		f.Fail("accessKeyId", "and secretAccessKey are given together or not at all")
	}
	return c
}

// nameOf returns a setting that names a stream or function; by default the resource of the pattern behind a prefix, when it has
// no "*".
func nameOf(f *Fields, t *Target, setting, prefix string) string {
	if !f.Has(setting) {
		if p, err := parsePattern(t.ARN); err == nil && !strings.Contains(p[5], "*") {
			if name, ok := strings.CutPrefix(p[5], prefix); ok && name != "" {
				return name
			}
		}
		f.Fail(setting, "is missing, and the ARN does not name one")
		return ""
	}
	return f.Required(setting)
}

// json calls an operation of a JSON service. Errors of the service become those of its codes.
func (c *awsCaller) json(ctx context.Context, target string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return refused("encoding the request: %w", err)
	}
	h := http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {target}}
	a, err := c.call(ctx, http.MethodPost, "", h, body)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(a.body, out); err != nil {
		return later("the target answered no JSON: %s", printable(a.body))
	}
	return nil
}

// call makes a signed request to a path below the endpoint.
func (c *awsCaller) call(ctx context.Context, method, path string, h http.Header, body []byte) (answer, error) {
	u := *c.endpoint
	u.User = nil
	u.Path = strings.TrimSuffix(u.Path, "/") + "/" + path
	c.keys.sign(method, &u, h, body, c.service, c.region, c.now())
	a, err := do(ctx, c.client, c.timeout, method, u.String(), h, body)
	if e, ok := err.(*Error); ok && a.status >= 400 {
		c.judge(e, a)
	}
	return a, err
}

// refusals are the codes that say that the record itself is wrong. Others of status 400 are about the caller, the stream or its
// state, which can change.
var refusals = []string{"ValidationException", "SerializationException", "InvalidArgumentException", "InvalidRequestContentException", "RequestTooLargeException"}

var throttles = []string{"ProvisionedThroughputExceededException", "ThrottlingException", "TooManyRequestsException", "LimitExceededException", "KMSThrottlingException", "Throttling"}

// judge decides by the code of an AWS error rather than by its status.
func (c *awsCaller) judge(e *Error, a answer) {
	var body struct {
		Type string `json:"__type"`
		Code string `json:"code"`
	}
	_ = json.Unmarshal(a.body, &body) // no JSON: no code
	code := body.Type
	if code == "" {
		code = body.Code
	}
	if code == "" {
		code = a.header.Get("X-Amzn-Errortype")
	}
	code, _, _ = strings.Cut(code, ":")
	if at := strings.LastIndexByte(code, '#'); at >= 0 {
		code = code[at+1:]
	}
	if code != "" && a.status < 500 {
		e.Retry = !oneOf(code, refusals) && a.status != http.StatusRequestEntityTooLarge
	}
	e.Throttled = e.Throttled || oneOf(code, throttles)
}

func oneOf(s string, all []string) bool {
	for _, x := range all {
		if s == x {
			return true
		}
	}
	return false
}

// recordResult is what a batch call says of one record.
type recordResult struct {
	ErrorCode    string
	ErrorMessage string
}

// failed returns the error of a record that was not taken.
func (r *recordResult) failed() *Error {
	return &Error{Retry: true, Throttled: oneOf(r.ErrorCode, throttles), Err: errorText("the target refused a record: " + r.ErrorCode + ": " + printable([]byte(r.ErrorMessage)))}
}

type errorText string

func (e errorText) Error() string { return string(e) }
