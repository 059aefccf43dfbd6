package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/spf13/cobra"

	"github.com/cumulog/cumulog/internal/config"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

func newDoctor() *cobra.Command {
	d := &doctor{getenv: os.Getenv, lookup: net.DefaultResolver.LookupHost, now: time.Now}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check server, clock, disk and environment, and say how to mend them",
		Args:  exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), 30*time.Second)
			defer cancel()
			if failed := d.run(ctx, cmd.OutOrStdout()); failed > 0 {
				return fmt.Errorf("%d of the checks failed", failed)
			}
			return nil
		},
	}
	d.remote.bind(cmd.Flags())
	bindData(cmd, &d.data)
	return cmd
}

// finding is the outcome of one check.
type finding struct {
	level string // "ok", "note" or "FAIL"
	text  string
	mend  string // what to do, empty for ok
}

func fine(format string, args ...any) finding {
	return finding{level: "ok", text: fmt.Sprintf(format, args...)}
}

type doctor struct {
	remote remote
	data   string
	getenv func(string) string
	lookup func(context.Context, string) ([]string, error)
	now    func() time.Time
}

// run prints every finding and returns how many failed.
func (d *doctor) run(ctx context.Context, w io.Writer) (failed int) {
	checks := []func(context.Context) []finding{d.server, d.call, d.environment, d.hostPrefix, d.disk}
	for _, check := range checks {
		for _, f := range check(ctx) {
			fmt.Fprintf(w, "%-5s %s\n", f.level, f.text)
			if f.mend != "" {
				fmt.Fprintf(w, "      → %s\n", f.mend)
			}
			if f.level == "FAIL" {
				failed++
			}
		}
	}
	return failed
}

// server asks the health page, and compares the clocks.
func (d *doctor) server(ctx context.Context) []finding {
	resp, err := d.remote.get(ctx, "/_/health")
	if err != nil {
		return []finding{{"FAIL", fmt.Sprintf("no server answers at %s: %v", d.remote.url(), errors.Unwrap(err)), "start it with `cumulog serve`, or name it with --endpoint"}}
	}
	defer resp.Body.Close()
	var health struct {
		Status  string         `json:"status"`
		Version string         `json:"version"`
		Damage  map[string]int `json:"damage"`
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil || json.Unmarshal(raw, &health) != nil || health.Version == "" {
		return []finding{{"FAIL", fmt.Sprintf("what answers at %s is not Cumulog (HTTP %d)", d.remote.url(), resp.StatusCode), "another program uses the port: start cumulog with --listen 127.0.0.1:PORT"}}
	}
	out := []finding{fine("Cumulog %s answers at %s", health.Version, d.remote.url())}
	if resp.StatusCode != http.StatusOK || health.Status != "ok" && health.Status != "damaged" {
		out = append(out, finding{"FAIL", "the server reports: " + health.Status, "look at its log and at the free space of its disk"})
	}
	for what, n := range health.Damage {
		if n > 0 {
			out = append(out, finding{"FAIL", fmt.Sprintf("the server met damage: %d %s", n, what), "stop it and run `cumulog verify`, then `cumulog verify --repair`"})
		}
	}
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		skew := d.now().Sub(at).Abs()
		if skew > time.Minute {
			out = append(out, finding{"FAIL", fmt.Sprintf("the clocks of client and server differ by %s", skew.Round(time.Second)), "set both by NTP: signatures hold for 5 minutes, events for 2 hours ahead"})
		} else {
			out = append(out, fine("clocks agree"))
		}
	}
	return out
}

// call sends one signed request with the credentials that the environment gives.
func (d *doctor) call(ctx context.Context) []finding {
	client, err := d.remote.logs(ctx)
	if err != nil {
		return []finding{{"FAIL", describe(err), "mend the AWS configuration files or unset AWS_PROFILE"}}
	}
	_, err = client.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{Limit: aws.Int32(1)},
		func(o *cloudwatchlogs.Options) { o.Retryer = aws.NopRetryer{} })
	var dial *net.OpError
	switch {
	case errors.As(err, &dial) && dial.Op == "dial":
		return nil // the first check has told it
	case err != nil && isAway(err):
		return []finding{{"FAIL", "a signed call failed: " + describe(err), "look at the server's log"}}
	case err != nil:
		return []finding{{"FAIL", "a signed call was refused: " + describe(err), "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a key of `cumulog keys create`"}}
	}
	return []finding{fine("a signed call succeeds")}
}

