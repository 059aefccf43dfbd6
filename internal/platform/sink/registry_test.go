package sink_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/platform/sink"
)

// load reads a targets file that is right.
func load(t *testing.T, text string, o sink.Options) *sink.Registry {
	t.Helper()
	r, err := sink.Load(strings.NewReader(text), o)
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return r
}

func TestFind(t *testing.T) {
	r := load(t, `{"targets":[
		{"arn":"arn:aws:sns:*:*:ops","type":"http","url":"http://a1"},
		{"arn":"arn:*:lambda:us-*:111111111111:function:a*c*e","type":"http","url":"http://a2"},
		{"arn":"arn:aws:lambda:*:*:function:*","type":"http","url":"https://user:secret@a3/secret?token=secret"},
		{"arn":"arn:aws:kinesis:::x:*","type":"http","url":"http://a4"},
		{"arn":"arn:aws:sns:us-east-1:*:ops","type":"http","url":"http://a5"}
	]}`, sink.Options{})
	found := func(arn, place string) {
		t.Helper()
		s, target, ok := r.Find(arn)
		if ok != (place != "") || ok != (s != nil) || target.Place != place {
			t.Errorf("%s: found %q, want %q", arn, target.Place, place)
		}
	}
	found("arn:aws:sns:us-east-1:000000000000:ops", "http://a1") // the first of the file
	found("arn:aws:sns:us-east-1:000000000000:ops2", "")
	found("arn:aws:sns:us-east-1:000000000000:more:ops", "")
	found("arn:aws-cn:lambda:us-east-1:111111111111:function:abcde", "http://a2")
	found("arn:aws:lambda:us-east-1:111111111111:function:ace", "http://a2")
	found("arn:aws:lambda:us-east-1:111111111111:function:ac", "https://a3/…")
	found("arn:aws:lambda:eu-west-1:1:function:x:live", "https://a3/…")
	found("arn:aws:lambda:eu-west-1:function:x", "")
	found("arn:aws:kinesis:::x:y:z", "http://a4")
	found("arn:aws:kinesis:::x", "")
	found("", "")
	found("ops", "")
	if _, _, ok := (&sink.Registry{}).Find("arn:aws:sns:us-east-1:000000000000:ops"); ok {
		t.Error("an empty registry found a target")
	}
}

func TestLoadRefuses(t *testing.T) {
	check := func(text, want string) {
		t.Helper()
		_, err := sink.Load(strings.NewReader(text), sink.Options{Getenv: func(name string) string {
			return map[string]string{"SET": "value"}[name]
		}})
		got := ""
		if err != nil {
			got = err.Error()
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got)\n%s", text, d)
		}
	}
	check("", "line 1: the file ends early")
	check("{", "line 1: the file ends early")
	check("[]", `line 1: expected "{", found [`)
	check("{}", `line 1: a list "targets" is missing`)
	check(`{"targets":{}}`, `line 1: expected "[", found {`)
	check("{\n\"target\":[]}", `line 2: there is no setting "target", only targets`)
	check("{\"targets\":[]}\n{}", `line 2: something follows the object`)
	check("{\"targets\":[],\n\"targets\":[]}", `line 2: a second list of targets`)
	check("{\"targets\":[\n{\"arn\":\"arn:aws:a:b:c:d\",\n\"type\":http}]}", "line 3: invalid character 'h' looking for beginning of value")
	check("{\"targets\":[\n{\"arn\":\"arn:aws:a:b:c:d\",\n\"type\":\"ftp\",\"url\":1}]}", `line 3: type: "ftp" is not a type of targets`)
	check("{\"targets\":[\n1]}", `line 2: expected "{", found 1`)
	const all = `{"targets":[
		{"arn":"arn:aws:sns:x","type":"http","url":"ftp://a","method":"GET",
		 "headers":{"Host":"b"},
		 "timeout":"1h",
		 "maxBytes":1.5,
		 "colour":"red"},
		{"type":"http",
		 "arn":"arn:aws:a:b:c:d","arn":"arn:aws:a:b:c:e",
		 "url":"${UNSET}",
		 "timeout":"soon","maxBytes":67108865},
		{}
	]}`
	check(all, `line 2: arn: "arn:aws:sns:x" is not a pattern of ARNs such as "arn:aws:lambda:*:*:function:alerts"
line 2: method: "GET" is none of POST, PUT
line 2: url: is not a URL that begins with https:// or http://
line 3: headers: Host cannot be set
line 4: timeout: 1h0m0s is outside 1s to 15m0s
line 5: maxBytes: is not a whole number
line 6: colour: there is no such setting here
line 8: arn: is set twice
line 9: url: the environment variable UNSET is not set
line 10: timeout: "soon" is not a duration such as "30s"
line 10: maxBytes: 67108865 is outside 1024 to 67108864
line 11: arn: is missing
line 11: type: is missing`)
	check(`{"targets":[{"arn":"arn:aws:a:b:c:d","type":"http","url":null,"headers":[]}]}`,
		"line 1: url: is not a text\nline 1: headers: is not an object of texts")
	check(`{"targets":[{"arn":"","type":"http","url":"${SET}"}]}`, "line 1: arn: is empty\nline 1: url: is not a URL that begins with https:// or http://")
	check(`{"targets":[{"arn":"arn:aws:a:b:c:d","type":"http","url":"http://x","headers":{"A b":"c"}}]}`, `line 1: headers: "A b" is not a name of a header`)
	check(`{"targets":[{"arn":"arn:aws:a:b:c:d","type":"http","url":"http://x","headers":{"a":"b\r\nc"}}]}`, `line 1: headers: the value of A has a line break in it`)
	check(strings.Repeat(" ", sink.MaxFile+1), "a targets file has at most 1048576 bytes")
}

func TestFileAtTheBounds(t *testing.T) {
	one := `{"arn":"arn:aws:a:b:c:d","type":"http","url":"http://x"}`
	file := func(n int) string { return `{"targets":[` + strings.Repeat(one+",", n-1) + one + `]}` }
	text := file(sink.MaxTargets)
	load(t, text+strings.Repeat(" ", sink.MaxFile-len(text)), sink.Options{})
	if _, err := sink.Load(strings.NewReader(file(sink.MaxTargets+1)), sink.Options{}); err == nil || err.Error() != "line 1: at most 1000 targets are possible" {
		t.Errorf("too many targets: %v", err)
	}
	load(t, "\ufeff{\"targets\":[]}", sink.Options{})
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(`{"targets":[{"arn":"arn:aws:a:b:c:d","type":"http","url":"http://x","headers":{"a":"b"},"timeout":"3s"}]}`))
	f.Add([]byte(`{"targets":[{},{"a":[1,{"b":2}]}]`))
	f.Add([]byte("{\n\"targets\":\n[1"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := sink.Load(strings.NewReader(string(text)), sink.Options{})
		if err == nil {
			r.Find("arn:aws:a:b:c:d")
			r.Close()
		}
	})
}
