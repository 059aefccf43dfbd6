package insights

import (
	"bytes"
	"fmt"
	"testing"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// FuzzReadResult reads damaged result files: an error or rows, never a panic.
func FuzzReadResult(f *testing.F) {
	c, err := newCodec()
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(c.close)
	for _, rows := range []int{0, 1, 3, 2500} {
		var b bytes.Buffer
		w, err := newRowWriter(&c, &b, []string{"a", "@ptr"})
		for i := range rows {
			w.cell(fmt.Append(nil, i), i%3 == 0)
			w.cell([]byte("ptr"), false)
			if err := w.endRow(); err != nil {
				f.Fatal(err)
			}
		}
		if err != nil {
			f.Fatal(err)
		}
		if _, err := w.finish(); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes(), 0, 10)
	}
	f.Add([]byte("cumulogr"), 0, 1)
	f.Fuzz(func(t *testing.T, data []byte, from, to int) {
		fs := vfs.NewMem()
		if err := vfs.CreateFile(fs, "r", data); err != nil {
			t.Fatal(err)
		}
		file, err := fs.Open("r")
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		d, err := readDirectory(file)
		if err != nil {
			return
		}
		from, to = min(max(from, 0), d.Rows), min(max(to, 0), d.Rows)
		last := -1
		err = c.readRows(file, d, from, to, func(row, column int, _ []byte, _ bool) {
			if row < from || row >= to || row < last || column < 0 || column >= len(d.Columns) {
				t.Fatalf("cell %d of row %d, asked for %d to %d", column, row, from, to)
			}
			last = row
		})
		_ = err
	})
}

// FuzzCall reads calls of saved queries.
func FuzzCall(f *testing.F) {
	for _, s := range []string{"$a()", "$a", "$`a b`(x=1, y = 'z')|", "# c\n $a/b.c(x=\"\\\"\")", "$", "$(", "$a(x", "$a(x=", "$a(x='", "$é(", "$a(,)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		start, ok := callStart(text)
		if !ok {
			return
		}
		c, err := parseCall(text, start)
		if err != nil {
			m, ok := err.(*MalformedError)
			if !ok || m.Start < 0 || m.End < m.Start || m.End > utf8.RuneCountInString(text) {
				t.Fatalf("%q: %#v", text, err)
			}
			return
		}
		if c.name == "" || c.end <= start || c.end > len(text) {
			t.Fatalf("%q: %+v", text, c)
		}
	})
}
