package exports

import (
	"encoding/binary"

	"github.com/cumulog/cumulog/internal/logs"
)

// A token of Describe holds, inside the codec of logs.EncodeToken, the position
// of the last task of its page: u64, big endian.

func makeToken(position int64, query uint64, now int64) string {
	return logs.EncodeToken(logs.TokenExports, query, now, binary.BigEndian.AppendUint64(nil, uint64(position)))
}

func openToken(text string, query uint64, now int64) (int64, error) {
	b, err := logs.DecodeToken(text, logs.TokenExports, query, now)
	if err != nil || len(b) != 8 || int64(binary.BigEndian.Uint64(b)) <= 0 {
		return 0, ErrBadToken
	}
	return int64(binary.BigEndian.Uint64(b)), nil
}
