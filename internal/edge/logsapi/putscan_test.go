package logsapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cumulog/cumulog/internal/logs"
)

// scanOnly runs the scanner without the generated decoder behind it.
func scanOnly(body []byte) (putRequest, bool) {
	s := putScanner{body: body, putScratch: newPutScratch()}
	return s.scan()
}

// checkAgainstDecoder compares the scanner with the generated decoder and its
// constraint checks: what the scanner accepts is what they accept, and readPut
// answers as they do.
func checkAgainstDecoder(t *testing.T, body []byte) (scanned bool) {
	t.Helper()
	want, wantErr := decodePut(body)
	opts := cmp.Options{cmp.AllowUnexported(putRequest{}), cmpopts.EquateEmpty()}
	fast, ok := scanOnly(body)
	if ok {
		if wantErr != nil {
			t.Fatalf("the scanner accepts what the decoder refuses with %v:\n%.300q", wantErr, body)
		}
		if d := cmp.Diff(want, fast, opts); d != "" {
			t.Fatalf("scanner and decoder differ on %.300q:\n%s", body, d)
		}
	}
	got, err := readPut(body)
	if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
		t.Fatalf("%.300q: got error %v, want %v", body, err, wantErr)
	}
	if d := cmp.Diff(want, got, opts); err == nil && d != "" {
		t.Fatalf("%.300q:\n%s", body, d)
	}
	return ok
}

func withEvents(list string) string {
	return `{"logGroupName":"g","logStreamName":"s","logEvents":[` + list + `]}`
}

func TestScanTakesTheFastPath(t *testing.T) {
	for _, body := range []string{
		withEvents(`{"timestamp":1,"message":"a"}`),
		withEvents(`{"message":"a","timestamp":0},{"timestamp":2,"message":"b"}`),
		" {\r\n\t\"logEvents\" : [ { \"message\" : \"a\" , \"timestamp\" : 1 } ] , \"logStreamName\" : \"s\" ,\"logGroupName\": \"g\"\n} ",
		`{"sequenceToken":"t","logGroupName":"a\/b","logStreamName":"\u00e9","logEvents":[{"timestamp":1,"message":"x"}]}`,
		`{"logGroupName":"g","entity":{"keyAttributes":{"Type":"Service","Name":"a}\"{"}},"logStreamName":"s","logEvents":[{"timestamp":1,"message":"x"}]}`,
		withEvents(`{"timestamp":1,"message":"\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac\ud83d\ude00\ud83d\udc4dtail"}`),
		withEvents(`{"timestamp":1,"message":"\ud83d"},{"timestamp":1,"message":"\ud83dx"},{"timestamp":1,"message":"\udc4d\ud83d\u0041"}`),
		withEvents(`{"timestamp":999999999999999999,"message":"exactly8"}`),
		withEvents(`{"timestamp":1,"message":"` + strings.Repeat("é€😀", 100) + `"}`),
	} {
		if !checkAgainstDecoder(t, []byte(body)) {
			t.Errorf("the scanner gave up on %s", body)
		}
	}
}

