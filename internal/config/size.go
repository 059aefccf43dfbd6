package config

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes, written as "256MiB", "1.5 GiB", "300MB" or a bare count.
type Size int64

var sizeUnits = []struct {
	suffix string
	bytes  float64
}{
	{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"tib", 1 << 40},
	{"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"tb", 1e12},
	{"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {"t", 1 << 40},
	{"b", 1},
}

// ParseSize reads a size. K, M, G and T alone mean the binary units, as tools do.
func ParseSize(s string) (Size, error) {
	text := strings.ToLower(strings.TrimSpace(s))
	unit := 1.0
	for _, u := range sizeUnits {
		if rest, ok := strings.CutSuffix(text, u.suffix); ok {
			text, unit = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(n) || n < 0 {
		return 0, fmt.Errorf("%q is not a size such as 256MiB", s)
	}
	if n*unit > math.MaxInt64/2 {
		return 0, fmt.Errorf("size %q is too large", s)
	}
	return Size(n * unit), nil
}

// String prints the size in the largest binary unit with at most one decimal.
func (s Size) String() string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	v, i := float64(s), 0
	for v >= 1024 && i < len(units)-1 {
		v, i = v/1024, i+1
	}
	return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0") + units[i]
}

// machineMemory reads MemTotal, or the control group's limit when that is lower.
func machineMemory(read func(string) ([]byte, error)) (Size, bool) {
	raw, err := read("/proc/meminfo")
	if err != nil {
		return 0, false
	}
	var total Size
	for line := range bytes.Lines(raw) {
		fields := bytes.Fields(line)
		if len(fields) >= 2 && string(fields[0]) == "MemTotal:" {
			kib, err := strconv.ParseInt(string(fields[1]), 10, 52)
			if err != nil {
				return 0, false
			}
			total = Size(kib) << 10
		}
	}
	if raw, err := read("/sys/fs/cgroup/memory.max"); err == nil {
		if limit, err := strconv.ParseInt(string(bytes.TrimSpace(raw)), 10, 64); err == nil && limit > 0 && Size(limit) < total {
			total = Size(limit)
		}
	}
	return total, total > 0
}
