package querytest

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"strconv"
	"strings"

	"github.com/cumulog/cumulog/internal/logs"
)

// Row is an event: a JSON object of Fields, or the message Raw.
type Row struct {
	logs.Key
	Group     logs.GroupID
	Stream    logs.StreamID
	Ingestion int64

	// Fields are the values as they are written, by path: a name, or the name of
	// an object, a dot and a name in it.
	Fields map[string]string
	More   string            // members of the object beside them
	Inside map[string]string // the fields in More, by name
	Prefix string            // before the object
	Loose  bool              // spaces in the object
	Twice  bool              // the first value has another one of the same name before it
	Raw    string            // the message, when there are no Fields

	message string
}

// Message returns the message.
func (r *Row) Message() string {
	if r.Fields == nil {
		return r.Raw
	}
	if r.message == "" {
		r.message = r.object()
	}
	return r.message
}

// Value returns a field as it is written.
func (r *Row) Value(name string) (string, bool) {
	if t, ok := r.Fields[name]; ok {
		return t, true
	}
	t, ok := r.Inside[name]
	return t, ok
}

func (r *Row) object() string {
	var paths []string
	for p := range r.Fields {
		paths = append(paths, p)
	}
	sort.Strings(paths)
	colon, comma := ":", ","
	if r.Loose {
		colon, comma = ": ", ", "
	}
	var b strings.Builder
	b.WriteString(r.Prefix + "{")
	in := "" // the object that is open
	for i, p := range paths {
		object, name, nested := strings.Cut(p, ".")
		if !nested {
			object, name = "", p
		}
		if in != "" && object != in {
			b.WriteByte('}')
		}
		switch {
		case object != "" && object == in:
			b.WriteString(comma)
		case i > 0:
			b.WriteString(comma)
			fallthrough
		default:
			if object != "" {
				b.WriteString(strconv.Quote(object) + colon + "{")
			}
		}
		in = object
		if i == 0 && r.Twice {
			b.WriteString(strconv.Quote(name) + colon + `"first"` + comma)
		}
		b.WriteString(strconv.Quote(name) + colon + r.Fields[p])
	}
	if in != "" {
		b.WriteByte('}')
	}
	if r.More != "" {
		b.WriteString(comma + r.More)
	}
	b.WriteByte('}')
	return b.String()
}

// Form says what the messages of rows look like.
type Form uint8

// The forms.
const (
	JSON  Form = iota // objects of the same fields, in one style
	Text              // no objects
	Mixed             // all kinds of them, damaged ones and bytes that are no UTF-8
)

func pick[T any](rng *rand.Rand, of ...T) T { return of[rng.IntN(len(of))] }

// Rows returns n random events of two groups, in the order of their times within
// each group; those of one group lie together. Streams 1 to 3 are of group 1, 11
// to 13 of group 2.
func Rows(rng *rand.Rand, n int, form Form) []Row {
	rows := make([]Row, n)
	for i := range rows {
		r := &rows[i]
		*r = Row{
			Key:       logs.Key{Timestamp: 1_000_000 + int64(i)*700 + int64(rng.IntN(3000)), Seq: logs.MakeSeq(uint64(i+1), 0)},
			Group:     1,
			Stream:    logs.StreamID(1 + rng.IntN(3)),
			Ingestion: int64(rng.IntN(5)),
		}
		if i >= n*2/3 {
			r.Group = 2
			r.Stream += 10
		}
		if form == Text || form == Mixed && rng.IntN(3) == 0 {
			r.Raw = randomText(rng, form)
			continue
		}
		r.Fields = randomFields(rng, i, n)
		r.More, r.Inside = randomMembers(rng)
		if form == Mixed {
			r.Loose, r.Twice = rng.IntN(4) == 0, rng.IntN(8) == 0
			r.Prefix = pick(rng, "", "", "", "", "2026-11-25T03:04:05Z\tINFO\t", "\xff ")
			if rng.IntN(8) == 0 {
				r.Fields["user"] = pick(rng, "\"\xff\xfe\"", "\"a\xc3\"", `"\ud800"`, `"zwei \ud83d\ude00"`)
			}
		}
	}
	return rows
}

