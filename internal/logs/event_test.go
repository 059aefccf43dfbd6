package logs

import (
	"math/big"
	"math/rand/v2"
	"testing"
)

func TestEventIDAgreesWithArithmetic(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		id := EventID{
			Key:    Key{Timestamp: rng.Int64N(1 << 42), Seq: Seq(rng.Uint64())},
			Group:  GroupID(rng.Int64N(1 << 40)),
			Stream: StreamID(rng.Int64N(1 << 40)),
		}
		n := big.NewInt(id.Timestamp)
		n.Lsh(n, 64).Add(n, new(big.Int).SetUint64(uint64(id.Seq)))
		n.Lsh(n, 40).Add(n, big.NewInt(int64(id.Group)))
		n.Lsh(n, 40).Add(n, big.NewInt(int64(id.Stream)))
		want := n.String()
		for len(want) < eventIDDigits {
			want = "0" + want
		}
		if got := id.String(); got != want {
			t.Fatalf("%+v: got %s, want %s", id, got, want)
		}
		back, err := ParseEventID(want)
		if err != nil || back != id {
			t.Fatalf("%s: parsed %+v, %v; want %+v", want, back, err, id)
		}
	}
}

func TestEventIDOfDocumentationCarriesItsTimestamp(t *testing.T) {
	id, err := ParseEventID("31132629274945519779805322857203735586714454643391594505")
	if err != nil || id.Timestamp != 1396035378988 {
		t.Fatalf("got %d, %v; want 1396035378988", id.Timestamp, err)
	}
}

func TestParseEventIDRefuses(t *testing.T) {
	for _, s := range []string{"", "1", "3113262927494551977980532285720373558671445464339159450x",
		"99999999999999999999999999999999999999999999999999999999999"} {
		if id, err := ParseEventID(s); err == nil {
			t.Errorf("%q: parsed %+v, want an error", s, id)
		}
	}
}

func FuzzParseEventID(f *testing.F) {
	f.Add("31132629274945519779805322857203735586714454643391594505")
	f.Fuzz(func(t *testing.T, s string) {
		if id, err := ParseEventID(s); err == nil && id.String() != s {
			t.Fatalf("%q printed back as %q", s, id.String())
		}
	})
}

func BenchmarkEventIDAppend(b *testing.B) {
	id := EventID{Key: Key{Timestamp: 1396035378988, Seq: 1 << 40}, Group: 7, Stream: 9}
	buf := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		buf = id.Append(buf[:0])
	}
}
