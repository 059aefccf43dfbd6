package metricswire_test

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/metricsapi/metricswire"
)

// roundTrips writes a shape in each protocol and reads it again.
func roundTrips(t *testing.T, name string, v awsproto.Shape) {
	t.Helper()
	fresh := func() awsproto.Shape { return reflect.New(reflect.TypeOf(v).Elem()).Interface().(awsproto.Shape) }
	check := func(protocol string, text []byte, got awsproto.Shape, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s in %s: %v: %s", name, protocol, err, text)
			return
		}
		if diff := cmp.Diff(v, got); diff != "" {
			t.Errorf("%s in %s changed (-want +got):\n%s\n%s", name, protocol, diff, text)
		}
	}
	got := fresh()
	text := awsproto.AppendCBORShape(nil, v)
	check("CBOR", text, got, awsproto.DecodeCBORShape(text, got))
	got = fresh()
	text = awsproto.AppendJSONShape(nil, v)
	check("JSON", text, got, awsproto.DecodeJSONShape(text, got))
	got = fresh()
	form := &formSink{}
	v.Encode(form)
	parsed, err := awsproto.ParseForm(form.text())
	if err == nil {
		err = got.Decode(parsed.Source())
	}
	check("Query", []byte(form.text()), got, err)
}

// formSink writes a form as clients of the Query protocol do.
type formSink struct {
	path  []string
	lists []int // index of the open list or map at each level, -1 for a structure
	pairs []string
}

func (s *formSink) text() string { return strings.Join(s.pairs, "&") }

// step is called before each value.
func (s *formSink) step() {
	if n := len(s.lists); n > 0 && s.lists[n-1] >= 0 {
		s.lists[n-1]++
		s.path = append(s.path, "member", strconv.Itoa(s.lists[n-1]))
	}
}

// done is called behind each value.
func (s *formSink) done() {
	n := len(s.lists)
	switch {
	case n == 0:
	case s.lists[n-1] < 0:
		s.path = s.path[:len(s.path)-1]
	default:
		s.path = s.path[:len(s.path)-2]
	}
}

func (s *formSink) put(v string) {
	s.step()
	s.pairs = append(s.pairs, url.QueryEscape(strings.Join(s.path, "."))+"="+url.QueryEscape(v))
	s.done()
}

func (s *formSink) Begin() {
	s.step()
	if len(s.path) > 0 { // an empty structure is an empty value
		s.pairs = append(s.pairs, strings.Join(s.path, ".")+"=")
	}
	s.lists = append(s.lists, -1)
}

func (s *formSink) Name(name string) { s.path = append(s.path, name) }

func (s *formSink) End() {
	s.lists = s.lists[:len(s.lists)-1]
	s.done()
}

func (s *formSink) BeginList(n int) {
	s.step()
	if n == 0 {
		s.pairs = append(s.pairs, strings.Join(s.path, ".")+"=")
	}
	s.lists = append(s.lists, 0)
}

func (s *formSink) EndList()       { s.End() }
func (s *formSink) BeginMap(n int) { s.BeginList(n) }

func (s *formSink) Key(key string) {
	n := len(s.lists) - 1
	s.lists[n]++
	entry := strings.Join(s.path, ".") + ".entry." + strconv.Itoa(s.lists[n])
	s.pairs = append(s.pairs, entry+".key="+url.QueryEscape(key))
	s.path = append(s.path, "entry", strconv.Itoa(s.lists[n]), "value")
	s.lists = append(s.lists, -2) // one value
}

func (s *formSink) EndMap() { s.EndList() }

func (s *formSink) scalar(v string) {
	s.put(v)
	if n := len(s.lists); n > 0 && s.lists[n-1] == -2 { // the value of a map
		s.lists = s.lists[:n-1]
		s.path = s.path[:len(s.path)-2]
	}
}

func (s *formSink) Text(v string)   { s.scalar(v) }
func (s *formSink) Bool(v bool)     { s.scalar(strconv.FormatBool(v)) }
func (s *formSink) Int(v int64)     { s.scalar(strconv.FormatInt(v, 10)) }
func (s *formSink) Float(v float64) { s.scalar(strconv.FormatFloat(v, 'g', -1, 64)) }
func (s *formSink) Blob(v []byte)   { s.scalar(base64.StdEncoding.EncodeToString(v)) }
func (s *formSink) Time(v awsproto.Millis) {
	s.scalar(time.UnixMilli(int64(v)).UTC().Format(time.RFC3339Nano))
}

