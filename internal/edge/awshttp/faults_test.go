package awshttp_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cumulog/cumulog/internal/edge/awshttp"
	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
)

// faulty serves two operations that do nothing, with faults.
func faulty(f *awshttp.Faults) http.Handler {
	done := awshttp.Raw(func(context.Context, []byte) (awsproto.Appender, error) { return nil, nil })
	return awshttp.NewHandler(awshttp.Options{Auth: awshttp.Open("000000000000", "")}, f.Into(awshttp.Service{
		TargetPrefix: logswire.TargetPrefix, SigningName: logswire.SigningName, Known: logswire.Lookup,
		Operations: map[string]awshttp.Operation{"PutLogEvents": done, "GetLogEvents": done},
	}))
}

func post(ctx context.Context, h http.Handler, operation string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(ctx, "POST", "/", strings.NewReader("{}"))
	r.Header.Set("X-Amz-Target", logswire.TargetPrefix+"."+operation)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestThrottle(t *testing.T) {
	share := func(rules map[string]awshttp.Fault, operation string) (refused int) {
		h := faulty(awshttp.NewFaults(rules, rand.NewPCG(1, 2)))
		for range 1000 {
			switch w := post(t.Context(), h, operation); {
			case w.Code == 200 && w.Body.String() == "{}":
			case w.Code == 400 && w.Body.String() == `{"__type":"ThrottlingException","message":"Rate exceeded"}`:
				refused++
			default:
				t.Fatalf("%s: %d %s", operation, w.Code, w.Body)
			}
		}
		return refused
	}
	rules := map[string]awshttp.Fault{"PutLogEvents": {Throttle: 0.1}, "*": {Throttle: 1}}
	first := share(rules, "PutLogEvents")
	if first < 70 || first > 130 {
		t.Errorf("%d calls of 1000 were refused, want about 100", first)
	}
	if again := share(rules, "PutLogEvents"); again != first {
		t.Errorf("the same source refused %d calls, and then %d", first, again)
	}
	if n := share(rules, "GetLogEvents"); n != 1000 {
		t.Errorf("%d calls of an operation that is not named were refused, want all", n)
	}
	delete(rules, "*")
	if n := share(rules, "GetLogEvents"); n != 0 {
		t.Errorf("%d calls of an operation without faults were refused", n)
	}
}

func TestDelay(t *testing.T) {
	h := faulty(awshttp.NewFaults(map[string]awshttp.Fault{"*": {Delay: 3 * time.Second}}, rand.NewPCG(1, 2)))
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		if w := post(t.Context(), h, "GetLogEvents"); w.Code != 200 || time.Since(begin) != 3*time.Second {
			t.Errorf("status %d after %s", w.Code, time.Since(begin))
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		begin = time.Now()
		if w := post(ctx, h, "GetLogEvents"); w.Code != 499 || time.Since(begin) != time.Second {
			t.Errorf("a client that went away after a second: status %d after %s", w.Code, time.Since(begin))
		}
	})
}

func TestEmptyPages(t *testing.T) {
	f := awshttp.NewFaults(map[string]awshttp.Fault{"FilterLogEvents": {Empty: 0.5}}, rand.NewPCG(1, 2))
	n := 0
	for range 1000 {
		if f.Empty("FilterLogEvents") {
			n++
		}
		if f.Empty("GetLogEvents") {
			t.Fatal("an empty page of an operation without faults")
		}
	}
	if n < 430 || n > 570 {
		t.Errorf("%d pages of 1000 are empty, want about 500", n)
	}
}

func TestNoFaults(t *testing.T) {
	var none *awshttp.Faults
	if none.Empty("FilterLogEvents") {
		t.Error("an empty page without faults")
	}
	if w := post(t.Context(), faulty(none), "GetLogEvents"); w.Code != 200 {
		t.Errorf("status %d", w.Code)
	}
}
