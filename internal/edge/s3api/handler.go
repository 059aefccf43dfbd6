package s3api

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/cumulog/cumulog/internal/edge/awshttp"
	"github.com/cumulog/cumulog/internal/edge/sigv4"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/objects"
)

// Options configures New.
type Options struct {
	Objects  *objects.Service
	Verifier *sigv4.Verifier // nil means open mode: signatures are not checked
	Account  string          // of anonymous and open requests
	Region   string          // of anonymous requests; "" means us-east-1
	Domains  []string        // further base domains of virtual-host style, without a leading dot
	Logger   *slog.Logger    // nil means slog.Default()
}

// Handler serves S3. It is safe for concurrent use.
type Handler struct {
	objects  *objects.Service
	verifier *sigv4.Verifier
	open     awshttp.Authenticator
	domains  []string
	logger   *slog.Logger
}

// New returns the S3 handler.
func New(o Options) *Handler {
	h := &Handler{objects: o.Objects, verifier: o.Verifier, open: awshttp.Open(o.Account, o.Region), logger: o.Logger}
	for _, d := range o.Domains {
		h.domains = append(h.domains, strings.ToLower(strings.Trim(d, ".")))
	}
	if h.logger == nil {
		h.logger = slog.Default()
	}
	return h
}

// call is one request on its way through an operation.
type call struct {
	h           *Handler
	r           *http.Request
	ctx         context.Context
	scope       logs.Scope
	auth        *sigv4.Auth // nil when anonymous
	query       url.Values
	bucket, key string
	op          string
	requestID   string
}

// reply is what an operation answers. Without body and xml it is empty.
type reply struct {
	status int // 0 means 200
	header http.Header
	xml    []byte
	body   io.ReadCloser // closed by the writer
	length int64         // of body, or of the object for HEAD
	head   bool          // length is announced, nothing is sent
}

func newReply() *reply { return &reply{header: http.Header{}} }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	promptEmpty(w, r)
	var id [40]byte
	rand.Read(id[:])
	c := &call{h: h, r: r, ctx: r.Context(), requestID: strings.ToUpper(hex.EncodeToString(id[:8]))}
	header := w.Header()
	header.Set("X-Amz-Request-Id", c.requestID)
	header.Set("X-Amz-Id-2", base64.StdEncoding.EncodeToString(id[8:]))
	defer func() {
		if v := recover(); v != nil {
			if v == http.ErrAbortHandler {
				panic(v)
			}
			h.logger.Error("s3 request panicked", "operation", c.op, "request_id", c.requestID, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			h.writeError(w, c, errInternal)
		}
	}()
	rep, err := h.run(c)
	if err != nil {
		h.writeError(w, c, err)
		return
	}
	h.write(w, c, rep)
}

// promptEmpty sends 100 Continue for an empty body, which net/http leaves out.
// S3 sends it; botocore takes a final answer without it for the end of the
// connection's Expect handling and misreads the next answer.
func promptEmpty(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength == 0 && r.ProtoAtLeast(1, 1) && strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
		w.WriteHeader(http.StatusContinue)
	}
}

func (h *Handler) run(c *call) (*reply, error) {
	var err error
	if c.query, err = url.ParseQuery(c.r.URL.RawQuery); err != nil {
		return nil, &apiError{Code: "InvalidURI", Status: 400, Message: "Couldn't parse the specified URI."}
	}
	c.bucket, c.key = h.address(c.r)
	if err := h.authenticate(c); err != nil {
		return nil, err
	}
	c.hoisted()
	op, err := c.route()
	if err != nil {
		return nil, err
	}
	if err := c.refuseUnsupported(); err != nil {
		return nil, err
	}
	if want := c.r.Header.Get("X-Amz-Expected-Bucket-Owner"); want != "" && want != c.scope.Account {
		return nil, objects.ErrAccessDenied
	}
	return op(c)
}

// hoisted makes headers of the x-amz-* query parameters: presigners move
// headers into the query, where the signature covers them too. S3 ignores
// checksums there: the SDK for JavaScript signs that of an empty body.
func (c *call) hoisted() {
	for name, values := range c.query {
		lower := strings.ToLower(name)
		if !strings.HasPrefix(lower, "x-amz-") || len(values) == 0 || c.r.Header.Get(name) != "" {
			continue
		}
		switch lower {
		case "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signedheaders",
			"x-amz-signature", "x-amz-security-token", "x-amz-content-sha256", "x-amz-user-agent", "x-amz-sdk-checksum-algorithm":
		default:
			if strings.HasPrefix(lower, "x-amz-checksum-") && lower != "x-amz-checksum-mode" {
				continue
			}
			c.r.Header.Set(name, values[0])
		}
	}
}

