// Package metricswire holds the request and answer shapes of all operations of
// CloudWatch (metrics, alarms and dashboards), generated from the condensed service model in tools.
//
// The service speaks three protocols: Query, JSON 1.0 and RPC v2 CBOR. Every shape reads
// itself from an awsproto.Source and writes itself to an awsproto.Sink, without
// reflection; those that requests contain check their constraints.
//
// A scalar or nested structure that is absent is a nil pointer; a list, map or blob
// that is absent is nil, an empty one is not. Values inside lists and maps
// are not pointers. Times are milliseconds since 1970. Shapes hold no
// reference to the body they were decoded from.
package metricswire

import (
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
)

//go:generate go -C ../../../../tools run ./wiregen generate -model wiregen/models/monitoring-2010-08-01.json -additions wiregen/models/monitoring-2010-08-01.additions.json -out ../internal/edge/metricsapi/metricswire

// ShapeNamespace is the namespace of the shapes in the service's Smithy model.
const ShapeNamespace = "com.amazonaws.cloudwatch"

// Lookup returns what the model says about an operation; ok is false for a
// name that the service does not know.
func Lookup(name string) (info awsproto.OperationInfo, ok bool) {
	i, ok := slices.BinarySearchFunc(operations[:], name, func(o awsproto.OperationInfo, name string) int {
		return strings.Compare(o.Name, name)
	})
	if !ok {
		return awsproto.OperationInfo{}, false
	}
	return operations[i], true
}

// Operations returns the names of all operations, sorted.
func Operations() []string {
	names := make([]string, len(operations))
	for i := range operations {
		names[i] = operations[i].Name
	}
	return names
}
