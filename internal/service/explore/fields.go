package explore

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/events"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// A sample of fields reads at most so much of the newest events of its window.
const (
	sampleEvents = 5000
	sampleBytes  = 16 << 20
	sampleTime   = time.Second

	maxFields = 1000 // of one answer
	// maxSources bounds the groups of a data source that are looked at.
	maxSources = 20
)

// The windows of GetLogGroupFields.
const (
	aroundTime = 8 * time.Minute
	recentTime = 15 * time.Minute
)

// FieldShare is a field and the share of events that have it.
type FieldShare struct {
	Name    string
	Percent int // rounded, at least 1
}

// systemFields are what every event has.
var systemFields = []string{"@ingestionTime", "@log", "@logStream", "@message", "@timestamp"}

// ownName is the name of a field of a message: one that begins with @ gets another @,
// as in Logs Insights, and so is told from those of events.
func ownName(name string) string {
	if strings.HasPrefix(name, "@") {
		return "@" + name
	}
	return name
}

// Fields returns the fields of a sample of a group's events: the newest 5,000 (or
// 16 MiB, or what a second reads) of the 8 minutes before and after a time in seconds,
// or of the last 15 minutes. Fields that every event has come first, then those of
// messages (events.Discover), by their share and then their name; 1,000 altogether. A window
// without events has no fields.
func (s *Service) Fields(ctx context.Context, scope logs.Scope, group string, seconds *int64) ([]FieldShare, error) {
	g, err := s.readable(ctx, scope, group)
	if err != nil {
		return nil, err
	}
	now := s.now()
	start, end := now.Add(-recentTime).UnixMilli(), int64(math.MaxInt64)
	if seconds != nil {
		if *seconds < 0 || *seconds > math.MaxInt64/2000 {
			return nil, ErrTimeRange
		}
		at := *seconds * 1000
		start, end = at-aroundTime.Milliseconds(), at+aroundTime.Milliseconds()+1
	} else {
		end = now.UnixMilli() + 1
	}
	counts := map[string]int{}
	total := 0
	err = s.sample(ctx, g, store.Query{Start: start, End: end}, sampleEvents, 1, func(e logs.Event) {
		total++
		for name := range events.Discover(e.Message) {
			if _, known := counts[name]; known || len(counts) < maxFields-len(systemFields) {
				counts[name]++
			}
		}
	})
	if err != nil || total == 0 {
		return []FieldShare{}, err
	}
	var out []FieldShare
	for _, name := range systemFields {
		out = append(out, FieldShare{name, 100})
	}
	var found []FieldShare
	for name, n := range counts {
		found = append(found, FieldShare{name, max(1, (n*100+total/2)/total)})
	}
	slices.SortFunc(found, func(a, b FieldShare) int {
		return cmp.Or(cmp.Compare(b.Percent, a.Percent), strings.Compare(a.Name, b.Name))
	})
	return append(out, found...), nil
}

// sample calls yield for the newest events that a query wants of a group, at most
// count, within one of shares equal parts of the bounds of a sample.
func (s *Service) sample(ctx context.Context, g groups.Group, q store.Query, count, shares int, yield func(logs.Event)) error {
	q.Group, q.Reverse = g.ID, true
	if q.Start, q.End = groups.Visible(g, s.now(), &q.Start, &q.End); q.Start >= q.End {
		return nil
	}
	dead, err := s.dir.DeadStreams(ctx, g.ID)
	if err != nil {
		return err
	}
	gone := make(map[logs.StreamID]bool, len(dead))
	for _, id := range dead {
		gone[id] = true
	}
	n := 0
	q.Budget = store.Budget{Bytes: sampleBytes / int64(shares), Time: sampleTime / time.Duration(shares)}
	_, err = s.store.Scan(ctx, q, func(e logs.Event) bool {
		if gone[e.Stream] {
			return true
		}
		yield(e)
		n++
		return n < count/shares
	})
	if errors.Is(err, store.ErrMemory) {
		return fmt.Errorf("%w: %w", events.ErrMemory, err)
	}
	return err
}

