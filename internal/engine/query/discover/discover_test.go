package discover_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/query/discover"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

const (
	uuid    = "8f507cfc-xmpl-4697-b07a-ac58fc914c95"
	id      = "8f507cfc-0a1b-4697-b07a-ac58fc914c95"
	start   = "START RequestId: " + uuid + " Version: $LATEST\n"
	end     = "END RequestId: " + uuid + "\n"
	report  = "REPORT RequestId: " + uuid + "\tDuration: 12.34 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\tMax Memory Used: 64 MB\tInit Duration: 100.00 ms\t\nXRAY TraceId: 1-5e34a614-10bdxmplf1fb44f07bc535a1\tSegmentId: 07f5xmpl2d1f6f85\tSampled: true\t\n"
	node    = "2025-10-05T00:00:00.123Z\t" + id + "\tINFO\tdone {\"level\":\"info\",\"user\":{\"id\":7,\"a.b\":[1,{\"c\":\"x\\n\"}]},\"@own\":true,\"none\":null,\"ms\":1.50} {\"level\":\"second\"}"
	python  = "[ERROR]\t2025-10-05T00:00:00.123Z\t" + id + "\t[1] {bad} {\"k\":\"v\"}"
	timeout = "2025-10-05T00:00:03.000Z " + id + " Task timed out after 3.00 seconds\n"
	flow    = "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK"
	noData  = "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA"
	route53 = "1.0 2017-12-13T08:16:02.130Z Z123412341234 example.com A NOERROR UDP FRA6 192.168.1.1 -"
)

func TestField(t *testing.T) {
	check := func(message, name, want string) {
		t.Helper()
		v := discover.Field([]byte(message), name, &plan.Arena{})
		got := fmt.Sprintf("%d %s", v.Kind, v.AppendText(nil))
		if got != want {
			t.Errorf("%s of %.40q is %s, want %s", name, message, got, want)
		}
	}
	const null, number, raw, boolean, text, list = "0 ", "1 ", "2 ", "3 ", "4 ", "6 "
	check(start, "@requestId", text+uuid)
	check(start, "@type", text+"START")
	check(start, "@duration", null)
	check(end, "@type", text+"END")
	check(end, "@requestId", text+uuid)
	check(report, "@requestId", text+uuid)
	check(report, "@type", text+"REPORT")
	check(report, "@duration", raw+"12.34")
	check(report, "@billedDuration", raw+"13")
	check(report, "@initDuration", raw+"100.00")
	check(report, "@memorySize", number+"128000000")
	check(report, "@maxMemoryUsed", number+"64000000")
	check(report, "@xrayTraceId", text+"1-5e34a614-10bdxmplf1fb44f07bc535a1")
	check(report, "@xraySegmentId", text+"07f5xmpl2d1f6f85")
	check(report, "@other", null)
	check("REPORT RequestId: x\tDuration: abc ms\tMemory Size: MB", "@duration", null)
	check("REPORT RequestId: x\tDuration: abc ms\tMemory Size: MB", "@memorySize", null)
	check("REPORT something else entirely", "@type", null)
	check("END RequestId: ", "@type", null)
	check("END RequestId: \t and", "@type", null)
	check(node, "@requestId", text+id)
	check(node, "@type", null)
	check(node, "level", text+"info")
	check(node, "user.id", raw+"7")
	check(node, "user", null)
	check(node, "user.a.b.1.c", text+"x\n")
	check(node, "user.a.b", list+`[1,{"c":"x\n"}]`)
	check(node, "user.a.b.01.c", null)
	check(node, "user.a.b.2", null)
	check(node, "user.", null)
	check(node, "@@own", boolean+"true")
	check(node, "@own", null)
	check(node, "none", null)
	check(node, "ms", raw+"1.50")
	check(python, "k", text+"v")
	check(python, "@requestId", text+id)
	check(timeout, "@requestId", text+id)
	check("2025-10-05T00:00:00.123Z\tno-id\tINFO\t{\"a\":1}", "a", null)
	check(`plain {"a":1}`, "a", null)
	check(node[:62]+strings.Repeat("{", 15)+`{"a":1}`, "a", raw+"1")
	check(node[:62]+strings.Repeat("{", 16)+`{"a":1}`, "a", null)
	check(flow, "version", raw+"2")
	check(flow, "accountId", raw+"123456789010")
	check(flow, "interfaceId", text+"eni-1235b8ca123456789")
	check(flow, "srcAddr", text+"172.31.16.139")
	check(flow, "dstPort", raw+"22")
	check(flow, "action", text+"ACCEPT")
	check(flow, "logStatus", text+"OK")
	check(flow, "queryName", null)
	check(noData, "srcAddr", text+"-")
	check(noData, "logStatus", text+"NODATA")
	check(flow+" more", "action", null)
	check(strings.Replace(flow, "ACCEPT", "MAYBE", 1), "action", null)
	check(strings.Replace(flow, "2 ", "3 ", 1), "action", null)
	check(flow+strings.Repeat(" ", 4096), "action", null)
	check(route53, "version", raw+"1.0")
	check(route53, "queryName", text+"example.com")
	check(route53, "resolverIp", text+"192.168.1.1")
	check(route53, "ednsClientSubnet", text+"-")
	check(strings.Replace(route53, "UDP", "XYZ", 1), "queryName", null)
	check("", "version", null)
	check(flow, "", null)
	check(flow, "@", null)
}

