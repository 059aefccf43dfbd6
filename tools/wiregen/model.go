package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// model is the condensed service model.
type model struct {
	Source       string                `json:"source"`
	APIVersion   string                `json:"apiVersion"`
	TargetPrefix string                `json:"targetPrefix"`
	SigningName  string                `json:"signingName"`
	Namespace    string                `json:"xmlNamespace,omitempty"` // of a service with several protocols
	Operations   map[string]*operation `json:"operations"`
	Shapes       map[string]*shape     `json:"shapes"`
}

type operation struct {
	Input       string   `json:"input,omitempty"`
	Output      string   `json:"output,omitempty"`
	Errors      []string `json:"errors,omitempty"`
	HostPrefix  string   `json:"hostPrefix,omitempty"`
	EventStream bool     `json:"eventStream,omitempty"`
}

type shape struct {
	Type      string   `json:"type"`
	Members   []member `json:"members,omitempty"`
	Required  []string `json:"required,omitempty"`
	Min       *int64   `json:"min,omitempty"`
	Max       *int64   `json:"max,omitempty"`
	Pattern   string   `json:"pattern,omitempty"`
	Enum      []string `json:"enum,omitempty"`
	Elem      string   `json:"elem,omitempty"`  // of a list
	Key       string   `json:"key,omitempty"`   // of a map
	Value     string   `json:"value,omitempty"` // of a map
	Exception bool     `json:"exception,omitempty"`
	Code      string   `json:"code,omitempty"`   // of an exception in the Query protocol, when it is not the name
	Status    int      `json:"status,omitempty"` // HTTP status of an exception, when the model says
	Fault     bool     `json:"fault,omitempty"`
	Stream    bool     `json:"eventStream,omitempty"`
}

type member struct {
	Name  string `json:"name"`
	Shape string `json:"shape"`
}

// ordered is a JSON object whose order matters.
type ordered[T any] []struct {
	name  string
	value T
}

func (o *ordered[T]) UnmarshalJSON(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	if _, err := dec.Token(); err != nil {
		return err
	}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return err
		}
		name, ok := tok.(string)
		if !ok {
			return fmt.Errorf("expected a member name, found %v", tok)
		}
		var v T
		if err := dec.Decode(&v); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		*o = append(*o, struct {
			name  string
			value T
		}{name, v})
	}
	return nil
}

type ref struct {
	Shape string `json:"shape"`
	Name  string `json:"locationName"`
}

// severalProtocols are those of the services that speak several.
var severalProtocols = []string{"json", "query", "smithy-rpc-v2-cbor"}

// condense reads a service model of botocore.
func condense(data []byte, version string) (*model, error) {
	var in struct {
		Metadata struct {
			APIVersion    string   `json:"apiVersion"`
			TargetPrefix  string   `json:"targetPrefix"`
			Prefix        string   `json:"endpointPrefix"`
			SigningName   string   `json:"signingName"`
			ClientProtocl string   `json:"protocol"`
			Protocols     []string `json:"protocols"`
			Namespace     string   `json:"xmlNamespace"`
		} `json:"metadata"`
		Operations map[string]struct {
			Input    ref   `json:"input"`
			Output   ref   `json:"output"`
			Errors   []ref `json:"errors"`
			Endpoint struct {
				HostPrefix string `json:"hostPrefix"`
			} `json:"endpoint"`
		} `json:"operations"`
		Shapes map[string]struct {
			Type      string       `json:"type"`
			Members   ordered[ref] `json:"members"`
			Required  []string     `json:"required"`
			Min       *int64       `json:"min"`
			Max       *int64       `json:"max"`
			Pattern   string       `json:"pattern"`
			Enum      []string     `json:"enum"`
			Member    ref          `json:"member"`
			Key       ref          `json:"key"`
			Value     ref          `json:"value"`
			Exception bool         `json:"exception"`
			Fault     bool         `json:"fault"`
			Stream    bool         `json:"eventstream"`
			Error     struct {
				Code   string `json:"code"`
				Status int    `json:"httpStatusCode"`
			} `json:"error"`
		} `json:"shapes"`
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, err
	}
	switch several := slices.Sorted(slices.Values(in.Metadata.Protocols)); {
	case slices.Equal(several, severalProtocols) && in.Metadata.Namespace != "":
	case in.Metadata.ClientProtocl == "json":
		in.Metadata.Namespace = ""
	default:
		return nil, fmt.Errorf("protocol %q of %q, only json and %q are known", in.Metadata.ClientProtocl, several, severalProtocols)
	}
	m := &model{
		Source: version, APIVersion: in.Metadata.APIVersion, TargetPrefix: in.Metadata.TargetPrefix,
		SigningName: in.Metadata.SigningName, Namespace: in.Metadata.Namespace, Operations: map[string]*operation{}, Shapes: map[string]*shape{},
	}
	if m.SigningName == "" {
		m.SigningName = in.Metadata.Prefix
	}
	for name, s := range in.Shapes {
		out := &shape{
			Type: s.Type, Required: s.Required, Min: s.Min, Max: s.Max, Pattern: s.Pattern, Enum: s.Enum,
			Elem: s.Member.Shape, Key: s.Key.Shape, Value: s.Value.Shape,
			Exception: s.Exception, Code: s.Error.Code, Status: s.Error.Status, Fault: s.Fault, Stream: s.Stream,
		}
		if out.Code == name {
			out.Code = ""
		}
		for _, mem := range s.Members {
			if mem.value.Name != "" {
				return nil, fmt.Errorf("%s.%s: a location name is not known here", name, mem.name)
			}
			out.Members = append(out.Members, member{mem.name, mem.value.Shape})
		}
		m.Shapes[name] = out
	}
	for name, op := range in.Operations {
		out := &operation{Input: op.Input.Shape, Output: op.Output.Shape, HostPrefix: op.Endpoint.HostPrefix}
		for _, e := range op.Errors {
			out.Errors = append(out.Errors, e.Shape)
		}
		slices.Sort(out.Errors)
		if s := m.Shapes[out.Output]; s != nil {
			for _, mem := range s.Members {
				out.EventStream = out.EventStream || m.Shapes[mem.Shape].Stream
			}
		}
		m.Operations[name] = out
	}
	return m, nil
}