func (h *Handler) authenticate(c *call) error {
	if h.verifier == nil {
		id, err := h.open.Authenticate(c.r, nil)
		if err != nil {
			return err
		}
		c.scope = logs.Scope{Account: id.Account, Region: id.Region}
		if sigv4.Present(c.r) {
			// Authenticate has parsed it already; it cannot fail now.
			c.auth, err = sigv4.Parse(c.r)
		}
		return err
	}
	a, err := h.verifier.VerifyRequest(c.ctx, c.r)
	if err != nil {
		return err
	}
	if a.Service != "s3" {
		return &sigv4.Error{Kind: sigv4.Incomplete, Message: "The authorization header is malformed; incorrect service. This endpoint belongs to \"s3\"."}
	}
	c.auth, c.scope = a, logs.Scope{Account: a.Account, Region: a.Region}
	return nil
}

// address finds bucket and key in Host and path.
func (h *Handler) address(r *http.Request) (bucket, key string) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	if bucket = h.hostBucket(r.Host); bucket != "" {
		return bucket, path
	}
	bucket, key, _ = strings.Cut(path, "/")
	return bucket, key
}

func (h *Handler) hostBucket(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.Contains(host[i:], "]") {
		host = host[:i]
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, d := range h.domains {
		if host == d {
			return ""
		}
		if b, ok := strings.CutSuffix(host, "."+d); ok {
			return b
		}
	}
	if i := strings.LastIndex(host, ".s3."); i > 0 {
		return host[:i]
	}
	if i := strings.LastIndex(host, ".s3-"); i > 0 {
		return host[:i]
	}
	if strings.HasPrefix(host, "s3.") || strings.HasPrefix(host, "s3-") {
		return ""
	}
	b, ok := strings.CutSuffix(host, ".localhost")
	if !ok {
		return ""
	}
	return b
}

// write sends a success.
func (h *Handler) write(w http.ResponseWriter, c *call, rep *reply) {
	if rep.body != nil {
		defer rep.body.Close()
	}
	header := w.Header()
	for name, values := range rep.header {
		header[name] = values
	}
	status := rep.status
	if status == 0 {
		status = http.StatusOK
	}
	switch {
	case rep.xml != nil:
		header.Set("Content-Type", "application/xml")
		header.Set("Content-Length", strconv.Itoa(len(rep.xml)))
		w.WriteHeader(status)
		_, _ = w.Write(rep.xml) // the client is gone if this fails
	case rep.body != nil:
		header.Set("Content-Length", strconv.FormatInt(rep.length, 10))
		w.WriteHeader(status)
		if n, err := io.Copy(w, rep.body); err != nil || n != rep.length {
			// The status is out: only a broken connection tells the client.
			if c.ctx.Err() == nil && err != nil {
				h.logger.Warn("s3 answer was cut", "operation", c.op, "request_id", c.requestID, "error", err)
			}
			panic(http.ErrAbortHandler)
		}
	case rep.head:
		header.Set("Content-Length", strconv.FormatInt(rep.length, 10))
		w.WriteHeader(status)
	default:
		if status != http.StatusNoContent {
			header.Set("Content-Length", "0")
		}
		w.WriteHeader(status)
	}
}

// writeError is the one place that answers a failure.
func (h *Handler) writeError(w http.ResponseWriter, c *call, err error) {
	e := mapError(err)
	if e == nil {
		if c.ctx.Err() != nil && errors.Is(err, c.ctx.Err()) {
			panic(http.ErrAbortHandler) // the client is gone
		}
		h.logger.Error("s3 request failed", "operation", c.op, "request_id", c.requestID, "error", err)
		e = errInternal
	}
	header := w.Header()
	for name, values := range e.Header {
		header[name] = values
	}
	if e.Status == http.StatusNotModified {
		w.WriteHeader(e.Status)
		return
	}
	if c.bucket != "" && e.Code != "NoSuchBucket" && header.Get("X-Amz-Bucket-Region") == "" {
		if b, berr := h.objects.Bucket(c.ctx, c.scope, c.bucket); berr == nil && b.Region != "" {
			header.Set("X-Amz-Bucket-Region", b.Region)
		}
	}
	body := e.render(c)
	header.Set("Content-Type", "application/xml")
	if c.r.Method == http.MethodHead {
		w.WriteHeader(e.Status)
		return
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(e.Status)
	_, _ = w.Write(body)
}
