package pattern

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExplainScripts runs testdata/explain-*.txt: blocks of a line "explain
// PATTERN", a line "+ MESSAGE" and the outline of the explanation, up to an empty
// line. "#" begins a comment.
func TestExplainScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/explain-*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		pattern, message, from := "", "", 0
		var want []string
		check := func() {
			if from == 0 {
				return
			}
			m := parse(t, pattern).Compile()
			part := m.Explain([]byte(message))
			if got := outline(&part, message, ""); got != strings.Join(want, "\n") {
				t.Errorf("%s:%d:\n%s\nwant\n%s", file, from, got, strings.Join(want, "\n"))
			}
			checkPart(t, &part, pattern, message)
			from, want = 0, nil
		}
		for i, line := range strings.Split(string(text), "\n") {
			switch {
			case strings.HasPrefix(line, "#"):
			case line == "":
				check()
			case strings.HasPrefix(line, "explain "):
				pattern = strings.TrimPrefix(line, "explain ")
			case strings.HasPrefix(line, "+ "):
				message, from = strings.TrimPrefix(line, "+ "), i+1
			default:
				want = append(want, line)
			}
		}
		check()
	}
}

// However many values a wildcard leads to, all of them count, and only so many are
// shown.
func TestExplainManyValues(t *testing.T) {
	for _, n := range []int{maxPlaces - 1, maxPlaces, maxPlaces + 1, 5 * maxPlaces} {
		var members strings.Builder
		for i := range n {
			fmt.Fprintf(&members, `"k%d":1,`, i)
		}
		for pattern, message := range map[string]string{
			`{ $.l[*] = 2 }`:        `{"l":[` + strings.Repeat("1,", n) + `2]}`,
			`{ $.l[*].id = 2 }`:     `{"l":[` + strings.Repeat(`{"id":1},`, n) + `{"id":2}]}`,
			`{ $.l[*] IS NULL }`:    `{"l":[` + strings.Repeat("1,", n) + `null]}`,
			`{ $.* = 2 }`:           `{` + members.String() + `"z":2}`,
			`{ $.l[*] NOT EXISTS }`: `{"l":[` + strings.Repeat("1,", n) + `2]}`,
			`{ $.l[*] > 2 }`:        `{"l":[` + strings.Repeat("1,", n) + `2]}`,
		} {
			m := parse(t, pattern).Compile()
			part := m.Explain([]byte(message))
			if part.Matched != m.Match([]byte(message)) {
				t.Errorf("%s, %d values: explained %v", pattern, n+1, part.Matched)
			}
			if len(part.At) == 0 || len(part.At) > maxPlaces {
				t.Errorf("%s, %d values: %d places", pattern, n+1, len(part.At))
			}
		}
	}
}

func FuzzExplain(f *testing.F) {
	g := maker{rand.New(rand.NewPCG(11, 12))}
	for range 40 {
		f.Add(g.pattern(), g.message())
	}
	f.Fuzz(func(t *testing.T, text, message string) {
		p, err := Parse(text)
		if err != nil || len(text) > 200 {
			return
		}
		m := p.Compile()
		part := m.Explain([]byte(message))
		if got := m.Match([]byte(message)); part.Matched != got {
			t.Fatalf("pattern %q on %q: match %v, explained\n%s", text, message, got, outline(&part, message, ""))
		}
		checkPart(t, &part, text, message)
	})
}
