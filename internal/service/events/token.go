package events

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/cumulog/cumulog/internal/logs"
)

// place is where a search of FilterLogEvents goes on.
type place struct {
	at       logs.Key // the position behind the last page
	snapshot logs.Seq // of the session; 0: not chosen yet
	emptied  int      // how many empty pages this position has had; see EmptyPage
}

// A FilterLogEvents token holds its place inside the codec of logs.EncodeToken: u64
// timestamp, u64 seq, u64 seq of the snapshot, big endian; behind an empty page also a
// byte that counts those. Tokens of older versions lack the snapshot.
const (
	oldPlaceLen     = 16
	placeLen        = 24
	emptiedPlaceLen = 25
)

func (r *FilterRequest) encodeToken(group logs.GroupID, now int64, p place) string {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, emptiedPlaceLen), uint64(p.at.Timestamp))
	b = binary.BigEndian.AppendUint64(b, uint64(p.at.Seq))
	b = binary.BigEndian.AppendUint64(b, uint64(p.snapshot))
	if p.emptied > 0 {
		b = append(b, byte(p.emptied))
	}
	return logs.EncodeToken(logs.TokenFilter, r.query(group), now, b)
}

// decodeToken reads the token of the request, which sets the direction whatever
// the request says.
func (r *FilterRequest) decodeToken(group logs.GroupID, now int64) (place, error) {
	b, err := logs.DecodeToken(r.Token, logs.TokenFilter, r.query(group), now)
	if err != nil {
		r.Reverse = !r.Reverse
		b, err = logs.DecodeToken(r.Token, logs.TokenFilter, r.query(group), now)
	}
	if err != nil || len(b) != oldPlaceLen && len(b) != placeLen && len(b) != emptiedPlaceLen || binary.BigEndian.Uint64(b) > math.MaxInt64 {
		return place{}, ErrBadToken
	}
	p := place{at: logs.Key{Timestamp: int64(binary.BigEndian.Uint64(b)), Seq: logs.Seq(binary.BigEndian.Uint64(b[8:]))}}
	if len(b) >= placeLen {
		p.snapshot = logs.Seq(binary.BigEndian.Uint64(b[16:]))
	}
	if len(b) == emptiedPlaceLen {
		p.emptied = int(b[24])
	}
	return p, nil
}

// query identifies what the request asks of a group. Absent and empty
// parameters are told apart.
func (r *FilterRequest) query(group logs.GroupID) uint64 {
	number := func(v *int64) string {
		if v == nil {
			return ""
		}
		return strconv.FormatInt(*v, 10)
	}
	parts := []string{strconv.FormatInt(int64(group), 10), number(r.Start), number(r.End), r.Pattern}
	if r.Prefix != nil {
		parts = append(parts, "prefix", *r.Prefix)
	} else {
		parts = append(append(parts, "names"), r.Streams...)
	}
	if r.Reverse {
		parts = append(parts, "\x00reverse")
	}
	if r.IngestedFrom != nil || r.IngestedTo != nil {
		parts = append(parts, "\x00ingested", number(r.IngestedFrom), number(r.IngestedTo))
	}
	return logs.QueryHash(parts...)
}
