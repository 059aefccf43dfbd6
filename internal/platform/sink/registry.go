package sink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/cumulog/cumulog/internal/platform/objstore"
)

// Limits of the targets file.
const (
	MaxFile    = 1 << 20 // bytes
	MaxTargets = 1000
)

// Options are what connectors need of the server. The zero value makes every connector usable but those that write to
// buckets of the server or to its log.
type Options struct {
	Buckets objstore.Store // nil: targets of type s3 must name an endpoint
	// OpenBuckets returns a client of an S3 elsewhere; nil: targets of type s3 must not name an endpoint.
	OpenBuckets func(Endpoint) (objstore.Store, error)

	Getenv func(string) string // values of "${NAME}"; nil: there are none
	Logger *slog.Logger        // nil discards
	Now    func() time.Time    // nil means time.Now; dates of signatures and objects
	// HTTP makes the requests of all connectors that speak HTTP; nil means a client of the Registry's own, which follows
	// no redirections.
	HTTP *http.Client
}

// Endpoint is a service with an AWS-like API.
type Endpoint struct {
	URL         string
	Region      string
	PathStyle   bool // of S3
	Credentials Credentials
	// HTTP makes the requests; it is the Registry's or that of Options.
	HTTP *http.Client
}

// Credentials sign requests; the zero value leaves them unsigned.
type Credentials struct{ AccessKeyID, SecretKey, SessionToken string }

// connector opens the Sink of one entry of the targets file. It reads its settings with f, which collects what is wrong with
// them; the Sink is not used when anything is. It sets Place and the limits of the Target.
type connector func(f *Fields, o *Options, t *Target) Sink

// connectors is the table of the types of targets.
var connectors = map[string]connector{
	"firehose": openFirehose,
	"http":     openHTTP,
	"kafka":    openKafka,
	"kinesis":  openKinesis,
	"lambda":   openLambda,
	"log":      openLog,
	"nats":     openNATS,
	"s3":       openS3,
	"smtp":     openSMTP,
	"sns":      openSNS,
	"webhook":  openWebhook,
}

// entry is a target of the file.
type entry struct {
	pattern pattern
	target  Target
	sink    Sink
}

// Registry finds targets. It is safe for concurrent use. The zero value has none.
type Registry struct {
	entries []entry
	client  *http.Client
}

// Load reads a targets file. Its error names every mistake in it, one a line, with line and field.
func Load(r io.Reader, o Options) (*Registry, error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading the targets: %w", err)
	}
	if len(raw) > MaxFile {
		return nil, fmt.Errorf("a targets file has at most %d bytes", MaxFile)
	}
	reg := &Registry{}
	if o.HTTP == nil {
		reg.client = newClient()
		o.HTTP = reg.client
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	all, err := parseFile(raw, o.Getenv)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, f := range all {
		e, err := open(f, &o)
		if err != nil {
			errs = append(errs, err)
		}
		if e.sink != nil {
			reg.entries = append(reg.entries, e)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(append(errs, reg.Close())...)
	}
	return reg, nil
}

func open(f *Fields, o *Options) (e entry, err error) {
	e.target.ARN, e.target.Type = f.Required("arn"), f.Required("type")
	if e.target.ARN != "" {
		if e.pattern, err = parsePattern(e.target.ARN); err != nil {
			f.Fail("arn", "%q is %v", e.target.ARN, err)
		}
	}
	if make, ok := connectors[e.target.Type]; ok {
		e.sink = make(f, o, &e.target)
	} else if e.target.Type != "" {
		f.Fail("type", "%q is not a type of targets", e.target.Type)
		f.forgive()
	}
	return e, f.Err()
}

// Find returns the target of an ARN: of the first entry of the file whose pattern matches it. The Sink is shared and stays the
// Registry's.
func (r *Registry) Find(arn string) (Sink, Target, bool) {
	for i := range r.entries {
		if e := &r.entries[i]; e.pattern.match(arn) {
			return e.sink, e.target, true
		}
	}
	return nil, Target{}, false
}

// Targets returns the entries in the order of the file.
func (r *Registry) Targets() []Target {
	out := make([]Target, len(r.entries))
	for i := range r.entries {
		out[i] = r.entries[i].target
	}
	return out
}

// Close closes every Sink.
func (r *Registry) Close() error {
	var errs []error
	for i := range r.entries {
		if err := r.entries[i].sink.Close(); err != nil {
			errs = append(errs, fmt.Errorf("closing the target %s: %w", r.entries[i].target.ARN, err))
		}
	}
	if r.client != nil {
		r.client.CloseIdleConnections()
	}
	return errors.Join(errs...)
}

// newClient returns a client whose requests are bounded by their context. It follows no redirection: what is configured is
// where messages go.
func newClient() *http.Client {
	dialer := net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            func(ctx context.Context, n, a string) (net.Conn, error) { return dialer.DialContext(ctx, n, a) },
			TLSHandshakeTimeout:    10 * time.Second,
			MaxIdleConnsPerHost:    16,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			ForceAttemptHTTP2:      true,
		},
	}
}
