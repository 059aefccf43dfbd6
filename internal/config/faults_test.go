package config

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseFaults(t *testing.T) {
	check := func(text string, want Faults, canonical string) {
		t.Helper()
		got, err := ParseFaults(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q (-want +got):\n%s", text, d)
		}
		if got.String() != canonical {
			t.Errorf("%q prints %q, want %q", text, got.String(), canonical)
		}
	}
	check("", nil, "")
	check(" ", nil, "")
	check("FilterLogEvents:empty=0.3,throttle=0.1,delay=200ms;*:throttle=0.01", Faults{
		{Operation: "FilterLogEvents", Empty: 0.3, Throttle: 0.1, Delay: 200 * time.Millisecond},
		{Operation: "*", At: 51, Throttle: 0.01},
	}, "FilterLogEvents:empty=0.3,throttle=0.1,delay=200ms;*:throttle=0.01")
	check(" GetLogEvents : delay = 5m , throttle = 1 ; PutLogEvents:throttle=0", Faults{
		{Operation: "GetLogEvents", At: 1, Throttle: 1, Delay: MaxFaultDelay},
		{Operation: "PutLogEvents", At: 44},
	}, "GetLogEvents:throttle=1,delay=5m0s;PutLogEvents:throttle=0")
}

func TestParseFaultsRefuses(t *testing.T) {
	check := func(text, want string) {
		t.Helper()
		if _, err := ParseFaults(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", text, err, want)
		}
	}
	check("FilterLogEvents", "at 1: expected Operation:fault=value")
	check(":throttle=1", "at 1: expected Operation:fault=value")
	check("*:throttle=1;", "at 14: expected Operation:fault=value")
	check("*:", "at 3: expected fault=value")
	check("*:throttle", "at 3: expected fault=value")
	check("*:throttle=1, ", "at 15: expected fault=value")
	check("*:throtle=0.1", `at 3: there is no fault "throtle"`)
	check("*:throttle=1.01", `at 12: "1.01" is not a share from 0 to 1`)
	check("*:throttle=-0.1", `at 12: "-0.1" is not a share`)
	check("*:throttle=NaN", `at 12: "NaN" is not a share`)
	check("*:throttle= much", `at 13: "much" is not a share`)
	check("*:delay=5m1s", `at 9: "5m1s" is not a time from 0s to 5m0s`)
	check("*:delay=-1s", `at 9: "-1s" is not a time`)
	check("*:delay=3", `at 9: "3" is not a time`)
	check("*:throttle=0,throttle=1", `at 14: throttle is given twice for "*"`)
	check("*:throttle=0;a:delay=1s;*:delay=1s", `at 25: "*" has faults already`)
	check("*:empty=0.5", "at 3: only FilterLogEvents has empty pages")
	check("GetLogEvents:delay=1s,empty=0.5", "at 23: only FilterLogEvents")

	var list []string
	for i := range maxFaults + 1 {
		list = append(list, fmt.Sprintf("Operation%d:delay=1s", i))
	}
	if _, err := ParseFaults(strings.Join(list[:maxFaults], ";")); err != nil {
		t.Errorf("%d operations: %v", maxFaults, err)
	}
	check(strings.Join(list, ";"), "at most 200 operations")
	long := "*:delay=1s" + strings.Repeat(" ", maxFaultLen-len("*:delay=1s"))
	if _, err := ParseFaults(long); err != nil {
		t.Errorf("%d bytes: %v", len(long), err)
	}
	check(long+" ", "at most 8192 bytes")
}

func FuzzParseFaults(f *testing.F) {
	f.Add("FilterLogEvents:empty=0.3,throttle=0.1,delay=200ms;*:throttle=0.01")
	f.Add(" a : delay = 1h ;;")
	f.Fuzz(func(t *testing.T, text string) {
		first, err := ParseFaults(text)
		if err != nil {
			return
		}
		again, err := ParseFaults(first.String())
		if err != nil || again.String() != first.String() {
			t.Fatalf("%q prints %q, which reads as %q: %v", text, first.String(), again.String(), err)
		}
	})
}
