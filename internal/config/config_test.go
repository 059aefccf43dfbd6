package config

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

func load(t *testing.T, args []string, env map[string]string, files map[string]string) (Config, error) {
	t.Helper()
	c := Default()
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	c.Bind(flags)
	if err := flags.Parse(args); err != nil {
		return c, err
	}
	return c, c.Load(flags, Source{
		Getenv: func(k string) string { return env[k] },
		ReadFile: func(name string) ([]byte, error) {
			if text, ok := files[name]; ok {
				return []byte(text), nil
			}
			return nil, os.ErrNotExist
		},
	})
}

func TestFlagsWinOverEnvironmentWinsOverFile(t *testing.T) {
	files := map[string]string{"c.conf": "\ufeff# a comment\n\nregion = file-1\naccount = 111111111111\nlisten=\"127.0.0.1:1\"\ns3-path-style = false\n"}
	env := map[string]string{"CUMULOG_CONFIG": "c.conf", "CUMULOG_REGION": "env-1", "CUMULOG_LISTEN": "127.0.0.1:2", "CUMULOG_S3_SECRET_ACCESS_KEY": "s"}
	c, err := load(t, []string{"--listen", "127.0.0.1:3", "--strict-aws"}, env, files)
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Listen, want.Region, want.Account, want.StrictAWS = "127.0.0.1:3", "env-1", "111111111111", true
	want.S3.SecretKey, want.S3.PathStyle = "s", false
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}

func TestLoadRefuses(t *testing.T) {
	check := func(name string, args []string, env map[string]string, file, want string) {
		t.Helper()
		_, err := load(t, args, env, map[string]string{"f": file})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", name, err, want)
		}
	}
	cfg := []string{"--config", "f"}
	check("unknown name", cfg, nil, "region = a\nregoin = b", `f:2: there is no setting "regoin"`)
	check("repeated name", cfg, nil, "region = a\nregion = b", `f:2: "region" was already set in line 1`)
	check("no value", cfg, nil, "region", `f:1: expected "name = value"`)
	check("bad value", cfg, nil, "memory = lots", `f:1: memory: "lots" is not a size`)
	check("too long a file", cfg, nil, strings.Repeat("#", maxConfigFile+1), "at most")
	check("no file", []string{"--config", "g"}, nil, "", "reading --config")
	check("bad faults", cfg, nil, "faults = *:throttle=2", `f:1: faults: at 12: "2" is not a share`)
	check("bad faults in a variable", nil, map[string]string{"CUMULOG_FAULTS": "*"}, "", "CUMULOG_FAULTS: at 1: expected")
	check("bad variable", nil, map[string]string{"CUMULOG_STRICT_AWS": "maybe"}, "", "CUMULOG_STRICT_AWS")
	check("bad flag", []string{"--memory", "-1"}, nil, "", "not a size")
	check("secret flag", []string{"--s3-secret-access-key", "x"}, nil, "", "unknown flag")
}

func TestConfigFileAtTheBound(t *testing.T) {
	if _, err := load(t, []string{"--config", "f"}, nil, map[string]string{"f": strings.Repeat("#", maxConfigFile)}); err != nil {
		t.Errorf("a file of exactly %d bytes: %v", maxConfigFile, err)
	}
}

func TestValidate(t *testing.T) {
	check := func(change func(*Config), want string) {
		t.Helper()
		c := Default()
		change(&c)
		err := c.Validate()
		switch {
		case want == "" && err != nil:
			t.Errorf("error %v, want none", err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	check(func(*Config) {}, "")
	check(func(c *Config) { c.Listen = "4566" }, "--listen")
	check(func(c *Config) { c.Listen = "127.0.0.1:65536" }, "--listen")
	check(func(c *Config) { c.Listen = "127.0.0.1:65535" }, "")
	check(func(c *Config) { c.Listen = "localhost:0" }, "")
	check(func(c *Config) { c.Listen = "[::1]:1" }, "")
	check(func(c *Config) { c.Listen = ":4566" }, "can be reached from other machines")
	check(func(c *Config) { c.Listen = "0.0.0.0:4566" }, "--auth required and at least one key")
	check(func(c *Config) { c.Listen, c.Auth = "0.0.0.0:4566", AuthRequired }, "")
	check(func(c *Config) { c.Data = "" }, "--data")
	check(func(c *Config) { c.Auth = "maybe" }, "--auth")
	check(func(c *Config) { c.Account = "1" }, "--account")
	check(func(c *Config) { c.Region = "" }, "--region")
	check(func(c *Config) { c.Memory = MinMemory - 1 }, "--memory")
	check(func(c *Config) { c.Memory = MinMemory }, "")
	check(func(c *Config) { c.Memory = MaxMemory + 1 }, "--memory")
	check(func(c *Config) { c.TLSCert = "a" }, "--tls-cert")
	check(func(c *Config) { c.Faults = Faults{{Operation: "*"}} }, "--faults: faults are made only together with --strict-aws")
	check(func(c *Config) { c.Faults, c.StrictAWS = Faults{{Operation: "*"}}, true }, "")
	check(func(c *Config) { c.LogLevel = "loud" }, "--log-level")
	check(func(c *Config) { c.LogFormat = "xml" }, "--log-format")
	check(func(c *Config) { c.ShutdownTimeout = 0 }, "--shutdown-timeout")
	check(func(c *Config) { c.S3.Endpoint = "nas:9000" }, "--s3-endpoint")
	check(func(c *Config) { c.S3.Endpoint, c.S3.AccessKeyID = "http://nas:9000", "k" }, "together")
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]Size{"0": 0, "1": 1, "256MiB": 256 << 20, "1.5 GiB": 3 << 29, "300MB": 300e6, "2g": 2 << 30, "10 b": 10, "1TIB": 1 << 40} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "NaN", "1e300", "5 parsecs", "Inf"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("ParseSize(%q) = %d, want an error", text, got)
		}
	}
	for size, want := range map[Size]string{0: "0B", 1023: "1023B", 1536: "1.5KiB", 256 << 20: "256MiB", 8 << 30: "8GiB"} {
		if got := size.String(); got != want {
			t.Errorf("Size(%d) prints %q, want %q", size, got, want)
		}
	}
}

func TestMachineMemory(t *testing.T) {
	read := func(meminfo, cgroup string) func(string) ([]byte, error) {
		return func(name string) ([]byte, error) {
			switch {
			case name == "/proc/meminfo" && meminfo != "":
				return []byte(meminfo), nil
			case name == "/sys/fs/cgroup/memory.max" && cgroup != "":
				return []byte(cgroup), nil
			}
			return nil, errors.New("no such file")
		}
	}
	const info = "MemTotal:       1024 kB\nMemFree: 1 kB\n"
	for _, c := range []struct {
		meminfo, cgroup string
		want            Size
	}{{info, "", 1 << 20}, {info, "max\n", 1 << 20}, {info, "65536\n", 65536}, {info, "9999999999\n", 1 << 20}, {"", "", 0}, {"MemTotal: x kB\n", "", 0}} {
		if got, _ := machineMemory(read(c.meminfo, c.cgroup)); got != c.want {
			t.Errorf("machineMemory(%q, %q) = %d, want %d", c.meminfo, c.cgroup, got, c.want)
		}
	}
}
