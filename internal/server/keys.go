package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/access"
)

// Key is an access key as commands see it. Secret is empty but for a key that was just made.
type Key struct {
	ID, Secret, Account, Description string
	Created                          time.Time
}

// Keys manages the access keys of a data directory: by itself while no server holds the directory, through the running server
// otherwise. Close it when done.
type Keys struct {
	local  *access.Service // nil: remote
	remote *adminClient
	close  func() error
}

// OpenKeys gives access to the keys of the data directory dir, which is made when it is missing. The error wraps ErrBusy when a
// process holds the directory but cannot be reached.
func OpenKeys(ctx context.Context, dir string) (*Keys, error) {
	lock, err := acquire(vfs.OS(), dir)
	if errors.Is(err, ErrBusy) {
		f, ok := readServerFile(dir)
		if !ok {
			return nil, err
		}
		return &Keys{remote: newAdminClient(f), close: func() error { return nil }}, nil
	}
	if err != nil {
		return nil, err
	}
	db, err := openCatalog(ctx, dir)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &Keys{local: access.New(db, nil), close: func() error { return errors.Join(db.Close(), lock.Close()) }}, nil
}

// OpenExistingKeys is OpenKeys for a directory that a server has used; the error wraps ErrNoData when there is none.
func OpenExistingKeys(ctx context.Context, dir string) (*Keys, error) {
	if err := used(vfs.OS(), dir); err != nil {
		return nil, err
	}
	return OpenKeys(ctx, dir)
}

// Close gives the directory back.
func (k *Keys) Close() error { return k.close() }

// Create makes a key for a 12-digit account.
func (k *Keys) Create(ctx context.Context, account, description string) (Key, error) {
	if k.local == nil {
		var out keyView
		err := k.remote.call(ctx, http.MethodPost, "/_/api/keys", newKey{account, description}, &out)
		return out.key(), err
	}
	made, err := k.local.Create(ctx, account, description)
	if err != nil {
		return Key{}, err
	}
	return Key{ID: made.ID, Secret: made.Secret, Account: made.Account, Description: made.Description, Created: made.Created}, nil
}

// List returns all keys without their secrets, oldest first.
func (k *Keys) List(ctx context.Context) ([]Key, error) {
	var out []Key
	if k.local == nil {
		var views []keyView
		if err := k.remote.call(ctx, http.MethodGet, "/_/api/keys", nil, &views); err != nil {
			return nil, err
		}
		for _, v := range views {
			out = append(out, v.key())
		}
		return out, nil
	}
	all, err := k.local.List(ctx)
	for _, a := range all {
		out = append(out, Key{ID: a.ID, Account: a.Account, Description: a.Description, Created: a.Created})
	}
	return out, err
}

// Delete removes a key.
func (k *Keys) Delete(ctx context.Context, id string) error {
	if k.local == nil {
		return k.remote.call(ctx, http.MethodDelete, "/_/api/keys/"+url.PathEscape(id), nil, nil)
	}
	return k.local.Delete(ctx, id)
}

func (v keyView) key() Key { return Key(v) }

// adminClient calls the admin API of a running server.
type adminClient struct {
	base, token string
	http        *http.Client
}

// maxAdminAnswer bounds what is read of an answer.
const maxAdminAnswer = 16 << 20

// newAdminClient trusts exactly the certificate that the server file names: it is often self-signed or made out to another name.
func newAdminClient(f serverFile) *adminClient {
	transport := &http.Transport{Proxy: nil}
	if f.Certificate != "" {
		transport.TLSClientConfig = &tls.Config{
			InsecureSkipVerify: true, // replaced by the comparison below
			VerifyConnection: func(s tls.ConnectionState) error {
				if len(s.PeerCertificates) == 0 || fingerprint(s.PeerCertificates[0].Raw) != f.Certificate {
					return errors.New("the server's certificate is not the one its data directory names")
				}
				return nil
			},
		}
	}
	return &adminClient{base: f.URL, token: f.Token, http: &http.Client{Transport: transport, Timeout: 30 * time.Second}}
}

func (a *adminClient) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("encoding the request: %w", err)
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, a.base+path, body)
	if err != nil {
		return fmt.Errorf("making the request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	resp, err := a.http.Do(req)
	if err != nil {
		return fmt.Errorf("reaching the running server: %w", err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAdminAnswer))
	if err != nil {
		return fmt.Errorf("reading the server's answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		var failure adminError
		if json.Unmarshal(raw, &failure) != nil || failure.Message == "" {
			return fmt.Errorf("the running server answered HTTP %d", resp.StatusCode)
		}
		return &failure
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("reading the server's answer: %w", err)
	}
	return nil
}
