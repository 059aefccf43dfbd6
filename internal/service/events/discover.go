package events

import (
	"bytes"
	"encoding/json"
	"io"
	"strconv"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/discover"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

const (
	// maxDiscovered bounds the fields discovered in one message, as on the
	// real service (Logs Insights: 200 fields).
	maxDiscovered = 200
	// maxDiscoverDepth bounds the nesting that is followed.
	maxDiscoverDepth = 100
)

// Discover returns the fields of a message by the names that queries use. Those of
// a JSON object are in dot form: a.b for members, a.0 for elements. Strings lose
// their quotes, numbers keep their spelling, null and empty objects and lists have
// no field. A name that begins with @ has another @ before it, as @message and its
// like are not of the message. Lines of Lambda, VPC flow logs and Route 53 have the
// fields that package discover finds; other messages have none. Fields past
// maxDiscovered, in the order of the message, are left out.
func Discover(message []byte) map[string]string {
	fields := make(map[string]string, 16)
	text := bytes.TrimSpace(message)
	if len(text) == 0 {
		return fields
	}
	if text[0] != '{' || !json.Valid(text) {
		discover.Fields(message, func(name []byte, v *plan.Value) {
			if v.Kind != plan.List && v.Kind != plan.Null {
				fields[string(name)] = string(v.AppendText(nil))
			}
		})
		return fields
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	w := walker{d: d, fields: fields}
	if w.value("", 0) != nil {
		clear(fields)
	}
	return fields
}

type walker struct {
	d      *json.Decoder
	fields map[string]string
}

// value reads the next value, whose field name is path.
func (w *walker) value(path string, depth int) error {
	t, err := w.d.Token()
	if err != nil {
		return err
	}
	switch t := t.(type) {
	case json.Delim:
		if depth == maxDiscoverDepth {
			return io.ErrShortBuffer
		}
		return w.members(t == '[', path, depth)
	case string:
		w.set(path, t)
	case json.Number:
		w.set(path, t.String())
	case bool:
		w.set(path, strconv.FormatBool(t))
	}
	return nil
}

func (w *walker) members(list bool, path string, depth int) error {
	for i := 0; w.d.More(); i++ {
		name := strconv.Itoa(i)
		if !list {
			t, err := w.d.Token()
			if err != nil {
				return err
			}
			name, _ = t.(string)
		}
		if path != "" {
			name = path + "." + name
		}
		if err := w.value(name, depth+1); err != nil {
			return err
		}
	}
	_, err := w.d.Token()
	return err
}

func (w *walker) set(path, text string) {
	if strings.HasPrefix(path, "@") {
		path = "@" + path
	}
	if _, have := w.fields[path]; have || len(w.fields) < maxDiscovered {
		w.fields[path] = text
	}
}
