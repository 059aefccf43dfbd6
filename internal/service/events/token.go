package events

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/cumulog/cumulog/internal/logs"
)

// A FilterLogEvents token holds, inside the codec of logs.EncodeToken, the
// position behind its page: u64 timestamp, u64 seq, big endian.

func (r *FilterRequest) encodeToken(query uint64, now int64, after logs.Key) string {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 16), uint64(after.Timestamp))
	b = binary.BigEndian.AppendUint64(b, uint64(after.Seq))
	return logs.EncodeToken(logs.TokenFilter, query, now, b)
}

func (r *FilterRequest) decodeToken(query uint64, now int64) (after logs.Key, err error) {
	b, err := logs.DecodeToken(r.Token, logs.TokenFilter, query, now)
	if err != nil || len(b) != 16 || binary.BigEndian.Uint64(b) > math.MaxInt64 {
		return logs.Key{}, ErrBadToken
	}
	return logs.Key{Timestamp: int64(binary.BigEndian.Uint64(b)), Seq: logs.Seq(binary.BigEndian.Uint64(b[8:]))}, nil
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
	return logs.QueryHash(parts...)
}
