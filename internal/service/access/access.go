// Package access owns the access keys by which requests are signed: it makes,
// lists, deletes and looks them up in the catalog. Checking signatures is
// internal/edge/sigv4's work.
package access

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// Errors that callers tell apart.
var (
	ErrNotFound       = errors.New("access key does not exist")
	ErrBadAccount     = errors.New("account must be twelve digits")
	ErrBadDescription = errors.New("description must be valid UTF-8 of at most 256 bytes")
	ErrUnavailable    = errors.New("storage unavailable")
)

// MaxDescription bounds the description of a key in bytes.
const MaxDescription = 256

// Key is a pair of credentials.
type Key struct {
	ID          string // 20 characters, begins with AKIA
	Secret      string // 40 characters
	Account     string // the account that its requests belong to
	Description string
	Created     time.Time
}

// Service manages access keys. Its methods may be called from many goroutines.
type Service struct {
	catalog *catalog.DB
	now     func() time.Time

	mu   sync.RWMutex
	keys map[string]Key // all of them; nil until they are read
}

// New returns a Service over an open catalog. now is the clock of creation
// times; time.Now when nil.
func New(db *catalog.DB, now func() time.Time) *Service {
	if now == nil {
		now = time.Now
	}
	return &Service{catalog: db, now: now}
}

// Create makes a key for an account. The secret is shown nowhere but here and
// in List. ErrBadAccount, ErrBadDescription, ErrUnavailable.
func (s *Service) Create(ctx context.Context, account, description string) (Key, error) {
	if !isAccount(account) {
		return Key{}, ErrBadAccount
	}
	if len(description) > MaxDescription || !utf8.ValidString(description) {
		return Key{}, ErrBadDescription
	}
	k := Key{ID: newID(), Secret: newSecret(), Account: account, Description: description, Created: s.now().UTC().Truncate(time.Millisecond)}
	err := s.catalog.CreateKey(ctx, catalog.AccessKey{
		ID: k.ID, Secret: k.Secret, Account: k.Account, Description: k.Description, CreatedMS: k.Created.UnixMilli(),
	})
	s.forget()
	if err != nil {
		return Key{}, translate(err)
	}
	return k, nil
}

// List returns all keys in the order of their creation. ErrUnavailable.
func (s *Service) List(ctx context.Context) ([]Key, error) {
	rows, err := s.catalog.Keys(ctx)
	if err != nil {
		return nil, translate(err)
	}
	keys := make([]Key, len(rows))
	for i, r := range rows {
		keys[i] = fromRow(r)
	}
	return keys, nil
}

// Delete removes a key; requests signed with it are refused from then on.
// ErrNotFound, ErrUnavailable.
func (s *Service) Delete(ctx context.Context, id string) error {
	err := s.catalog.DeleteKey(ctx, id)
	s.forget()
	return translate(err)
}

// Lookup returns the secret and the account of a key. It answers from memory
// once the keys are read. ErrNotFound, ErrUnavailable.
func (s *Service) Lookup(ctx context.Context, id string) (secret, account string, err error) {
	s.mu.RLock()
	keys := s.keys
	s.mu.RUnlock()
	if keys == nil {
		if keys, err = s.load(ctx); err != nil {
			return "", "", err
		}
	}
	k, ok := keys[id]
	if !ok {
		return "", "", ErrNotFound
	}
	return k.Secret, k.Account, nil
}

// load reads the keys under the lock, so that a change made meanwhile drops
// what was read.
func (s *Service) load(ctx context.Context) (map[string]Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys != nil {
		return s.keys, nil
	}
	list, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	keys := make(map[string]Key, len(list))
	for _, k := range list {
		keys[k.ID] = k
	}
	s.keys = keys
	return keys, nil
}

// forget makes the next Lookup read the keys again. It is called after a
// change is committed.
func (s *Service) forget() {
	s.mu.Lock()
	s.keys = nil
	s.mu.Unlock()
}

func fromRow(r catalog.AccessKey) Key {
	return Key{ID: r.ID, Secret: r.Secret, Account: r.Account, Description: r.Description, Created: time.UnixMilli(r.CreatedMS).UTC()}
}

func isAccount(s string) bool {
	if len(s) != 12 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// newID returns AKIA and 16 random characters of base 32, as AWS's ids look.
func newID() string {
	var b [10]byte
	rand.Read(b[:])
	return "AKIA" + base32.StdEncoding.EncodeToString(b[:])
}

// newSecret returns 40 random characters of base 64.
func newSecret() string {
	var b [30]byte
	rand.Read(b[:])
	return base64.StdEncoding.EncodeToString(b[:])
}

func translate(err error) error {
	switch {
	case errors.Is(err, catalog.ErrNotFound):
		return ErrNotFound
	case errors.Is(err, catalog.ErrFull):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}
