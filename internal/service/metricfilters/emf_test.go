package metricfilters_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/series"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// emf is an event at the time of the world with a list of directives and further members.
func (w *world) emf(directives, members string) string {
	return fmt.Sprintf(`{"_aws":{"Timestamp":%d,"CloudWatchMetrics":%s},%s}`, w.now.UnixMilli(), directives, members)
}

func TestEmbeddedMetrics(t *testing.T) {
	w := newWorld(t)
	w.group("g")
	w.must(w.groups.Create(ctx, scope, groups.CreateRequest{Name: "ia", Class: groups.ClassInfrequentAccess}))
	event := w.emf(`[{"Namespace":"Shop","Dimensions":[["Service","Zone"],["Service"],[]],"Metrics":[
		{"Name":"Latency","Unit":"Milliseconds","StorageResolution":1},{"Name":"Count"},{"Name":"a.b","Unit":"Count","StorageResolution":60}]},
		{"Namespace":"Other","Dimensions":[],"Metrics":[{"Name":"Count"}],"More":true}]`,
		`"Zone":"z\u0031","Service":"checkout","Latency":[1.5,2.5,2.5],"Count":3,"a.b":-1e1,"more":{"Count":9}`)
	w.say("g", "  "+event+" \n", "text", `{"_aws":1}`, `{"x":{"_aws":{"CloudWatchMetrics":[]}}}`, `{"_aws":{"Other":1}}`, `["_aws"]`, `{"_aws":{"Timestamp":`)
	w.say("ia", event)
	w.consume()
	w.want("by two", w.data("Shop", "Latency", "Service", "checkout", "Zone", "z1"), "0: 3 6.5 [1.5, 2.5]")
	w.want("by one", w.data("Shop", "Latency", "Service", "checkout"), "0: 3 6.5 [1.5, 2.5]")
	w.want("by none", w.data("Shop", "Latency"), "0: 3 6.5 [1.5, 2.5]")
	w.want("seconds", w.dataOf(time.Second, "Shop", "Latency"), "0: 3 6.5 [1.5, 2.5]")
	w.want("a minute has no seconds", w.dataOf(time.Second, "Shop", "Count"), "")
	w.want("count", w.data("Shop", "Count", "Service", "checkout"), "0: 1 3 [3, 3]")
	w.want("a name with a dot", w.data("Shop", "a.b"), "0: 1 -10 [-10, -10]")
	w.want("second directive", w.data("Other", "Count"), "0: 1 3 [3, 3]")
	w.want("parsing errors", w.data("AWS/Logs", "EMFParsingErrors", "LogGroupName", "g"), "")
	w.want("validation errors", w.data("AWS/Logs", "EMFValidationErrors", "LogGroupName", "g"), "")
	units, err := w.series.Units(series.Metric{Scope: scope, Namespace: "Shop", Name: "Latency"})
	w.must(err)
	if fmt.Sprint(units) != "[Milliseconds]" {
		t.Errorf("units %v", units)
	}

	w.say("g", strings.TrimSuffix(event, "}"), event[:len(event)/2])
	w.say("ia", event[:len(event)/2])
	w.consume()
	w.want("parsing errors", w.data("AWS/Logs", "EMFParsingErrors", "LogGroupName", "g"), "0: 2 2 [1, 1]")
	w.want("of another class", w.data("AWS/Logs", "EMFParsingErrors", "LogGroupName", "ia"), "")
}

