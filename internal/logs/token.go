package logs

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"hash/fnv"
	"time"
)

// TokenLifetime is how long a paging token is accepted after it was made.
const TokenLifetime = 24 * time.Hour

// MaxTokenLength bounds the text of a paging token in bytes; longer text is
// refused unread.
const MaxTokenLength = 4096

// ErrBadToken is returned for text that is no paging token, that was made for
// another kind of listing or another query, or that has expired.
var ErrBadToken = errors.New("malformed, foreign or expired paging token")

// TokenKind says which listing a paging token belongs to, so that the token of
// one operation is refused by every other. Values are part of the token format:
// never renumber them.
type TokenKind byte

// The kinds of tokens in use.
const (
	TokenGroups  TokenKind = 1 // DescribeLogGroups
	TokenList    TokenKind = 2 // ListLogGroups
	TokenStreams TokenKind = 3 // DescribeLogStreams
	TokenFilter  TokenKind = 4 // FilterLogEvents
	TokenExports TokenKind = 5 // DescribeExportTasks
	TokenResults TokenKind = 6 // GetQueryResults
	TokenQueries TokenKind = 7 // DescribeQueries
	TokenScanned TokenKind = 8 // ListLogGroupsForQuery
	TokenSaved   TokenKind = 9 // DescribeQueryDefinitions

	TokenLookups       TokenKind = 20 // DescribeLookupTables
	TokenIndexes       TokenKind = 21 // DescribeFieldIndexes
	TokenSchedules     TokenKind = 22 // ListScheduledQueries
	TokenRuns          TokenKind = 23 // GetScheduledQueryHistory
	TokenDetectors     TokenKind = 24 // ListLogAnomalyDetectors
	TokenAnomalies     TokenKind = 25 // ListAnomalies
	TokenMetricFilters TokenKind = 26 // DescribeMetricFilters

	TokenSubscriptions TokenKind = 30 // DescribeSubscriptionFilters
	TokenDestinations  TokenKind = 31 // DescribeDestinations
	TokenPolicies      TokenKind = 32 // DescribeAccountPolicies
	TokenDeadLetters   TokenKind = 33 // ListDeadLetters of the console API
)

const (
	tokenVersion = 1
	tokenHeader  = 1 + 1 + 8 + 8 // version, kind, query, expiry
	tokenSum     = 4             // CRC-32C of all before
)

var (
	tokenTable = crc32.MakeTable(crc32.Castagnoli)
	tokenText  = base64.RawURLEncoding.Strict()
)

// EncodeToken makes an opaque paging token: position is where the next page
// begins, in a form its owner understands; query is QueryHash of what the
// listing was asked for; now in ms since the Unix epoch starts its lifetime.
func EncodeToken(kind TokenKind, query uint64, now int64, position []byte) string {
	b := make([]byte, 0, tokenHeader+len(position)+tokenSum)
	b = append(b, tokenVersion, byte(kind))
	b = binary.BigEndian.AppendUint64(b, query)
	b = binary.BigEndian.AppendUint64(b, uint64(now+TokenLifetime.Milliseconds()))
	b = append(b, position...)
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(b, tokenTable))
	return tokenText.EncodeToString(b)
}

// DecodeToken returns the position in a token, or ErrBadToken when it was not
// made by EncodeToken for the same kind and query, or has expired at now.
func DecodeToken(text string, kind TokenKind, query uint64, now int64) (position []byte, err error) {
	if len(text) > MaxTokenLength {
		return nil, ErrBadToken
	}
	b, err := tokenText.DecodeString(text)
	if err != nil || len(b) < tokenHeader+tokenSum {
		return nil, ErrBadToken
	}
	body := b[:len(b)-tokenSum]
	if binary.BigEndian.Uint32(b[len(body):]) != crc32.Checksum(body, tokenTable) ||
		body[0] != tokenVersion || TokenKind(body[1]) != kind ||
		binary.BigEndian.Uint64(body[2:]) != query ||
		now > int64(binary.BigEndian.Uint64(body[10:])) {
		return nil, ErrBadToken
	}
	return body[tokenHeader:], nil
}

// QueryHash folds the parameters of a query into a number that binds a paging
// token to them. Parts are told apart: ("ab", "c") and ("a", "bc") differ.
func QueryHash(parts ...string) uint64 {
	h := fnv.New64a()
	var n [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return h.Sum64()
}
