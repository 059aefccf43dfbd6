package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	modelFile   = "models/logs-2014-03-28.json"
	metricsFile = "models/monitoring-2010-08-01.json"
)

// outputs are the directories of the generated packages below internal/edge, by model.
var outputs = map[string]string{modelFile: "logsapi/logswire", metricsFile: "metricsapi/metricswire"}

func loadModel(t *testing.T, file string) *model {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m, err := readModel(data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// The committed code is what the generator writes from the committed model.
func TestGeneratedCodeIsCurrent(t *testing.T) {
	for modelFile, output := range outputs {
		t.Run(filepath.Base(output), func(t *testing.T) { generatedCodeIsCurrent(t, modelFile, output) })
	}
}

func generatedCodeIsCurrent(t *testing.T, modelFile, output string) {
	m := loadModel(t, modelFile)
	additions, err := os.ReadFile(strings.TrimSuffix(modelFile, ".json") + ".additions.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := m.add(additions); err != nil {
		t.Fatal(err)
	}
	if err := m.add(additions); err == nil {
		t.Error("members were added twice")
	}
	files, err := generate(m, filepath.Base(modelFile), filepath.Base(output))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join("..", "..", "internal", "edge", filepath.FromSlash(output))
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is stale (%v), run: go generate ./internal/edge/%s", name, err, output)
		}
	}
	committed, err := filepath.Glob(filepath.Join(dir, "*_gen.go"))
	if err != nil || len(committed) != len(files) {
		t.Errorf("found %d generated files, the generator writes %d: %v", len(committed), len(files), err)
	}
}

func TestGenerationIsDeterministic(t *testing.T) {
	for modelFile := range outputs {
		generationIsDeterministic(t, loadModel(t, modelFile))
	}
}

func generationIsDeterministic(t *testing.T, m *model) {
	first, err := generate(m, "m", "logswire")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		again, err := generate(m, "m", "logswire")
		if err != nil {
			t.Fatal(err)
		}
		for name := range first {
			if !bytes.Equal(first[name], again[name]) {
				t.Errorf("%s differs between runs", name)
			}
		}
	}
}

func TestModel(t *testing.T) {
	checkModel(t, modelFile, 113, 678)
	checkModel(t, metricsFile, 46, 321)
}

func checkModel(t *testing.T, modelFile string, operations, shapes int) {
	t.Helper()
	m := loadModel(t, modelFile)
	if len(m.Operations) != operations || len(m.Shapes) != shapes {
		t.Errorf("got %d operations and %d shapes", len(m.Operations), len(m.Shapes))
	}
	data, err := os.ReadFile(modelFile)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := m.write(&b); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), data) {
		t.Error("the model does not survive reading and writing")
	}
	if bytes.Contains(data, []byte("documentation")) || bytes.Contains(data, []byte("<p>")) {
		t.Error("the model holds documentation text")
	}
}

// Every pattern of the model converts, and as a table it means the same as
// its expression.
func TestPatternsOfModel(t *testing.T) {
	shapes := loadModel(t, modelFile).Shapes
	for name, s := range loadModel(t, metricsFile).Shapes {
		shapes["metrics "+name] = s
	}
	seen := 0
	for name, s := range shapes {
		if s.Pattern == "" {
			continue
		}
		seen++
		p, err := convertPattern(s.Pattern)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !p.class {
			continue
		}
		expr, err := convert(s.Pattern)
		if err != nil {
			t.Fatal(err)
		}
		re := regexp.MustCompile(`\A(?:` + expr + `)\z`)
		pad := ""
		if p.min > 1 {
			pad = strings.Repeat("1", p.min-1)
		}
		for c := range rune(0x80) {
			inTable := p.low>>c&1 == 1
			if c >= 64 {
				inTable = p.high>>(c-64)&1 == 1
			}
			if want := re.MatchString(pad + string(c)); inTable != want {
				t.Errorf("%s %s: table says %v for %q", name, s.Pattern, inTable, c)
			}
		}
		if p.others != "OthersByExpr" {
			for _, c := range "\u0080é日\U0010FFFF" {
				if want := re.MatchString(pad + string(c)); want != (p.others == "OthersAll") {
					t.Errorf("%s %s: others are %s for %q", name, s.Pattern, p.others, c)
				}
			}
		}
		if re.MatchString("") != (p.min == 0) {
			t.Errorf("%s %s: minimum is %d", name, s.Pattern, p.min)
		}
	}
	if seen < 40 {
		t.Errorf("only %d patterns", seen)
	}
}

