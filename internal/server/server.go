package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/cumulog/cumulog/internal/config"
)

var (
	// ErrListen is wrapped by Open when the address cannot be listened on.
	ErrListen = errors.New("cannot listen")
	// ErrNoKeys is returned by Open when requests must be signed and no access key exists.
	ErrNoKeys = errors.New("--auth required needs at least one access key")
	// ErrDamagedLog is wrapped by Open when acknowledged events of the write-ahead log cannot be read; see config.Config.Salvage.
	ErrDamagedLog = errors.New("the write-ahead log is damaged")
	// ErrNoData is wrapped by commands on a directory that no server has used.
	ErrNoData = errors.New("no data directory")
)

// Bounds of the HTTP side. Bodies are bounded by the handlers, which know their operation.
const (
	maxHeader     = 64 << 10
	headerTimeout = 15 * time.Second
	idleTimeout   = 2 * time.Minute
)

// Options are what a server is built from.
type Options struct {
	Config  config.Config // must be valid: see config.Config.Validate
	Logger  *slog.Logger  // required
	Version string        // shown in health and server headers
}

// Server is a running server. Open starts it; Run or Close stops it.
type Server struct {
	options Options
	log     *slog.Logger
	parts   *components
	http    *http.Server
	url     string
	served  chan error // result of http.Serve
	once    sync.Once
	err     error
}

// Open starts a server: it answers requests when Open returns. ctx bounds the start only. Errors wrap ErrBusy, ErrListen or
// ErrNoKeys where those are the reason; nothing is left behind by a failed start.
func Open(ctx context.Context, o Options) (*Server, error) {
	s := &Server{options: o, log: o.Logger, served: make(chan error, 1)}
	parts, err := build(ctx, o)
	if err != nil {
		return nil, err
	}
	s.parts = parts
	if err := s.listen(ctx); err != nil {
		return nil, errors.Join(err, parts.close())
	}
	return s, nil
}

// listen binds the address, serves, and tells the world: server file first, ready file last.
func (s *Server) listen(ctx context.Context) error {
	cfg := s.options.Config
	var tlsConfig *tls.Config
	certificate := ""
	if cfg.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(cfg.TLSCert, cfg.TLSKey)
		if err != nil {
			return fmt.Errorf("loading --tls-cert and --tls-key: %w", err)
		}
		tlsConfig = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
		certificate = fingerprint(pair.Certificate[0])
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("%w on %s: %w", ErrListen, cfg.Listen, err)
	}
	s.url = baseURL(l.Addr(), tlsConfig != nil)
	token := newToken()
	s.http = &http.Server{
		Handler:           s.parts.handler(token),
		TLSConfig:         tlsConfig,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // TLS handshakes and broken clients
	}
	go func() {
		if tlsConfig != nil {
			s.served <- s.http.ServeTLS(l, "", "")
		} else {
			s.served <- s.http.Serve(l)
		}
	}()
	err = serverFile{PID: os.Getpid(), URL: s.url, Token: token, Certificate: certificate}.write(cfg.Data)
	if err == nil && cfg.ReadyFile != "" {
		err = replaceFile(cfg.ReadyFile, []byte(s.url+"\n"), 0o644)
	}
	if err != nil {
		s.http.Close()
		<-s.served
		return err
	}
	s.log.Info("serving", "url", s.url, "data", cfg.Data, "auth", cfg.Auth, "version", s.options.Version)
	return nil
}

// baseURL is how clients on this machine reach an address: a wildcard is reached by loopback.
func baseURL(addr net.Addr, secure bool) string {
	scheme := "http"
	if secure {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return scheme + "://" + addr.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// URL is the base URL for clients on this machine, without a trailing slash.
func (s *Server) URL() string { return s.url }

// Run serves until ctx ends or the listener fails, and stops the server.
func (s *Server) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		s.log.Info("stopping")
		return s.Close()
	case err := <-s.served:
		s.served <- err
		return errors.Join(fmt.Errorf("listener ended: %w", err), s.Close())
	}
}

// Close drains requests for at most the configured time, then stops everything in reverse order. It may be called repeatedly and
// by several goroutines; all get the result of the one stop.
func (s *Server) Close() error {
	s.once.Do(func() { s.err = s.stop() })
	return s.err
}

func (s *Server) stop() error {
	cfg := s.options.Config
	var errs []error
	ctx, cancel := context.WithTimeout(context.Background(), cfg.ShutdownTimeout)
	defer cancel()
	s.parts.endStreams()
	if err := s.http.Shutdown(ctx); err != nil {
		s.log.Warn("requests were cut off at shutdown", "after", cfg.ShutdownTimeout)
		s.http.Close() // its error repeats the listener's
	}
	if err := <-s.served; !errors.Is(err, http.ErrServerClosed) {
		errs = append(errs, err)
	}
	for _, name := range []string{cfg.DataPath(serverFileName), cfg.ReadyFile} {
		if name == "" {
			continue
		}
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("removing %s: %w", name, err))
		}
	}
	errs = append(errs, s.parts.close())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("stopping: %w", err)
	}
	s.log.Info("stopped")
	return nil
}
