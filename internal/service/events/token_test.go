package events

import (
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"github.com/cumulog/cumulog/internal/logs"
)

func TestTokensKeepTheirPlace(t *testing.T) {
	const now = 1_790_000_000_000
	for _, reverse := range []bool{false, true} {
		for _, want := range []place{
			{},
			{at: logs.Key{Timestamp: now, Seq: 7}},
			{at: logs.Key{Timestamp: now, Seq: 7}, snapshot: 9},
			{at: logs.Key{Timestamp: math.MaxInt64, Seq: math.MaxUint64}, snapshot: math.MaxUint64, emptied: 3},
		} {
			r := FilterRequest{Group: "g", Pattern: "e", Reverse: reverse}
			r.Token = r.encodeToken(1, now, want)
			for _, asked := range []bool{false, true} {
				r.Reverse = asked
				got, err := r.decodeToken(1, now)
				if err != nil || got != want || r.Reverse != reverse {
					t.Errorf("%+v, reverse %v: %+v, %v, reverse %v", want, reverse, got, err, r.Reverse)
				}
			}
		}
	}
}

// TestTokensOfOlderVersions: what was issued before there were snapshots goes on.
func TestTokensOfOlderVersions(t *testing.T) {
	const now = 1_790_000_000_000
	r := FilterRequest{Group: "g"}
	b := binary.BigEndian.AppendUint64(nil, now-5)
	b = binary.BigEndian.AppendUint64(b, 7)
	for n, want := range map[int]error{0: ErrBadToken, 15: ErrBadToken, 16: nil, 17: ErrBadToken, 23: ErrBadToken, 24: nil, 25: nil, 26: ErrBadToken} {
		r.Token = logs.EncodeToken(logs.TokenFilter, r.query(1), now, append(b[:16:16], make([]byte, 10)...)[:n])
		p, err := r.decodeToken(1, now)
		if !errors.Is(err, want) || err == nil && p != (place{at: logs.Key{Timestamp: now - 5, Seq: 7}}) {
			t.Errorf("%d bytes: %+v, %v", n, p, err)
		}
	}
	b[0] = 0x80 // a negative time
	r.Token = logs.EncodeToken(logs.TokenFilter, r.query(1), now, b)
	if _, err := r.decodeToken(1, now); !errors.Is(err, ErrBadToken) {
		t.Errorf("a time that no event has: %v", err)
	}
}
