package main

import (
	"encoding/json"
	"strings"
)

// level is how urgent an event says it is.
type level uint8

const (
	levelNone level = iota
	levelTrace
	levelDebug
	levelInfo
	levelWarn
	levelError
	levelFatal
)

// levelNames are what --output json prints.
var levelNames = [...]string{"", "trace", "debug", "info", "warn", "error", "fatal"}

// String returns the name, "" for none.
func (l level) String() string { return levelNames[l] }

// levelWindow is how far into a text its level is looked for.
const levelWindow = 96

// levelOf finds the level of a message: in a JSON object the members level, severity, lvl and log.level (or {"log":{"level":…}}); in other text a
// word near its beginning that is in capitals, in brackets, or follows "level=".
func levelOf(message string) level {
	if fields, ok := jsonMembers(message); ok {
		for _, name := range []string{"level", "severity", "lvl", "log.level"} {
			if raw, ok := lookup(fields, name); ok {
				return levelOfValue(raw)
			}
		}
		return levelNone
	}
	return levelOfText(message)
}

// levelOfValue reads a level from a JSON value: a word, or the numbers of pino and bunyan.
func levelOfValue(raw json.RawMessage) level {
	var word string
	if json.Unmarshal(raw, &word) == nil {
		return levelOfWord(word)
	}
	var n float64
	if json.Unmarshal(raw, &n) != nil || n < 10 || n > 60 {
		return levelNone
	}
	return level(n / 10)
}

func levelOfWord(word string) level {
	switch strings.ToLower(word) {
	case "trace", "trc", "verbose":
		return levelTrace
	case "debug", "dbg":
		return levelDebug
	case "info", "inf", "information", "notice":
		return levelInfo
	case "warn", "warning", "wrn":
		return levelWarn
	case "error", "err", "severe":
		return levelError
	case "fatal", "critical", "crit", "panic", "alert", "emerg", "emergency":
		return levelFatal
	}
	return levelNone
}

func levelOfText(text string) level {
	text = text[:min(len(text), levelWindow)]
	for i := 0; i < len(text); {
		if !isLetter(text[i]) {
			i++
			continue
		}
		start := i
		for i < len(text) && isLetter(text[i]) {
			i++
		}
		word := text[start:i]
		l := levelOfWord(word)
		if l == levelNone {
			continue
		}
		bracket := start > 0 && (text[start-1] == '[' || text[start-1] == '<')
		before := strings.ToLower(strings.TrimRight(text[:start], `"'`))
		named := strings.HasSuffix(before, "level=") || strings.HasSuffix(before, "lvl=") || strings.HasSuffix(before, "severity=")
		if bracket || named || word == strings.ToUpper(word) {
			return l
		}
	}
	return levelNone
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// style is the parameter of an SGR escape sequence; "" is plain text.
type style string

const (
	styleNone   style = ""
	styleDim    style = "90"
	styleRed    style = "31"
	styleYellow style = "33"
	styleFatal  style = "1;31"
	styleKey    style = "36"
	styleMark   style = "1;7" // highlighted text: inverse, so that it shows in every colour
)

// style returns how a message of the level is printed.
func (l level) style() style {
	switch l {
	case levelFatal:
		return styleFatal
	case levelError:
		return styleRed
	case levelWarn:
		return styleYellow
	case levelDebug, levelTrace:
		return styleDim
	}
	return styleNone
}

// nameStyles are for streams and groups; none of them is a colour of a level.
var nameStyles = [...]style{"32", "34", "35", "36", "92", "94", "95", "96"}

// nameStyle picks the colour of a name, the same in every run.
func nameStyle(name string) style {
	h := uint32(2166136261)
	for i := range len(name) {
		h = (h ^ uint32(name[i])) * 16777619
	}
	return nameStyles[h%uint32(len(nameStyles))]
}
