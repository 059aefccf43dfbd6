package awsproto_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
)

// message is a shape as the generator writes them.
type message struct {
	Name  *string
	Count *int64
	Data  []byte
	List  [][]string
	Sums  map[string]int64
}

func (m *message) DecodeJSON(d *awsproto.Decoder) error {
	return d.Object(func(name []byte) error {
		switch string(name) {
		case "name":
			return awsproto.Value(d, &m.Name, awsproto.StringElem)
		case "count":
			return awsproto.Value(d, &m.Count, awsproto.IntElem[int64])
		case "data":
			return awsproto.BlobElem(&m.Data, d)
		case "list":
			return awsproto.List(d, &m.List, func(v *[]string, d *awsproto.Decoder) error {
				return awsproto.List(d, v, awsproto.StringElem)
			})
		case "sums":
			return awsproto.Map(d, &m.Sums, awsproto.IntElem[int64])
		}
		return d.Skip()
	})
}

func TestBlob(t *testing.T) {
	check := func(in, want string, ok bool) {
		t.Helper()
		var m message
		err := awsproto.Unmarshal([]byte(`{"data":"`+in+`"}`), &m)
		if (err == nil) != ok || string(m.Data) != want {
			t.Errorf("%s: got %q, %v", in, m.Data, err)
		}
		if ok && m.Data == nil {
			t.Errorf("%s: got a blob that is absent", in)
		}
	}
	check("", "", true)
	check("aGk=", "hi", true)
	check(`aGk\u003d`, "hi", true)
	check("aGk", "", false)
	check("aGl=", "", false) // bits set behind the end
	check("a-_=", "", false)
}

func TestDecodeErrorPath(t *testing.T) {
	check := func(in, want string) {
		t.Helper()
		if err := awsproto.Unmarshal([]byte(in), new(message)); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", in, err, want)
		}
	}
	check(`{"list":[["a"],["b",3]]}`, "expected a string, found a number (member 'list.2.member.2.member', position 20)")
	check(`{"sums":{"a":1,"b":"x"}}`, "expected an integer, found a string (member 'sums.b', position 19)")
	check(`{"sums":{"`+strings.Repeat("é", 100)+`":"x"}}`,
		"expected an integer, found a string (member 'sums."+strings.Repeat("é", 64)+"…', position 212)")
	check(`{"name":@}`, "unexpected character '@' (member 'name', position 8)")
	check(`{"name":"`+"\t"+`"}`, "control character 0x09 in a string (member 'name', position 9)")
}

func FuzzUnmarshal(f *testing.F) {
	f.Add([]byte(`{"name":"a\ud83d","count":1.50e1,"data":"aGk=","list":[[],["x"]],"sums":{"a":-0},"u":[{"v":null}]}`))
	f.Add([]byte("{\"name\":\"\xff\"}"))
	f.Add([]byte(`{"count":1e999}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var m message
		// Any JSON is fine as an unknown member, and nothing else is.
		unknown := slices.Concat([]byte(`{"unknown":`), data, []byte("}"))
		err := awsproto.Unmarshal(unknown, &m)
		valid := json.Valid(data) && utf8.Valid(data)
		if (err == nil) != valid && !strings.Contains(fmt.Sprint(err), "nesting deeper") && (err != nil || json.Valid(unknown) != utf8.Valid(unknown)) {
			t.Fatalf("%q: got %v, JSON: %v", data, err, valid)
		}
		if err = awsproto.Unmarshal(data, &m); err == nil {
			return
		}
		e, ok := err.(*awsproto.DecodeError)
		if !ok || e.Offset < 0 || e.Offset > len(data) || e.Error() == "" {
			t.Fatalf("got %#v", err)
		}
	})
}

func BenchmarkUnmarshal(b *testing.B) {
	body := []byte(`{"name":"/aws/lambda/orders-processor","count":1700000000000,"list":[["a","b"]],"sums":{"x":1},"ignored":{"a":[1,2,3]}}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		var m message
		if err := awsproto.Unmarshal(body, &m); err != nil {
			b.Fatal(err)
		}
	}
}
