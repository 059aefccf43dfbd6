package logswire_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
)

func read(t *testing.T, operation, body string) (awsproto.Input, error) {
	t.Helper()
	info, ok := logswire.Lookup(operation)
	if !ok {
		t.Fatalf("unknown operation %s", operation)
	}
	in := info.NewInput()
	return in, awsproto.Read([]byte(body), in, info.ConstraintCode)
}

func TestDecode(t *testing.T) {
	check := func(operation, body, want string) {
		t.Helper()
		in, err := read(t, operation, body)
		if err != nil {
			t.Errorf("%s %s: %v", operation, body, err)
			return
		}
		got, err := in.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", operation, body, diff)
		}
	}
	same := func(operation, body string) { t.Helper(); check(operation, body, body) }

	check("DescribeLogGroups", "", "{}")
	check("DescribeLogGroups", " \r\n\t", "{}")
	check("DescribeLogGroups", ` { "limit" : 7 } `, `{"limit":7}`)
	check("DescribeLogGroups", `{"limit":null,"nextToken":"t"}`, `{"nextToken":"t"}`)
	check("DescribeLogGroups", `{"unknown":{"a":[1,-0.5e+3,"x",true,false,null,{}]},"limit":1}`, `{"limit":1}`)
	check("DescribeLogGroups", `{"limit":1,"limit":2}`, `{"limit":2}`)
	check("DescribeLogGroups", `{"logGroupIdentifiers":["a"],"logGroupIdentifiers":["b"]}`, `{"logGroupIdentifiers":["b"]}`)
	check("DescribeLogGroups", `{"limit":1.0}`, `{"limit":1}`)
	check("DescribeLogGroups", `{"limit":1e1}`, `{"limit":10}`)
	check("DescribeLogGroups", `{"limit":0.5E1}`, `{"limit":5}`)
	check("DescribeLogGroups", `{"limit":5000e-2}`, `{"limit":50}`)
	check("GetLogEvents", `{"logStreamName":"s","startTime":1.7e12,"endTime":0e999999999999}`, `{"logStreamName":"s","startTime":1700000000000,"endTime":0}`)
	check("GetLogEvents", `{"logStreamName":"s","startTime":9223372036854775807,"endTime":9223372036854775.8070e3}`,
		`{"logStreamName":"s","startTime":9223372036854775807,"endTime":9223372036854775807}`)
	check("FilterLogEvents", `{"logGroupName":"g","filterPattern":"\u0041\n\"\\\/\b\f\r\t\ud83d\ude00 \ud800 \udc00\ud800\u0041"}`,
		`{"logGroupName":"g","filterPattern":"A\n\"\\/\u0008\u000c\r\t😀 `+"\uFFFD \uFFFD\uFFFD"+`A"}`)
	same("TagResource", `{"resourceArn":"arn:aws:logs:us-east-1:000000000000:log-group:g","tags":{"a":"1","b":""}}`)
	same("PutMetricFilter", `{"logGroupName":"g","filterName":"f","filterPattern":"","metricTransformations":[{"metricName":"n","metricNamespace":"s","metricValue":"1","defaultValue":0.25}]}`)
	check("PutMetricFilter", `{"logGroupName":"g","filterName":"f","filterPattern":"","metricTransformations":[{"metricName":"n","metricNamespace":"s","metricValue":"1","defaultValue":"NaN"}]}`,
		`{"logGroupName":"g","filterName":"f","filterPattern":"","metricTransformations":[{"metricName":"n","metricNamespace":"s","metricValue":"1","defaultValue":"NaN"}]}`)
	check("PutRetentionPolicy", `{"\u006cogGroupName":"g","retentionInDays":2147483647}`, `{"logGroupName":"g","retentionInDays":2147483647}`)
}