// write writes the model with one operation or shape a line, so that a
// refresh gives a readable difference.
func (m *model) write(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "{\n\"source\": %q,\n\"apiVersion\": %q,\n\"targetPrefix\": %q,\n\"signingName\": %q,\n",
		m.Source, m.APIVersion, m.TargetPrefix, m.SigningName)
	if m.Namespace != "" {
		fmt.Fprintf(b, "\"xmlNamespace\": %q,\n", m.Namespace)
	}
	fmt.Fprintf(b, "\"operations\": {\n")
	if err := writeEntries(b, m.Operations); err != nil {
		return err
	}
	fmt.Fprintf(b, "},\n\"shapes\": {\n")
	if err := writeEntries(b, m.Shapes); err != nil {
		return err
	}
	fmt.Fprintf(b, "}\n}\n")
	return b.Flush()
}

func writeEntries[T any](b *bufio.Writer, entries map[string]T) error {
	for i, name := range slices.Sorted(maps.Keys(entries)) {
		var text strings.Builder
		enc := json.NewEncoder(&text)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(entries[name]); err != nil {
			return err
		}
		comma := ","
		if i == len(entries)-1 {
			comma = ""
		}
		fmt.Fprintf(b, "%q: %s%s\n", name, strings.TrimSpace(text.String()), comma)
	}
	return nil
}

// readModel reads a condensed model and checks that it is whole.
func readModel(data []byte) (*model, error) {
	m := &model{}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(m); err != nil {
		return nil, err
	}
	check := func(where, name string) error {
		if m.Shapes[name] == nil {
			return fmt.Errorf("%s: no shape %q", where, name)
		}
		return nil
	}
	for name, s := range m.Shapes {
		refs := make([]string, 0, len(s.Members)+2)
		for _, mem := range s.Members {
			refs = append(refs, mem.Shape)
		}
		switch s.Type {
		case "list":
			refs = append(refs, s.Elem)
		case "map":
			refs = append(refs, s.Key, s.Value)
		case "structure", "string", "integer", "long", "boolean", "double", "blob":
		case "timestamp":
			if m.Namespace == "" {
				return nil, fmt.Errorf("%s: a timestamp is not known in a service of one protocol", name)
			}
		default:
			return nil, fmt.Errorf("%s: unknown type %q", name, s.Type)
		}
		for _, r := range refs {
			if err := check(name, r); err != nil {
				return nil, err
			}
		}
	}
	for name, op := range m.Operations {
		refs := append([]string{op.Input}, op.Errors...)
		if op.Output != "" {
			refs = append(refs, op.Output)
		}
		for _, r := range refs {
			if err := check(name, r); err != nil {
				return nil, err
			}
		}
	}
	return m, nil
}

// add adds members, and shapes for them, that built operations must not ignore and that
// the model is too old to have, and widens patterns.
func (m *model) add(data []byte) error {
	var in struct {
		Source  string              `json:"source"`
		Shapes  map[string]*shape   `json:"shapes"`
		Members map[string][]member `json:"members"`
		// Patterns widens patterns that are narrower than what the service
		// takes: shape, then the model's pattern and the one to use.
		Patterns map[string]struct{ Model, Use string } `json:"patterns"`
		// Optional are members that are not required any more, by structure.
		Optional map[string][]string `json:"optional"`
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return err
	}
	for name, s := range in.Shapes {
		if m.Shapes[name] != nil {
			return fmt.Errorf("shape %s: the model has it now", name)
		}
		m.Shapes[name] = s
	}
	for name, members := range in.Members {
		s := m.Shapes[name]
		if s == nil || s.Type != "structure" {
			return fmt.Errorf("no structure %q", name)
		}
		for _, mem := range members {
			if m.Shapes[mem.Shape] == nil {
				return fmt.Errorf("%s.%s: no shape %q", name, mem.Name, mem.Shape)
			}
			if slices.ContainsFunc(s.Members, func(o member) bool { return o.Name == mem.Name }) {
				return fmt.Errorf("%s.%s: the model has it now", name, mem.Name)
			}
			s.Members = append(s.Members, mem)
		}
	}
	for name, members := range in.Optional {
		s := m.Shapes[name]
		for _, mem := range members {
			if s == nil || !slices.Contains(s.Required, mem) {
				return fmt.Errorf("%s.%s: the model does not require it", name, mem)
			}
			s.Required = slices.DeleteFunc(slices.Clone(s.Required), func(r string) bool { return r == mem })
		}
	}
	for name, p := range in.Patterns {
		s := m.Shapes[name]
		if s == nil || s.Pattern != p.Model {
			return fmt.Errorf("no shape %q with the pattern %s", name, p.Model)
		}
		s.Pattern = p.Use
	}
	return nil
}