func TestScanLeavesTheRestToTheDecoder(t *testing.T) {
	many := strings.Repeat(`{"timestamp":1,"message":"a"},`, logs.MaxBatchEvents)
	for _, body := range []string{
		``, ` `, `null`, `[]`, `{}`, `{`, `"`, `{"logGroupName"`, `{"logGroupName":`,
		withEvents(``), withEvents(`{}`), withEvents(`null`), withEvents(`1`), withEvents(`{"timestamp":1,"message":"a"},`),
		withEvents(`{"timestamp":1}`), withEvents(`{"message":"a"}`), withEvents(`{"timestamp":1,"message":""}`),
		withEvents(`{"timestamp":-1,"message":"a"}`), withEvents(`{"timestamp":-0,"message":"a"}`),
		withEvents(`{"timestamp":01,"message":"a"}`), withEvents(`{"timestamp":1.0,"message":"a"}`),
		withEvents(`{"timestamp":1e3,"message":"a"}`), withEvents(`{"timestamp":1.5,"message":"a"}`),
		withEvents(`{"timestamp":"1","message":"a"}`), withEvents(`{"timestamp":true,"message":"a"}`),
		withEvents(`{"timestamp":9223372036854775807,"message":"a"}`), withEvents(`{"timestamp":9223372036854775808,"message":"a"}`),
		withEvents(`{"timestamp":1,"message":null}`), withEvents(`{"timestamp":null,"message":"a"}`), withEvents(`{"timestamp":1,"message":7}`),
		withEvents(`{"timestamp":1,"timestamp":2,"message":"a"}`), withEvents(`{"timestamp":1,"message":"a","message":"b"}`),
		withEvents(`{"timestamp":1,"message":"a","other":{"x":[1,2,{"y":null}]}}`), withEvents(`{"timestamp":1,"mess\u0061ge":"a"}`),
		withEvents(`{"timestamp":1,"message":"a\x"}`), withEvents(`{"timestamp":1,"message":"\u12"}`), withEvents(`{"timestamp":1,"message":"\ud83d\u12"}`),
		withEvents("{\"timestamp\":1,\"message\":\"a\nb\"}"), withEvents("{\"timestamp\":1,\"message\":\"a\xffb\"}"), withEvents("{\"timestamp\":1,\"message\":\"\xed\xa0\x80\"}"),
		withEvents(`{"timestamp":1,"message":"a"}`) + `x`, withEvents(`{"timestamp":1,"message":"a"}`) + ` {}`,
		withEvents(many + `{"timestamp":1,"message":"a"}`),
		`{"logGroupName":"a b","logStreamName":"x:y","logEvents":[]}`,
		`{"logGroupName":"` + strings.Repeat("g", 513) + `","logStreamName":"s","logEvents":[{"timestamp":-1,"message":""}],"sequenceToken":""}`,
		`{"logGroupName":"g","logGroupName":"h","logStreamName":"s","logEvents":[{"timestamp":1,"message":"a"}]}`,
		`{"logGroupName":"g","logStreamName":"s","logEvents":[{"timestamp":1,"message":"a"}],"logEvents":[{"timestamp":2,"message":"b"}]}`,
		`{"logGroupName":"g","logStreamName":"s","logEvents":[{"timestamp":1,"message":"a"}],"logEvents":null}`,
		`{"logGroupName":"g","logStreamName":"s","unknown":"x","logEvents":[{"timestamp":1,"message":"a"}]}`,
		`{"logGroupName":null,"logStreamName":"s","logEvents":[{"timestamp":1,"message":"a"}]}`,
		`{"logGroupName":"g","logStreamName":"s","logEvents":{"0":{"timestamp":1,"message":"a"}}}`,
		`{"logGroupName":"g","logStreamName":"s","entity":{"keyAttributes":{"Type":"S"}},"logEvents":[{"timestamp":1,"message":"a"}]}`,
		`{"logGroupName":"g","logStreamName":"s","entity":{"keyAttributes":"no"},"logEvents":[{"timestamp":1,"message":"a"}]}`,
		`{"logGroupName":"g","logStreamName":"s","entity":{"keyAttributes":{},"logEvents":[{"timestamp":1,"message":"a"}]}`,
		`{"logGroupName":"g","logStreamName":"s","entity":null,"logEvents":[{"timestamp":1,"message":"a"}]}`,
	} {
		if checkAgainstDecoder(t, []byte(body)) {
			t.Errorf("the scanner accepted %.200s", body)
		}
	}
}

func TestScanAtTheBoundOfEvents(t *testing.T) {
	list := strings.Repeat(`{"timestamp":1,"message":"a"},`, logs.MaxBatchEvents)
	if !checkAgainstDecoder(t, []byte(withEvents(list[:len(list)-1]))) {
		t.Errorf("the scanner gave up on %d events", logs.MaxBatchEvents)
	}
}

func TestScanCutAnywhere(t *testing.T) {
	body := []byte(`{"logGroupName":"g","entity":{"keyAttributes":{"Type":"Service","Name":"é"}},"logStreamName":"s","logEvents":[{"timestamp":12,"message":"a\"\u00e9\ud83d\ude00b"}]}`)
	for i := range body {
		checkAgainstDecoder(t, body[:i])
	}
}

