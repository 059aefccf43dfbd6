package series_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/series"
)

// FuzzRecord decodes records of the log: no panic, and what decodes encodes to something that decodes to the same.
func FuzzRecord(f *testing.F) {
	seed, err := series.EncodeRecord(golden(), map[string]uint64{"c": 7})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte{1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		again, err := series.RecodeRecord(b)
		if err != nil {
			return
		}
		twice, err := series.RecodeRecord(again)
		if err != nil || !bytes.Equal(again, twice) {
			t.Fatalf("%x encodes to %x, and that to %x %v", b, again, twice, err)
		}
	})
}

// FuzzChunk decodes chunks, and their columns behind the checksums.
func FuzzChunk(f *testing.F) {
	base := noon - noon%day
	d := series.NewChunkDecoder()
	all := golden()
	for _, part := range [][]series.Point{all[:5], all[5:]} {
		chunk, err := series.EncodeChunk(part, base)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(chunk, uint16(len(chunk)))
		buckets, err := d.Decode(chunk, base, true)
		if err != nil {
			f.Fatal(err)
		}
		sums, sketches := series.EncodeColumns(buckets, base)
		f.Add(append(sums, sketches...), uint16(len(sums)))
	}
	f.Fuzz(func(t *testing.T, b []byte, cut uint16) {
		if buckets, err := d.Decode(b, base, true); err == nil {
			series.EncodeColumns(buckets, base)
		}
		at := min(int(cut), len(b))
		buckets, ok := d.DecodeColumns(b[:at], b[at:], base)
		if !ok {
			return
		}
		for i := range buckets {
			buckets[i].Percentile(0.5)
			buckets[i].Trimmed(series.Range{Low: 0.1, High: 0.9, HasLow: true, HasHigh: true, Percent: true})
		}
		sums, sketches := series.EncodeColumns(buckets, base)
		n := len(buckets)
		again, ok := d.DecodeColumns(sums, sketches, base)
		if !ok || len(again) != n {
			t.Fatalf("%x %x does not decode", sums, sketches)
		}
		twice, more := series.EncodeColumns(again, base)
		if !bytes.Equal(sums, twice) || !bytes.Equal(sketches, more) {
			t.Fatalf("%x %x encodes to %x %x", sums, sketches, twice, more)
		}
	})
}

func FuzzIndex(f *testing.F) {
	base := noon - noon%day
	key := "000000000000\x00us-east-1\x00Test\x00m\x00\x00Count"
	b := binary.AppendUvarint(nil, 1)
	b = append(binary.AppendUvarint(append(b, 0), uint64(len(key))), key...)
	f.Add(append(b, 5, 60, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		again, err := series.DecodeIndex(b, base)
		if err != nil {
			return
		}
		twice, err := series.DecodeIndex(again, base)
		if err != nil || !bytes.Equal(again, twice) {
			t.Fatalf("%x encodes to %x, and that to %x %v", b, again, twice, err)
		}
	})
}

func FuzzManifest(f *testing.F) {
	b, err := os.ReadFile(filepath.Join("testdata", "v1", "MANIFEST"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) { _ = series.DecodeManifest(b) })
}

func FuzzKey(f *testing.F) {
	f.Add("000000000000\x00us-east-1\x00Test\x00m\x00Host\x00a\x00\x00Count")
	f.Add("a\x00b\x00c\x00d\x00\x00")
	f.Fuzz(func(t *testing.T, key string) {
		m, unit, err := series.SplitKey(key)
		if err != nil {
			return
		}
		b, err := series.EncodeRecord([]series.Point{series.Value(m, unit, noon, 1)}, nil)
		if err != nil || !bytes.Contains(b, []byte(key)) {
			t.Fatalf("%q is %+v and %q, which is not the key: %v", key, m, unit, err)
		}
	})
}
