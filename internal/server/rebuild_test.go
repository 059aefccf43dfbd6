package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/config"
	"github.com/cumulog/cumulog/internal/server"
)

// fill puts calls of 1,000 events of about 900 bytes into a stream and returns their messages.
func fill(t *testing.T, url, group, stream string, calls int) (messages []string) {
	t.Helper()
	const each = 1000
	for c := range calls {
		var events []string
		for i := range each {
			m := fmt.Sprintf("%s %s %d %0900d", group, stream, c, i)
			messages = append(messages, m)
			events = append(events, fmt.Sprintf(`{"timestamp":%d,"message":%q}`, time.Now().UnixMilli(), m))
		}
		call(t, url, "PutLogEvents", fmt.Sprintf(`{"logGroupName":%q,"logStreamName":%q,"logEvents":[%s]}`, group, stream, strings.Join(events, ",")))
	}
	return messages
}

func makeStream(t *testing.T, url, group, stream string) {
	t.Helper()
	call(t, url, "CreateLogGroup", fmt.Sprintf(`{"logGroupName":%q}`, group))
	call(t, url, "CreateLogStream", fmt.Sprintf(`{"logGroupName":%q,"logStreamName":%q}`, group, stream))
}

// readAll returns the messages of a stream in order.
func readAll(t *testing.T, url, group, stream string) (messages []string) {
	t.Helper()
	token := ""
	for {
		var out struct {
			Events           []struct{ Message string }
			NextForwardToken string
		}
		in := fmt.Sprintf(`{"logGroupName":%q,"logStreamName":%q,"startFromHead":true}`, group, stream)
		if token != "" {
			in = fmt.Sprintf(`{"logGroupName":%q,"logStreamName":%q,"startFromHead":true,"nextToken":%q}`, group, stream, token)
		}
		if err := json.Unmarshal([]byte(call(t, url, "GetLogEvents", in)), &out); err != nil {
			t.Fatal(err)
		}
		for _, e := range out.Events {
			messages = append(messages, e.Message)
		}
		if out.NextForwardToken == token {
			return messages
		}
		token = out.NextForwardToken
	}
}

func parts(t *testing.T, cfg config.Config) []string {
	t.Helper()
	names, err := filepath.Glob(cfg.DataPath("parts/*.part"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func loseCatalog(t *testing.T, cfg config.Config) {
	t.Helper()
	names, err := filepath.Glob(cfg.DataPath("catalog.db*"))
	if err != nil || len(names) == 0 {
		t.Fatalf("catalog files %v, %v", names, err)
	}
	for _, name := range names {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLostCatalog: without its catalog a directory with events is neither served nor verified, and nothing of it is
// touched; a new catalog would make the first start remove every part and hand out ids that old events carry.
func TestLostCatalog(t *testing.T) {
	cfg := testConfig(t)
	s := start(t, cfg)
	makeStream(t, s.URL(), "g", "s")
	fill(t, s.URL(), "g", "s", 12)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before := parts(t, cfg)
	if len(before) == 0 {
		t.Fatal("no parts")
	}
	loseCatalog(t, cfg)
	for range 2 { // the first attempt must not make the second one succeed
		if _, err := open(cfg); !errors.Is(err, server.ErrNoCatalog) {
			t.Fatalf("start: %v, want ErrNoCatalog", err)
		}
		if _, err := server.Verify(context.Background(), cfg.Data, io.Discard, io.Discard); !errors.Is(err, server.ErrNoCatalog) {
			t.Fatalf("verify: %v, want ErrNoCatalog", err)
		}
	}
	if after := parts(t, cfg); len(after) != len(before) {
		t.Errorf("parts %v are left of %v", after, before)
	}
}

// TestLostCatalogBesideALog: events that are in the log only count as well.
func TestLostCatalogBesideALog(t *testing.T) {
	cfg := testConfig(t)
	s := start(t, cfg)
	makeStream(t, s.URL(), "g", "s")
	fill(t, s.URL(), "g", "s", 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	loseCatalog(t, cfg)
	if _, err := open(cfg); !errors.Is(err, server.ErrNoCatalog) {
		t.Fatalf("start: %v, want ErrNoCatalog", err)
	}
}
