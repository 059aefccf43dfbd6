package logs

import "strings"

// AlarmARN returns the ARN of an alarm, which belongs to the metrics service.
func (s Scope) AlarmARN(name string) string {
	return "arn:" + Partition(s.Region) + ":cloudwatch:" + s.Region + ":" + s.Account + ":alarm:" + name
}

// AlarmOfARN returns the name of the alarm of this scope that an ARN names; ok is
// false for everything else.
func (s Scope) AlarmOfARN(arn string) (name string, ok bool) {
	name, ok = strings.CutPrefix(arn, s.AlarmARN(""))
	return name, ok && name != ""
}

// The kinds of tokens of the metrics service; see TokenKind.
const (
	TokenAlarms       TokenKind = 40 // DescribeAlarms
	TokenAlarmHistory TokenKind = 41 // DescribeAlarmHistory
)