func TestOf(t *testing.T) {
	for message, want := range map[string]discover.Kind{
		"": discover.Plain, "x": discover.Plain, "2": discover.Plain, "1.0 a": discover.Plain, start: discover.Lambda, end: discover.Lambda,
		report: discover.Lambda, node: discover.Lambda, python: discover.Lambda, timeout: discover.Lambda, flow: discover.VPCFlow, noData: discover.VPCFlow, route53: discover.Route53,
		"[INFO]": discover.Plain, "[INFO] hello this is a line": discover.Plain,
	} {
		if got := discover.Of([]byte(message)); got != want {
			t.Errorf("%.40q is %d, want %d", message, got, want)
		}
	}
}

func TestEmbedded(t *testing.T) {
	v := discover.Embedded([]byte(`user {} {"id":{"x":1}}`), "id.x", &plan.Arena{})
	if v.Num != 1 {
		t.Errorf("got %v", v)
	}
}

func fields(message string) map[string]string {
	all := map[string]string{}
	discover.Fields([]byte(message), func(name []byte, v *plan.Value) { all[string(name)] = string(v.AppendText(nil)) })
	return all
}

func TestFields(t *testing.T) {
	for message, want := range map[string]map[string]string{
		"plain": {},
		start:   {"@requestId": uuid, "@type": "START"},
		node:    {"@requestId": id, "level": "info", "user.id": "7", "user.a.b.0": "1", "user.a.b.1.c": "x\n", "@@own": "true", "ms": "1.50"},
		route53: {"version": "1.0", "queryTimestamp": "2017-12-13T08:16:02.130Z", "hostZoneId": "Z123412341234", "queryName": "example.com", "queryType": "A", "responseCode": "NOERROR",
			"protocol": "UDP", "edgeLocation": "FRA6", "resolverIp": "192.168.1.1", "ednsClientSubnet": "-"},
	} {
		if diff := cmp.Diff(want, fields(message)); diff != "" {
			t.Errorf("%.40q: %s", message, diff)
		}
	}
	if n := len(fields(flow)); n != 14 {
		t.Errorf("a flow record has %d fields", n)
	}
	var b strings.Builder
	b.WriteString(node[:62] + "{")
	for i := range 300 {
		fmt.Fprintf(&b, `"k%d":%d,`, i, i)
	}
	b.WriteString(`"z":1}`)
	if n := len(fields(b.String())); n != discover.MaxFields {
		t.Errorf("a line has %d fields", n)
	}
}

func FuzzDiscover(f *testing.F) {
	for _, m := range []string{start, end, report, node, python, timeout, flow, noData, route53, "2025-10-05T00:00:00.123Z\t" + id, `[`, `[I] 2025`} {
		f.Add(m, "user.a.b.1.c")
	}
	f.Add(flow, "srcAddr")
	f.Add(`{"":1,"a":[1,{"":"\\0"}]}`, "a.0")
	f.Fuzz(func(t *testing.T, m, name string) {
		message := []byte(m)
		a := &plan.Arena{Bytes: []byte("kept")}
		discover.Field(message, name, a)
		discover.Embedded(message, name, a)
		discover.Fields(message, func(name []byte, v *plan.Value) {
			got := discover.Field(message, string(name), a)
			// Of JSON, the executor knows the fields; where a name of it leads to several values, Field may choose another one.
			columns := discover.Of(message) == discover.VPCFlow || discover.Of(message) == discover.Route53
			if columns && string(got.AppendText(nil)) != string(v.AppendText(nil)) {
				t.Errorf("%s is %q and %q", name, got.AppendText(nil), v.AppendText(nil))
			}
		})
		if string(message) != m || string(a.Bytes[:4]) != "kept" {
			t.Error("memory of others was changed")
		}
	})
}

func BenchmarkField(b *testing.B) {
	for _, c := range []struct{ what, message, name string }{
		{"flow", flow, "dstPort"}, {"route53", route53, "queryName"}, {"report", report, "@maxMemoryUsed"}, {"embedded", node, "ms"}, {"plain", "GET /index.html 200 17 ms", "ms"},
	} {
		b.Run(c.what, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(c.message)))
			m, a := []byte(c.message), &plan.Arena{}
			for b.Loop() {
				a.Bytes = a.Bytes[:0]
				discover.Field(m, c.name, a)
			}
		})
	}
}
