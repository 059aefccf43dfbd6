package sql

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
	"github.com/cumulog/cumulog/internal/engine/query/sqlexpr"
)

// Limits of selectors.
const (
	maxGroups      = 50
	maxDataSources = 10
	maxIndexes     = 20 // conditions of filterIndex
)

var selectorStart = regexp.MustCompile(`(?i)^\s*(logGroups|dataSource|filterIndex)\s*\(`)

// isSelector reports whether what stands in the back-ticks of FROM is more than a name.
func isSelector(s string) bool { return selectorStart.MatchString(s) }

// selector reads what stands in the back-ticks of FROM: logGroups(…), dataSource(…)
// and filterIndex(…), one or more of them.
type selector struct {
	text  string
	at    sqlexpr.Span // of the back-ticks
	pos   int
	from  int // where the last word begins
	table *Table
}

// place is where in the query the last word stands.
func (s *selector) place() sqlexpr.Span {
	end := max(s.pos, s.from+1)
	return sqlexpr.Span{Start: min(s.at.Start+1+s.from, s.at.End), End: min(s.at.Start+1+end, s.at.End)}
}

// parse returns what is wrong; "" is nothing.
func (s *selector) parse() string {
	seen := map[string]bool{}
	for {
		word := strings.ToLower(s.word())
		if seen[word] {
			return fmt.Sprintf("there are two %s", s.text[s.from:s.pos])
		}
		seen[word] = true
		var bad string
		switch word {
		case "loggroups":
			bad = s.groups()
		case "datasource":
			bad = s.dataSources()
		case "filterindex":
			bad = s.indexes()
		default:
			return s.unexpected()
		}
		if bad != "" {
			return bad
		}
		s.take(",")
		if s.done() {
			break
		}
	}
	if len(s.table.sources) == 0 { // only filterIndex: all groups
		s.table.sources = []insightsql.Source{{Span: insightsql.Span(s.at), Kind: insightsql.SourceLogGroups}}
	}
	return ""
}

func (s *selector) groups() string {
	if bad := s.want("("); bad != "" {
		return bad
	}
	key := strings.ToLower(s.word())
	if key != "loggroupidentifier" && key != "loggroupidentifiers" {
		return s.unexpected()
	}
	if bad := s.want(":"); bad != "" {
		return bad
	}
	list, bad := s.list(maxGroups, "log groups")
	if bad != "" {
		return bad
	}
	s.table.sources = append(s.table.sources, insightsql.Source{Span: insightsql.Span(s.at), Names: list})
	return s.want(")")
}

func (s *selector) dataSources() string {
	if bad := s.want("("); bad != "" {
		return bad
	}
	list, bad := s.list(maxDataSources, "data sources")
	if bad != "" {
		return bad
	}
	s.table.sources = append(s.table.sources, insightsql.Source{Span: insightsql.Span(s.at), Kind: insightsql.SourceDataSource, Names: list})
	return s.want(")")
}

// indexes reads 'field' = 'value' and 'field' IN ['value', …].
func (s *selector) indexes() string {
	if bad := s.want("("); bad != "" {
		return bad
	}
	for {
		field, bad := s.value()
		if bad != "" {
			return bad
		}
		c := indexCond{field: field}
		switch {
		case field == "":
			return "the name of a field is empty"
		case s.take("="):
			v, bad := s.value()
			if bad != "" {
				return bad
			}
			c.values = []string{v}
		case strings.EqualFold(s.word(), "in"):
			if c.values, bad = s.list(sqlexpr.MaxItems, "values"); bad != "" {
				return bad
			}
		default:
			return s.unexpected()
		}
		if s.table.index = append(s.table.index, c); len(s.table.index) > maxIndexes {
			return fmt.Sprintf("filterIndex takes at most %d conditions", maxIndexes)
		}
		if !s.take(",") {
			return s.want(")")
		}
	}
}

// list reads ['a', 'b'].
func (s *selector) list(most int, what string) ([]string, string) {
	if bad := s.want("["); bad != "" {
		return nil, bad
	}
	var all []string
	for {
		v, bad := s.value()
		if bad != "" {
			return nil, bad
		}
		if all = append(all, v); len(all) > most {
			return nil, fmt.Sprintf("there are more than %d %s", most, what)
		}
		if !s.take(",") {
			return all, s.want("]")
		}
	}
}

// value reads a text in quotes or a number.
func (s *selector) value() (string, string) {
	s.space()
	s.from = s.pos
	if s.pos == len(s.text) {
		return "", s.unexpected()
	}
	if q := s.text[s.pos]; q == '\'' || q == '"' {
		end := strings.IndexByte(s.text[s.pos+1:], q)
		if end < 0 {
			s.pos = len(s.text)
			return "", fmt.Sprintf("the closing %c is missing", q)
		}
		v := s.text[s.pos+1 : s.pos+1+end]
		s.pos += end + 2
		return v, ""
	}
	n := 0
	for s.pos+n < len(s.text) && strings.IndexByte("0123456789.-", s.text[s.pos+n]) >= 0 {
		n++
	}
	if n == 0 {
		return "", s.unexpected()
	}
	s.pos += n
	return s.text[s.from:s.pos], ""
}

func (s *selector) space() {
	s.pos = len(s.text) - len(strings.TrimLeft(s.text[s.pos:], " \t\r\n"))
}

func (s *selector) done() bool {
	s.space()
	return s.pos == len(s.text)
}

func (s *selector) word() string {
	s.space()
	s.from = s.pos
	for s.pos < len(s.text) && (s.text[s.pos]|0x20 >= 'a' && s.text[s.pos]|0x20 <= 'z') {
		s.pos++
	}
	return s.text[s.from:s.pos]
}

func (s *selector) take(sign string) bool {
	s.space()
	if !strings.HasPrefix(s.text[s.pos:], sign) {
		return false
	}
	s.from = s.pos
	s.pos += len(sign)
	return true
}

func (s *selector) want(sign string) string {
	if s.take(sign) {
		return ""
	}
	s.from = s.pos
	return s.unexpected()
}

func (s *selector) unexpected() string {
	if s.from >= len(s.text) {
		return "unexpected symbol found `"
	}
	if s.pos <= s.from {
		s.pos = s.from + len(string([]rune(s.text[s.from:])[:1]))
	}
	return "unexpected symbol found " + s.text[s.from:s.pos]
}
