package events

import (
	"github.com/cumulog/cumulog/internal/engine/query/discover"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// Discover returns the fields of a message by the names that queries use. Those of
// a JSON object or list are in dot form: a.b for members, a.0 for elements. Strings lose
// their quotes, numbers keep their spelling, null and empty objects and lists have
// no field. A name that begins with @ has another @ before it, as @message and its
// like are not of the message. Lines of Lambda, VPC flow logs and Route 53 have the
// fields that package discover finds; other messages have none. Fields past
// discover.MaxFields, in the order of the message, are left out.
func Discover(message []byte) map[string]string {
	fields := make(map[string]string, 16)
	discover.Fields(message, func(name []byte, v *plan.Value) {
		if v.Kind != plan.List && v.Kind != plan.Null {
			fields[string(name)] = string(v.AppendText(nil))
		}
	})
	return fields
}