// environment looks at the variables that decide where clients of this shell go.
func (d *doctor) environment(context.Context) []finding {
	var out []finding
	want := d.remote.url()
	paste := `eval "$(cumulog env --endpoint ` + want + `)"`
	same := func(v string) bool { return strings.TrimRight(v, "/") == want }
	switch v := d.getenv("AWS_ENDPOINT_URL"); {
	case v == "" && d.getenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS") == "":
		out = append(out, finding{"note", "AWS_ENDPOINT_URL is not set: clients of this shell talk to AWS", paste})
	case v != "" && !same(v):
		out = append(out, finding{"note", "AWS_ENDPOINT_URL points elsewhere: " + v, paste})
	case v != "":
		out = append(out, fine("AWS_ENDPOINT_URL points here"))
	}
	for _, name := range []string{"AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "AWS_ENDPOINT_URL_CLOUDWATCH", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_STS"} {
		if v := d.getenv(name); v != "" && !same(v) {
			out = append(out, finding{"note", name + " points elsewhere and wins over AWS_ENDPOINT_URL: " + v, "unset " + name})
		}
	}
	for _, v := range []struct{ ignored, use string }{
		{"AWS_ENDPOINT_URL_LOGS", "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS"},
		{"AWS_ENDPOINT_URL_MONITORING", "AWS_ENDPOINT_URL_CLOUDWATCH"},
	} {
		if d.getenv(v.ignored) != "" {
			out = append(out, finding{"note", v.ignored + " is set, which every client ignores", "use " + v.use + " or AWS_ENDPOINT_URL"})
		}
	}
	if strings.EqualFold(d.getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"), "true") {
		out = append(out, finding{"FAIL", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS makes clients ignore the endpoint", "unset AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"})
	}
	if d.getenv("AWS_ACCESS_KEY_ID") == "" && d.getenv("AWS_PROFILE") == "" {
		out = append(out, finding{"note", "no credentials in the environment: clients refuse to send unless a profile gives some", paste})
	}
	if d.getenv("AWS_REGION") == "" && d.getenv("AWS_DEFAULT_REGION") == "" {
		out = append(out, finding{"note", "no region in the environment: clients refuse to send unless a profile gives one", paste})
	}
	return append(out, d.proxy(want)...)
}

// proxy warns when a proxy would take requests that are meant for this machine.
func (d *doctor) proxy(target string) []finding {
	u, err := url.Parse(target)
	if err != nil {
		return nil
	}
	name := "HTTP_PROXY"
	if u.Scheme == "https" {
		name = "HTTPS_PROXY"
	}
	value := d.getenv(name)
	if value == "" {
		value = d.getenv(strings.ToLower(name))
	}
	if value == "" {
		return nil
	}
	except := d.getenv("NO_PROXY") + "," + d.getenv("no_proxy")
	for e := range strings.SplitSeq(except, ",") {
		if e = strings.TrimSpace(e); e == "*" || e == u.Hostname() {
			return nil
		}
	}
	return []finding{{"note", name + " may send requests for " + u.Hostname() + " to a proxy", "export NO_PROXY=" + u.Hostname()}}
}

// hostPrefix checks the trap of streaming calls: SDKs put "stream-" before the host name.
func (d *doctor) hostPrefix(ctx context.Context) []finding {
	u, err := url.Parse(d.remote.url())
	if err != nil {
		return []finding{{"FAIL", "the endpoint is not a URL: " + d.remote.url(), "name it with --endpoint"}}
	}
	if strings.EqualFold(d.getenv("AWS_DISABLE_HOST_PREFIX_INJECTION"), "true") {
		return []finding{fine("host prefixes are switched off for the AWS CLI and boto3")}
	}
	if net.ParseIP(u.Hostname()) == nil {
		if _, err := d.lookup(ctx, "stream-"+u.Hostname()); err == nil {
			return []finding{fine("stream-%s resolves, so streaming calls arrive", u.Hostname())}
		}
	}
	local := u.Scheme + "://localhost"
	if u.Port() != "" {
		local += ":" + u.Port()
	}
	return []finding{{"note", fmt.Sprintf("streaming calls (StartLiveTail, GetLogObject) go to stream-%s, which does not resolve", u.Hostname()),
		"export AWS_DISABLE_HOST_PREFIX_INJECTION=true (AWS CLI, boto3), or use " + local + " with the hosts line: 127.0.0.1 stream-localhost streaming-localhost"}}
}

// disk looks at the data directory when it is on this machine.
func (d *doctor) disk(context.Context) []finding {
	if _, err := os.Stat(d.data); err != nil {
		return []finding{{"note", "there is no data directory " + d.data + " here", "name the server's with --data, or ignore this for a server elsewhere"}}
	}
	free, err := vfs.OS().FreeSpace(d.data)
	if err != nil {
		return []finding{{"FAIL", "asking for free space: " + err.Error(), "check the permissions of " + d.data}}
	}
	if free < 1<<30 {
		return []finding{{"FAIL", fmt.Sprintf("only %s free for %s", config.Size(free), d.data), "free some space: writes are refused when the disk is full"}}
	}
	return []finding{fine("%s free for %s", config.Size(free), d.data)}
}
