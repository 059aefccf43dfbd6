package dateformat

import (
	"strings"
	"time"
	_ "time/tzdata" // zones do not depend on the machine
)

// Zone returns the location of a name: UTC, an offset such as +02:00, or a name
// of the time zone database.
func Zone(name string) (*time.Location, error) {
	switch {
	case name == "UTC" || name == "Z" || name == "GMT":
		return time.UTC, nil
	case name == "" || name == "Local" || len(name) > 64:
		return nil, invalid("unknown time zone %.64q", name)
	case name[0] == '+' || name[0] == '-':
		sec, n := readOffset([]byte(name))
		if n != len(name) {
			return nil, invalid("unknown time zone %q", name)
		}
		return time.FixedZone(name, sec), nil
	}
	if rest, ok := strings.CutPrefix(name, "UTC"); ok && rest[0] != '/' {
		return Zone(rest)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, invalid("unknown time zone %q", name)
	}
	return loc, nil
}
