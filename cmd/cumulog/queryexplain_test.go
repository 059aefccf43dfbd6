package main

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cumulog/cumulog/cumulogtest"
)

func TestQueryExplain(t *testing.T) {
	isolate(t)
	srv := cumulogtest.New(t)
	loadEvents(t, srv, time.Now().Add(-time.Minute), "app", "s", 0, `{"level":"INFO","ms":12}`, `{"level":"ERROR","ms":250}`, `{"level":"INFO","ms":40}`)
	query := func(args ...string) result {
		t.Helper()
		return cumulog(t, "", append([]string{"query", "--endpoint", srv.URL, "--explain", "-g", "app"}, args...)...)
	}
	r := query(`filter level = "INFO" | stats max(ms) by level`)
	for _, want := range []string{
		`(?m)^where \(level = "INFO"\)$`, `(?m)^stats max\(ms\) by level`, `(?m)^records in +out +step$`, `(?m)^2 +2 +where \(level = "INFO"\)$`,
		`(?m)^1 rows in .*; 1 blocks read`, `(?m)^blocks skipped: 0 by time`,
	} {
		if !regexp.MustCompile(want).MatchString(r.out) {
			t.Errorf("%s is missing:\n%+v", want, r)
		}
	}
	if r = query("fields ms |"); r.code != 2 || !strings.Contains(r.err, "\n") || !strings.Contains(r.err, "^") {
		t.Errorf("a query that is wrong: %+v", r)
	}
	if r = query("fields ms", "-g", "nope"); r.code != 1 || !strings.Contains(r.err, "ResourceNotFoundException") {
		t.Errorf("no such group: %+v", r)
	}
	if r = cumulog(t, "", "query", "--endpoint", "http://127.0.0.1:1", "--explain", "-g", "app", "fields ms"); r.code != 1 {
		t.Errorf("no server: %+v", r)
	}
}
