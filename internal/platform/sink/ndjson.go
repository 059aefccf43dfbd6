package sink

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/cumulog/cumulog/internal/platform/objstore"
)

// instant is how times are written in objects.
const instant = "2006-01-02T15:04:05.000Z"

// row is an event as a line of an object.
type row struct {
	Timestamp string            `json:"timestamp"`
	LogGroup  string            `json:"logGroup"`
	LogStream string            `json:"logStream"`
	Message   string            `json:"message"`
	Ingestion string            `json:"ingestionTime"`
	ID        string            `json:"id"`
	Account   string            `json:"account"`
	Region    string            `json:"region"`
	Fields    map[string]string `json:"extractedFields,omitempty"`
}

func fieldMap(fields []Field) map[string]string {
	if len(fields) == 0 {
		return nil
	}
	m := make(map[string]string, len(fields))
	for _, f := range fields {
		m[f.Name] = f.Value
	}
	return m
}

// ndjsonFormat writes one JSON object a line.
func ndjsonFormat(compress bool) format {
	f := format{suffix: ".ndjson", metadata: objstore.Metadata{ContentType: "application/x-ndjson"}, encode: encodeLines}
	if compress {
		f.suffix += ".gz"
		f.encode = func(events []Event) ([]byte, error) {
			lines, err := encodeLines(events)
			if err != nil {
				return nil, err
			}
			var out bytes.Buffer
			z := gzip.NewWriter(&out)
			if _, err := z.Write(lines); err != nil {
				return nil, err
			}
			err = z.Close()
			return out.Bytes(), err
		}
	}
	return f
}

func encodeLines(events []Event) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	for i := range events {
		ev := &events[i]
		err := e.Encode(&row{
			Timestamp: time.UnixMilli(ev.Timestamp).UTC().Format(instant), LogGroup: ev.Group, LogStream: ev.Stream,
			Message: strings.ToValidUTF8(string(ev.Message), "\uFFFD"), Ingestion: time.UnixMilli(ev.Ingestion).UTC().Format(instant),
			ID: ev.ID, Account: ev.Account, Region: ev.Region, Fields: fieldMap(ev.Fields),
		})
		if err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}
