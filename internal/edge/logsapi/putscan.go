package logsapi

import (
	"encoding/binary"
	"math/bits"
	"sync"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/ingest"
)

// A PutLogEvents body is nearly all message text, and is read at the rate of
// the whole server, so it gets a scanner of its own. It reads the shapes that clients
// really send in one pass and without an allocation per event: the members of
// the model, each at most once and not null, plain integer timestamps, any
// order, any white space, any escapes. At the first thing that is anything
// else, right or wrong, it gives up and the generated decoder reads the body
// again and has the last word. So the scanner only has to be right about what it
// accepts, and every error is the generated one.

// putRequest is a decoded and constraint-checked PutLogEvents request.
type putRequest struct {
	group, stream string
	batch         ingest.Batch
}

// maxPooledScratch bounds the buffers that are kept for the next request.
const maxPooledScratch = 8 << 20

// putScratch holds the buffers of one scan; what a request keeps is copied out
// at its exact size.
type putScratch struct {
	arena      []byte
	ends       []uint32
	timestamps []int64

	head                 logswire.PutLogEventsInput // everything but the events
	group, stream, token string                     // what head points to
	valid                []logswire.InputLogEvent   // stands for the events when head is checked
}

var putScratches = sync.Pool{New: func() any { return newPutScratch() }}

func newPutScratch() *putScratch {
	message, timestamp := "x", int64(0)
	return &putScratch{valid: []logswire.InputLogEvent{{Message: &message, Timestamp: &timestamp}}}
}

// validHead checks the constraints of everything but the events, which the
// scanner has checked already.
func (s *putScratch) validHead() bool {
	var v awsproto.Violations
	s.head.LogEvents = s.valid
	s.head.Validate(&v)
	return v.Len() == 0
}

// readPut decodes a PutLogEvents body and checks its constraints. The error is
// an *awsproto.Error. The result keeps no reference to body.
func readPut(body []byte) (putRequest, error) {
	scratch := putScratches.Get().(*putScratch)
	s := putScanner{body: body, putScratch: scratch}
	req, ok := s.scan()
	scratch.head = logswire.PutLogEventsInput{}
	scratch.group, scratch.stream, scratch.token = "", "", ""
	if cap(scratch.arena) <= maxPooledScratch {
		putScratches.Put(scratch)
	}
	if ok {
		return req, nil
	}
	return decodePut(body)
}

// putScanner walks a body. Every method returns false to give up.
type putScanner struct {
	body []byte
	pos  int
	used int // bytes of arena that hold messages
	*putScratch
}

func (s *putScanner) scan() (req putRequest, ok bool) {
	if !utf8.Valid(s.body) {
		return req, false
	}
	// Unescaping never makes text longer; the eight bytes are for whole-word
	// writes at the end.
	if need := len(s.body) + 8; cap(s.arena) < need {
		s.arena = make([]byte, need)
	}
	s.arena = s.arena[:cap(s.arena)]
	s.ends, s.timestamps = s.ends[:0], s.timestamps[:0]

	if !s.members() {
		return req, false
	}
	if s.space(); s.pos != len(s.body) || len(s.ends) == 0 || !s.validHead() {
		return req, false
	}
	req = putRequest{group: s.group, stream: s.stream}
	req.batch.Entity = entityOf(s.head.Entity)
	messages := s.arena[:s.used]
	req.batch.Arena = make([]byte, len(messages))
	copy(req.batch.Arena, messages)
	req.batch.Ends = make([]uint32, len(s.ends))
	copy(req.batch.Ends, s.ends)
	req.batch.Timestamps = make([]int64, len(s.timestamps))
	copy(req.batch.Timestamps, s.timestamps)
	return req, true
}

// members reads the outermost object.
func (s *putScanner) members() bool {
	if s.space(); !s.byte('{') {
		return false
	}
	seenEvents := false
	for {
		s.space()
		switch {
		case s.literal(`"logEvents"`):
			if seenEvents || !s.colon() || !s.events() {
				return false
			}
			seenEvents = true
		case s.literal(`"logGroupName"`):
			if !s.member(&s.head.LogGroupName, &s.group) {
				return false
			}
		case s.literal(`"logStreamName"`):
			if !s.member(&s.head.LogStreamName, &s.stream) {
				return false
			}
		case s.literal(`"sequenceToken"`):
			if !s.member(&s.head.SequenceToken, &s.token) {
				return false
			}
		case s.literal(`"entity"`):
			if s.head.Entity != nil || !s.colon() || !s.entity() {
				return false
			}
		default:
			return false
		}
		if s.space(); s.byte(',') {
			continue
		}
		return s.byte('}')
	}
}

// member reads ':' and a string into text and lets the unset member point to
// it.
func (s *putScanner) member(dst **string, text *string) bool {
	if *dst != nil || !s.colon() {
		return false
	}
	n, ok := s.string()
	if !ok {
		return false
	}
	*text = string(s.arena[s.used : s.used+n])
	*dst = text
	return true
}

