package server_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cumulog/cumulog/internal/config"
	"github.com/cumulog/cumulog/internal/platform/telemetry"
	"github.com/cumulog/cumulog/internal/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func testConfig(t *testing.T) config.Config {
	t.Helper()
	cfg := config.Default()
	cfg.Listen, cfg.Data, cfg.Memory = "127.0.0.1:0", filepath.Join(t.TempDir(), "data"), 128<<20
	return cfg
}

func open(cfg config.Config) (*server.Server, error) {
	return server.Open(context.Background(), server.Options{Config: cfg, Logger: telemetry.Discard(), Version: "v-test"})
}

func start(t *testing.T, cfg config.Config) *server.Server {
	t.Helper()
	s, err := open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// client keeps no connection, so that the leak check sees the server's goroutines only.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}

func TestHealthAndMetrics(t *testing.T) {
	s := start(t, testConfig(t))
	if code, body := get(t, s.URL()+"/_/health"); code != 200 || !strings.Contains(body, `"status":"ok"`) || !strings.Contains(body, `"version":"v-test"`) {
		t.Errorf("health is %d %s", code, body)
	}
	if code, body := get(t, s.URL()+"/_/metrics"); code != 200 || !strings.Contains(body, "cumulog_store_writable 1\n") {
		t.Errorf("metrics are %d and lack the store's:\n%s", code, body)
	}
	if code, _ := get(t, s.URL()+"/_/nothing"); code != 404 {
		t.Errorf("an unknown page is %d, want 404", code)
	}
	if code, body := get(t, s.URL()+"/_/api/keys"); code != 403 || strings.Contains(body, "secret") {
		t.Errorf("keys without the token are %d %s, want 403", code, body)
	}
	if code, _ := get(t, s.URL()+"/_/debug/pprof/heap"); code != 403 {
		t.Errorf("a profile without the token is %d, want 403", code)
	}
}

func TestSecondServerIsRefused(t *testing.T) {
	cfg := testConfig(t)
	s := start(t, cfg)
	_, err := open(cfg)
	if !errors.Is(err, server.ErrBusy) || !strings.Contains(err.Error(), s.URL()) {
		t.Errorf("second server: %v; want ErrBusy that names %s", err, s.URL())
	}
	if err := server.Reset(context.Background(), cfg.Data); !errors.Is(err, server.ErrBusy) {
		t.Errorf("reset beside a server: %v, want ErrBusy", err)
	}
}

func TestFilesOfARunningServer(t *testing.T) {
	cfg := testConfig(t)
	cfg.ReadyFile = filepath.Join(t.TempDir(), "ready")
	s := start(t, cfg)
	raw, err := os.ReadFile(cfg.ReadyFile)
	if err != nil || strings.TrimSpace(string(raw)) != s.URL() {
		t.Errorf("ready file holds %q, %v; want %s", raw, err, s.URL())
	}
	info, err := os.Stat(cfg.DataPath("server.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("server.json: %v, %v; want mode 0600", info, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{cfg.ReadyFile, cfg.DataPath("server.json")} {
		if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there after the stop", name)
		}
	}
}

func TestStartIsRefusedCleanly(t *testing.T) {
	t.Run("address taken", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		cfg := testConfig(t)
		cfg.Listen = l.Addr().String()
		if _, err := open(cfg); !errors.Is(err, server.ErrListen) {
			t.Errorf("error %v, want ErrListen", err)
		}
		cfg.Listen = "127.0.0.1:0"
		start(t, cfg) // nothing is left locked
	})
	t.Run("no keys", func(t *testing.T) {
		cfg := testConfig(t)
		cfg.Auth = config.AuthRequired
		if _, err := open(cfg); !errors.Is(err, server.ErrNoKeys) {
			t.Errorf("error %v, want ErrNoKeys", err)
		}
		keys, err := server.OpenKeys(context.Background(), cfg.Data)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := keys.Create(context.Background(), "123456789012", ""); err != nil {
			t.Fatal(err)
		}
		if err := keys.Close(); err != nil {
			t.Fatal(err)
		}
		start(t, cfg)
	})
	t.Run("data is a file", func(t *testing.T) {
		cfg := testConfig(t)
		if err := os.WriteFile(cfg.Data, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := open(cfg); err == nil {
			t.Error("no error")
		}
	})
}

func TestKeysStoppedAndRunning(t *testing.T) {
	ctx := context.Background()
	cfg := testConfig(t)
	life := func(t *testing.T) {
		t.Helper()
		keys, err := server.OpenKeys(ctx, cfg.Data)
		if err != nil {
			t.Fatal(err)
		}
		defer keys.Close()
		made, err := keys.Create(ctx, "123456789012", "for a test")
		if err != nil || made.ID == "" || made.Secret == "" {
			t.Fatalf("made %+v, %v", made, err)
		}
		all, err := keys.List(ctx)
		if err != nil || len(all) != 1 || all[0].ID != made.ID || all[0].Secret != "" || all[0].Description != "for a test" || all[0].Account != "123456789012" {
			t.Errorf("list is %+v, %v; want %s without its secret", all, err, made.ID)
		}
		if _, err := keys.Create(ctx, "12", ""); err == nil || !strings.Contains(err.Error(), "twelve digits") {
			t.Errorf("bad account: %v", err)
		}
		if err := keys.Delete(ctx, "AKIA/../none"); err == nil || !strings.Contains(err.Error(), "does not exist") {
			t.Errorf("deleting a key that does not exist: %v", err)
		}
		if err := keys.Delete(ctx, made.ID); err != nil {
			t.Error(err)
		}
	}
	t.Run("stopped", life)
	s := start(t, cfg)
	t.Run("running", life)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestResetKeepsWhatItDoesNotOwn(t *testing.T) {
	cfg := testConfig(t)
	if err := start(t, cfg).Close(); err != nil {
		t.Fatal(err)
	}
	mine := cfg.DataPath("notes.txt")
	if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := server.Reset(context.Background(), cfg.Data); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(cfg.Data)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range left {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != "LOCK notes.txt" {
		t.Errorf("left are %s, want LOCK notes.txt", got)
	}
	if _, err := server.Verify(context.Background(), cfg.Data, io.Discard, io.Discard); !errors.Is(err, server.ErrNoData) {
		t.Errorf("verify after a reset: %v, want ErrNoData", err)
	}
	if _, err := os.Stat(cfg.DataPath("catalog.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("verify made a catalog: %v", err)
	}
	if err := server.Reset(context.Background(), t.TempDir()); !errors.Is(err, server.ErrNoData) {
		t.Errorf("reset of a directory that is not Cumulog's: %v, want ErrNoData", err)
	}
}

func TestVerifyAndInspectAnEmptyDirectory(t *testing.T) {
	cfg := testConfig(t)
	if err := start(t, cfg).Close(); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if n, err := server.Verify(context.Background(), cfg.Data, &out, io.Discard); n != 0 || err != nil {
		t.Errorf("verify found %d problems, %v:\n%s", n, err, out.String())
	}
	if err := server.Inspect(context.Background(), cfg.Data, &out, server.InspectOptions{Blocks: true}); err != nil {
		t.Error(err)
	}
	if _, err := server.Verify(context.Background(), t.TempDir(), io.Discard, io.Discard); !errors.Is(err, server.ErrNoData) {
		t.Errorf("verify of nothing: %v, want ErrNoData", err)
	}
}
