package lookups

import (
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
)

func FuzzDecode(f *testing.F) {
	stored, err := os.ReadFile(filepath.Join("testdata", "v1.lookup"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(stored)
	f.Add([]byte("{}\n"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		h, body, err := decode(data)
		if err != nil {
			return
		}
		if int64(len(body)) != h.Size || crc32.Checksum([]byte(body), sumTable) != h.Sum {
			t.Fatalf("%q: a damaged body passed", data)
		}
		again, err := encode(&h, body)
		if err != nil {
			t.Fatal(err)
		}
		if h2, body2, err := decode(again); err != nil || body2 != body || h2.Name != h.Name || len(h2.Fields) != len(h.Fields) {
			t.Fatalf("%q: written as %q, read as %+v: %v", data, again, h2, err)
		}
		_, _, _ = parse(body, h.Records) // must not panic on a body that does not suit its head
	})
}