func TestConvert(t *testing.T) {
	check := func(java, want string) {
		t.Helper()
		got, err := convert(java)
		if err != nil || got != want {
			t.Errorf("convert(%s) = %s, %v, want %s", java, got, err, want)
		}
	}
	check(`[\.\-_/#A-Za-z0-9]+`, `[\.\-_/#A-Za-z0-9]+`)
	check(`\S{36,128}`, `[^\t\n\x0B\f\r ]{36,128}`)
	check(`[\s\w]\s`, `[\t\n\x0B\f\r \w][\t\n\x0B\f\r ]`)
	check(`a.(?:b)`, `a[^\n\r\x{85}\x{2028}\x{2029}](?:b)`)
	check(`[.]`, `[.]`)
	check(`[\x20-\x7E]+\x41`, `[\x20-\x7E]+\x41`)
	check(`[\p{L}\p{Z}]`, `[\p{L}\p{Z}]`)
	refuse := func(java, reason string) {
		t.Helper()
		if got, err := convertPattern(java); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("convertPattern(%s) = %+v, %v, want an error with %q", java, got, err, reason)
		}
	}
	refuse(`(?!aws)a`, "a special group")
	refuse(`(?i)a`, "a special group")
	refuse(`(?<=a)b`, "a special group")
	refuse(`a++`, "possessive")
	refuse(`a{1}+`, "possessive")
	refuse(`[a-z&&[^b]]`, "intersection")
	refuse(`[a[b]]`, "nested class")
	refuse(`[]a]`, "begins with ]")
	refuse(`(a)\1`, "is not known")
	refuse(`\p{Alpha}`, "is not known")
	refuse(`[\S]`, "is not known")
	refuse(`\bword`, "is not known")
	refuse(`\x80`, "is not known")
	refuse(`\x{41}`, "is not known")
	refuse(`é`, "outside ASCII")
	refuse(`a\`, "lone backslash")
	refuse(`a{2,1}`, "a{2,1}")
}

func TestCondense(t *testing.T) {
	in := `{"metadata":{"apiVersion":"1","endpointPrefix":"logs","protocol":"json","targetPrefix":"T"},
	"operations":{"Op":{"name":"Op","input":{"shape":"OpRequest"},"output":{"shape":"OpResponse"},"errors":[{"shape":"B"},{"shape":"A"}],"endpoint":{"hostPrefix":"stream-"},"documentation":"<p>text</p>"}},
	"shapes":{"OpRequest":{"type":"structure","required":["z"],"members":{"z":{"shape":"S","documentation":"text"},"a":{"shape":"S"}}},
	"OpResponse":{"type":"structure","members":{"stream":{"shape":"E"}}},"E":{"type":"structure","eventstream":true,"members":{}},
	"A":{"type":"structure","exception":true,"members":{}},"B":{"type":"structure","exception":true,"fault":true,"members":{}},
	"S":{"type":"string","min":0,"max":5,"pattern":"[<>&]*","documentation":"text"}}}`
	m, err := condense([]byte(in), "test 1")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := m.write(&b); err != nil {
		t.Fatal(err)
	}
	want := `{
"source": "test 1",
"apiVersion": "1",
"targetPrefix": "T",
"signingName": "logs",
"operations": {
"Op": {"input":"OpRequest","output":"OpResponse","errors":["A","B"],"hostPrefix":"stream-","eventStream":true}
},
"shapes": {
"A": {"type":"structure","exception":true},
"B": {"type":"structure","exception":true,"fault":true},
"E": {"type":"structure","eventStream":true},
"OpRequest": {"type":"structure","members":[{"name":"z","shape":"S"},{"name":"a","shape":"S"}],"required":["z"]},
"OpResponse": {"type":"structure","members":[{"name":"stream","shape":"E"}]},
"S": {"type":"string","min":0,"max":5,"pattern":"[<>&]*"}
}
}
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	if _, err := readModel([]byte(`{"shapes":{"T":{"type":"timestamp"}}}`)); err == nil {
		t.Error("a timestamp was read in a model of one protocol")
	}
	if _, err := readModel([]byte(`{"operations":{"Op":{"input":"Missing"}}}`)); err == nil {
		t.Error("a model with a missing shape was read")
	}
}

func TestCondenseSeveralProtocols(t *testing.T) {
	in := `{"metadata":{"apiVersion":"1","endpointPrefix":"m","protocol":"smithy-rpc-v2-cbor","protocols":["smithy-rpc-v2-cbor","json","query"],"targetPrefix":"T","xmlNamespace":"http://x/"},
	"operations":{"Op":{"name":"Op","input":{"shape":"OpInput"},"errors":[{"shape":"A"},{"shape":"B"}]}},
	"shapes":{"OpInput":{"type":"structure","members":{"at":{"shape":"Time"}}},"Time":{"type":"timestamp"},
	"A":{"type":"structure","exception":true,"members":{},"error":{"code":"Aa","httpStatusCode":404}},
	"B":{"type":"structure","exception":true,"members":{},"error":{"code":"B","httpStatusCode":400}}}}`
	m, err := condense([]byte(in), "test 1")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := m.write(&b); err != nil {
		t.Fatal(err)
	}
	want := `{
"source": "test 1",
"apiVersion": "1",
"targetPrefix": "T",
"signingName": "m",
"xmlNamespace": "http://x/",
"operations": {
"Op": {"input":"OpInput","errors":["A","B"]}
},
"shapes": {
"A": {"type":"structure","exception":true,"code":"Aa","status":404},
"B": {"type":"structure","exception":true,"status":400},
"OpInput": {"type":"structure","members":[{"name":"at","shape":"Time"}]},
"Time": {"type":"timestamp"}
}
}
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	for _, protocols := range []string{`["query"]`, `["json","query"]`, `[]`} {
		if _, err := condense([]byte(`{"metadata":{"protocol":"query","protocols":`+protocols+`,"xmlNamespace":"http://x/"}}`), "x"); err == nil {
			t.Errorf("protocols %s were taken", protocols)
		}
	}
}
