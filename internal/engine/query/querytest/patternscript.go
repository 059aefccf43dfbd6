package querytest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// PatternScript is a file of cases of filter patterns: blocks of lines
//
//	# a comment
//	load
//	+ a message, to the end of the line; they are numbered from 1
//	+! "a message as a Go string literal"
//	filter ERROR -timeout
//	match 1 3            or: match all, match none
//	values 3 $ip=10.0.0.7 $2="a value with blanks"
//	refuse { $.a = }
//	error 8-9 Invalid filter pattern
//
// filter and refuse take a Go string literal when they are written filter! and
// refuse!. A filter is about the messages of the last load; match and values are
// about the last filter, error about the last refuse.
type PatternScript struct {
	Name    string
	Sets    []MessageSet
	Refused []RefusedPattern
}

// MessageSet is a load and the filters after it.
type MessageSet struct {
	Messages []string
	Filters  []PatternCase
}

// PatternCase is one filter.
type PatternCase struct {
	Where   string // file:line
	Pattern string
	Matches map[int]bool              // numbers of messages
	Values  map[int]map[string]string // by number of a message
}

// RefusedPattern is a pattern that must not be accepted.
type RefusedPattern struct {
	Where, Pattern string
	Error          string // "start-end sentence"
}

// ReadPatternScripts reads the files that a glob pattern names; none is an error.
func ReadPatternScripts(glob string) ([]PatternScript, error) {
	files, err := filepath.Glob(glob)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("there are no scripts %s", glob)
	}
	scripts := make([]PatternScript, len(files))
	for i, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		if scripts[i], err = parsePatternScript(filepath.Base(f), string(data)); err != nil {
			return nil, err
		}
	}
	return scripts, nil
}

func parsePatternScript(name, text string) (PatternScript, error) {
	s := PatternScript{Name: strings.TrimSuffix(name, filepath.Ext(name))}
	p := patternReader{script: &s}
	for i, line := range strings.Split(text, "\n") {
		p.where = fmt.Sprintf("%s:%d", name, i+1)
		verb, rest, _ := strings.Cut(line, " ")
		if err := p.line(verb, rest); err != nil {
			return s, fmt.Errorf("%s: %w", p.where, err)
		}
	}
	for _, set := range s.Sets {
		for _, c := range set.Filters {
			if c.Matches == nil {
				return s, fmt.Errorf("%s: the filter has no line match", c.Where)
			}
		}
	}
	for _, r := range s.Refused {
		if r.Error == "" {
			return s, fmt.Errorf("%s: the pattern has no line error", r.Where)
		}
	}
	return s, nil
}

type patternReader struct {
	script *PatternScript
	where  string
}

func (p *patternReader) line(verb, rest string) (err error) {
	s := p.script
	if literal, ok := strings.CutSuffix(verb, "!"); ok {
		verb = literal
		if rest, err = strconv.Unquote(rest); err != nil {
			return fmt.Errorf("%s! wants a Go string literal", verb)
		}
	}
	switch verb {
	case "", "#":
		return nil
	case "load":
		s.Sets = append(s.Sets, MessageSet{})
		return nil
	case "refuse":
		s.Refused = append(s.Refused, RefusedPattern{Where: p.where, Pattern: rest})
		return nil
	case "error":
		if len(s.Refused) == 0 {
			return fmt.Errorf("error comes after refuse")
		}
		s.Refused[len(s.Refused)-1].Error = rest
		return nil
	}
	if len(s.Sets) == 0 {
		return fmt.Errorf("%q comes after load", verb)
	}
	set := &s.Sets[len(s.Sets)-1]
	switch verb {
	case "+":
		set.Messages = append(set.Messages, rest)
		return nil
	case "filter":
		set.Filters = append(set.Filters, PatternCase{Where: p.where, Pattern: rest, Values: map[int]map[string]string{}})
		return nil
	}
	if len(set.Filters) == 0 {
		return fmt.Errorf("%q comes after filter", verb)
	}
	c := &set.Filters[len(set.Filters)-1]
	switch verb {
	case "match":
		c.Matches, err = numbers(rest, len(set.Messages))
		return err
	case "values":
		number, list, _ := strings.Cut(rest, " ")
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 || n > len(set.Messages) {
			return fmt.Errorf("there is no message %q", number)
		}
		c.Values[n], err = assignments(list)
		return err
	}
	return fmt.Errorf("unknown line %q", verb)
}

// numbers reads "all", "none" or numbers from 1 to n.
func numbers(list string, n int) (map[int]bool, error) {
	out := map[int]bool{}
	switch list {
	case "none":
		return out, nil
	case "all":
		for i := range n {
			out[i+1] = true
		}
		return out, nil
	}
	for _, f := range strings.Fields(list) {
		i, err := strconv.Atoi(f)
		if err != nil || i < 1 || i > n {
			return nil, fmt.Errorf("there is no message %q", f)
		}
		out[i] = true
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("match names no message; write none")
	}
	return out, nil
}

// assignments reads name=value pairs; a value with blanks is a Go string literal.
func assignments(list string) (map[string]string, error) {
	out := map[string]string{}
	for list = strings.TrimSpace(list); list != ""; list = strings.TrimSpace(list) {
		name, rest, ok := strings.Cut(list, "=")
		if !ok {
			return nil, fmt.Errorf("%q is not name=value", list)
		}
		if quoted, err := strconv.QuotedPrefix(rest); err == nil {
			value, err := strconv.Unquote(quoted)
			if err != nil {
				return nil, err
			}
			out[name], list = value, rest[len(quoted):]
			continue
		}
		value, more, _ := strings.Cut(rest, " ")
		out[name], list = value, more
	}
	return out, nil
}
