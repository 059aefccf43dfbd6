package config

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// setting is one user-visible value: flag --name, variable CUMULOG_NAME, line "name = value" of the file.
type setting struct {
	name, usage string
	secret      bool // not offered as a flag: command lines are visible to other users
	boolean     bool
	get         func() string
	set         func(string) error
}

// settings is the single table that flags, environment and file share.
func (c *Config) settings() []setting {
	str := func(p *string) (func() string, func(string) error) {
		return func() string { return *p }, func(s string) error { *p = s; return nil }
	}
	boolean := func(p *bool) (func() string, func(string) error) {
		return func() string { return strconv.FormatBool(*p) }, func(s string) error {
			v, err := strconv.ParseBool(s)
			if err != nil {
				return fmt.Errorf("%q is neither true nor false", s)
			}
			*p = v
			return nil
		}
	}
	text := func(name, usage string, p *string) setting {
		get, set := str(p)
		return setting{name: name, usage: usage, get: get, set: set}
	}
	secret := func(name, usage string, p *string) setting {
		s := text(name, usage, p)
		s.secret = true
		return s
	}
	flag := func(name, usage string, p *bool) setting {
		get, set := boolean(p)
		return setting{name: name, usage: usage, boolean: true, get: get, set: set}
	}
	return []setting{
		text("listen", "address to listen on; port 0 picks a free one", &c.Listen),
		text("data", "directory that keeps everything", &c.Data),
		text("auth", "open (any credentials, loopback only) or required (SigV4 verified against cumulog keys)", (*string)(&c.Auth)),
		text("account", "account id of callers whose key names none", &c.Account),
		text("region", "region of callers whose signature names none", &c.Region),
		{name: "memory", usage: "memory the server aims to stay within, such as 256MiB",
			get: func() string { return c.Memory.String() },
			set: func(s string) (err error) { c.Memory, err = ParseSize(s); return err }},
		{name: "query-concurrency", usage: "Logs Insights queries that run at a time; others wait. Fewer when --memory is small",
			get: func() string { return strconv.Itoa(c.QueryConcurrency) },
			set: func(s string) (err error) { c.QueryConcurrency, err = strconv.Atoi(s); return err }},
		{name: "live-tail-sessions", usage: "live tail sessions at a time; 0 means 1,000, or 15 with --strict-aws",
			get: func() string { return strconv.Itoa(c.LiveTailSessions) },
			set: func(s string) (err error) { c.LiveTailSessions, err = strconv.Atoi(s); return err }},
		flag("strict-aws", "apply AWS's quotas, such as one export task at a time", &c.StrictAWS),
		{name: "faults", usage: "what goes wrong on purpose, together with --strict-aws, such as FilterLogEvents:empty=0.3,throttle=0.1,delay=200ms",
			get: func() string { return c.Faults.String() },
			set: func(s string) (err error) { c.Faults, err = ParseFaults(s); return err }},
		flag("salvage", "start once on a damaged write-ahead log and keep what can be read of it", &c.Salvage),
		text("tls-cert", "PEM certificate chain; serves HTTPS together with --tls-key", &c.TLSCert),
		text("tls-key", "PEM private key of --tls-cert", &c.TLSKey),
		text("log-level", "debug, info, warn or error", &c.LogLevel),
		text("log-format", "text or json", &c.LogFormat),
		text("ready-file", "file that receives the base URL once requests are answered", &c.ReadyFile),
		{name: "shutdown-timeout", usage: "how long running requests may take to end after SIGTERM",
			get: func() string { return c.ShutdownTimeout.String() },
			set: func(s string) (err error) { c.ShutdownTimeout, err = time.ParseDuration(s); return err }},
		text("s3-endpoint", "URL of an S3 service that keeps the buckets instead of the data directory", &c.S3.Endpoint),
		text("s3-region", "region of --s3-endpoint", &c.S3.Region),
		flag("s3-path-style", "address buckets of --s3-endpoint in the path, not in the host name", &c.S3.PathStyle),
		text("s3-access-key-id", "access key of --s3-endpoint; the secret comes from CUMULOG_S3_SECRET_ACCESS_KEY", &c.S3.AccessKeyID),
		text("targets", "JSON file that says what ARNs of destinations and alarm actions stand for", &c.Targets),
		secret("s3-secret-access-key", "", &c.S3.SecretKey),
		secret("s3-session-token", "", &c.S3.SessionToken),
	}
}