// FieldType is the type of a field: string, number, boolean, array or struct.
type FieldType struct {
	Type    string
	Element *FieldType   // of an array
	Fields  []NamedField // of a struct
}

// NamedField is a field and its type.
type NamedField struct {
	Name string
	Type FieldType
}

// The tags by which a group belongs to a data source.
const (
	tagSourceName = "cw:datasource:name"
	tagSourceType = "cw:datasource:type"
)

// SourceFields returns the fields of a data source: of a sample of the newest events of
// the groups whose tags cw:datasource:name and cw:datasource:type name it, the first
// 20 of them by name, within the bounds of one sample altogether. There are at most
// 1,000 fields, members of structs included. ErrDataSource when no group does.
func (s *Service) SourceFields(ctx context.Context, scope logs.Scope, name, kind string) ([]NamedField, error) {
	if strings.ContainsAny(name+kind, "*!") { // the filter takes them for more than characters, and no tag has them
		return nil, ErrDataSource
	}
	page, err := s.dir.List(ctx, scope, groups.ListRequest{Limit: maxSources, Tags: []groups.TagFilter{
		{Key: tagSourceName, Values: []string{name}}, {Key: tagSourceType, Values: []string{kind}},
	}})
	if err != nil {
		return nil, err
	}
	if len(page.Groups) == 0 {
		return nil, ErrDataSource
	}
	root := &shape{}
	room := maxFields
	for _, g := range page.Groups {
		if g.Class != groups.ClassStandard {
			continue
		}
		err := s.sample(ctx, g, store.Query{End: math.MaxInt64}, sampleEvents, len(page.Groups), func(e logs.Event) {
			var v map[string]any
			if json.Unmarshal(e.Message, &v) == nil && v != nil {
				root.add(v, 0, &room)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	own := make(map[string]*shape, len(root.members))
	for name, m := range root.members {
		own[ownName(name)] = m
	}
	root.members = own
	out := []NamedField{{"@timestamp", FieldType{Type: "number"}}, {"@message", FieldType{Type: "string"}}, {"@logStream", FieldType{Type: "string"}}}
	return append(out, root.fields()...), nil
}

// shape unites the types of values. A field with values of several types is a
// string.
type shape struct {
	kind    string // "": only null so far
	element *shape
	members map[string]*shape
}

// maxShapeDepth bounds the nesting that is told; what is deeper is a string.
const maxShapeDepth = 20

// add takes a value in. room is how many more members may become known.
func (s *shape) add(v any, depth int, room *int) {
	set := func(kind string) bool {
		if s.kind == "" || s.kind == kind {
			s.kind = kind
			return true
		}
		*s = shape{kind: "string"}
		return false
	}
	if depth == maxShapeDepth {
		set("string")
		return
	}
	switch v := v.(type) {
	case string:
		set("string")
	case float64:
		set("number")
	case bool:
		set("boolean")
	case []any:
		if set("array") {
			if s.element == nil {
				s.element = &shape{}
			}
			for _, e := range v {
				s.element.add(e, depth+1, room)
			}
		}
	case map[string]any:
		if !set("struct") {
			return
		}
		if s.members == nil {
			s.members = map[string]*shape{}
		}
		for name, m := range v {
			k := s.members[name]
			if k == nil {
				if *room == 0 {
					continue
				}
				*room--
				k = &shape{}
				s.members[name] = k
			}
			k.add(m, depth+1, room)
		}
	}
}

func (s *shape) fields() []NamedField {
	out := []NamedField{}
	for _, name := range slices.Sorted(maps.Keys(s.members)) {
		out = append(out, NamedField{name, s.members[name].fieldType()})
	}
	return out
}

func (s *shape) fieldType() FieldType {
	t := FieldType{Type: cmp.Or(s.kind, "string")}
	switch t.Type {
	case "array":
		e := s.element.fieldType()
		t.Element = &e
	case "struct":
		t.Fields = s.fields()
	}
	return t
}
