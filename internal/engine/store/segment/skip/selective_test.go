package skip_test

import (
	"bytes"
	"hash/crc32"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/engine/store/segment/skip"
	"github.com/cumulog/cumulog/test/bench/corpus"
)

const selectiveUnits = 4

func corpusIndex(t testing.TB, kind corpus.Kind, n int) (*skip.Index, []block) {
	t.Helper()
	bs := blocksOf(t, kind, n, 1<<20)
	b := skip.NewBuilder()
	var e skip.Evidence
	for i, blk := range bs {
		e.Reset()
		e.AddMessages(blk.arena, blk.ends)
		if err := b.AddUnit(i, &e); err != nil {
			t.Fatal(err)
		}
	}
	return open(t, b, nil, n), bs
}

// excluded returns how many of the units that could be excluded were, and how many
// could be.
func excluded(t testing.TB, x *skip.Index, bs []block, needle string) (got, could int) {
	t.Helper()
	for u, keep := range units(t, x, hint.Text(needle), len(bs)) {
		holds := bytes.Contains(bs[u].arena, []byte(needle)) // across two messages, too
		if holds && !keep && inOne(bs[u], needle) {
			t.Fatalf("unit %d excluded for %q, which it holds", u, needle)
		}
		if !holds {
			could++
		}
		if !keep && !holds {
			got++
		}
	}
	return got, could
}

func inOne(b block, needle string) bool {
	from := uint32(0)
	for _, end := range b.ends {
		if bytes.Contains(b.arena[from:end], []byte(needle)) {
			return true
		}
		from = end
	}
	return false
}

// What the index is for: needles that are rare or absent cost no reading.
func TestSelective(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	for _, kind := range corpus.Kinds() {
		x, bs := corpusIndex(t, kind, selectiveUnits)
		check := func(what string, least float64, needles ...string) {
			t.Helper()
			got, could := 0, 0
			for _, needle := range needles {
				g, c := excluded(t, x, bs, needle)
				got, could = got+g, could+c
			}
			if could == 0 || float64(got) < least*float64(could) {
				t.Errorf("%s: %s: excluded %d of %d units without it, want %v of them", kind, what, got, could, least)
			}
		}
		random := func(alphabet string, n int) (needles []string) {
			for range 20 {
				needles = append(needles, randomText(r, alphabet, n))
			}
			return needles
		}
		const hex = "0123456789abcdef"
		check("absent identifiers of 32 digits", 0.99, random(hex, 32)...)
		check("absent words", 0.99, random("ghijklmnopqrstuvwxyz", 12)...)
		var fields, quoted []string
		for _, n := range random(hex, 16) {
			fields = append(fields, " "+n+" ")
			quoted = append(quoted, "\""+n+"\"")
		}
		check("absent identifiers of 16 digits between blanks", 0.99, fields...)
		check("absent identifiers of 16 digits in quotes", 0.99, quoted...)
		check("absent text", 0.99, "the quick brown fox jumps over", "xylophone zebra", "=> nowhere <=")

		// Whole tokens that one unit has.
		var present []string
		for i := range 20 {
			blk := bs[i%len(bs)]
			for _, f := range bytes.FieldsFunc(blk.arena[r.IntN(len(blk.arena)/2):][:1<<12], func(c rune) bool {
				return (c < '0' || c > '9') && (c < 'a' || c > 'f')
			}) {
				if len(f) == 32 {
					present = append(present, string(f))
					break
				}
			}
		}
		if kind == corpus.JSON {
			check("identifiers of 32 digits that are there", 0.95, present...)
		}
	}
}

// Random pieces of real messages are always found.
func TestSoundOnCorpora(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	needles := 500
	if testing.Short() {
		needles = 50
	}
	for _, kind := range corpus.Kinds() {
		x, bs := corpusIndex(t, kind, 3)
		for range needles {
			u := r.IntN(len(bs))
			i := r.IntN(len(bs[u].ends)-1) + 1
			m := bs[u].arena[bs[u].ends[i-1]:bs[u].ends[i]]
			from := r.IntN(len(m))
			needle := string(m[from : from+r.IntN(len(m)-from+1)])
			if !units(t, x, hint.Text(needle), len(bs))[u] {
				t.Fatalf("%s: unit %d excluded for %q, which it holds", kind, u, needle)
			}
		}
	}
}

// Fingerprints collide as seldom as chance has it, on names that count up too.
func TestFingerprintsSpread(t *testing.T) {
	const n = 1 << 17
	const chance = n * n / 2 >> skip.FingerprintBits // pairs that collide
	for what, token := range map[string]func(i int) string{
		"numbers":       itoa,
		"names":         func(i int) string { return "order_" + itoa(i) },
		"long names":    func(i int) string { return "customer_account_" + itoa(i) + "_closed" },
		"small changes": func(i int) string { return itoa(i)[:1] + "0000000000000000" + itoa(i) },
	} {
		seen := map[uint32]int{}
		collisions := 0
		for i := range n {
			f := skip.Fingerprint([]byte(token(i)))
			collisions += seen[f]
			seen[f]++
		}
		if collisions > 2*chance {
			t.Errorf("%s: %d collisions, %d by chance", what, collisions, chance)
		}
	}
}

// The hash and the classes are part of the format.
func TestFormatIsFixed(t *testing.T) {
	for token, want := range map[string]uint32{
		"a":                                   8104647,
		"error":                               50823897,
		"\xc3\xa9t\xc3\xa9":                   37647860,
		"12345678":                            43382041,
		"0123456789abcdef":                    24580080,
		"0123456789abcdef0":                   28574287,
		strings.Repeat("0123456789abcdef", 4): 64027420,
		strings.Repeat("0123456789abcdef", 4) + "X": 64027420, // 64 bytes count
	} {
		if got := skip.Fingerprint([]byte(token)); got != want {
			t.Errorf("%q: %d, want %d", token, got, want)
		}
	}
	if got := crc32.ChecksumIEEE([]byte(skip.Classes())); got != 0x84e9adf7 {
		t.Errorf("checksum of the classes in hexadecimal: %#x", got)
	}
}
