package access_test

import (
	"context"
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/service/access"
)

const account = "123456789012"

func newService(t *testing.T) *access.Service {
	t.Helper()
	db, err := catalog.Open(context.Background(), filepath.Join(t.TempDir(), "catalog.db"), catalog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return access.New(db, func() time.Time { return time.UnixMilli(1_700_000_000_123) })
}

func TestKeyLife(t *testing.T) {
	ctx := context.Background()
	s := newService(t)
	if _, _, err := s.Lookup(ctx, "AKIAUNKNOWN"); !errors.Is(err, access.ErrNotFound) {
		t.Fatalf("lookup of an unknown key: %v", err)
	}
	k, err := s.Create(ctx, account, "agent on web-1")
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^AKIA[A-Z2-7]{16}$`).MatchString(k.ID) || !regexp.MustCompile(`^[A-Za-z0-9+/]{40}$`).MatchString(k.Secret) {
		t.Errorf("key looks wrong: %s, secret of %d characters", k.ID, len(k.Secret))
	}
	secret, acct, err := s.Lookup(ctx, k.ID)
	if err != nil || secret != k.Secret || acct != account {
		t.Errorf("lookup: account %s, same secret %v, %v", acct, secret == k.Secret, err)
	}
	list, err := s.List(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]access.Key{k}, list); d != "" {
		t.Errorf("list (-want +got):\n%s", d)
	}
	if err := s.Delete(ctx, k.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(ctx, k.ID); !errors.Is(err, access.ErrNotFound) {
		t.Errorf("second delete: %v", err)
	}
	if _, _, err := s.Lookup(ctx, k.ID); !errors.Is(err, access.ErrNotFound) {
		t.Errorf("lookup of a deleted key: %v", err)
	}
}

func TestCreateRefuses(t *testing.T) {
	ctx := context.Background()
	s := newService(t)
	refused := func(account, description string, want error) {
		t.Helper()
		if k, err := s.Create(ctx, account, description); !errors.Is(err, want) {
			t.Errorf("account %q, description of %d bytes: got %+v, %v; want %v", account, len(description), k.ID, err, want)
		}
	}
	refused("", "", access.ErrBadAccount)
	refused("12345678901", "", access.ErrBadAccount)
	refused("1234567890123", "", access.ErrBadAccount)
	refused("12345678901x", "", access.ErrBadAccount)
	refused(account, strings.Repeat("d", access.MaxDescription+1), access.ErrBadDescription)
	refused(account, "\xff", access.ErrBadDescription)
	if _, err := s.Create(ctx, account, strings.Repeat("d", access.MaxDescription)); err != nil {
		t.Errorf("longest description: %v", err)
	}
}

func TestDeletedKeyIsNeverFoundAgain(t *testing.T) {
	ctx := context.Background()
	s := newService(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				k, err := s.Create(ctx, account, "")
				if err != nil {
					t.Error(err)
					return
				}
				if _, _, err := s.Lookup(ctx, k.ID); err != nil {
					t.Errorf("lookup after create: %v", err)
				}
				if err := s.Delete(ctx, k.ID); err != nil {
					t.Error(err)
				}
				if _, _, err := s.Lookup(ctx, k.ID); !errors.Is(err, access.ErrNotFound) {
					t.Errorf("lookup after delete: %v", err)
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkLookup(b *testing.B) {
	ctx := context.Background()
	db, err := catalog.Open(ctx, filepath.Join(b.TempDir(), "catalog.db"), catalog.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	s := access.New(db, nil)
	k, err := s.Create(ctx, account, "")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := s.Lookup(ctx, k.ID); err != nil {
			b.Fatal(err)
		}
	}
}
