package sigv4

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// BodyOptions chooses what NewBody checks.
type BodyOptions struct {
	// IgnoreChecksum leaves x-amz-checksum-* headers alone: in
	// CompleteMultipartUpload they speak of the object, not of the body.
	IgnoreChecksum bool
}

// Body reads the decoded body of a request and checks it. The checks end with
// the body: only a Read that returns io.EOF says that everything was right, so
// a caller must not commit what it read before that. It is not safe for
// concurrent use. Errors are *Error, or those of the connection.
type Body struct {
	src     io.Reader // decoded bytes; returns io.EOF after its own checks
	size    int64     // declared decoded length, -1 when unknown
	read    int64
	sha     hash.Hash // compared with wantSHA
	wantSHA string
	md5     hash.Hash
	wantMD5 []byte
	sum     hash.Hash
	alg     Checksum
	want    string       // base64; from the trailer when chunks is set
	chunks  *chunkReader // nil for plain bodies
	err     error        // sticky
	value   string       // verified checksum
}

// NewBody wraps r.Body. a may be nil (an anonymous request) or unverified (open
// mode); then no signature is checked but everything else is.
func NewBody(r *http.Request, a *Auth, o BodyOptions) (*Body, error) {
	b := &Body{src: r.Body, size: r.ContentLength}
	if r.Body == nil {
		b.src = http.NoBody
	}
	payload := r.Header.Get("X-Amz-Content-Sha256")
	if a != nil && a.Presigned && a.PayloadHash != "" {
		payload = a.PayloadHash
	}
	if err := b.setDigests(r.Header, o); err != nil {
		return nil, err
	}
	switch {
	case strings.HasPrefix(payload, "STREAMING-"):
		if err := b.setChunks(r, a, payload, o); err != nil {
			return nil, err
		}
	case payload == unsignedPayload:
	case payload != "":
		if len(payload) != 64 || !hexDigits(strings.ToLower(payload)) {
			return nil, refuse(InvalidPayloadHash, "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, or a valid sha256 value.")
		}
		b.sha, b.wantSHA = sha256.New(), strings.ToLower(payload)
	}
	return b, nil
}

func (b *Body) setDigests(h http.Header, o BodyOptions) error {
	if h.Values("Content-Md5") != nil {
		raw, err := base64.StdEncoding.DecodeString(h.Get("Content-Md5"))
		if err != nil || len(raw) != md5.Size {
			return refuse(InvalidDigest, "The Content-MD5 you specified was invalid.")
		}
		b.md5, b.wantMD5 = md5.New(), raw
	}
	if o.IgnoreChecksum {
		return nil
	}
	alg, value, err := HeaderChecksum(h)
	if err != nil {
		return err
	}
	if alg != "" {
		b.alg, b.want, b.sum = alg, value, alg.New()
	}
	return nil
}

func (b *Body) setChunks(r *http.Request, a *Auth, payload string, o BodyOptions) error {
	c := &chunkReader{}
	switch payload {
	case streamingSigned:
		c.signed = true
	case streamingSignedTrailer:
		c.signed, c.trailer = true, true
	case streamingUnsigned:
		c.trailer = true
	default:
		return refuse(InvalidPayloadHash, "x-amz-content-sha256 "+strconv.Quote(clip(payload))+" is not supported.")
	}
	length := r.Header.Get("X-Amz-Decoded-Content-Length")
	if length == "" {
		return refuse(MissingLength, "You must provide the Content-Length HTTP header.")
	}
	n, err := strconv.ParseInt(length, 10, 64)
	if err != nil || n < 0 {
		return refuse(MissingLength, "x-amz-decoded-content-length is not a number.")
	}
	b.size = n
	if c.trailer && !o.IgnoreChecksum {
		for name := range strings.SplitSeq(r.Header.Get("X-Amz-Trailer"), ",") {
			name = strings.ToLower(strings.TrimSpace(name))
			if name == "" {
				continue
			}
			alg, ok := ParseChecksum(strings.TrimPrefix(name, "x-amz-checksum-"))
			if !ok || !strings.HasPrefix(name, "x-amz-checksum-") {
				return refuse(UnsupportedChecksum, "The value specified in the x-amz-trailer header is not supported: "+strconv.Quote(clip(name)))
			}
			if b.alg != "" {
				return refuse(UnsupportedChecksum, "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
			}
			b.alg, b.sum = alg, alg.New()
		}
	}
	if c.signed && a.Verified() {
		c.key, c.stamp, c.scope, c.previous = a.key, a.Stamp, a.scope(), a.Signature
	}
	c.init(b.src, n)
	b.src, b.chunks = c, c
	return nil
}

// Size returns the length of the decoded body as the request declares it, or
// -1 when it declares none.
func (b *Body) Size() int64 { return b.size }

// Checksum returns the algorithm and the base64 value that were sent with the
// body and verified; "" without one, or before io.EOF.
func (b *Body) Checksum() (Checksum, string) {
	if b.value == "" {
		return "", ""
	}
	return b.alg, b.value
}

// Read implements io.Reader.
func (b *Body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.src.Read(p)
	if n > 0 {
		b.read += int64(n)
		if b.sha != nil {
			b.sha.Write(p[:n])
		}
		if b.md5 != nil {
			b.md5.Write(p[:n])
		}
		if b.sum != nil {
			b.sum.Write(p[:n])
		}
	}
	if err != nil {
		b.err = b.finish(err)
		return n, b.err
	}
	return n, nil
}

func (b *Body) finish(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return refuse(IncompleteBody, "You did not provide the number of bytes specified by the Content-Length HTTP header")
	}
	if !errors.Is(err, io.EOF) {
		return err
	}
	if b.size >= 0 && b.read != b.size {
		return refuse(IncompleteBody, "You did not provide the number of bytes specified by the Content-Length HTTP header")
	}
	if b.sha != nil {
		if got := hex.EncodeToString(b.sha.Sum(nil)); subtle.ConstantTimeCompare([]byte(got), []byte(b.wantSHA)) != 1 {
			return refuse(PayloadMismatch, "The provided 'x-amz-content-sha256' header does not match what was computed.")
		}
	}
	if b.md5 != nil && subtle.ConstantTimeCompare(b.md5.Sum(nil), b.wantMD5) != 1 {
		return refuse(BadDigest, "The Content-MD5 you specified did not match what we received.")
	}
	if b.sum == nil {
		return io.EOF
	}
	want := b.want
	if want == "" {
		want = b.chunks.trailers[b.alg.Header()]
		if want == "" {
			return refuse(MalformedTrailer, "The request contained trailing data that was not well-formed or did not conform to our published schema.")
		}
		if err := checkForm(b.alg, want); err != nil {
			return err
		}
	}
	if got := base64.StdEncoding.EncodeToString(b.sum.Sum(nil)); got != want {
		return refuse(BadDigest, "The "+b.alg.Upper()+" you specified did not match the calculated checksum.")
	}
	b.value = want
	return io.EOF
}
