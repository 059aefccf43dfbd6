package sink_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/platform/sink"
)

var alarm = sink.Message{
	Body: []byte(`{"AlarmName":"a"}`), ContentType: "application/json", Subject: `ALARM: "a" in EU (Ireland)`, Text: "The alarm says so.",
	Name: "0b9c", ARN: "arn:aws:sns:eu-west-1:000000000000:ops", Key: "a", Attributes: map[string]string{"Message-Id": "0b9c"},
}

func clock() time.Time { return time.Unix(1_790_000_000, 0) }

func TestWebhook(t *testing.T) {
	rc := newReceiver(t, nil)
	const secret = "0123456789abcdef"
	s, target := sinkOf(t, sink.Options{Now: clock}, `"type":"webhook","url":"%s/hook?k=1","secret":%q,"headers":{"X-Team":"ops"}`, rc.URL, secret)
	if target.Place != rc.URL+"/…" || strings.Contains(target.Place, secret) {
		t.Errorf("place %s", target.Place)
	}
	if err := s.Send(t.Context(), []sink.Message{alarm, alarm}); err != nil {
		t.Fatal(err)
	}
	got := rc.got()
	if len(got) != 2 {
		t.Fatalf("%d requests", len(got))
	}
	r := got[0]
	if r.Method != "POST" || r.Path != "/hook?k=1" || r.Body != string(alarm.Body) || r.Header.Get("Content-Type") != "application/json" ||
		r.Header.Get("X-Team") != "ops" || r.Header.Get("X-Cumulog-Message-Id") != "0b9c" {
		t.Errorf("request %+v", r)
	}
	// echo -n '1790000000.{"AlarmName":"a"}' | openssl dgst -sha256 -hmac 0123456789abcdef
	const want = "v1=1663e07a79d9b26e5f9523302d3383bba39c77cb9b2bb0cedad2b572d97f28d6"
	if r.Header.Get(sink.TimestampHeader) != "1790000000" || r.Header.Get(sink.SignatureHeader) != want {
		t.Errorf("timestamp %s, signature %s", r.Header.Get(sink.TimestampHeader), r.Header.Get(sink.SignatureHeader))
	}
}

func TestWebhookEnvelope(t *testing.T) {
	rc := newReceiver(t, nil)
	s, _ := sinkOf(t, sink.Options{Now: clock}, `"type":"webhook","url":"%s","secret":"0123456789abcdef","format":"sns"`, rc.URL)
	if err := s.Check(t.Context(), alarm); err != nil {
		t.Fatal(err)
	}
	r := rc.got()[0]
	var got map[string]string
	if err := json.Unmarshal([]byte(r.Body), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"Type": "Notification", "MessageId": "0b9c", "TopicArn": alarm.ARN, "Subject": alarm.Subject, "Message": string(alarm.Body),
		"Timestamp": "2026-09-21T14:13:20.000Z",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("envelope (-want +got):\n%s", d)
	}
	if r.Header.Get("X-Amz-Sns-Message-Type") != "Notification" || r.Header.Get("X-Amz-Sns-Topic-Arn") != alarm.ARN {
		t.Errorf("headers %v", r.Header)
	}
	if sig := r.Header.Get(sink.SignatureHeader); sig != "v1="+sink.Signature("0123456789abcdef", r.Header.Get(sink.TimestampHeader), []byte(r.Body)) {
		t.Errorf("signature %s", sig)
	}
}

// judged returns whether an error is final and what it says.
func judged(t *testing.T, err error) (retry bool, text string) {
	t.Helper()
	e, ok := errors.AsType[*sink.Error](err)
	if !ok {
		t.Fatalf("got %v", err)
	}
	return e.Retry, e.Error()
}

func TestWebhookFailures(t *testing.T) {
	f := func(status int, retry bool) {
		t.Helper()
		rc := newReceiver(t, func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(status) })
		s, _ := sinkOf(t, sink.Options{}, `"type":"webhook","url":"%s","secret":"0123456789abcdef"`, rc.URL)
		if got, text := judged(t, s.Send(t.Context(), []sink.Message{alarm})); got != retry {
			t.Errorf("%d: retry %v: %s", status, got, text)
		}
	}
	f(500, true)
	f(503, true)
	f(429, true)
	f(401, true)
	f(404, true)
	f(302, true)
	f(400, false)
	f(422, false)

	// Garbage, a connection that ends, one that nobody answers.
	rc := newReceiver(t, func(w http.ResponseWriter, r *http.Request, n int) {
		conn, buffered, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		if n == 0 {
			_, _ = buffered.WriteString("\x00\xff no HTTP at all\r\n\r\n")
			_ = buffered.Flush()
		}
	})
	s, _ := sinkOf(t, sink.Options{}, `"type":"webhook","url":"%s","secret":"0123456789abcdef"`, rc.URL)
	for range 2 {
		if retry, text := judged(t, s.Send(t.Context(), []sink.Message{alarm})); !retry || strings.Contains(text, rc.URL) {
			t.Errorf("retry %v: %s", retry, text)
		}
	}
	rc.Close()
	if retry, _ := judged(t, s.Send(t.Context(), []sink.Message{alarm})); !retry {
		t.Error("a target that is down is refused for good")
	}
}

