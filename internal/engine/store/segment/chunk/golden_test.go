package chunk_test

import (
	"bytes"
	"encoding/base64"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/store/segment/chunk"
)

var writeGolden = flag.Bool("write-golden", false, "write testdata/NAME.chunks that do not exist yet")

const goldenFile = "testdata/v1.chunks"

// golden makes the lines of a file: name, rows, bytes of text, hash of the texts, chunk.
func golden(t *testing.T) []byte {
	e := chunk.NewEncoder()
	var out []byte
	for _, tc := range columns(rand.New(rand.NewPCG(11, 12))) {
		n := min(tc.in.Len(), 250)
		in := &column.Texts{Ends: tc.in.Ends[:n]}
		if n > 0 {
			in.Data = tc.in.Data[:in.Ends[n-1]]
		}
		_, _, enc := roundTrip(t, e, in)
		out = fmt.Appendf(out, "%s\t%d\t%d\t%016x\t%s\n", tc.name, n, len(in.Data), hashTexts(in), base64.RawStdEncoding.EncodeToString(enc))
	}
	return out
}

func hashTexts(t *column.Texts) uint64 {
	h := xxhash.New()
	for i := range t.Len() {
		fmt.Fprintf(h, "%d:", len(t.At(i)))
		h.Write(t.At(i))
	}
	return h.Sum64()
}

// TestOldChunksOpen opens the chunks that earlier versions wrote; files in
// testdata are only ever added.
func TestOldChunksOpen(t *testing.T) {
	if _, err := os.Stat(goldenFile); *writeGolden && os.IsNotExist(err) {
		if err := os.WriteFile(goldenFile, golden(t), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob("testdata/*.chunks")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files with chunks: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[byte]bool{}
		for line := range bytes.Lines(data) {
			var rows, n int
			var hash uint64
			fields := strings.Split(strings.TrimSuffix(string(line), "\n"), "\t")
			if _, err := fmt.Sscanf(strings.Join(fields[1:4], " "), "%d %d %x", &rows, &n, &hash); err != nil {
				t.Fatal(err)
			}
			enc, err := base64.RawStdEncoding.DecodeString(fields[4])
			if err != nil {
				t.Fatal(err)
			}
			out, err := parse(enc, rows, n)
			if err != nil {
				t.Errorf("%s, %s: %v", file, fields[0], err)
				continue
			}
			if len(out.Data) != n || hashTexts(out) != hash {
				t.Errorf("%s, %s: other texts than were written", file, fields[0])
			}
			seen[enc[0]] = true
		}
		for e := range chunk.Encoding(12) {
			if !strings.HasPrefix(e.String(), "encoding") && !seen[byte(e)] {
				t.Errorf("%s has no %v", file, e)
			}
		}
	}
}
