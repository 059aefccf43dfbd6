package logsapi_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/google/go-cmp/cmp"
)

func TestTestMetricFilter(t *testing.T) {
	s := newStack(t)
	test := func(pattern string, messages ...string) (*cwl.TestMetricFilterOutput, error) {
		return s.TestMetricFilter(context.Background(), &cwl.TestMetricFilterInput{FilterPattern: &pattern, LogEventMessages: messages})
	}
	check := func(pattern string, messages []string, numbers []int64, values ...map[string]string) {
		t.Helper()
		out, err := test(pattern, messages...)
		ok(t, pattern, err)
		var got []int64
		for i, m := range out.Matches {
			got = append(got, m.EventNumber)
			if *m.EventMessage != messages[m.EventNumber] {
				t.Errorf("%s: match %d has the message %q", pattern, i, *m.EventMessage)
			}
			if i < len(values) {
				if d := cmp.Diff(values[i], m.ExtractedValues); d != "" {
					t.Errorf("%s: values of match %d (-want +got)\n%s", pattern, i, d)
				}
			}
		}
		if !slices.Equal(got, numbers) {
			t.Errorf("%s: matches %v, want %v", pattern, got, numbers)
		}
	}
	check("", []string{"a", "b"}, []int64{0, 1}, map[string]string{}, map[string]string{})
	check("ERROR", []string{"x ERROR", "y"}, []int64{0}, map[string]string{})
	check("[a, b = 2*, ...]", []string{"x 3 y", "x 25 y z"}, []int64{1}, map[string]string{"$a": "x", "$b": "25", "$3": "y", "$4": "z"})
	check(`{ $.a = 1 && $.b.c[0] != "z" }`, []string{`{"a":1,"b":{"c":["q"]}}`}, []int64{0}, map[string]string{})

	for pattern, text := range map[string]string{
		"{ $.a = }": "Invalid filter pattern", "a=b": "Invalid character(s) in term 'a=b'", "[a": "If a filter pattern starts with '[' it must end with ']'",
	} {
		_, err := test(pattern, "x")
		refused(t, pattern, err, invalid, text)
	}
	if _, err := test("x", slices.Repeat([]string{"x"}, 50)...); err != nil {
		t.Errorf("50 messages: %v", err)
	}
	if _, err := test("x", slices.Repeat([]string{"x"}, 51)...); err == nil || !strings.Contains(err.Error(), "logEventMessages") {
		t.Errorf("51 messages: %v", err)
	}
}
