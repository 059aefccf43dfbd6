// Package config holds the one configuration of the server: its defaults, where values come from (file, environment, flags)
// and what makes a configuration invalid.
//
// Only cmd and internal/server read it; components take their own small Options structs.
package config

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"time"
)

// AuthMode says how requests prove who sends them.
type AuthMode string

const (
	// AuthOpen accepts any credentials. It is allowed on loopback addresses only.
	AuthOpen AuthMode = "open"
	// AuthRequired verifies the signature of every request against the stored access keys.
	AuthRequired AuthMode = "required"
)

// S3 describes an S3 service elsewhere that keeps the buckets instead of the data directory.
// The zero value keeps buckets in the data directory.
type S3 struct {
	Endpoint     string // http or https URL; empty = buckets are plain files in the data directory
	Region       string
	AccessKeyID  string
	SecretKey    string
	SessionToken string
	PathStyle    bool // bucket in the path, not in the host name
}

// Config is everything a server can be told. Default returns a usable one; Load fills it; Validate checks it.
type Config struct {
	Listen    string // host:port
	Data      string // data directory
	Auth      AuthMode
	Account   string // account of callers whose access key names none
	Region    string // region of callers whose signature names none
	Memory    Size   // soft limit of the process, bytes
	StrictAWS bool   // apply AWS's account quotas where Cumulog would allow more
	// QueryConcurrency is how many Logs Insights queries run at a time; the others wait.
	QueryConcurrency int
	// LiveTailSessions is how many live tail sessions there may be at a time; 0: 1,000, or 15 with StrictAWS.
	LiveTailSessions int
	Faults           Faults // what goes wrong on purpose; only with StrictAWS
	Salvage          bool   // start although acknowledged records of the write-ahead log are damaged, without them
	TLSCert, TLSKey  string // PEM files; both or none
	LogLevel         string // debug, info, warn, error
	LogFormat        string // text, json
	ReadyFile        string // written with the address once requests are answered; empty = none
	ShutdownTimeout  time.Duration
	S3               S3
	Targets          string // file that says what ARNs of destinations and actions stand for; empty = none
}

// Bounds of Memory: below the minimum the store cannot hold one write buffer beside its caches.
const (
	MinMemory     Size = 64 << 20
	MaxMemory     Size = 1 << 42
	defaultMaxMem Size = 8 << 30
)

// Bounds of QueryConcurrency: what is the default at least, and what can be asked for.
const (
	minConcurrency = 4
	maxConcurrency = 256
)

// maxLiveTail is what can be asked for of LiveTailSessions.
const maxLiveTail = 100_000

// Default returns the configuration of `cumulog serve` without any flag: loopback, ./cumulog-data, open.
func Default() Config {
	return Config{
		Listen:           "127.0.0.1:4566",
		Data:             "./cumulog-data",
		Auth:             AuthOpen,
		Account:          "000000000000",
		Region:           "us-east-1",
		Memory:           defaultMemory(),
		QueryConcurrency: min(max(2*runtime.NumCPU(), minConcurrency), 16),
		LogLevel:         "info",
		LogFormat:        "text",
		ShutdownTimeout:  20 * time.Second,
		S3:               S3{Region: "us-east-1", PathStyle: true},
	}
}

var (
	accountPattern = regexp.MustCompile(`^\d{12}$`)
	regionPattern  = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)
)

// Validate reports every mistake of c at once, one line each, naming the setting as the user writes it.
func (c *Config) Validate() error {
	var errs []error
	bad := func(setting, format string, args ...any) {
		errs = append(errs, fmt.Errorf("--%s: %s", setting, fmt.Sprintf(format, args...)))
	}
	if host, port, err := net.SplitHostPort(c.Listen); err != nil {
		bad("listen", "%q is not host:port", c.Listen)
	} else {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil {
			bad("listen", "port %q is not a number from 0 to %d", port, uint16(1<<16-1))
		} else if _, err := resolve(host); err != nil {
			bad("listen", "host %q of port %d is not an address: %v", host, n, err)
		}
	}
	if c.Data == "" {
		bad("data", "a directory is needed")
	}
	if c.Auth != AuthOpen && c.Auth != AuthRequired {
		bad("auth", "%q is neither %q nor %q", c.Auth, AuthOpen, AuthRequired)
	}
	if !accountPattern.MatchString(c.Account) {
		bad("account", "%q is not 12 digits", c.Account)
	}
	if !regionPattern.MatchString(c.Region) {
		bad("region", "%q is not a region name such as us-east-1", c.Region)
	}
	if c.Memory < MinMemory || c.Memory > MaxMemory {
		bad("memory", "%s is outside %s to %s", c.Memory, MinMemory, MaxMemory)
	}
	if c.QueryConcurrency < 1 || c.QueryConcurrency > maxConcurrency {
		bad("query-concurrency", "%d is not a number from 1 to %d", c.QueryConcurrency, maxConcurrency)
	}
	if c.LiveTailSessions < 0 || c.LiveTailSessions > maxLiveTail {
		bad("live-tail-sessions", "%d is not a number from 0 to %d", c.LiveTailSessions, maxLiveTail)
	}
	if len(c.Faults) > 0 && !c.StrictAWS {
		bad("faults", "faults are made only together with --strict-aws")
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		bad("tls-cert", "certificate and key (--tls-key) are given together or not at all")
	}
	switch c.LogLevel {
	case "debug", "info", "warn", "error":
	default:
		bad("log-level", "%q is none of debug, info, warn, error", c.LogLevel)
	}
	switch c.LogFormat {
	case "text", "json":
	default:
		bad("log-format", "%q is neither text nor json", c.LogFormat)
	}
	if c.ShutdownTimeout <= 0 || c.ShutdownTimeout > time.Hour {
		bad("shutdown-timeout", "%s is outside 1ns to 1h", c.ShutdownTimeout)
	}
	errs = append(errs, c.S3.validate(bad)...)
	if err := c.checkExposure(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// checkExposure is the start-up rule: what others can reach must ask for credentials. That there is at least one key is
// checked by the server, which can see the keys.
func (c *Config) checkExposure() error {
	if c.Auth == AuthRequired || c.Loopback() {
		return nil
	}
	return fmt.Errorf("--listen %s can be reached from other machines, so --auth required and at least one key (cumulog keys create) are needed", c.Listen)
}

// Loopback says whether only this machine can reach the listen address. Names are resolved; every address must be a loopback one.
func (c *Config) Loopback() bool {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return false
	}
	ips, err := resolve(host)
	if err != nil || len(ips) == 0 {
		return false
	}
	for _, ip := range ips {
		if !ip.IsLoopback() {
			return false
		}
	}
	return true
}

// resolve turns a listen host into addresses. The empty host means all addresses.
func resolve(host string) ([]net.IP, error) {
	if host == "" {
		return []net.IP{net.IPv6unspecified}, nil
	}
	if ip := net.ParseIP(host); ip != nil {
		return []net.IP{ip}, nil
	}
	ips, err := net.LookupIP(host)
	if err != nil {
		return nil, fmt.Errorf("looking up %s: %w", host, err)
	}
	return ips, nil
}

// DataPath joins name to the data directory.
func (c *Config) DataPath(name string) string { return filepath.Join(c.Data, name) }

// defaultMemory is a quarter of the machine's memory, at most 8 GiB. Without /proc/meminfo (not Linux) it is 1 GiB.
func defaultMemory() Size {
	total, ok := machineMemory(os.ReadFile)
	if !ok {
		return 1 << 30
	}
	return max(MinMemory, min(total/4, defaultMaxMem))
}