func TestDecodeJSON(t *testing.T) {
	var in metricswire.PutMetricDataInput
	text := `{"Namespace":"N","MetricData":[{"MetricName":"M","Timestamp":1764079200.25,"Value":1,"Values":[1.5,"NaN"],"Dimensions":null}],"New":{"a":[null]}}`
	if err := awsproto.DecodeJSONShape([]byte(text), &in); err != nil {
		t.Fatal(err)
	}
	d := in.MetricData[0]
	if *d.Timestamp != 1764079200250 || *d.Value != 1 || d.Dimensions != nil || d.Values[0] != 1.5 || d.Values[1] == d.Values[1] {
		t.Errorf("got %+v", d)
	}
	refused := func(text, want string) {
		t.Helper()
		if err := awsproto.DecodeJSONShape([]byte(text), new(metricswire.PutMetricDataInput)); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
	refused(`{"MetricData":[{"Timestamp":"yesterday"}]}`, "timestamp must follow ISO8601 (member 'MetricData.1.member.Timestamp', position 39)")
	refused(`{"MetricData":[{"Timestamp":1e18}]}`, "number out of range (member 'MetricData.1.member.Timestamp', position 32)")
	refused(`{"MetricData":[{"StorageResolution":3000000000}]}`, "number out of range (member 'MetricData.1.member.StorageResolution', position 46)")
}

func TestDecodeCBOR(t *testing.T) {
	check := func(data, want string) {
		t.Helper()
		err := awsproto.DecodeCBORShape([]byte(data), new(metricswire.PutMetricDataInput))
		if got := ""; err != nil {
			if got = err.Error(); got != want {
				t.Errorf("%x: got %s, want %s", data, got, want)
			}
		} else if want != "" {
			t.Errorf("%x: decoded, want %s", data, want)
		}
	}
	check("", "")
	check("\xa0", "")
	check("\xbf\xff", "")
	check("\xa1iNamespace\xf6", "")
	check("\xa1iNamespace\x7faaab\xff", "")
	check("\xa0\xa0", "unexpected bytes after the CBOR value (position 1)")
	check("\xa1", "unexpected end of the CBOR value (position 1)")
	check("\xbf", "unexpected end of the CBOR value (position 1)")
	check("\xbb\xff\xff\xff\xff\xff\xff\xff\xff", "unexpected end of the CBOR value (position 9)")
	check("\x80", "expected a map, found a list (position 0)")
	check("\xa1\x01\x01", "expected a string, found an integer (position 1)")
	check("\xa1iNamespace\x01", "expected a string, found an integer (member 'Namespace', position 11)")
	check("\xa1iNamespaceb\xc3\x28", "invalid UTF-8 (member 'Namespace', position 12)")
	check("\xa1iNamespacexx", "unexpected end of the CBOR value (member 'Namespace', position 13)")
	check("\xa1iNamespace\x7f\x7f", "a chunk of indefinite length (member 'Namespace', position 13)")
	check("\xa1iNamespace\xff", "expected a string, found the end of a value (member 'Namespace', position 11)")
	check("\xa1jMetricData\x81\xa1iTimestamp\xc0\x01", "tag 0 where a time is expected (member 'MetricData.1.member.Timestamp', position 24)")
	check("\xa1jMetricData\x81\xa1iTimestamp\xc1\xf9\x7e\x00", "number out of range (member 'MetricData.1.member.Timestamp', position 24)")
	check("\xa1jMetricData\x81\xf6", "expected a map, found null (member 'MetricData.1.member', position 13)")
	check("\xa1jMetricData\x81\xa1qStorageResolution\xfa\x3f\xc0\x00\x00", "expected an integer, found a number with a fraction (member 'MetricData.1.member.StorageResolution', position 32)")
	check("\xa1jMetricData\x81\xa1qStorageResolution\xfa\x42\x70\x00\x00", "")
	check("\xa1jMetricData\x81\xa1qStorageResolution\x1b\xff\xff\xff\xff\xff\xff\xff\xff", "number out of range (member 'MetricData.1.member.StorageResolution', position 32)")
	check("\xa1cNew\xf8\x10", "unexpected simple value 16 (member 'New', position 5)")
	check("\xa1cNew\xfc", "unexpected byte 0xfc (member 'New', position 5)")
	check("\xa1cNew"+strings.Repeat("\x81", awsproto.MaxDepth-1)+"\x01", "")
	deep := awsproto.DecodeCBORShape([]byte("\xa1cNew"+strings.Repeat("\x81", awsproto.MaxDepth)+"\x01"), new(metricswire.PutMetricDataInput))
	if deep == nil || !strings.Contains(deep.Error(), "nesting deeper than 100") {
		t.Errorf("got %v", deep)
	}
}

func TestDecodeForm(t *testing.T) {
	check := func(text, want string) {
		t.Helper()
		form, err := awsproto.ParseForm(text)
		if err == nil {
			err = new(metricswire.PutMetricDataInput).Decode(form.Source())
		}
		if got := ""; err != nil {
			if got = err.Error(); got != want {
				t.Errorf("%s: got %s, want %s", text, got, want)
			}
		} else if want != "" {
			t.Errorf("%s: decoded, want %s", text, want)
		}
	}
	check("", "")
	check("Action=PutMetricData&Version=2010-08-01&Namespace=N&MetricData.member.1.Timestamp=20171208T062404Z&Some.Thing.new=1&", "")
	check("MetricData=", "")
	check("MetricData.member.1.Timestamp=2017-12-08T06:24&MetricData.member.3.Timestamp=2017-12-08", "")
	check("MetricData.member.1.Value=-1.5e-3&MetricData.member.2.Value=NaN", "")
	check("MetricData.member.1.Value=0x10", "expected a number (member 'MetricData.member.1.Value', position 0)")
	check("Namespace=N&MetricData.member.1.Value=1e999", "number out of range (member 'MetricData.member.1.Value', position 12)")
	check("MetricData.member.1.Timestamp=now", "timestamp must follow ISO8601 (member 'MetricData.member.1.Timestamp', position 0)")
	check("MetricData.member.1.StorageResolution=99999999999999999999", "number out of range (member 'MetricData.member.1.StorageResolution', position 0)")
	check("MetricData.member.1.StorageResolution=3000000000", "number out of range (member 'MetricData.member.1.StorageResolution', position 0)")
	check("MetricData.member.1.StorageResolution=", "expected an integer (member 'MetricData.member.1.StorageResolution', position 0)")
	check("MetricData.member.0.Value=1", "'0' is no number of an element; they count from 1 (member 'MetricData', position 0)")
	check("MetricData.member.01.Value=1", "'01' is no number of an element; they count from 1 (member 'MetricData', position 0)")
	check("MetricData.1.Value=1", "expected a list, whose parameters go on with '.member.' and a number (member 'MetricData', position 0)")
	check("MetricData=x", "expected a list, found a value (member 'MetricData', position 0)")
	check("MetricData.member=x", "expected a list, whose parameters go on with '.member.' and a number (member 'MetricData', position 0)")
	check("MetricData.member.1=x", "expected a structure, found a value (member 'MetricData.member.1', position 0)")
	check("Namespace.x=1", "expected a string, found a structure (member 'Namespace', position 0)")
	check("StrictEntityValidation=yes", "expected true or false (member 'StrictEntityValidation', position 0)")
	check("Namespace=a&Namespace=b", "the parameter comes twice (member 'Namespace') (position 12)")
	check("Namespace=%", `invalid URL escape "%" (position 0)`)
	check("Namespace=%ff", "invalid UTF-8 (position 0)")
	check("=x", "a parameter without a name (position 0)")
	check("a..b=x", "malformed parameter name '.b' (position 0)")
	check("a.=x", "malformed parameter name 'a.' (position 0)")
	check(strings.Repeat("a.", 15)+"a=x", "")
	check(strings.Repeat("a.", 16)+"a=x", "nesting deeper than 16 (position 0)")
	check("EntityMetricData.member.1.Entity.Attributes.entry.1.key=k", "expected '.key' and '.value' behind the number (member 'EntityMetricData.member.1.Entity.Attributes.entry.1', position 0)")
}

func FuzzForm(f *testing.F) {
	f.Add("PutMetricData", "Namespace=N&MetricData.member.1.MetricName=m&MetricData.member.1.Values.member.2=1.5&MetricData.member.1.Timestamp=2017-12-08T06:24:04Z")
	f.Add("PutMetricData", "EntityMetricData.member.1.Entity.Attributes.entry.1.key=k&EntityMetricData.member.1.Entity.Attributes.entry.1.value=v")
	f.Add("PutMetricAlarm", "Metrics.member.1.MetricStat.Metric.Dimensions.member.12.Name=%C3%A9+a")
	f.Fuzz(func(t *testing.T, operation, text string) {
		info, ok := metricswire.Lookup(operation)
		if !ok {
			return
		}
		form, err := awsproto.ParseForm(text)
		if err != nil {
			return
		}
		in := info.NewRequest()
		if err := in.Decode(form.Source()); err != nil {
			if e, ok := err.(*awsproto.DecodeError); !ok || e.Offset < 0 || e.Offset > len(text) {
				t.Fatalf("got %#v", err)
			}
			return
		}
		in.Validate(new(awsproto.Violations))
		first := awsproto.AppendJSONShape(nil, in)
		again := info.NewRequest()
		if err := awsproto.DecodeJSONShape(first, again); err != nil {
			t.Fatalf("decode what was encoded: %v: %s", err, first)
		}
		if second := awsproto.AppendJSONShape(nil, again); !bytes.Equal(first, second) {
			t.Fatalf("encoding is not stable:\n%s\n%s", first, second)
		}
	})
}

func TestXML(t *testing.T) {
	ms, value, unit := awsproto.Millis(1764079200000), 1.5, "Count"
	late := awsproto.Millis(1764079200250)
	out := &metricswire.GetMetricStatisticsOutput{Datapoints: []metricswire.Datapoint{
		{Timestamp: &ms, Average: &value, Unit: &unit, ExtendedStatistics: map[string]float64{"p99": 2, "p50": 1}},
		{Timestamp: &late},
	}}
	want := "<Datapoints><member><Timestamp>2025-11-25T14:00:00Z</Timestamp><Average>1.5</Average><Unit>Count</Unit>" +
		"<ExtendedStatistics><entry><key>p50</key><value>1.0</value></entry><entry><key>p99</key><value>2.0</value></entry></ExtendedStatistics></member>" +
		"<member><Timestamp>2025-11-25T14:00:00.250Z</Timestamp></member></Datapoints>"
	if got := string(awsproto.AppendXMLShape(nil, out)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got, want := string(awsproto.AppendJSONShape(nil, out)), `{"Datapoints":[{"Timestamp":1764079200,"Average":1.5,"Unit":"Count","ExtendedStatistics":{"p50":1.0,"p99":2.0}},{"Timestamp":1764079200.250}]}`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for v, want := range map[float64]string{0: "0.0", -3: "-3.0", 0.25: "0.25", 1e21: "1e+21", 1e20: "100000000000000000000.0", -1e-7: "-1e-07"} {
		point := &metricswire.Datapoint{Sum: &v}
		if got := string(awsproto.AppendXMLShape(nil, point)); got != "<Sum>"+want+"</Sum>" {
			t.Errorf("got %s, want %s", got, want)
		}
		if got := string(awsproto.AppendJSONShape(nil, point)); got != `{"Sum":`+want+`}` {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	empty := &metricswire.ListMetricsOutput{Metrics: []metricswire.Metric{}}
	if got := string(awsproto.AppendXMLShape(nil, empty)); got != "<Metrics></Metrics>" {
		t.Errorf("got %s", got)
	}
}

func BenchmarkPutMetricData(b *testing.B) {
	in := &metricswire.PutMetricDataInput{Namespace: new("App")}
	for i := range 1000 {
		in.MetricData = append(in.MetricData, metricswire.MetricDatum{
			MetricName: new("latency"), Value: new(float64(i) / 3), Unit: new("Milliseconds"), Timestamp: new(awsproto.Millis(1764079200000)),
			Dimensions: []metricswire.Dimension{{Name: new("Service"), Value: new("orders")}, {Name: new("Host"), Value: new(strconv.Itoa(i))}},
		})
	}
	cborText, jsonText, form := awsproto.AppendCBORShape(nil, in), awsproto.AppendJSONShape(nil, in), &formSink{}
	in.Encode(form)
	formText := form.text()
	run := func(name string, size int, decode func(awsproto.Shape) error) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if err := decode(new(metricswire.PutMetricDataInput)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("CBOR", len(cborText), func(v awsproto.Shape) error { return awsproto.DecodeCBORShape(cborText, v) })
	run("JSON", len(jsonText), func(v awsproto.Shape) error { return awsproto.DecodeJSONShape(jsonText, v) })
	run("Query", len(formText), func(v awsproto.Shape) error {
		f, err := awsproto.ParseForm(formText)
		if err != nil {
			return err
		}
		return v.Decode(f.Source())
	})
}

func BenchmarkGetMetricData(b *testing.B) {
	out := &metricswire.GetMetricDataOutput{}
	for range 100 {
		r := metricswire.MetricDataResult{Id: new("m1"), Label: new("latency")}
		for i := range 1440 {
			r.Timestamps = append(r.Timestamps, awsproto.Millis(1764079200000+60000*i))
			r.Values = append(r.Values, float64(i)/3)
		}
		out.MetricDataResults = append(out.MetricDataResults, r)
	}
	run := func(name string, appendTo func([]byte, awsproto.Shape) []byte) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var dst []byte
			for b.Loop() {
				dst = appendTo(dst[:0], out)
			}
			b.SetBytes(int64(len(dst)))
		})
	}
	run("CBOR", awsproto.AppendCBORShape)
	run("JSON", awsproto.AppendJSONShape)
	run("Query", awsproto.AppendXMLShape)
}

// Lists, maps and forms are bounded in each protocol.
func TestBounds(t *testing.T) {
	check := func(what string, err error, want string) {
		t.Helper()
		if got := ""; err != nil {
			if got = err.Error(); want == "" || !strings.Contains(got, want) {
				t.Errorf("%s: got %s, want %q", what, got, want)
			}
		} else if want != "" {
			t.Errorf("%s: was taken", what)
		}
	}
	decodeForm := func(text string, v awsproto.Shape) error {
		f, err := awsproto.ParseForm(text)
		if err != nil {
			return err
		}
		return v.Decode(f.Source())
	}
	for n, want := range map[int]string{awsproto.MaxElements: "", awsproto.MaxElements + 1: "more than 65536 elements"} {
		list := "\xa1jAlarmNames\x9f" + strings.Repeat("\x60", n) + "\xff"
		check("CBOR list", awsproto.DecodeCBORShape([]byte(list), new(metricswire.DeleteAlarmsInput)), want)
		list = `{"AlarmNames":[""` + strings.Repeat(`,""`, n-1) + "]}"
		check("JSON list", awsproto.DecodeJSONShape([]byte(list), new(metricswire.DeleteAlarmsInput)), want)
		var form, entries strings.Builder
		for i := range n {
			form.WriteString("&AlarmNames.member." + strconv.Itoa(i+1) + "=")
			entry := "&EntityMetricData.member.1.Entity.Attributes.entry." + strconv.Itoa(i+1)
			entries.WriteString(entry + ".key=" + strconv.Itoa(i) + entry + ".value=")
		}
		check("form list", decodeForm(form.String(), new(metricswire.DeleteAlarmsInput)), want)
		check("form map", decodeForm(entries.String(), new(metricswire.PutMetricDataInput)), want)
	}
	const most = 1 << 18
	var form strings.Builder
	for i := range most {
		form.WriteString("p" + strconv.Itoa(i) + "=&")
	}
	check("parameters", decodeForm(form.String(), new(metricswire.DeleteAlarmsInput)), "")
	check("one more", decodeForm(form.String()+"x=", new(metricswire.DeleteAlarmsInput)), "more than 262144 parameters")
}
