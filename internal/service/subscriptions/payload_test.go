package subscriptions

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/sink"
)

// What is appended is the JSON of the text, whatever bytes it has.
func FuzzAppendText(f *testing.F) {
	for _, s := range []string{"", "plain", "\"\\\n\r\t\b\f\x00\x1f\x7f", "é😀\u2028", "\xff\xc3", "a\xe2\x82"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		out := appendText(nil, in)
		if string(out) != string(appendText(nil, string(in))) {
			t.Fatalf("%q: texts and bytes differ", in)
		}
		if !utf8.Valid(out) {
			t.Fatalf("%q gives invalid UTF-8 %q", in, out)
		}
		var back string
		if err := json.Unmarshal(out, &back); err != nil {
			t.Fatalf("%q gives %s: %v", in, out, err)
		}
		if want := strings.ToValidUTF8(string(in), "\uFFFD"); utf8.Valid(in) && back != want {
			t.Fatalf("%q came back as %q", in, back)
		}
	})
}

func FuzzPolicies(f *testing.F) {
	f.Add(`{"DestinationArn":"arn:aws:kinesis:us-east-1:000000000000:stream/s","RoleArn":"r","FilterPattern":"","Distribution":"Random"}`, `LogGroupName NOT IN ["a"]`)
	f.Add(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["1","*"]},"Action":"logs:*","Resource":"*"}]}`, "LogGroupName NOT IN [")
	f.Add(`{"Statement":{"Effect":"Deny","Principal":"*","Action":["a"],"Condition":{}}}`, "")
	f.Fuzz(func(t *testing.T, document, selection string) {
		_, _ = parseSubscription(document)
		_, _ = parseSelection(selection)
		if p, err := parsePolicy(document); err == nil {
			p.allows("000000000000", "arn:aws:logs:us-east-1:000000000000:destination:d")
		}
	})
}

func TestAccessPolicy(t *testing.T) {
	const arn = "arn:aws:logs:us-east-1:000000000000:destination:d"
	check := func(statements string, want bool) {
		t.Helper()
		p, err := parsePolicy(`{"Version":"2012-10-17","Statement":` + statements + `}`)
		if err != nil {
			t.Errorf("%s: %v", statements, err)
		}
		if got := p.allows("111111111111", arn); got != want {
			t.Errorf("%s allows: %v", statements, got)
		}
	}
	const yes = `{"Effect":"Allow","Principal":"*","Action":"logs:PutSubscriptionFilter","Resource":"*"}`
	check(yes, true)
	check(`[`+yes+`,{"Effect":"Deny","Principal":{"AWS":"111111111111"},"Action":"*","Resource":"*"}]`, false)
	check(`[`+yes+`,{"Effect":"Deny","Principal":{"AWS":"222222222222"},"Action":"*","Resource":"*"}]`, true)
	check(`[`+yes+`,{"Effect":"Deny","Principal":{"AWS":"222222222222"},"Action":"*","Resource":"*","Condition":{"a":{}}}]`, false)
	check(`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":["logs:Get*","LOGS:put*filter"],"Resource":"arn:aws:logs:*:000000000000:destination:?"}`, true)
	check(`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"logs:Put*","Resource":"arn:aws:logs:*:000000000000:destination:e"}`, false)
	check(`{"Effect":"Allow","Principal":{"Service":"logs.amazonaws.com"},"Action":"*"}`, false)
	check(`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:user/u"},"Action":"*"}`, true)
	check(`{"Effect":"Allow","NotPrincipal":{"AWS":"222222222222"},"Action":"*"}`, false)
	check(`{"Effect":"Allow","Principal":"*","NotAction":"x"}`, false)
	for _, bad := range []string{`{}`, `{"Effect":"Maybe","Principal":"*","Action":"*"}`, `{"Effect":"Allow","Action":"*"}`, `{"Effect":"Allow","Principal":"*"}`, `{"Effect":"Allow","Principal":1,"Action":"*"}`, `[]`, `"x"`} {
		if _, err := parsePolicy(`{"Statement":` + bad + `}`); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
	if p, err := parsePolicy(""); err != nil || p.allows("111111111111", arn) {
		t.Errorf("no policy: %v", err)
	}
	if !wild(strings.Repeat("*a", 1000)+"*", strings.Repeat("a", 5000)) || wild(strings.Repeat("*a", 1000)+"b", strings.Repeat("a", 5000)) {
		t.Error("many stars")
	}
}

func TestSelection(t *testing.T) {
	check := func(text string, want ...string) {
		t.Helper()
		got, err := parseSelection(text)
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("%s: %v (-want +got)\n%s", text, err, d)
		}
	}
	check("")
	check(`LogGroupName NOT IN ["a"]`, "a")
	check("  LogGroupName\n NOT\tIN[\"a\" , \"b/c\"] ", "a", "b/c")
	name := `"` + strings.Repeat("x", 500) + `"`
	long := `LogGroupName NOT IN [` + name + strings.Repeat(","+name, 49) + "]"
	if _, err := parseSelection(long + strings.Repeat(" ", MaxSelection-len(long))); err != nil {
		t.Errorf("at the bound: %v", err)
	}
	if _, err := parseSelection(long + strings.Repeat(" ", MaxSelection-len(long)+1)); err == nil {
		t.Error("beyond the bound: no error")
	}
}

// BenchmarkPayload makes messages of 1 MiB of events of web servers.
func BenchmarkPayload(b *testing.B) {
	var arena []byte
	h := head{scope: logs.Scope{Account: "000000000000"}, group: "/app/web", stream: "web-1", filter: "all"}
	var events []event
	for i := 0; len(arena) < 1<<20; i++ {
		from := len(arena)
		arena = fmt.Appendf(arena, `10.0.%d.%d - - [25/Nov/2026:14:00:%02d +0000] "GET /api/v1/items/%d HTTP/1.1" 200 %d "-" "curl/8.5.0"`, i%256, i*7%256, i%60, i*31%10000, i*17%9000)
		events = append(events, event{id: logs.EventID{Key: logs.Key{Timestamp: 1_800_000_000_000 + int64(i), Seq: logs.MakeSeq(uint64(i), 0)}, Group: 1, Stream: 2}, from: from, to: len(arena)})
	}
	var z zipper
	var buf []byte
	var m sink.Message
	b.SetBytes(int64(len(arena)))
	b.ReportAllocs()
	for b.Loop() {
		buf = h.appendHead(buf[:0])
		for i := range events {
			if i > 0 {
				buf = append(buf, ',')
			}
			buf = events[i].append(buf, arena)
		}
		buf = h.appendTail(buf)
		m.Body = z.zip(buf)
	}
	b.ReportMetric(float64(len(buf))/float64(len(m.Body)), "ratio")
}
