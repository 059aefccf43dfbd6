package anomaly

import "strings"

// priorityOf returns the priority that the first severity in a pattern gives it.
func priorityOf(literals []string) string {
	best := ""
	for _, text := range literals {
		for _, w := range strings.FieldsFunc(text, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_')
		}) {
			switch strings.ToLower(w) {
			case "fatal", "error", "err", "critical", "crit", "severe", "emerg", "emergency", "panic", "alert":
				return High
			case "warn", "warning":
				return Medium
			case "info", "debug", "trace", "notice", "information":
				return Low
			}
			if l := strings.ToLower(w); best == "" && (strings.HasSuffix(l, "error") || strings.HasSuffix(l, "exception")) {
				best = High
			}
		}
	}
	if best == "" {
		best = Low
	}
	return best
}