func TestSNS(t *testing.T) {
	rc := newReceiver(t, nil)
	s, target := sinkOf(t, sink.Options{Now: clock}, `"type":"sns","endpoint":"%s/","region":"eu-west-1","accessKeyId":"AKID","secretAccessKey":"secret"`, rc.URL)
	m := alarm
	m.Subject = "ALARM: \"ü\"\n" + strings.Repeat("x", 200)
	if err := s.Send(t.Context(), []sink.Message{m}); err != nil {
		t.Fatal(err)
	}
	r := rc.got()[0]
	form, err := url.ParseQuery(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{
		"Action": {"Publish"}, "Version": {"2010-03-31"}, "TopicArn": {alarm.ARN}, "Message": {string(alarm.Body)},
		"Subject": {`ALARM: "?"?` + strings.Repeat("x", 89)},
	}
	if d := cmp.Diff(want, form); d != "" {
		t.Errorf("form (-want +got):\n%s", d)
	}
	if auth := r.Header.Get("Authorization"); r.Method != "POST" || r.Path != "/" || !strings.HasPrefix(auth, "AWS4-HMAC-SHA256 Credential=AKID/20260921/eu-west-1/sns/aws4_request") {
		t.Errorf("request %s %s %s", r.Method, r.Path, auth)
	}
	if target.MaxBody != 256<<10 {
		t.Errorf("limit %d", target.MaxBody)
	}
	s, target = sinkOf(t, sink.Options{}, `"type":"sns","endpoint":"%s","topic":"arn:aws:sns:us-east-1:1:fixed"`, rc.URL)
	if err := s.Check(t.Context(), alarm); err != nil || !strings.HasSuffix(target.Place, " topic arn:aws:sns:us-east-1:1:fixed") {
		t.Error(err, target.Place)
	}
	if form, err := url.ParseQuery(rc.got()[1].Body); err != nil || form.Get("TopicArn") != "arn:aws:sns:us-east-1:1:fixed" {
		t.Error(form, err)
	}
	if retry, _ := judged(t, s.Send(t.Context(), []sink.Message{{Body: []byte{1}, Encoding: sink.EncodingGzip}})); retry {
		t.Error("a compressed message will never be taken")
	}
}

func TestSNSFailures(t *testing.T) {
	f := func(status int, body string, retry bool) {
		t.Helper()
		rc := newReceiver(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		})
		s, _ := sinkOf(t, sink.Options{}, `"type":"sns","endpoint":"%s"`, rc.URL)
		if got, text := judged(t, s.Send(t.Context(), []sink.Message{alarm})); got != retry {
			t.Errorf("%d %s: retry %v: %s", status, body, got, text)
		}
	}
	code := func(c string) string {
		return `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>` + c + `</Code><Message>m</Message></Error></ErrorResponse>`
	}
	f(400, code("InvalidParameter"), false)
	f(404, code("NotFound"), true)
	f(403, code("AuthorizationError"), true)
	f(400, code("Throttled"), true)
	f(400, "garbage", true)
	f(500, code("InternalError"), true)
}

func TestLog(t *testing.T) {
	var b bytes.Buffer
	s, target := sinkOf(t, sink.Options{Logger: slog.New(slog.NewJSONHandler(&b, nil))}, `"type":"log","level":"warn"`)
	if target.Place != "log of the server" {
		t.Errorf("place %s", target.Place)
	}
	long := alarm
	long.Body = []byte(strings.Repeat("é", 5000))
	if err := errors.Join(s.Check(t.Context(), alarm), s.Send(t.Context(), []sink.Message{alarm, long, {Name: "z", Body: []byte{0, 1}, Encoding: "gzip"}})); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines: %s", len(lines), b.String())
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(lines[0]), &got); err != nil {
		t.Fatal(err)
	}
	delete(got, "time")
	want := map[string]any{"level": "WARN", "msg": "message for a target", "target": alarm.ARN, "id": "0b9c", "subject": alarm.Subject, "body": string(alarm.Body)}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("line (-want +got):\n%s", d)
	}
	if len(lines[1]) > 9000 || !strings.Contains(lines[1], "…") || strings.Contains(lines[2], `"body"`) {
		t.Errorf("lines %d %s", len(lines[1]), lines[2])
	}
}

func TestActionTargetsRefused(t *testing.T) {
	f := func(entry, want string) {
		t.Helper()
		_, err := sink.Load(strings.NewReader(`{"targets":[{"arn":"arn:aws:sns:*:*:*",`+entry+`}]}`), sink.Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", entry, err, want)
		}
	}
	f(`"type":"webhook","url":"https://x"`, "secret: is missing")
	f(`"type":"webhook","url":"https://x","secret":"short"`, "fewer than 16")
	f(`"type":"webhook","url":"https://x","secret":"0123456789abcdef","format":"xml"`, "none of raw, sns")
	f(`"type":"sns"`, "endpoint: is missing")
	f(`"type":"sns","endpoint":"https://x","topic":"ops"`, "not the ARN of a topic")
	f(`"type":"log","level":"debug"`, "none of info")
	f(`"type":"smtp","server":"x","from":"a@b","to":"c@d"`, "host:port")
	f(`"type":"smtp","server":"x:25","from":"nobody","to":"c@d"`, "not an address")
	f(`"type":"smtp","server":"x:25","from":"a@b","to":"c@d e@f"`, "not a list of addresses")
	f(`"type":"smtp","server":"x:25","from":"a@b","to":"c@d","username":"u"`, "given together")
	f(`"type":"smtp","server":"x:25","from":"a@b","to":"c@d","username":"u","password":"p","security":"none"`, "needs security")
	f(`"type":"smtp","server":"x:25","from":"a@b","to":"`+strings.Repeat("c@d,", 50)+`c@d"`, "more than 50")
}
