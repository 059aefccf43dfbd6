package events

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/cumulog/cumulog/internal/logs"
)

// A FilterLogEvents token holds, inside the codec of logs.EncodeToken, the
// position behind its page and the snapshot of its session: u64 timestamp, u64
// seq, u64 seq of the snapshot, big endian. Tokens of older versions lack the snapshot.

func (r *FilterRequest) encodeToken(group logs.GroupID, now int64, at logs.Key, snapshot logs.Seq) string {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 24), uint64(at.Timestamp))
	b = binary.BigEndian.AppendUint64(b, uint64(at.Seq))
	b = binary.BigEndian.AppendUint64(b, uint64(snapshot))
	return logs.EncodeToken(logs.TokenFilter, r.query(group), now, b)
}

// decodeToken reads the token of the request, which sets the direction whatever
// the request says.
func (r *FilterRequest) decodeToken(group logs.GroupID, now int64) (at logs.Key, snapshot logs.Seq, err error) {
	b, err := logs.DecodeToken(r.Token, logs.TokenFilter, r.query(group), now)
	if err != nil {
		r.Reverse = !r.Reverse
		b, err = logs.DecodeToken(r.Token, logs.TokenFilter, r.query(group), now)
	}
	if err != nil || len(b) != 16 && len(b) != 24 || binary.BigEndian.Uint64(b) > math.MaxInt64 {
		return logs.Key{}, 0, ErrBadToken
	}
	if len(b) == 24 {
		snapshot = logs.Seq(binary.BigEndian.Uint64(b[16:]))
	}
	return logs.Key{Timestamp: int64(binary.BigEndian.Uint64(b)), Seq: logs.Seq(binary.BigEndian.Uint64(b[8:]))}, snapshot, nil
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
