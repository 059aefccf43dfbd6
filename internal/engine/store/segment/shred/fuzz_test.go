package shred_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/store/segment/shred"
)

var fuzzRows = []string{
	"{\"a\":1}\n{\"a\":2}\n{\"a\":\"x\"}\n{\"a\":1}\n{}",
	"INFO {\"a\":{\"b\":[1,2,{\"c\":null}]}}\nWARN {\"a\":{\"b\":[]}}\nother",
	"{\"a\":1,\"a\":\"2\",\"b\\u0061\":-1.50}\n{\"a\":3,\"a\":\"\\\"\",\"b\\u0061\":2.25}\n{\"a\":1e9}",
	"{\"a\" : true , \"\xff\":\"\xfe\"}\n[1]\n\n7",
	"{\"level\":\"error\",\"n\":12}\n{\"level\":\"info\",\"n\":13}\n{\"level\":\"error\",\"n\":7}",
}

// rowsOf cuts data into rows.
func rowsOf(data []byte) (arena []byte, ends []uint32) {
	for _, m := range bytes.Split(data, []byte("\n")) {
		if len(ends) < shred.MaxRows {
			arena = append(arena, m...)
			ends = append(ends, uint32(len(arena)))
		}
	}
	return arena, ends
}

func FuzzRoundTrip(f *testing.F) {
	for _, rows := range fuzzRows {
		f.Add([]byte(rows))
	}
	var j shred.JSON
	var s shred.Shape
	var e shred.Encoder
	f.Fuzz(func(t *testing.T, data []byte) {
		arena, ends := rowsOf(data)
		if !j.Split(arena, ends, &s) {
			return
		}
		checkRebuilt(t, &s, arena, ends)
		b, _, _ := encoded(t, &e, &s, len(ends), len(arena))
		checkBlock(t, b, arena, ends)
	})
}

func FuzzFind(f *testing.F) {
	for _, rows := range fuzzRows {
		f.Add([]byte(rows), []byte("error"))
		f.Add([]byte(rows), []byte(`"a":1`))
		f.Add([]byte(rows), []byte(`1}`))
	}
	var j shred.JSON
	var s shred.Shape
	f.Fuzz(func(t *testing.T, data, needle []byte) {
		arena, ends := rowsOf(data)
		if !j.Split(arena, ends, &s) {
			return
		}
		for name, b := range views(t, &s, arena, ends) {
			checkFind(t, name, b, arena, ends, needle)
		}
	})
}

func FuzzField(f *testing.F) {
	for _, rows := range fuzzRows {
		f.Add([]byte(rows), "a")
		f.Add([]byte(rows), "a.b")
	}
	var j shred.JSON
	var s shred.Shape
	var v column.Vector
	f.Fuzz(func(t *testing.T, data []byte, path string) {
		arena, ends := rowsOf(data)
		if !j.Split(arena, ends, &s) {
			return
		}
		for name, b := range views(t, &s, arena, ends) {
			checkField(t, name, b, arena, ends, path, &v)
		}
	})
}

func FuzzOpen(f *testing.F) {
	var j shred.JSON
	var s shred.Shape
	var e shred.Encoder
	for _, rows := range fuzzRows {
		arena, ends := rowsOf([]byte(rows))
		j.Split(arena, ends, &s)
		if s.Check() != nil {
			continue
		}
		head, body := e.Encode(&s)
		f.Add(bytes.Clone(head), bytes.Clone(body), uint16(len(ends)), uint32(len(arena)))
	}
	var b shred.Block
	var v column.Vector
	f.Fuzz(func(t *testing.T, head, body []byte, rows uint16, raw uint32) {
		read := func(off, n int, _ []byte) ([]byte, error) {
			if off+n > len(body) {
				return nil, errOutside
			}
			return body[off : off+n], nil
		}
		if int(rows) > shred.MaxRows || b.Open(head, int(rows), int(raw), read) != nil {
			return
		}
		if raw > 1<<20 {
			return
		}
		hits := column.NewBitmap(int(rows))
		_ = b.Find([]byte(`a":1`), hits)
		_ = b.Field("a", &v)
		var texts column.Texts
		if rows > 0 {
			_ = b.Rows([]uint32{uint32(rows) / 2}, &texts)
		}
		got, ends, err := b.Messages(nil, nil)
		if err == nil && (len(got) != int(raw) || len(ends) != int(rows)) {
			t.Fatalf("%d bytes in %d rows, want %d in %d", len(got), len(ends), raw, rows)
		}
	})
}

// TestOpenDamaged opens heads with every byte changed: an error or the same
// sizes, never a panic.
func TestOpenDamaged(t *testing.T) {
	var j shred.JSON
	var s shred.Shape
	var e shred.Encoder
	arena, ends := rowsOf([]byte(fuzzRows[2]))
	if !j.Split(arena, ends, &s) {
		t.Fatal("not worth it")
	}
	head, body := e.Encode(&s)
	var b shred.Block
	for i := range head {
		for _, x := range []byte{1, 0x80, 0xff} {
			bad := bytes.Clone(head)
			bad[i] ^= x
			if b.Open(bad, len(ends), len(arena), memory(body)) != nil {
				continue
			}
			got, _, err := b.Messages(nil, nil)
			if err == nil && len(got) != len(arena) {
				t.Fatalf("byte %d: %d bytes, want %d", i, len(got), len(arena))
			}
			_ = b.Find([]byte("a"), column.NewBitmap(len(ends)))
		}
		if b.Open(head[:i], len(ends), len(arena), memory(body)) == nil {
			t.Fatalf("%d of %d bytes are a head", i, len(head))
		}
	}
	for i := range body {
		bad := bytes.Clone(body)
		bad[i] ^= 1
		if err := b.Open(head, len(ends), len(arena), memory(bad)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := b.Messages(nil, nil); err == nil {
			t.Fatalf("byte %d of the body changed, and nobody noticed", i)
		}
	}
	if b.Open(binary.AppendUvarint(bytes.Clone(head), 0), len(ends), len(arena), memory(body)) == nil {
		t.Error("a byte after the head is part of it")
	}
	if b.Open(head, len(ends)+1, len(arena), memory(body)) == nil || b.Open(head, len(ends), len(arena)+1, memory(body)) == nil {
		t.Error("a block of another size opened")
	}
	if b.Open(make([]byte, shred.MaxHead+1), len(ends), len(arena), memory(body)) == nil {
		t.Error("a head of more than MaxHead bytes opened")
	}
}
