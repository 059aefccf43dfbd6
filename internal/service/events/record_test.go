package events_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/events"
)

func TestRecord(t *testing.T) { eachStore(t, testRecord) }

func testRecord(t *testing.T, open opener) {
	w := newWorld(t, open)
	w.create("g", "s", "t")
	message := `{"level":"info","n":1.50,"ok":true,"none":null,"user":{"name":"x \"y\"","tags":["a",{"b":2}]},"e":{},"l":[]}`
	keys := w.put("g", "s", event{0, "first"}, event{0, message}, event{0, "plain"})
	w.put("g", "t", event{0, "other"})
	group, stream := w.ids("g", "s")
	id := func(i int) string {
		return logs.EventID{Key: keys[i], Group: group, Stream: stream}.String()
	}
	base := func(message string) map[string]string {
		return map[string]string{
			"@message": message, "@timestamp": fmt.Sprint(start), "@ingestionTime": fmt.Sprint(start),
			"@logStream": "s", "@log": "123456789012:g",
		}
	}
	got, err := w.events.Record(context.Background(), scope, id(2))
	if d := cmp.Diff(base("plain"), got); d != "" || err != nil {
		t.Errorf("plain message: %v\n%s", err, d)
	}
	want := base(message)
	for k, v := range map[string]string{
		"level": "info", "n": "1.50", "ok": "true", "user.name": `x "y"`, "user.tags.0": "a", "user.tags.1.b": "2",
	} {
		want[k] = v
	}
	got, err = w.events.Record(context.Background(), scope, id(1))
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("JSON message: %v\n%s", err, d)
	}

	refuse := func(pointer string, want error) {
		t.Helper()
		if _, err := w.events.Record(context.Background(), scope, pointer); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", pointer, err, want)
		}
	}
	refuse("garbage", events.ErrBadPointer)
	refuse(strings.Repeat("0", 56), events.ErrBadPointer)
	refuse(strings.Repeat("9", 57), events.ErrBadPointer)
	refuse(strings.Repeat("9", 56), events.ErrRecordNotFound)
	refuse(logs.EventID{Key: logs.Key{Timestamp: start, Seq: 1}, Group: group, Stream: stream}.String(), events.ErrRecordNotFound)
	refuse(logs.EventID{Key: logs.Key{Timestamp: start}, Group: group, Stream: stream}.String(), events.ErrRecordNotFound)
	refuse(logs.EventID{Key: keys[0], Group: group + 1, Stream: stream}.String(), events.ErrRecordNotFound)
	refuse(logs.EventID{Key: keys[0], Group: group, Stream: stream + 1}.String(), events.ErrRecordNotFound)
	refuse(logs.EventID{Key: keys[0], Group: group, Stream: stream + 77}.String(), events.ErrRecordNotFound)
	if _, err := w.events.Record(context.Background(), logs.Scope{Account: "999999999999", Region: scope.Region}, id(0)); !errors.Is(err, events.ErrRecordNotFound) {
		t.Errorf("from another account: %v", err)
	}
	w.must(w.groups.PutRetention(context.Background(), scope, "g", 1))
	w.now.Store(start + day + 1)
	refuse(id(0), events.ErrRecordNotFound)
	w.now.Store(start)
	w.must(w.groups.DeleteStream(context.Background(), scope, "g", "s"))
	refuse(id(0), events.ErrRecordNotFound)
}

func TestRecordOfOddJSON(t *testing.T) { eachStore(t, testRecordOfOddJSON) }

func testRecordOfOddJSON(t *testing.T, open opener) {
	w := newWorld(t, open)
	w.create("g", "s")
	group, stream := w.ids("g", "s")
	var many strings.Builder
	for i := range 300 {
		fmt.Fprintf(&many, `,"k%d":%d`, i, i)
	}
	check := func(message string, fields int) {
		t.Helper()
		k := w.put("g", "s", event{0, message})
		got, err := w.events.Record(context.Background(), scope, logs.EventID{Key: k[0], Group: group, Stream: stream}.String())
		if err != nil || len(got) != fields+5 || got["@message"] != message {
			t.Errorf("%.60s: %d fields, %v", message, len(got), err)
		}
	}
	check(`[1,2]`, 2)
	check(`{"a":1`, 0)
	check(`{"a":1} trailing`, 0)
	check(` {"a":1} `, 1)
	check(`{"a":1,"a":2}`, 1)
	check(`{"@message":"mine"}`, 1) // as @@message
	check(`{"":1}`, 1)
	check(`{"k":0`+many.String()+`}`, 200)
	check(strings.Repeat(`{"a":`, 5000)+"1"+strings.Repeat("}", 5000), 0)
}
