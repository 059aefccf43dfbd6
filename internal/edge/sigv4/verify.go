package sigv4

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Keys finds the secret and account of an access key.
type Keys interface {
	// Lookup returns an error that matches Verifier.NotFound when the key
	// does not exist; any other error is passed to the caller unchanged.
	Lookup(ctx context.Context, accessKeyID string) (secret, account string, err error)
}

// The clock differences that are accepted.
const (
	SkewJSON = 5 * time.Minute
	SkewS3   = 15 * time.Minute
)

// Verifier checks signatures. It is safe for concurrent use; the fields must
// not be changed after the first call.
type Verifier struct {
	Keys     Keys
	NotFound error            // sentinel of Keys for an unknown key
	Now      func() time.Time // nil means time.Now

	mu   sync.Mutex
	keys map[keyID][]byte
}

type keyID struct{ access, secret, date, region, service string }

// maxKeys bounds the cache of derived signing keys; a full cache is dropped.
const maxKeys = 4096

const (
	unsignedPayload        = "UNSIGNED-PAYLOAD"
	streamingSigned        = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	streamingSignedTrailer = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	streamingUnsigned      = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	emptyHash              = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// Verify authenticates a request whose body is in memory, for the JSON and
// query services: body is what was received, before any content decoding.
// The returned Auth is verified and has its Account set. Errors that the
// client must see are *Error.
func (v *Verifier) Verify(ctx context.Context, r *http.Request, body []byte) (*Auth, error) {
	a, err := Parse(r)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	switch {
	case a.PayloadHash == "" || a.PayloadHash == unsignedPayload:
		// The body is signed as its hash, or is declared unsigned (clients
		// do so over TLS only); then the constant itself is what is signed.
		if a.PayloadHash != "" {
			hash = a.PayloadHash
		}
	case a.PayloadHash != hash:
		return nil, refuse(PayloadMismatch, textMismatch)
	}
	if err := v.check(ctx, r, a, hash, SkewJSON); err != nil {
		return nil, err
	}
	return a, nil
}

// VerifyRequest authenticates an S3 request by its head. The body is not
// touched: read it through NewBody(r, auth), which checks what the head
// promises.
func (v *Verifier) VerifyRequest(ctx context.Context, r *http.Request) (*Auth, error) {
	a, err := Parse(r)
	if err != nil {
		return nil, err
	}
	hash := a.PayloadHash
	if hash == "" {
		if !a.Presigned {
			return nil, refuse(InvalidPayloadHash, "Missing required header for this request: x-amz-content-sha256")
		}
		hash = unsignedPayload
	}
	if err := v.check(ctx, r, a, hash, SkewS3); err != nil {
		return nil, err
	}
	return a, nil
}

func (v *Verifier) check(ctx context.Context, r *http.Request, a *Auth, hash string, skew time.Duration) error {
	if err := checkSigned(r, a); err != nil {
		return err
	}
	secret, account, err := v.Keys.Lookup(ctx, a.AccessKey)
	switch {
	case err != nil && v.NotFound != nil && errors.Is(err, v.NotFound):
		return refuse(UnknownKey, textUnknown)
	case err != nil:
		return fmt.Errorf("look up access key: %w", err)
	case a.Token != "":
		return refuse(InvalidToken, textUnknown)
	}
	if err := v.checkTime(a, skew); err != nil {
		return err
	}
	key := v.signingKey(a, secret)
	var buf []byte
	for _, path := range canonicalPaths(r, a.Service) {
		if buf, err = appendCanonicalRequest(buf[:0], r, a, path, hash); err != nil {
			return err
		}
		sum := sha256.Sum256(buf)
		want := hmacHex(key, algorithm, a.Stamp, a.scope(), hex.EncodeToString(sum[:]))
		if subtle.ConstantTimeCompare([]byte(want), []byte(a.Signature)) == 1 {
			a.key, a.Account, a.verified = key, account, true
			return nil
		}
	}
	return refuse(Mismatch, textMismatch)
}

// checkSigned demands that host and every x-amz-* header that is present are
// signed; else a request in flight could be changed.
func checkSigned(r *http.Request, a *Auth) error {
	if !slices.Contains(a.SignedHeaders, "host") {
		return refuse(HeadersNotSigned, "There were headers present in the request which were not signed: host")
	}
	for name := range r.Header {
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "x-amz-") && !slices.Contains(a.SignedHeaders, lower) {
			return refuse(HeadersNotSigned, "There were headers present in the request which were not signed: "+clip(lower))
		}
	}
	return nil
}

func (v *Verifier) checkTime(a *Auth, skew time.Duration) error {
	now := time.Now()
	if v.Now != nil {
		now = v.Now()
	}
	now = now.UTC()
	limit := fmt.Sprintf(" - %d min.)", int(skew/time.Minute))
	if a.Presigned {
		if a.Time.After(now.Add(skew)) {
			return refuse(NotYetValid, "Request is not valid yet")
		}
		if now.After(a.Time.Add(a.Expires)) {
			return refuse(Expired, "Request has expired")
		}
		return nil
	}
	switch {
	case a.Time.Before(now.Add(-skew)):
		if skew == SkewS3 {
			return refuse(Skewed, "The difference between the request time and the current time is too large.")
		}
		return refuse(Skewed, "Signature expired: "+a.Stamp+" is now earlier than "+now.Add(-skew).Format(timeFormat)+" ("+now.Format(timeFormat)+limit)
	case a.Time.After(now.Add(skew)):
		if skew == SkewS3 {
			return refuse(Skewed, "The difference between the request time and the current time is too large.")
		}
		return refuse(Skewed, "Signature not yet current: "+a.Stamp+" is still later than "+now.Add(skew).Format(timeFormat)+" ("+now.Format(timeFormat)+strings.Replace(limit, "-", "+", 1))
	}
	return nil
}

func (a *Auth) scope() string {
	return a.Date + "/" + a.Region + "/" + a.Service + "/aws4_request"
}

// signingKey derives the key of the scope, or finds it among those derived
// before. The secret is part of the cache key, so a key that is replaced is
// never served stale.
func (v *Verifier) signingKey(a *Auth, secret string) []byte {
	id := keyID{a.AccessKey, secret, a.Date, a.Region, a.Service}
	v.mu.Lock()
	key, ok := v.keys[id]
	v.mu.Unlock()
	if ok {
		return key
	}
	key = deriveKey(secret, a.Date, a.Region, a.Service)
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.keys == nil || len(v.keys) >= maxKeys {
		v.keys = make(map[keyID][]byte)
	}
	// Clone so that the cache does not pin the memory of a whole header.
	id.access, id.date = strings.Clone(id.access), strings.Clone(id.date)
	id.region, id.service = strings.Clone(id.region), strings.Clone(id.service)
	v.keys[id] = key
	return key
}

func deriveKey(secret, date, region, service string) []byte {
	key := hmacSum([]byte("AWS4"+secret), date)
	key = hmacSum(key, region)
	key = hmacSum(key, service)
	return hmacSum(key, "aws4_request")
}

func hmacSum(key []byte, s string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(s))
	return h.Sum(nil)
}

// hmacHex signs the lines joined by newlines.
func hmacHex(key []byte, lines ...string) string {
	return hex.EncodeToString(hmacSum(key, strings.Join(lines, "\n")))
}
