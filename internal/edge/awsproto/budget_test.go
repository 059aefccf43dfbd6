package awsproto

import (
	"encoding/binary"
	"strings"
	"testing"
)

// nested is a shape with lists of lists and maps of maps.
type nested struct {
	Lists [][]bool
	Maps  map[string]map[string]bool
}

func (n *nested) Validate(*Violations) {}

func (n *nested) Decode(s Source) error {
	return s.Object(func(name []byte) error {
		switch string(name) {
		case "lists":
			return ReadList(s, &n.Lists, func(v *[]bool, s Source) error { return ReadList(s, v, ReadBool) })
		case "maps":
			return ReadMap(s, &n.Maps, func(v *map[string]bool, s Source) error { return ReadMap(s, v, ReadBool) })
		}
		return s.Skip()
	})
}

func (n *nested) DecodeJSON(d *Decoder) error {
	return d.Object(func(name []byte) error {
		switch string(name) {
		case "lists":
			return List(d, &n.Lists, func(v *[]bool, d *Decoder) error { return List(d, v, BoolElem) })
		case "maps":
			return Map(d, &n.Maps, func(v *map[string]bool, d *Decoder) error { return Map(d, v, BoolElem) })
		}
		return d.Skip()
	})
}

// TestElementsInAll: the elements of a body are bounded, not only those of each list.
func TestElementsInAll(t *testing.T) {
	const outer, inner = 16, maxAllElements/16 - 1 // with the outer ones that is all
	check := func(what string, err error, many bool) {
		t.Helper()
		got := ""
		if err != nil {
			got = err.Error()
		}
		if want := "more than 524288 elements in all"; (got != "") != many || !strings.HasPrefix(got, want[:len(want)*b2i(many)]) {
			t.Errorf("%s: got %q", what, got)
		}
	}
	repeat := func(first, elem string, n int, last string) string {
		return first + strings.TrimSuffix(strings.Repeat(elem+",", n), ",") + last
	}
	for _, more := range []bool{false, true} {
		in := inner + b2i(more)
		lists := repeat(`{"lists":[`, repeat("[", "true", in, "]"), outer, "]}")
		maps := repeat(`{"maps":{`, `"a":`+repeat("{", `"a":true`, in, "}"), outer, "}}")
		check("JSON lists", Unmarshal([]byte(lists), new(nested)), more)
		check("JSON maps", Unmarshal([]byte(maps), new(nested)), more)
		check("JSON lists of a shape", new(nested).Decode(JSONSource(NewDecoder([]byte(lists)))), more)
		check("JSON maps of a shape", new(nested).Decode(JSONSource(NewDecoder([]byte(maps)))), more)
		check("JSON that nobody reads", Unmarshal([]byte(strings.Replace(lists, "lists", "other", 1)), new(nested)), false)

		head := string(binary.BigEndian.AppendUint32(nil, uint32(in)))
		cbor := "\xa1elists\x90" + strings.Repeat("\x9a"+head+strings.Repeat("\xf5", in), outer)
		check("CBOR lists", decodeCBOR([]byte(cbor), decodeOnly{new(nested)}), more)
		check("CBOR that nobody reads", decodeCBOR([]byte(strings.Replace(cbor, "lists", "other", 1)), decodeOnly{new(nested)}), false)
		check("CBOR maps", decodeCBOR([]byte("\xa1dmaps\xb0"+strings.Repeat("\x61a\xba"+head+strings.Repeat("\x61a\xf5", in), outer)), decodeOnly{new(nested)}), more)
	}
}

// decodeOnly is a shape that is never sent.
type decodeOnly struct{ *nested }

func (decodeOnly) Encode(Sink) {}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestFormBounds(t *testing.T) {
	var b strings.Builder
	check := func(what, text, want string) {
		t.Helper()
		_, err := ParseForm(text)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, want) || (got == "") != (want == "") {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
	check("deep", strings.Repeat("a.", maxFormDepth-1)+"a=", "")
	check("deeper", strings.Repeat("a.", maxFormDepth)+"a=", "nesting deeper than 16")
	for i := range maxNodes / 8 {
		b.WriteString(strings.Repeat(string(rune(0x4e00+i%1000))+string(rune(0x4e00+i/1000))+".", 7) + "a=&")
	}
	check("many names", b.String(), "")
	check("one more", b.String()+"b=", "more than 524288 names in parameters")
}
