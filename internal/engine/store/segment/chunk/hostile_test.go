package chunk_test

import (
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/fse"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/store/segment/chunk"
)

// TestSymbolsOfNoNumbers has symbols, as many as they like, where no number is left to be read.
func TestSymbolsOfNoNumbers(t *testing.T) {
	many := make([]byte, 32<<20)
	for i := 0; i < len(many); i += 4096 {
		many[i] = 1
	}
	symbols, err := fse.Compress(many, &fse.Scratch{})
	if err != nil {
		t.Fatal(err)
	}
	// INT of one number: bucketed differences, of which there are none.
	src := []byte{byte(chunk.Int), 0, 0x11, 0, 8, 2}
	src = append(binary.AppendUvarint(src, uint64(len(symbols))), symbols...)
	d, c := chunk.NewDecoder(), new(chunk.Chunk)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err = d.Parse(c, src, 1, 100)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, chunk.ErrMalformed) {
		t.Errorf("error %v", err)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
		t.Errorf("%d bytes were allocated for a chunk of one number in %d bytes", got, len(src))
	}
}

// TestFindBetweenTexts looks for a long run of one byte in a text of nothing else, and in many that are too short
// and lie one behind the other.
func TestFindBetweenTexts(t *testing.T) {
	var in column.Texts
	in.Append([]byte(strings.Repeat("a", 8<<10)))
	for range 30_000 {
		in.Append([]byte(strings.Repeat("a", 250)))
	}
	enc := []byte{byte(chunk.Str), 0}
	enc = append(enc, 2)                 // runs
	enc = binary.AppendUvarint(enc, 2)   // two of them
	enc = append(enc, 0)                 // packed numbers
	enc = binary.AppendVarint(enc, 0)    // from 0
	enc = binary.AppendUvarint(enc, 250) // base
	enc = append(enc, 16)                // bits
	enc = binary.LittleEndian.AppendUint16(enc, 8<<10-250)
	enc = binary.LittleEndian.AppendUint16(enc, 0)
	enc = append(enc, 0)
	enc = binary.AppendVarint(enc, 0)
	enc = binary.AppendUvarint(enc, 0)
	enc = append(enc, 16)
	enc = binary.LittleEndian.AppendUint16(enc, 0)
	enc = binary.LittleEndian.AppendUint16(enc, 30_000-1)
	enc = append(enc, 0)
	enc = binary.AppendUvarint(enc, uint64(len(in.Data)))
	enc = append(enc, in.Data...)
	c := new(chunk.Chunk)
	if err := chunk.NewDecoder().Parse(c, enc, in.Len(), len(in.Data)); err != nil {
		t.Fatal(err)
	}
	needle := []byte(strings.Repeat("a", 4<<10))
	checkFind(t, c, &in, needle)
}
