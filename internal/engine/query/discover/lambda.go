package discover

import (
	"bytes"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

var lambdaNames = []string{"@requestId", "@type", "@duration", "@billedDuration", "@initDuration", "@memorySize", "@maxMemoryUsed", "@xrayTraceId", "@xraySegmentId"}

// kinds of Lambda lines.
const (
	notLambda = iota
	startLine
	endLine
	reportLine
	textLine // of the function, with a request id
)

const requestID = "RequestId: "

// lambdaLine returns what line a message is, and its request id.
func lambdaLine(m []byte) (kind int, id []byte) {
	if len(m) < 20 {
		return notLambda, nil
	}
	at := 0
	switch m[0] {
	case 'S':
		kind, at = startLine, len("START ")
	case 'E':
		kind, at = endLine, len("END ")
	case 'R':
		kind, at = reportLine, len("REPORT ")
	default:
		return textLambda(m)
	}
	switch string(m[:at]) {
	case "START ", "END ", "REPORT ":
	default:
		return notLambda, nil
	}
	if !bytes.HasPrefix(m[at:], []byte(requestID)) {
		return notLambda, nil
	}
	id = m[at+len(requestID):]
	for i, c := range id {
		if c <= ' ' {
			id = id[:i:i]
			break
		}
	}
	if len(id) == 0 {
		return notLambda, nil
	}
	return kind, id
}

// textLambda reads "<time> <id> …" and "[LEVEL] <time> <id> …", with blanks or
// tabs between them.
func textLambda(m []byte) (kind int, id []byte) {
	if m[0] == '[' {
		end := bytes.IndexByte(m[:min(len(m), 16)], ']')
		if end < 0 || end+2 >= len(m) || !blank(m[end+1]) {
			return notLambda, nil
		}
		m = m[end+2:]
	}
	if !isTime(m) {
		return notLambda, nil
	}
	at := 20
	for at < len(m) && at < 40 && !blank(m[at]) {
		at++
	}
	if at+1+36 > len(m) || !blank(m[at]) || !isUUID(m[at+1:at+37]) || at+37 < len(m) && !blank(m[at+37]) && m[at+37] != '\n' {
		return notLambda, nil
	}
	return textLine, m[at+1 : at+37 : at+37]
}

func blank(c byte) bool { return c == ' ' || c == '\t' }

func isUUID(t []byte) bool {
	for i, c := range t {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if c-'0' > 9 && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return len(t) == 36
}

func isLambda(m []byte) bool {
	kind, _ := lambdaLine(m)
	return kind != notLambda
}

func lambdaField(m []byte, name string) plan.Value {
	kind, id := lambdaLine(m)
	if kind == notLambda {
		return plan.Value{}
	}
	switch name {
	case "@requestId":
		return plan.Value{Kind: plan.Text, Text: id}
	case "@type":
		switch kind {
		case startLine:
			return plan.Value{Kind: plan.Text, Text: m[:5:5]}
		case endLine:
			return plan.Value{Kind: plan.Text, Text: m[:3:3]}
		case reportLine:
			return plan.Value{Kind: plan.Text, Text: m[:6:6]}
		}
	}
	if kind != reportLine {
		return plan.Value{}
	}
	switch name {
	case "@duration":
		return measure(m, "Duration: ", " ms")
	case "@billedDuration":
		return measure(m, "Billed Duration: ", " ms")
	case "@initDuration":
		return measure(m, "Init Duration: ", " ms")
	case "@memorySize":
		return megabytes(m, "Memory Size: ")
	case "@maxMemoryUsed":
		return megabytes(m, "Max Memory Used: ")
	case "@xrayTraceId":
		return label(m, "XRAY TraceId: ")
	case "@xraySegmentId":
		return label(m, "SegmentId: ")
	}
	return plan.Value{}
}

// part returns what stands behind a label at the beginning of a part of a REPORT
// line; parts are separated by tabs and line breaks.
func part(m []byte, label string) []byte {
	for len(m) > 0 {
		end := len(m)
		for i, c := range m {
			if c == '\t' || c == '\n' {
				end = i
				break
			}
		}
		if end > len(label) && string(m[:len(label)]) == label {
			return bytes.TrimRight(m[len(label):end:end], " \r")
		}
		m = m[min(end+1, len(m)):]
	}
	return nil
}

func label(m []byte, name string) plan.Value {
	t := part(m, name)
	if len(t) == 0 {
		return plan.Value{}
	}
	return plan.Value{Kind: plan.Text, Text: t}
}

// measure returns the number before a unit.
func measure(m []byte, name, unit string) plan.Value {
	t := part(m, name)
	if len(t) <= len(unit) || string(t[len(t)-len(unit):]) != unit {
		return plan.Value{}
	}
	t = t[:len(t)-len(unit)]
	f, ok := plan.ParseNumber(t)
	if !ok {
		return plan.Value{}
	}
	return plan.Value{Kind: plan.Raw, Num: f, Text: t}
}

// megabytes returns a number of bytes: a megabyte has a million, as AWS counts.
func megabytes(m []byte, name string) plan.Value {
	v := measure(m, name, " MB")
	if v.Kind == plan.Null {
		return v
	}
	return plan.NumberValue(v.Num * 1e6)
}
