package server

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/cumulog/cumulog/internal/platform/telemetry"
	"github.com/cumulog/cumulog/internal/service/access"
)

// maxAdminBody bounds the JSON bodies of the admin API.
const maxAdminBody = 16 << 10

// admin serves what stands under /_/: health, metrics, and the calls by which commands of this machine reach a running server.
// Health and metrics tell no secrets and need no credentials; the calls and the profiles of the process (net/http/pprof) need the
// token of the server file and a loopback peer.
func (c *components) admin(token string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_/{$}", c.welcome)
	mux.HandleFunc("GET /_/health", c.health)
	mux.Handle("GET /_/metrics", telemetry.Handler(c.registry, c.log))
	guard := func(fn func(*http.Request) (any, error)) http.Handler { return guarded(token, fn) }
	mux.Handle("GET /_/api/keys", guard(c.listKeys))
	mux.Handle("POST /_/api/keys", guard(c.createKey))
	mux.Handle("DELETE /_/api/keys/{id}", guard(c.deleteKey))
	for name, h := range map[string]http.HandlerFunc{"": pprof.Index, "profile": pprof.Profile, "trace": pprof.Trace} {
		// The index serves the named profiles below the prefix /debug/pprof/ only.
		mux.Handle("GET /_/debug/pprof/"+name, authorised(token, http.StripPrefix("/_", h)))
	}
	return mux
}

// welcome tells a browser where it is.
func (c *components) welcome(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("Cumulog " + c.version + "\n\nThis port answers the AWS APIs of CloudWatch Logs, S3 and STS.\n/_/health   state and version\n/_/metrics  Prometheus metrics\n"))
}

// statusDamaged is the status while answers lack events that cannot be read; everything else works.
const statusDamaged = "damaged"

// Health is the answer of /_/health.
type Health struct {
	Status  string         `json:"status"` // "ok", "damaged", or what is wrong
	Version string         `json:"version"`
	Started time.Time      `json:"started"`
	Damage  map[string]int `json:"damage"` // what was found damaged since the start, by kind
}

func (c *components) health(w http.ResponseWriter, _ *http.Request) {
	state := c.store.Health()
	h := Health{Status: "ok", Version: c.version, Started: c.started.UTC(), Damage: map[string]int{}}
	for what, n := range map[string]int{"damaged blocks": state.DamagedBlocks, "unreadable or missing parts": state.DamagedParts} {
		if n > 0 {
			h.Damage[what] = n
		}
	}
	status := http.StatusOK
	at := c.store.unavailable.Load()
	switch {
	case at != 0:
		h.Status = "writes are refused since the disk is full or failed; last at " + time.UnixMilli(at).UTC().Format(time.RFC3339)
		status = http.StatusServiceUnavailable
	case state.FlushError != nil:
		h.Status = "write buffers cannot be flushed: " + state.FlushError.Error()
		status = http.StatusServiceUnavailable
	case state.MergeError != nil:
		h.Status = "parts cannot be merged: " + state.MergeError.Error()
	case len(h.Damage) > 0:
		h.Status = statusDamaged
	}
	writeJSON(w, status, h)
}

// keyView is an access key on the admin API; Secret is there only right after it was made.
type keyView struct {
	ID          string    `json:"id"`
	Secret      string    `json:"secret,omitempty"`
	Account     string    `json:"account"`
	Description string    `json:"description,omitempty"`
	Created     time.Time `json:"created"`
}

type newKey struct {
	Account     string `json:"account"`
	Description string `json:"description"`
}

func (c *components) listKeys(r *http.Request) (any, error) {
	keys, err := c.access.List(r.Context())
	if err != nil {
		return nil, err
	}
	out := make([]keyView, len(keys))
	for i, k := range keys {
		out[i] = keyView{ID: k.ID, Account: k.Account, Description: k.Description, Created: k.Created}
	}
	return out, nil
}

func (c *components) createKey(r *http.Request) (any, error) {
	var in newKey
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxAdminBody))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return nil, &adminError{http.StatusBadRequest, "the body is not the JSON of a key: " + err.Error()}
	}
	k, err := c.access.Create(r.Context(), in.Account, in.Description)
	if err != nil {
		return nil, err
	}
	return keyView{ID: k.ID, Secret: k.Secret, Account: k.Account, Description: k.Description, Created: k.Created}, nil
}

func (c *components) deleteKey(r *http.Request) (any, error) {
	return struct{}{}, c.access.Delete(r.Context(), r.PathValue("id"))
}

// adminError is an error with its HTTP status and a sentence for the user.
type adminError struct {
	Status  int    `json:"-"`
	Message string `json:"error"`
}

func (e *adminError) Error() string { return e.Message }

// authorised lets callers on this machine through that know the token.
func authorised(token string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok || !loopbackPeer(r) || subtle.ConstantTimeCompare([]byte(given), []byte(token)) != 1 {
			writeJSON(w, http.StatusForbidden, &adminError{Message: "only commands on the server's machine that can read its data directory may do this"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// guarded runs fn for those callers, and writes its result.
func guarded(token string, fn func(*http.Request) (any, error)) http.Handler {
	return authorised(token, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out, err := fn(r)
		if err != nil {
			status, view := adminFailure(err)
			writeJSON(w, status, view)
			return
		}
		writeJSON(w, http.StatusOK, out)
	}))
}

// adminFailure is the one place that turns an error into an answer of the admin API.
func adminFailure(err error) (int, *adminError) {
	var known *adminError
	switch {
	case errors.As(err, &known):
		return known.Status, known
	case errors.Is(err, access.ErrNotFound):
		return http.StatusNotFound, &adminError{Message: access.ErrNotFound.Error()}
	case errors.Is(err, access.ErrBadAccount), errors.Is(err, access.ErrBadDescription):
		return http.StatusBadRequest, &adminError{Message: err.Error()}
	case errors.Is(err, access.ErrUnavailable):
		return http.StatusServiceUnavailable, &adminError{Message: err.Error()}
	}
	return http.StatusInternalServerError, &adminError{Message: err.Error()}
}

func loopbackPeer(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		status, raw = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be encoded"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(raw, '\n')) // a client that went away is not our failure
}
