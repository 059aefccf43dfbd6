package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
)

// The shapes of a service that speaks several protocols read from an awsproto.Source
// and write to an awsproto.Sink, whatever the protocol.

// reader returns an expression of type func(*T, Source) error.
func (g *generator) reader(name string) string {
	s := g.Shapes[name]
	switch s.Type {
	case "string":
		return "awsproto.ReadText"
	case "boolean":
		return "awsproto.ReadBool"
	case "integer", "long":
		return "awsproto.ReadInt[" + g.elemType(name) + "]"
	case "double":
		return "awsproto.ReadFloat"
	case "timestamp":
		return "awsproto.ReadTime"
	case "blob":
		return "awsproto.ReadBlob"
	case "list":
		return fmt.Sprintf("func(v *%s, s awsproto.Source) error { return awsproto.ReadList(s, v, %s) }", g.elemType(name), g.reader(s.Elem))
	case "map":
		return fmt.Sprintf("func(v *%s, s awsproto.Source) error { return awsproto.ReadMap(s, v, %s) }", g.elemType(name), g.reader(s.Value))
	}
	return "(*" + g.names[name] + ").Decode"
}

// writer returns an expression of type func(*T, Sink).
func (g *generator) writer(name string) string {
	s := g.Shapes[name]
	switch s.Type {
	case "string":
		return "awsproto.PutText"
	case "boolean":
		return "awsproto.PutBool"
	case "integer", "long":
		return "awsproto.PutInt[" + g.elemType(name) + "]"
	case "double":
		return "awsproto.PutFloat"
	case "timestamp":
		return "awsproto.PutTime"
	case "structure":
		return "(*" + g.names[name] + ").Encode"
	case "list":
		return fmt.Sprintf("func(v *%s, s awsproto.Sink) { awsproto.PutList(s, *v, %s) }", g.elemType(name), g.writer(s.Elem))
	}
	g.fail("%s: a list or map of %s is not known here", name, s.Type)
	return "nil"
}

func (g *generator) sourceMethod(b *bytes.Buffer, s *shape, goName string) {
	fmt.Fprintf(b, "// Decode reads the shape.\nfunc (x *%s) Decode(s awsproto.Source) error {\n", goName)
	if len(s.Members) == 0 {
		fmt.Fprintf(b, "return s.Object(func([]byte) error { return s.Skip() })\n}\n\n")
		return
	}
	fmt.Fprintf(b, "return s.Object(func(name []byte) error {\nswitch string(name) {\n")
	for _, m := range s.Members {
		f := "x." + field(m.Name)
		fmt.Fprintf(b, "case %q:\n", m.Name)
		ms := g.Shapes[m.Shape]
		switch ms.Type {
		case "list":
			fmt.Fprintf(b, "return awsproto.ReadList(s, &%s, %s)\n", f, g.reader(ms.Elem))
		case "map":
			fmt.Fprintf(b, "return awsproto.ReadMap(s, &%s, %s)\n", f, g.reader(ms.Value))
		case "blob":
			fmt.Fprintf(b, "return awsproto.ReadBlob(&%s, s)\n", f)
		default:
			fmt.Fprintf(b, "return awsproto.ReadValue(s, &%s, %s)\n", f, g.reader(m.Shape))
		}
	}
	fmt.Fprintf(b, "}\nreturn s.Skip()\n})\n}\n\n")
}

func (g *generator) sinkMethod(b *bytes.Buffer, s *shape, goName string) {
	fmt.Fprintf(b, "// Encode writes the shape.\nfunc (x *%s) Encode(s awsproto.Sink) {\ns.Begin()\n", goName)
	for _, m := range s.Members {
		f := "x." + field(m.Name)
		ms := g.Shapes[m.Shape]
		switch ms.Type {
		case "list":
			fmt.Fprintf(b, "awsproto.PutListMember(s, %q, %s, %s)\n", m.Name, f, g.writer(ms.Elem))
		case "map":
			fmt.Fprintf(b, "awsproto.PutMapMember(s, %q, %s, %s)\n", m.Name, f, g.writer(ms.Value))
		case "blob":
			fmt.Fprintf(b, "awsproto.PutBlobMember(s, %q, %s)\n", m.Name, f)
		default:
			fmt.Fprintf(b, "awsproto.PutMember(s, %q, %s, %s)\n", m.Name, f, g.writer(m.Shape))
		}
	}
	fmt.Fprintf(b, "s.End()\n}\n\n")
}

// shapesOf writes the rest of the facts about an operation.
func (g *generator) shapesOf(b *bytes.Buffer, name string, op *operation) {
	if slices.Contains(op.Errors, "MissingRequiredParameterException") {
		fmt.Fprintf(b, "Parameters: true, ")
	}
	fmt.Fprintf(b, "\nNewRequest: func() awsproto.Request { return new(%sInput) }", name)
	if op.Output != "" {
		fmt.Fprintf(b, ", NewAnswer: func() awsproto.Shape { return new(%sOutput) }", name)
	}
	fmt.Fprintf(b, "},\n")
}

func (g *generator) enumImports() string {
	if g.several() {
		return "import \"github.com/cumulog/cumulog/internal/edge/awsproto\"\n\n"
	}
	return ""
}

// errorTable writes the error codes of the model, which are the names of the
// shapes, and what the protocols make of them.
func (g *generator) errorTable(b *bytes.Buffer) {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(g.Shapes)) {
		if g.Shapes[name].Exception {
			names = append(names, name)
		}
	}
	fmt.Fprintf(b, "// Error codes of the model.\nconst (\n")
	for _, name := range names {
		fmt.Fprintf(b, "Code%s = %q\n", name, name)
	}
	fmt.Fprintf(b, ")\n\n// ErrorInfo returns what the protocols make of an error code of the model.\nfunc ErrorInfo(code string) (info awsproto.ErrorInfo, ok bool) {\nswitch code {\n")
	for _, name := range names {
		s := g.Shapes[name]
		query, status, message := s.Code, s.Status, "Message"
		if query == "" {
			query = name
		}
		if status == 0 {
			g.fail("%s: an exception without an HTTP status", name)
		}
		for _, m := range s.Members {
			if m.Name == "message" {
				message = m.Name
			}
		}
		fmt.Fprintf(b, "case Code%s:\nreturn awsproto.ErrorInfo{Query: %q, Status: %d, Message: %q}, true\n", name, query, status, message)
	}
	fmt.Fprintf(b, "}\nreturn awsproto.ErrorInfo{}, false\n}\n\n")
}
