package groups

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// TagFilter selects groups that have a tag of that key and, when Values is not
// empty, a value that matches one of them: exactly and case-sensitively, or
// without regard to case where the value begins or ends with "*"; a leading
// "!" negates.
type TagFilter struct {
	Key    string
	Values []string
}

// ListRequest selects and pages groups with the filters of ListLogGroups.
type ListRequest struct {
	Accounts
	Pattern string // "" = all; see parsePattern
	Class   string // "" = any
	Tags    []TagFilter
	Token   *string
	Limit   int // 0 = DefaultLimit

	// Filters that need features this server does not have. A request that uses
	// them is refused.
	DataSources, FieldIndexes int
}

// List lists groups. ErrBadToken, *ParameterError, ErrUnavailable.
func (s *Service) List(ctx context.Context, scope logs.Scope, r ListRequest) (Page, error) {
	switch {
	case r.DataSources > 0:
		return Page{}, parameterf("Filtering log groups by dataSources is not supported by this server.")
	case r.FieldIndexes > 0:
		return Page{}, parameterf("Filtering log groups by fieldIndexNames is not supported by this server.")
	}
	if err := r.check(scope); err != nil {
		return Page{}, err
	}
	pattern, err := parsePattern(r.Pattern)
	if err != nil {
		return Page{}, err
	}
	parts := []string{scope.Account, scope.Region, r.Pattern, r.Class}
	for _, f := range r.Tags {
		parts = append(parts, fmt.Sprintf("%q=%q", f.Key, f.Values))
	}
	query := logs.QueryHash(parts...)
	after, err := s.openToken(logs.TokenList, query, r.Token)
	if err != nil {
		return Page{}, err
	}
	limit := r.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	f := catalog.GroupFilter{
		Prefix: pattern.prefix(), After: string(after), Limit: limit + 1,
		Match: matchAll(pattern.match(), ofClass(r.Class)),
	}
	found, err := s.listTagged(ctx, scope, f, r.Tags)
	if err != nil {
		return Page{}, translate(err, nil, nil)
	}
	return s.page(logs.TokenList, query, found, limit), nil
}

// listTagged lists groups that pass the filter and have the tags.
func (s *Service) listTagged(ctx context.Context, scope logs.Scope, f catalog.GroupFilter, tags []TagFilter) ([]Group, error) {
	if len(tags) == 0 {
		return s.catalog.Groups(ctx, scope, f)
	}
	limit := f.Limit
	f.Limit = max(limit, 500)
	var found []Group
	for {
		batch, err := s.catalog.Groups(ctx, scope, f)
		if err != nil || len(batch) == 0 {
			return found, err
		}
		first, last := batch[0].Name, batch[len(batch)-1].Name
		byARN, err := s.catalog.TagsBetween(ctx, scope.GroupARN(first), scope.GroupARN(last))
		if err != nil {
			return nil, err
		}
		for _, g := range batch {
			if !matchTags(tags, byARN[scope.GroupARN(g.Name)]) {
				continue
			}
			if found = append(found, g); len(found) == limit {
				return found, nil
			}
		}
		if len(batch) < f.Limit {
			return found, nil
		}
		f.After = last
	}
}

func matchTags(filters []TagFilter, tags map[string]string) bool {
	for _, f := range filters {
		value, ok := tags[f.Key]
		if !ok || !matchValue(f.Values, value) {
			return false
		}
	}
	return true
}

func matchValue(wanted []string, value string) bool {
	for _, w := range wanted {
		w, negated := strings.CutPrefix(w, "!")
		if matchWildcard(w, value) != negated {
			return true
		}
	}
	return len(wanted) == 0
}

// matchWildcard compares exactly, or with a "*" at the start or end of want
// without regard to case.
func matchWildcard(want, value string) bool {
	middle, anyStart := strings.CutPrefix(want, "*")
	middle, anyEnd := strings.CutSuffix(middle, "*")
	if !anyStart && !anyEnd {
		return want == value
	}
	middle, value = strings.ToLower(middle), strings.ToLower(value)
	switch {
	case anyStart && anyEnd:
		return strings.Contains(value, middle)
	case anyStart:
		return strings.HasSuffix(value, middle)
	}
	return strings.HasPrefix(value, middle)
}

// namePattern is the pattern of ListLogGroups: one to five alternatives.
type namePattern []alternative

type alternative struct {
	text     string
	anchored bool // at the start of the name
}

// parsePattern parses alternatives of 3 to 24 characters joined by "|", each a
// substring or, after "^", a prefix.
func parsePattern(text string) (namePattern, error) {
	if text == "" {
		return nil, nil
	}
	parts := strings.Split(text, "|")
	if len(parts) > 5 {
		return nil, parameterf("Invalid logGroupNamePattern: it has %d alternatives, at most 5 are allowed.", len(parts))
	}
	var p namePattern
	for _, part := range parts {
		part, anchored := strings.CutPrefix(part, "^")
		if n := utf8.RuneCountInString(part); n < 3 || n > 24 {
			return nil, parameterf("Invalid logGroupNamePattern: %q has %d characters, each alternative must have 3 to 24.", part, n)
		}
		if strings.Contains(part, "^") {
			return nil, parameterf("Invalid logGroupNamePattern: ^ can stand only at the start of an alternative.")
		}
		p = append(p, alternative{part, anchored})
	}
	return p, nil
}

// prefix returns what every match begins with, so that a range is read instead
// of everything.
func (p namePattern) prefix() string {
	if len(p) == 1 && p[0].anchored {
		return p[0].text
	}
	return ""
}

func (p namePattern) match() match {
	if len(p) == 0 || p.prefix() != "" {
		return nil
	}
	return func(g *Group) bool {
		for _, a := range p {
			if a.anchored && strings.HasPrefix(g.Name, a.text) || !a.anchored && strings.Contains(g.Name, a.text) {
				return true
			}
		}
		return false
	}
}
