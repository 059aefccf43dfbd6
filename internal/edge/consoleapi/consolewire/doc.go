// Package consolewire holds the request and answer shapes of the console API,
// generated from its model in tools like those of logswire.
package consolewire

import (
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
)

//go:generate go -C ../../../../tools run ./wiregen generate -model wiregen/models/console.json -out ../internal/edge/consoleapi/consolewire

// Lookup returns what the model says about an operation; ok is false for a
// name that there is not.
func Lookup(name string) (info awsproto.OperationInfo, ok bool) {
	i, ok := slices.BinarySearchFunc(operations[:], name, func(o awsproto.OperationInfo, name string) int {
		return strings.Compare(o.Name, name)
	})
	if !ok {
		return awsproto.OperationInfo{}, false
	}
	return operations[i], true
}