func randomFields(rng *rand.Rand, i, n int) map[string]string {
	f := map[string]string{}
	set := func(path string, oneIn int, t string) {
		if oneIn == 0 || rng.IntN(oneIn) > 0 {
			f[path] = t
		}
	}
	set("level", 10, pick(rng, `"INFO"`, `"INFO"`, `"WARN"`, `"ERROR"`, `"\u0045RROR"`, `"a\/b"`, `null`))
	set("status", 20, pick(rng, "200", "200", "404", "500", "503"))
	if i%3 == 0 {
		set("status", 2, pick(rng, `"200"`, `"404"`, `"n/a"`, "404.0", "9007199254740993"))
	}
	set("ms", 8, strconv.Itoa(rng.IntN(1000))+"."+fmt.Sprintf("%02d", rng.IntN(100)))
	set("http.ms", 6, strconv.FormatFloat(float64(rng.IntN(90_000))/100, 'f', -1, 64))
	set("http.code", 5, pick(rng, "200", "201", "503"))
	set("user", 0, fmt.Sprintf("%q", fmt.Sprintf("u%d", rng.IntN(n))))
	set("mix", 2, pick(rng, "true", "false", `"true"`, "null", `"null"`, "[1,2]", `"[1,2]"`, "-3", `"-3"`, "1e3",
		`"x\ny"`, `""`, `"é"`, `"\u00e9"`, "0.1", "1e999", "01"[1:], `"007"`, "12345678901234567890"))
	return f
}

// randomMembers are arrays, and keys with dots.
func randomMembers(rng *rand.Rand) (string, map[string]string) {
	n := strconv.Itoa(rng.IntN(5))
	switch rng.IntN(6) {
	case 0:
		return `"tags":["t` + n + `",{"k":` + n + `}]`, map[string]string{"tags": `["t` + n + `",{"k":` + n + `}]`, "tags.0": `"t` + n + `"`, "tags.1.k": n}
	case 1:
		return `"tags":[` + n + `]`, map[string]string{"tags": "[" + n + "]", "tags.0": n}
	case 2:
		return `"x":{"y":` + n + `},"x.y":"no"`, map[string]string{"x.y": n}
	case 3:
		return `"x.y":"a\n` + n + `","x":{"y":7}`, map[string]string{"x.y": `"a\n` + n + `"`}
	case 4:
		return `"x":{"y":null},"x.y":` + n + `,"@x":"at"`, map[string]string{"x.y": n, "@x": `"at"`}
	}
	return "", nil
}

const rootArray = `[1,{"status":200}]`

func randomText(rng *rand.Rand, form Form) string {
	switch k := rng.IntN(15); {
	case k == 14:
		return fmt.Sprintf("2 123456789010 eni-1235b8ca123456789 172.31.16.%d 172.31.16.21 20641 22 6 20 %d 1418530010 1418530070 ACCEPT OK", rng.IntN(9), rng.IntN(5000))
	case k == 13:
		return fmt.Sprintf("REPORT RequestId: 8f507cfc-xmpl-4697-b07a-ac58fc91%04d\tDuration: %d.34 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\t", rng.IntN(9999), rng.IntN(90))
	case k == 12:
		return fmt.Sprintf("2026-11-25T03:04:05.123Z\t8f507cfc-0000-4697-b07a-ac58fc91%04d\tINFO\t{ not yet {\"level\":\"ERROR\",\"user\":\"a\\\\b%d\"} done", rng.IntN(9999), rng.IntN(9))
	case k < 6:
		return fmt.Sprintf(`10.0.%d.%d "%s /u%d" %d %d took %d ms`, rng.IntN(4), rng.IntN(256), pick(rng, "GET", "POST"), rng.IntN(500),
			pick(rng, 200, 404, 500, 503), rng.IntN(5000), rng.IntN(2000))
	case k < 10 || form == Text:
		return fmt.Sprintf("%s worker-%d: job %x %s", pick(rng, "INFO", "WARN", "ERROR"), rng.IntN(8), rng.Uint32(),
			pick(rng, "done", "failed: user u17 é", "retries x 3"))
	}
	return pick(rng, `{"level":"ERROR"`, `{"level":"ERROR","status":}`, rootArray, "{}", " ", "\xff\xfe", "ERR\xc3", `"level"`, "null", `{"level":"WARN"} `+"x")
}
