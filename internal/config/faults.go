package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Fault is what goes wrong on purpose with one operation.
type Fault struct {
	Operation string  // or AnyOperation
	At        int     // where its name stands in the setting, in bytes
	Empty     float64 // share of pages that are empty though the search goes on
	Throttle  float64 // share of calls that are refused
	Delay     time.Duration
}

// Faults are faults for people who test how their programs bear them, written as
//
//	FilterLogEvents:empty=0.3,throttle=0.1,delay=200ms;*:throttle=0.01
//
// Shares are from 0 to 1, delays from 0 to MaxFaultDelay.
type Faults []Fault

const (
	// MaxFaultDelay bounds a delay: SDKs wait for 60 seconds.
	MaxFaultDelay = 5 * time.Minute

	maxFaults   = 200 // operations named
	maxFaultLen = 8 << 10

	emptyOperation = "FilterLogEvents" // the one whose pages may be empty

	// AnyOperation is the name that stands for every operation without faults of its own.
	AnyOperation = "*"
)

// ParseFaults reads the setting; "" is no faults. Errors tell the position of the mistake, in bytes from 1.
func ParseFaults(text string) (Faults, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	if len(text) > maxFaultLen {
		return nil, fmt.Errorf("faults are described in at most %d bytes, not %d", maxFaultLen, len(text))
	}
	var list Faults
	seen := map[string]bool{}
	for at, part := range parts(text, 0, ';') {
		f, err := parseFault(at, part)
		if err != nil {
			return nil, err
		}
		if seen[f.Operation] {
			return nil, faultError(f.At, "%q has faults already", f.Operation)
		}
		if len(list) == maxFaults {
			return nil, faultError(f.At, "at most %d operations can be named", maxFaults)
		}
		seen[f.Operation] = true
		list = append(list, f)
	}
	return list, nil
}

func parseFault(at int, text string) (Fault, error) {
	name, rest, ok := strings.Cut(text, ":")
	f := Fault{Operation: strings.TrimSpace(name), At: at + blanks(name)}
	if !ok || f.Operation == "" {
		return f, faultError(f.At, "expected Operation:fault=value, such as FilterLogEvents:throttle=0.1")
	}
	seen := map[string]bool{}
	for at, part := range parts(rest, at+len(name)+1, ',') {
		key, value, ok := strings.Cut(part, "=")
		keyAt, valueAt := at+blanks(key), at+len(key)+1+blanks(value)
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if !ok {
			return f, faultError(keyAt, "expected fault=value, such as throttle=0.1")
		}
		if seen[key] {
			return f, faultError(keyAt, "%s is given twice for %q", key, f.Operation)
		}
		seen[key] = true
		var err error
		switch key {
		case "empty":
			if f.Operation != emptyOperation {
				return f, faultError(keyAt, "only %s has empty pages", emptyOperation)
			}
			f.Empty, err = parseShare(value)
		case "throttle":
			f.Throttle, err = parseShare(value)
		case "delay":
			f.Delay, err = time.ParseDuration(value)
			if err != nil || f.Delay < 0 || f.Delay > MaxFaultDelay {
				err = fmt.Errorf("%q is not a time from 0s to %s, such as 200ms", value, MaxFaultDelay)
			}
		default:
			return f, faultError(keyAt, "there is no fault %q; there are empty, throttle and delay", key)
		}
		if err != nil {
			return f, faultError(valueAt, "%w", err)
		}
	}
	return f, nil
}

func parseShare(text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v >= 0 && v <= 1) { // NaN too
		return 0, fmt.Errorf("%q is not a share from 0 to 1, such as 0.1", text)
	}
	return v, nil
}

func faultError(at int, format string, args ...any) error {
	return fmt.Errorf("at %d: %w", at+1, fmt.Errorf(format, args...))
}

// parts yields what stands between separators, with its position when text begins at from.
func parts(text string, from int, separator byte) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		for part := range strings.SplitSeq(text, string(separator)) {
			if !yield(from, part) {
				return
			}
			from += len(part) + 1
		}
	}
}

func blanks(s string) int { return len(s) - len(strings.TrimLeft(s, " \t")) }

// String writes faults as ParseFaults reads them.
func (f Faults) String() string {
	var b strings.Builder
	for i, x := range f {
		if i > 0 {
			b.WriteByte(';')
		}
		b.WriteString(x.Operation)
		separator := byte(':')
		write := func(key, value string) {
			b.WriteByte(separator)
			b.WriteString(key + "=" + value)
			separator = ','
		}
		if x.Empty > 0 {
			write("empty", strconv.FormatFloat(x.Empty, 'g', -1, 64))
		}
		if x.Throttle > 0 || x.Empty == 0 && x.Delay == 0 {
			write("throttle", strconv.FormatFloat(x.Throttle, 'g', -1, 64))
		}
		if x.Delay > 0 {
			write("delay", x.Delay.String())
		}
	}
	return b.String()
}
