package logs

import (
	"errors"
	"fmt"
	"strings"
)

// ErrBadARN is returned by ParseARN for text that is no ARN of this service.
var ErrBadARN = errors.New("malformed ARN")

// ARN names a resource of the logs service:
// arn:PARTITION:logs:REGION:ACCOUNT:RESOURCE.
type ARN struct {
	Scope
	Partition string // aws, aws-cn, aws-us-gov
	Resource  string // such as log-group:NAME or log-group:NAME:log-stream:STREAM
}

// Partition returns the ARN partition a region belongs to.
func Partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

func (s Scope) arn(resource string) string {
	return "arn:" + Partition(s.Region) + ":logs:" + s.Region + ":" + s.Account + ":" + resource
}

// GroupARN returns the ARN of a log group without the trailing ":*".
func (s Scope) GroupARN(group string) string { return s.arn("log-group:" + group) }

// StreamARN returns the ARN of a log stream.
func (s Scope) StreamARN(group, stream string) string {
	return s.arn("log-group:" + group + ":log-stream:" + stream)
}

// LookupTableARN returns the ARN of a lookup table.
func (s Scope) LookupTableARN(name string) string { return s.arn("lookup-table:" + name) }

// ScheduledQueryARN returns the ARN of a scheduled query, which is named by its
// id.
func (s Scope) ScheduledQueryARN(id string) string { return s.arn("scheduled-query:" + id) }

// AnomalyDetectorARN returns the ARN of an anomaly detector, which is named by its
// id.
func (s Scope) AnomalyDetectorARN(id string) string { return s.arn("anomaly-detector:" + id) }

// DestinationARN returns the ARN of a destination of subscriptions.
func (s Scope) DestinationARN(name string) string { return s.arn("destination:" + name) }

// ParseARN parses an ARN of the logs service.
func ParseARN(text string) (ARN, error) {
	p := strings.SplitN(text, ":", 6)
	if len(p) != 6 || p[0] != "arn" || p[2] != "logs" || p[1] == "" || p[5] == "" {
		return ARN{}, fmt.Errorf("%w: %q", ErrBadARN, text)
	}
	return ARN{Scope: Scope{Account: p[4], Region: p[3]}, Partition: p[1], Resource: p[5]}, nil
}

// GroupName returns the name of the log group that the ARN names, with or
// without a trailing ":*"; ok is false for every other kind of resource,
// streams among them.
func (a ARN) GroupName() (name string, ok bool) {
	name, ok = strings.CutPrefix(a.Resource, "log-group:")
	if !ok {
		return "", false
	}
	name = strings.TrimSuffix(name, ":*")
	return name, name != "" && !strings.Contains(name, ":")
}

// LookupTable returns the name of the lookup table that the ARN names; ok is
// false for every other kind of resource.
func (a ARN) LookupTable() (name string, ok bool) { return a.named("lookup-table:") }

// ScheduledQuery returns the id of the scheduled query that the ARN names; ok is
// false for every other kind of resource.
func (a ARN) ScheduledQuery() (id string, ok bool) { return a.named("scheduled-query:") }

// AnomalyDetector returns the id of the anomaly detector that the ARN names; ok is
// false for every other kind of resource.
func (a ARN) AnomalyDetector() (id string, ok bool) { return a.named("anomaly-detector:") }

// Destination returns the name of the destination of subscriptions that the ARN
// names; ok is false for every other kind of resource.
func (a ARN) Destination() (name string, ok bool) { return a.named("destination:") }

func (a ARN) named(kind string) (name string, ok bool) {
	name, ok = strings.CutPrefix(a.Resource, kind)
	return name, ok && name != "" && !strings.Contains(name, ":")
}
