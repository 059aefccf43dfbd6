package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/config"
)

func TestFaults(t *testing.T) {
	cfg := testConfig(t)
	cfg.StrictAWS = true
	faults := func(text string) {
		t.Helper()
		var err error
		if cfg.Faults, err = config.ParseFaults(text); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]string{
		"FilterLogEvent:delay=1s":          `--faults: at 1: this server has no operation "FilterLogEvent" of CloudWatch Logs or CloudWatch`,
		"*:delay=1s; NoOperation:delay=0s": `--faults: at 13: this server has no operation "NoOperation" of CloudWatch Logs or CloudWatch`,
	} {
		faults(text)
		if s, err := open(cfg); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
			if err == nil {
				s.Close()
			}
		}
	}
	faults("DescribeLogGroups:throttle=1")
	s := start(t, cfg)
	call := func(operation string) int {
		t.Helper()
		r, err := http.NewRequest("POST", s.URL()+"/", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Target", "Logs_20140328."+operation)
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if got := call("DescribeLogGroups"); got != 400 {
		t.Errorf("the throttled operation answers %d", got)
	}
	if got := call("ListLogGroups"); got != 200 {
		t.Errorf("another operation answers %d", got)
	}
}