func TestDecodeRefuses(t *testing.T) {
	check := func(operation, body, want string) {
		t.Helper()
		_, err := read(t, operation, body)
		var e *awsproto.Error
		if !errors.As(err, &e) || e.Code != "SerializationException" || e.HTTPStatus() != 400 {
			t.Errorf("%s %q: got %v, want a SerializationException", operation, body, err)
			return
		}
		if e.Message != want {
			t.Errorf("%s %q:\n got %s\nwant %s", operation, body, e.Message, want)
		}
	}
	check("DescribeLogGroups", `null`, "expected an object, found null (position 0)")
	check("DescribeLogGroups", `[]`, "expected an object, found a list (position 0)")
	check("DescribeLogGroups", `"{}"`, "expected an object, found a string (position 0)")
	check("DescribeLogGroups", `{`, "expected a member name (position 1)")
	check("DescribeLogGroups", `{}x`, "unexpected text after the JSON value (position 2)")
	check("DescribeLogGroups", `{}{}`, "unexpected text after the JSON value (position 2)")
	check("DescribeLogGroups", "\uFEFF{}", "unexpected character '\\ufeff' (position 0)")
	check("DescribeLogGroups", `{"limit"}`, "expected ':' after a member name (position 8)")
	check("DescribeLogGroups", `{"limit":}`, "unexpected character '}' (member 'limit', position 9)")
	check("DescribeLogGroups", `{"limit":1,}`, "expected a member name (position 11)")
	check("DescribeLogGroups", `{"limit":1 "a":2}`, "expected ',' or '}' in an object (position 11)")
	check("DescribeLogGroups", `{limit:1}`, "expected a member name (position 1)")
	check("DescribeLogGroups", `{'limit':1}`, "expected a member name (position 1)")
	check("DescribeLogGroups", `{"limit":01}`, "expected ',' or '}' in an object (position 10)")
	check("DescribeLogGroups", `{"limit":1.}`, "malformed number (member 'limit', position 11)")
	check("DescribeLogGroups", `{"limit":-}`, "malformed number (member 'limit', position 10)")
	check("DescribeLogGroups", `{"limit":1e}`, "malformed number (member 'limit', position 11)")
	check("DescribeLogGroups", `{"limit":+1}`, "unexpected character '+' (member 'limit', position 9)")
	check("DescribeLogGroups", `{"limit":"1"}`, "expected an integer, found a string (member 'limit', position 9)")
	check("DescribeLogGroups", `{"limit":true}`, "expected an integer, found a boolean (member 'limit', position 9)")
	check("DescribeLogGroups", `{"limit":{}}`, "expected an integer, found an object (member 'limit', position 9)")
	check("DescribeLogGroups", `{"limit":1.5}`, "expected an integer, found a number with a fraction (member 'limit', position 9)")
	check("DescribeLogGroups", `{"limit":1e-400}`, "expected an integer, found a number with a fraction (member 'limit', position 9)")
	check("DescribeLogGroups", `{"limit":2147483648}`, "number out of range (member 'limit', position 9)")
	check("DescribeLogGroups", `{"limit":-2147483649}`, "number out of range (member 'limit', position 9)")
	check("GetLogEvents", `{"startTime":9223372036854775808}`, "number out of range (member 'startTime', position 13)")
	check("GetLogEvents", `{"startTime":1e19}`, "number out of range (member 'startTime', position 13)")
	check("GetLogEvents", `{"startTime":1e99999999999999999999}`, "number out of range (member 'startTime', position 13)")
	check("DescribeLogGroups", `{"logGroupNamePrefix":5}`, "expected a string, found a number (member 'logGroupNamePrefix', position 22)")
	check("DescribeLogGroups", `{"includeLinkedAccounts":"true"}`, "expected a boolean, found a string (member 'includeLinkedAccounts', position 25)")
	check("DescribeLogGroups", `{"includeLinkedAccounts":tru}`, "unexpected character 't' (member 'includeLinkedAccounts', position 25)")
	check("DescribeLogGroups", `{"logGroupIdentifiers":"a"}`, "expected a list, found a string (member 'logGroupIdentifiers', position 23)")
	check("DescribeLogGroups", `{"logGroupIdentifiers":["a",null]}`, "expected a string, found null (member 'logGroupIdentifiers.2.member', position 28)")
	check("DescribeLogGroups", `{"logGroupIdentifiers":["a"`, "expected ',' or ']' in a list (member 'logGroupIdentifiers', position 27)")
	check("PutLogEvents", `{"logEvents":[{"timestamp":"x","message":"m"}]}`, "expected an integer, found a string (member 'logEvents.1.member.timestamp', position 27)")
	check("TagResource", `{"tags":{"k":null}}`, "expected a string, found null (member 'tags.k', position 13)")
	check("TagResource", `{"tags":["k"]}`, "expected an object, found a list (member 'tags', position 8)")
	check("DescribeLogGroups", `{"nextToken":"a`, "unterminated string (member 'nextToken', position 15)")
	check("DescribeLogGroups", `{"nextToken":"a\`, "unterminated string (member 'nextToken', position 16)")
	check("DescribeLogGroups", `{"nextToken":"\x"}`, "unknown escape in a string (member 'nextToken', position 14)")
	check("DescribeLogGroups", `{"nextToken":"\u12"}`, "malformed \\u escape (member 'nextToken', position 14)")
	check("DescribeLogGroups", "{\"nextToken\":\"a\nb\"}", "control character 0x0a in a string (member 'nextToken', position 15)")
	check("DescribeLogGroups", "{\"nextToken\":\"a\xffb\"}", "invalid UTF-8 (position 15)")
	check("DescribeLogGroups", "{\"nextToken\":\"\xed\xa0\x80\"}", "invalid UTF-8 (position 14)")
	check("DescribeLogGroups", "{\"unknown\":\"\xc0\x80\"}", "invalid UTF-8 (position 12)")
	check("DescribeLogGroups", `{"unknown":nul}`, "unexpected character 'n' (member 'unknown', position 11)")
	check("PutMetricFilter", `{"metricTransformations":[{"defaultValue":1e400}]}`, "number out of range (member 'metricTransformations.1.member.defaultValue', position 42)")
	check("PutMetricFilter", `{"metricTransformations":[{"defaultValue":"1"}]}`, "expected a number, found a string (member 'metricTransformations.1.member.defaultValue', position 42)")
}

func TestDepthBound(t *testing.T) {
	nested := func(n int) string { // with the outer object, n deep
		return `{"unknown":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + "}"
	}
	if _, err := read(t, "DescribeLogGroups", nested(awsproto.MaxDepth)); err != nil {
		t.Errorf("depth %d: %v", awsproto.MaxDepth, err)
	}
	_, err := read(t, "DescribeLogGroups", nested(awsproto.MaxDepth+1))
	if err == nil || !strings.Contains(err.Error(), "nesting deeper than 100") {
		t.Errorf("depth %d: got %v", awsproto.MaxDepth+1, err)
	}
}

func TestElementsBound(t *testing.T) {
	list := func(n int) string {
		return `{"logGroupIdentifiers":[` + strings.Repeat(`"a",`, n-1) + `"a"]}`
	}
	var in logswire.DescribeLogGroupsInput
	if err := awsproto.Unmarshal([]byte(list(awsproto.MaxElements)), &in); err != nil || len(in.LogGroupIdentifiers) != awsproto.MaxElements {
		t.Errorf("%d elements: %v", awsproto.MaxElements, err)
	}
	if err := awsproto.Unmarshal([]byte(list(awsproto.MaxElements+1)), &in); err == nil {
		t.Errorf("%d elements: no error", awsproto.MaxElements+1)
	}
	var b strings.Builder
	for i := range awsproto.MaxElements + 1 {
		fmt.Fprintf(&b, `,"k%d":""`, i)
	}
	var tags logswire.TagResourceInput
	if err := awsproto.Unmarshal([]byte(`{"tags":{`+b.String()[1:]+`}}`), &tags); err == nil {
		t.Errorf("a map of %d elements: no error", awsproto.MaxElements+1)
	}
}

func TestDecodedValuesAreCopies(t *testing.T) {
	body := []byte(`{"logGroupName":"group","tags":{"key":"value"}}`)
	var in logswire.CreateLogGroupInput
	if err := awsproto.Unmarshal(body, &in); err != nil {
		t.Fatal(err)
	}
	clear(body)
	if *in.LogGroupName != "group" || in.Tags["key"] != "value" {
		t.Errorf("decoded values changed with the body: %q %v", *in.LogGroupName, in.Tags)
	}
}
