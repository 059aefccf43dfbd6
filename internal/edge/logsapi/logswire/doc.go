// Package logswire holds the request and answer shapes of all operations of
// CloudWatch Logs, generated from the condensed service model in tools.
//
// A scalar or nested structure that is absent is a nil pointer; a list, map or blob
// that is absent is nil, an empty one is not. Values inside lists and maps
// are not pointers. Every shape decodes and encodes itself without reflection;
// those that requests contain check their constraints. Shapes hold no
// reference to the text they were decoded from.
package logswire

import (
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
)

//go:generate go -C ../../../../tools run ./wiregen generate -model wiregen/models/logs-2014-03-28.json -additions wiregen/models/logs-2014-03-28.additions.json -out ../internal/edge/logsapi/logswire

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
