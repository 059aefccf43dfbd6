package column_test

import (
	"testing"

	"github.com/cumulog/cumulog/internal/engine/column"
)

func FuzzUnescape(f *testing.F) {
	for _, s := range []string{`a\nb`, `\u00e9`, `\ud83d\ude00`, `\ud83d`, `\u12`, `\`, `\x`, `\/\"\\`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, s []byte) {
		if got := column.AppendUnescaped(nil, s); len(got) > len(s) {
			t.Errorf("%q grows to %q", s, got)
		}
	})
}

func TestUnescape(t *testing.T) {
	for s, want := range map[string]string{`a\nb`: "a\nb", `\u00e9`: "é", `\ud83d\ude00x`: "😀x", `\ud83d\u0041`: "\uFFFDA", `\u12`: `\u12`, `\`: `\`, `\x`: `\x`, `\/\"\\`: `/"\`} {
		if got := string(column.AppendUnescaped(nil, []byte(s))); got != want {
			t.Errorf("%s: %q, want %q", s, got, want)
		}
	}
}