// TestScanRandomBodies builds bodies from a seeded generator and damages some
// of them.
func TestScanRandomBodies(t *testing.T) {
	const damage = "{}[]\":,\\u0 dD8ce\x00\x1f\x80\xed\xff\n.-+"
	rng := rand.New(rand.NewPCG(11, 12))
	accepted := 0
	for range 4000 {
		body := randomBody(rng)
		for range rng.IntN(3) {
			i := rng.IntN(len(body))
			switch rng.IntN(3) {
			case 0:
				body[i] = damage[rng.IntN(len(damage))]
			case 1:
				body = append(body[:i], body[i+1:]...)
			case 2:
				from := rng.IntN(i + 1)
				body = append(body[:i:i], body[from:]...)
			}
		}
		if checkAgainstDecoder(t, body) {
			accepted++
		}
	}
	if accepted < 500 {
		t.Errorf("only %d bodies were accepted: the generator tests nothing", accepted)
	}
}

func randomBody(rng *rand.Rand) []byte {
	text := func() string {
		var b strings.Builder
		for range 1 + rng.IntN(30) {
			b.WriteString([]string{"a", "level", "\"", "\\", "\n", "\t", "é", "€", "😀", "\u2028", "\x01", "/", " ", "{\"k\":1}", "1234567"}[rng.IntN(15)])
		}
		return b.String()
	}
	quote := func(s string) string {
		q, _ := json.Marshal(s)
		if rng.IntN(2) == 0 {
			q = bytes.ReplaceAll(q, []byte("é"), []byte(`\u00e9`))
			q = bytes.ReplaceAll(q, []byte("😀"), []byte(`\ud83d\ude00`))
		}
		return string(q)
	}
	sp := func() string { return strings.Repeat(" ", rng.IntN(2)) }
	var list []string
	for range 1 + rng.IntN(5) {
		parts := []string{`"timestamp":` + sp() + fmt.Sprint(rng.IntN(2_000_000_000_000)), `"message":` + sp() + quote(text())}
		rng.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		list = append(list, "{"+sp()+strings.Join(parts, sp()+","+sp())+"}")
	}
	parts := []string{
		`"logGroupName":"group/1"`, `"logStreamName":` + quote("stream é"),
		`"logEvents":[` + strings.Join(list, ","+sp()) + `]`,
	}
	if rng.IntN(3) == 0 {
		parts = append(parts, `"sequenceToken":"49"`)
	}
	if rng.IntN(3) == 0 {
		parts = append(parts, `"entity":{"keyAttributes":{"Type":"Service","Name":`+quote("n}")+`}}`)
	}
	rng.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	return []byte("{" + strings.Join(parts, sp()+","+sp()) + sp() + "}")
}

func TestScanAllocations(t *testing.T) {
	body := benchBody(`{\"level\":\"info\",\"msg\":\"done\",\"n\":12}`, 5000)
	n := testing.AllocsPerRun(20, func() {
		if _, err := readPut(body); err != nil {
			t.Fatal(err)
		}
	})
	// 8 in truth; the race detector empties the pool now and then.
	if n > 40 {
		t.Errorf("%v allocations for a request of 5,000 events", n)
	}
}

func FuzzPutLogEvents(f *testing.F) {
	f.Add([]byte(withEvents(`{"timestamp":1,"message":"a\"\u00e9"},{"message":"b","timestamp":2}`)))
	f.Add([]byte(`{"logGroupName":"g","entity":{"keyAttributes":{"Type":"Service","Name":"x"}},"sequenceToken":"t","logStreamName":"s","logEvents":[{"timestamp":1e3,"message":"x"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) { checkAgainstDecoder(t, body) })
}

func benchBody(message string, n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"logGroupName":"/bench/group","logStreamName":"stream-1","logEvents":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"timestamp":%d,"message":"%s"}`, 1_700_000_000_000+i, message)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func BenchmarkReadPut(b *testing.B) {
	jsonLine, _ := json.Marshal(`{"ts":"2026-01-02T03:04:05.678Z","level":"info","service":"checkout","request_id":"7f3c9a52-11aa-4b0e-9c61-aa0b4f1c2d3e","path":"/api/v1/orders/18273","status":200,"duration_ms":37,"msg":"request finished"}`)
	for name, message := range map[string]string{
		"json":  string(jsonLine[1 : len(jsonLine)-1]),
		"text":  "2026-01-02 03:04:05,678 INFO [worker-17] com.example.orders.OrderService - order 18273 stored in 37 ms for customer 88172 in region eu-west-1",
		"utf8":  "2026-01-02 03:04:05 заказ 18273 сохранён за 37 мс для клиента 88172",
		"short": "ok",
	} {
		b.Run(name, func(b *testing.B) {
			body := benchBody(message, min(10_000, 1_000_000/(len(message)+26)))
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := readPut(body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
