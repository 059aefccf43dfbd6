package awshttp

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/sigv4"
)

// Identity is what authentication found out.
type Identity struct {
	Account   string // twelve digits
	Region    string
	AccessKey string // "" for an unsigned request
	Service   string // of the credential scope; "" for an unsigned request
}

// Authenticator finds out who sent a request. body is what was received,
// before any decompression. An error is a *sigv4.Error or an
// *awsproto.Error when the client may see it. Implementations are safe for concurrent use.
type Authenticator interface {
	Authenticate(r *http.Request, body []byte) (Identity, error)
}

// DefaultRegion is the region of requests that name none.
const DefaultRegion = "us-east-1"

type open struct{ account, region string }

// Open returns the authenticator of --auth open: it verifies nothing. The
// region is that of the credential scope, else region ("" means
// DefaultRegion). The account is account, unless the access key is twelve digits:
// then it is that account, a convention that clients of other emulators use.
// Credentials that cannot be parsed are refused, since they are a client's
// mistake that real AWS would refuse.
func Open(account, region string) Authenticator {
	if region == "" {
		region = DefaultRegion
	}
	return open{account: account, region: region}
}

func (o open) Authenticate(r *http.Request, _ []byte) (Identity, error) {
	id := Identity{Account: o.account, Region: o.region}
	if !sigv4.Present(r) {
		return id, nil
	}
	a, err := sigv4.Parse(r)
	if err != nil {
		if sigv4.KindOf(err) == sigv4.Missing {
			return id, nil
		}
		return Identity{}, err
	}
	id.AccessKey, id.Service = a.AccessKey, a.Service
	if isAccount(a.AccessKey) {
		id.Account = a.AccessKey
	}
	return id.in(a.Region)
}

type required struct {
	verify func(ctx context.Context, r *http.Request, body []byte) (*sigv4.Auth, error)
}

// Required returns the authenticator of --auth required: it verifies the
// signature in full.
func Required(v *sigv4.Verifier) Authenticator { return required{v.Verify} }

func (q required) Authenticate(r *http.Request, body []byte) (Identity, error) {
	a, err := q.verify(r.Context(), r, body)
	if err != nil {
		return Identity{}, err
	}
	id := Identity{Account: a.Account, AccessKey: a.AccessKey, Service: a.Service}
	return id.in(a.Region)
}

// in sets the region, which becomes part of ARNs and keys.
func (id Identity) in(region string) (Identity, error) {
	if region == "" {
		return id, nil
	}
	ok := len(region) <= 64
	for _, c := range []byte(region) {
		ok = ok && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-')
	}
	if !ok {
		return Identity{}, &sigv4.Error{Kind: sigv4.Incomplete, Message: "Credential should be scoped to a valid region."}
	}
	id.Region = region
	return id, nil
}

func isAccount(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

// checkService demands that a signed request is scoped to the service it
// calls, since the signature of one service must not serve another.
func (id Identity) checkService(service string) error {
	if id.Service == "" || service == "" || id.Service == service {
		return nil
	}
	return &sigv4.Error{Kind: sigv4.Mismatch, Message: "Credential should be scoped to correct service: '" + service + "'."}
}

// authError returns the wire form of an authentication failure that clients
// may see, or nil.
func authError(err error, render func(*sigv4.Error) (code string, status int)) *awsproto.Error {
	if e, ok := errors.AsType[*sigv4.Error](err); ok {
		code, status := render(e)
		return &awsproto.Error{Code: code, Message: e.Message, Status: status}
	}
	if e, ok := errors.AsType[*awsproto.Error](err); ok {
		return e
	}
	return nil
}
