package logs

import (
	"strings"
	"testing"
)

func TestTokenIsBoundToItsQueryAndTime(t *testing.T) {
	const now = 1_700_000_000_000
	q := QueryHash("a", "b")
	text := EncodeToken(TokenGroups, q, now, []byte("/position"))

	got, err := DecodeToken(text, TokenGroups, q, now+TokenLifetime.Milliseconds())
	if err != nil || string(got) != "/position" {
		t.Fatalf("got %q, %v", got, err)
	}
	bad := func(what, text string, kind TokenKind, query uint64, now int64) {
		t.Helper()
		if got, err := DecodeToken(text, kind, query, now); err != ErrBadToken {
			t.Errorf("%s: got %q, %v; want ErrBadToken", what, got, err)
		}
	}
	bad("expired", text, TokenGroups, q, now+TokenLifetime.Milliseconds()+1)
	bad("other kind", text, TokenStreams, q, now)
	bad("other query", text, TokenGroups, QueryHash("ab"), now)
	bad("empty", "", TokenGroups, q, now)
	bad("text", "next", TokenGroups, q, now)
	bad("cut", text[:len(text)-1], TokenGroups, q, now)
	bad("longer", text+"A", TokenGroups, q, now)
	bad("too long", strings.Repeat("A", MaxTokenLength+1), TokenGroups, q, now)
	for i := range len(text) {
		c := byte('A')
		if text[i] == c {
			c = 'B'
		}
		bad("changed", text[:i]+string(c)+text[i+1:], TokenGroups, q, now)
	}
}

func TestQueryHashTellsPartsApart(t *testing.T) {
	seen := map[uint64][]string{}
	for _, parts := range [][]string{nil, {""}, {"", ""}, {"ab", "c"}, {"a", "bc"}, {"abc"}} {
		h := QueryHash(parts...)
		if other, dup := seen[h]; dup {
			t.Errorf("%q and %q have one hash", parts, other)
		}
		seen[h] = parts
	}
}

func FuzzDecodeToken(f *testing.F) {
	f.Add(EncodeToken(TokenGroups, 7, 1, []byte("x")))
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		pos, err := DecodeToken(text, TokenGroups, 7, 0)
		if err == nil && len(pos) > MaxTokenLength {
			t.Fatalf("position of %d bytes", len(pos))
		}
	})
}