func TestInvalidEmbeddedMetrics(t *testing.T) {
	w := newWorld(t)
	w.group("g")
	ms := w.now.UnixMilli()
	const good, members = `{"Namespace":"N","Dimensions":[["D"]],"Metrics":[{"Name":"M"}]}`, `"D":"d","M":1`
	at := func(timestamp string) string {
		return `{"_aws":{"Timestamp":` + timestamp + `,"CloudWatchMetrics":[` + good + `]},` + members + `}`
	}
	repeat := func(n int, of func(i int) string) string {
		var list []string
		for i := range n {
			list = append(list, of(i))
		}
		return strings.Join(list, ",")
	}
	quoted := func(prefix string) func(int) string {
		return func(i int) string { return fmt.Sprintf(`"%s%d"`, prefix, i) }
	}
	dims := repeat(31, func(i int) string { return fmt.Sprintf(`"d%d":"v"`, i) })
	defs := func(n int) string { return repeat(n, func(int) string { return `{"Name":"M"}` }) }
	directive := func(dimensions, metrics string) string {
		return w.emf(`[{"Namespace":"N","Dimensions":`+dimensions+`,"Metrics":`+metrics+`}]`, members+`,`+dims)
	}
	valid := []string{
		at(fmt.Sprint(ms)), at(fmt.Sprint(ms - 14*24*time.Hour.Milliseconds())), at(fmt.Sprint(ms + 2*time.Hour.Milliseconds())),
		w.emf(`[]`, members),
		directive(`[[`+repeat(30, quoted("d"))+`]]`, `[{"Name":"M"}]`),
		directive(`[]`, `[`+defs(100)+`]`), directive(`[`+repeat(100, func(int) string { return `[]` })+`]`, `[`+defs(100)+`]`),
		w.emf(`[`+good+`]`, `"D":"`+strings.Repeat("é", 1024)+`","M":[`+repeat(100, func(int) string { return "1" })+`]`),
		w.emf(`[`+good+`]`, `"D":"d","M":[]`),
		w.emf(`[`+strings.Replace(good, `"M"`, `"M","StorageResolution":60,"Unit":"Bytes/Second","x":1`, 1)+`]`, members),
	}
	invalid := []string{
		at(`"1"`), at("null"), at("1.5"), at(fmt.Sprint(ms - 14*24*time.Hour.Milliseconds() - 1)), at(fmt.Sprint(ms + 2*time.Hour.Milliseconds() + 1)),
		`{"_aws":{"CloudWatchMetrics":[` + good + `]},` + members + `}`,
		w.emf(good, members), w.emf(`[1]`, members), w.emf(`"x"`, members),
		w.emf(`[{"Dimensions":[],"Metrics":[]}]`, members), w.emf(`[{"Namespace":"","Dimensions":[],"Metrics":[]}]`, members),
		w.emf(`[{"Namespace":1,"Dimensions":[],"Metrics":[]}]`, members), w.emf(`[{"Namespace":"AWS/X","Dimensions":[],"Metrics":[]}]`, members),
		w.emf(`[{"Namespace":"`+strings.Repeat("n", 1025)+`","Dimensions":[],"Metrics":[]}]`, members),
		w.emf(`[{"Namespace":"N","Metrics":[]}]`, members), w.emf(`[{"Namespace":"N","Dimensions":[]}]`, members),
		directive(`["D"]`, `[]`), directive(`[[1]]`, `[]`), directive(`[["none"]]`, `[]`), directive(`[["M"]]`, `[]`), directive(`[["D","D"]]`, `[]`),
		directive(`[[`+repeat(31, quoted("d"))+`]]`, `[]`), directive(`{}`, `[]`), directive(`[]`, `{}`), directive(`[]`, `[1]`),
		directive(`[]`, `[`+defs(101)+`]`), directive(`[`+repeat(101, func(int) string { return `[]` })+`]`, `[]`),
		directive(`[]`, `[{}]`), directive(`[]`, `[{"Name":""}]`), directive(`[]`, `[{"Name":"none"}]`), directive(`[]`, `[{"Name":"D"}]`),
		directive(`[]`, `[{"Name":"M","Unit":"Parsec"}]`), directive(`[]`, `[{"Name":"M","Unit":1}]`), directive(`[]`, `[{"Name":"M","StorageResolution":5}]`),
		w.emf(`[`+good+`]`, `"D":"","M":1`), w.emf(`[`+good+`]`, `"D":"`+strings.Repeat("d", 1025)+`","M":1`), w.emf(`[`+good+`]`, `"D":"a\u0000","M":1`),
		w.emf(`[`+good+`]`, `"D":1,"M":1`), w.emf(`[`+good+`]`, `"D":"d","M":"1"`), w.emf(`[`+good+`]`, `"D":"d","M":null`), w.emf(`[`+good+`]`, `"D":"d","M":1e300`),
		w.emf(`[`+good+`]`, `"D":"d","M":[`+repeat(101, func(int) string { return "1" })+`]`), w.emf(`[`+good+`]`, `"D":"d","M":[[1]]`), w.emf(`[`+good+`]`, `"D":"d","M":[1,"x"]`),
		w.emf(`[`+good+`,`+good+`,1]`, members),
		w.emf(`[{"Namespace":"N","Dimensions":[`+repeat(100, func(int) string { return `["D","E"]` })+`],"Metrics":[`+defs(100)+`]}]`,
			`"M":1,"D":"`+strings.Repeat("d", 500)+`","E":"`+strings.Repeat("e", 500)+`"`),
		w.emf(`[`+good+`]`, members+`,`+repeat(10_001, func(i int) string { return fmt.Sprintf(`"m%d":1`, i) })),
		w.emf(`[`+repeat(2, func(int) string {
			return `{"Namespace":"N","Dimensions":[` + repeat(100, func(int) string { return `[]` }) + `],"Metrics":[` + defs(60) + `]}`
		})+`]`, members),
	}
	want := ""
	for i, m := range valid {
		w.say("g", m)
		w.consume()
		w.want(fmt.Sprintf("errors after valid event %d", i), w.data("AWS/Logs", "EMFValidationErrors", "LogGroupName", "g"), "")
	}
	before, ofD := w.data("N", "M"), w.data("N", "M", "D", "d")
	for i, m := range invalid {
		w.say("g", m)
		w.consume()
		want = fmt.Sprintf("0: %d %d [1, 1]", i+1, i+1)
		if got := w.data("AWS/Logs", "EMFValidationErrors", "LogGroupName", "g"); got != want {
			t.Fatalf("after invalid event %d: %s, want %s\n%.300s", i, got, want, m)
		}
	}
	w.want("nothing of an invalid event is counted", w.data("N", "M"), before)
	w.want("nor with a dimension", w.data("N", "M", "D", "d"), ofD)
}