func (s *putScanner) events() bool {
	if !s.byte('[') {
		return false
	}
	for {
		s.space()
		if len(s.ends) == logs.MaxBatchEvents || !s.event() {
			return false
		}
		if s.space(); s.byte(',') {
			continue
		}
		return s.byte(']')
	}
}

func (s *putScanner) event() bool {
	if !s.byte('{') {
		return false
	}
	haveTime, haveMessage := false, false
	for {
		s.space()
		switch {
		case !haveTime && s.literal(`"timestamp"`):
			if !s.colon() || !s.timestamp() {
				return false
			}
			haveTime = true
		case !haveMessage && s.literal(`"message"`):
			if !s.colon() {
				return false
			}
			n, ok := s.string()
			if !ok || n == 0 {
				return false
			}
			s.used += n
			s.ends = append(s.ends, uint32(s.used))
			haveMessage = true
		default:
			return false
		}
		if s.space(); s.byte(',') {
			continue
		}
		return haveTime && haveMessage && s.byte('}')
	}
}

// timestamp reads an integer that is not negative, in JSON's grammar.
func (s *putScanner) timestamp() bool {
	start, v := s.pos, int64(0)
	for s.pos < len(s.body) && s.body[s.pos]-'0' <= 9 {
		v = v*10 + int64(s.body[s.pos]-'0')
		s.pos++
	}
	n := s.pos - start
	if n == 0 || n > 18 || n > 1 && s.body[start] == '0' {
		return false
	}
	// What may follow is checked by the caller: a fraction or an exponent is
	// none of ',' and '}'.
	s.timestamps = append(s.timestamps, v)
	return true
}

// entity hands the value to the generated decoder.
func (s *putScanner) entity() bool {
	if s.pos == len(s.body) || s.body[s.pos] != '{' {
		return false
	}
	end := objectEnd(s.body, s.pos)
	if end < 0 {
		return false
	}
	var e logswire.Entity
	if awsproto.Unmarshal(s.body[s.pos:end], &e) != nil {
		return false
	}
	s.head.Entity, s.pos = &e, end
	return true
}

// objectEnd returns the offset behind the object that starts at pos, or -1.
func objectEnd(body []byte, pos int) int {
	depth, quoted := 0, false
	for ; pos < len(body); pos++ {
		switch c := body[pos]; {
		case quoted && c == '\\':
			pos++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return pos + 1
			}
		}
	}
	return -1
}

func (s *putScanner) space() {
	for s.pos < len(s.body) {
		switch s.body[s.pos] {
		case ' ', '\n', '\t', '\r':
			s.pos++
		default:
			return
		}
	}
}

func (s *putScanner) byte(c byte) bool {
	if s.pos < len(s.body) && s.body[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

func (s *putScanner) literal(text string) bool {
	if len(s.body)-s.pos >= len(text) && string(s.body[s.pos:s.pos+len(text)]) == text {
		s.pos += len(text)
		return true
	}
	return false
}

// colon reads ':' and the white space around it.
func (s *putScanner) colon() bool {
	s.space()
	ok := s.byte(':')
	s.space()
	return ok
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// string reads a quoted string and leaves its n unescaped bytes in
// arena[used:used+n].
func (s *putScanner) string() (n int, ok bool) {
	if !s.byte('"') {
		return 0, false
	}
	src, dst := s.body, s.arena
	i, o := s.pos, s.used
	for i < len(src) {
		if i+8 <= len(src) {
			// Copy eight bytes and look for a quote, a backslash or a control
			// character among them: the lowest marked byte is exact.
			x := binary.LittleEndian.Uint64(src[i:])
			binary.LittleEndian.PutUint64(dst[o:], x)
			marks := ((x - 0x20*ones) | ((x ^ '"'*ones) - ones) | ((x ^ '\\'*ones) - ones)) & ^x & highs
			if marks == 0 {
				i, o = i+8, o+8
				continue
			}
			clean := bits.TrailingZeros64(marks) >> 3
			i, o = i+clean, o+clean
		}
		switch c := src[i]; {
		case c == '"':
			s.pos = i + 1
			return o - s.used, true
		case c == '\\':
			if i+1 == len(src) {
				return 0, false
			}
			if plain := unescaped[src[i+1]]; plain != 0 {
				dst[o] = plain
				i, o = i+2, o+1
				continue
			}
			r, size := awsproto.UnicodeEscape(src[i:])
			if size == 0 {
				return 0, false
			}
			o += utf8.EncodeRune(dst[o:], r)
			i += size
		case c < 0x20:
			return 0, false
		default:
			dst[o] = c
			i, o = i+1, o+1
		}
	}
	return 0, false
}

// unescaped maps the character behind a backslash to what it stands for; 0 for
// 'u' and for what is no escape.
var unescaped = [256]byte{
	'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t',
}