// EnvName is the environment variable of a setting: "s3-endpoint" is CUMULOG_S3_ENDPOINT.
func EnvName(setting string) string {
	return "CUMULOG_" + strings.ToUpper(strings.ReplaceAll(setting, "-", "_"))
}

// Bind adds every setting to flags, with c's present values as defaults. A flag that is given sets c when flags are parsed;
// Load then fills in what was not given.
func (c *Config) Bind(flags *pflag.FlagSet) {
	for _, s := range c.settings() {
		if s.secret {
			continue
		}
		f := flags.VarPF(&flagValue{s}, s.name, "", fmt.Sprintf("%s [$%s]", s.usage, EnvName(s.name)))
		if s.boolean {
			f.NoOptDefVal = "true"
		}
	}
	flags.String("config", "", `file of "name = value" lines, the names being these flags' [$CUMULOG_CONFIG]`)
}

// Source is where Load looks; tests replace it.
type Source struct {
	Getenv   func(string) string
	ReadFile func(string) ([]byte, error)
}

// Load completes a configuration whose flags (see Bind) were parsed: the file first, then the environment, and flags win over
// both. It reports unknown or repeated names of the file with their line; it does not Validate.
func (c *Config) Load(flags *pflag.FlagSet, src Source) error {
	given := func(name string) bool { return flags != nil && flags.Changed(name) }
	file := src.Getenv("CUMULOG_CONFIG")
	if given("config") {
		file, _ = flags.GetString("config") // Bind declared it
	}
	table := map[string]setting{}
	for _, s := range c.settings() {
		table[s.name] = s
	}
	if file != "" {
		raw, err := src.ReadFile(file)
		if err != nil {
			return fmt.Errorf("reading --config: %w", err)
		}
		if err := applyFile(file, string(raw), table, given); err != nil {
			return err
		}
	}
	for _, s := range c.settings() {
		value := src.Getenv(EnvName(s.name))
		if value == "" || given(s.name) {
			continue
		}
		if err := s.set(value); err != nil {
			return fmt.Errorf("%s: %w", EnvName(s.name), err)
		}
	}
	return nil
}

// maxConfigFile bounds the file: a wrong path to something huge must not be parsed.
const maxConfigFile = 1 << 20

func applyFile(file, text string, table map[string]setting, given func(string) bool) error {
	if len(text) > maxConfigFile {
		return fmt.Errorf("%s: a configuration file has at most %d bytes, this one %d", file, maxConfigFile, len(text))
	}
	seen := map[string]int{}
	line := 0
	text = strings.TrimPrefix(text, "\ufeff") // some editors begin files with it
	for raw := range strings.SplitSeq(text, "\n") {
		line++
		l := strings.TrimSpace(raw)
		if l == "" || strings.HasPrefix(l, "#") {
			continue
		}
		name, value, ok := strings.Cut(l, "=")
		if !ok {
			return fmt.Errorf(`%s:%d: expected "name = value"`, file, line)
		}
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if u, err := strconv.Unquote(value); err == nil {
			value = u
		}
		s, ok := table[name]
		if !ok {
			return fmt.Errorf("%s:%d: there is no setting %q", file, line, name)
		}
		if first, twice := seen[name]; twice {
			return fmt.Errorf("%s:%d: %q was already set in line %d", file, line, name, first)
		}
		seen[name] = line
		if given(name) {
			continue
		}
		if err := s.set(value); err != nil {
			return fmt.Errorf("%s:%d: %s: %w", file, line, name, err)
		}
	}
	return nil
}

// flagValue makes a setting a pflag.Value.
type flagValue struct{ s setting }

func (v *flagValue) String() string {
	if v.s.get == nil { // pflag asks a zero value when it compares defaults
		return ""
	}
	return v.s.get()
}
func (v *flagValue) Set(s string) error { return v.s.set(s) }
func (v *flagValue) Type() string {
	if v.s.boolean {
		return "bool"
	}
	return "string"
}

func (s *S3) validate(bad func(setting, format string, args ...any)) []error {
	if s.Endpoint == "" {
		return nil
	}
	u, err := url.Parse(s.Endpoint)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		bad("s3-endpoint", "%q is not an http or https URL", s.Endpoint)
	}
	if !regionPattern.MatchString(s.Region) {
		bad("s3-region", "%q is not a region name", s.Region)
	}
	if (s.AccessKeyID == "") != (s.SecretKey == "") {
		return []error{errors.New("--s3-access-key-id and CUMULOG_S3_SECRET_ACCESS_KEY are given together or not at all")}
	}
	return nil
}
