package subscriptions

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/sink"
)

const (
	contentType   = "application/json"
	policyLevel   = "ACCOUNT_LEVEL_POLICY"
	controlOwner  = "CloudwatchLogs" // as the real service writes it
	controlPrefix = "CWL CONTROL MESSAGE: Checking health of destination "
)

// controlMessage is the message that tries a target: the payload of the real service.
func controlMessage(v vendor, nowMS int64) sink.Message {
	b := []byte(`{"messageType":"CONTROL_MESSAGE","owner":"` + controlOwner + `","logGroup":"","logStream":"","subscriptionFilters":[],"logEvents":[{"id":"","timestamp":`)
	b = strconv.AppendInt(b, nowMS, 10)
	b = append(b, `,"message":"`+controlPrefix+v.title+`."}]}`...)
	var z zipper
	return sink.Message{
		Body: z.zip(b), ContentType: contentType, Encoding: sink.EncodingGzip, Key: "control", Name: "control-" + strconv.FormatInt(nowMS, 10),
		Attributes: map[string]string{"Message-Type": "CONTROL_MESSAGE"},
	}
}

// zipLevel compresses log events as well as the default level, in half the time.
const zipLevel = 1

// zipper compresses; it belongs to one goroutine.
type zipper struct{ w *gzip.Writer }

// zip returns a copy of b, compressed.
func (z *zipper) zip(b []byte) []byte {
	var out bytes.Buffer
	out.Grow(len(b)/5 + 512)
	if z.w == nil {
		z.w, _ = gzip.NewWriterLevel(&out, zipLevel) // the level is one there is
	} else {
		z.w.Reset(&out)
	}
	// A buffer takes everything.
	_, _ = z.w.Write(b)
	_ = z.w.Close()
	return out.Bytes()
}

// event is a log event that was read for delivery.
type event struct {
	id     logs.EventID
	ingest int64
	from   int // in the arena of its batch
	to     int
	fields []sink.Field
}

// head is what all events of a message share.
type head struct {
	scope  logs.Scope
	group  string
	stream string
	filter string
	policy bool // of the account, not of the group
}

// appendHead begins a DATA_MESSAGE; events are appended, with commas between, and then the tail.
func (h *head) appendHead(b []byte) []byte {
	b = append(b, `{"messageType":"DATA_MESSAGE","owner":`...)
	b = appendText(b, h.scope.Account)
	b = append(b, `,"logGroup":`...)
	b = appendText(b, h.group)
	b = append(b, `,"logStream":`...)
	b = appendText(b, h.stream)
	b = append(b, `,"subscriptionFilters":[`...)
	b = appendText(b, h.filter)
	return append(b, `],"logEvents":[`...)
}

func (h *head) appendTail(b []byte) []byte {
	b = append(b, ']')
	if h.policy {
		b = append(b, `,"policyLevel":"`+policyLevel+`"`...)
	}
	return append(b, '}')
}

func (e *event) append(b, arena []byte) []byte {
	b = append(b, `{"id":"`...)
	b = e.id.Append(b)
	b = append(b, `","timestamp":`...)
	b = strconv.AppendInt(b, e.id.Timestamp, 10)
	b = append(b, `,"message":`...)
	b = appendText(b, arena[e.from:e.to])
	if len(e.fields) > 0 {
		b = append(b, `,"extractedFields":{`...)
		for i, f := range e.fields {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendText(b, f.Name)
			b = append(b, ':')
			b = appendText(b, f.Value)
		}
		b = append(b, '}')
	}
	return append(b, '}')
}

const hexDigits = "0123456789abcdef"

// appendText appends a JSON string. What is no UTF-8 becomes U+FFFD.
func appendText[T string | []byte](b []byte, s T) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
			if r == utf8.RuneError && n == 1 {
				b = append(append(b, s[start:i]...), "\uFFFD"...)
				start = i + 1
			}
			i += n
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		case '\b':
			b = append(b, `\b`...)
		case '\f':
			b = append(b, `\f`...)
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}
