package groups

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// DefaultLimit is the page size of listings whose caller names none.
const DefaultLimit = 50

// Accounts are the parameters by which a monitoring account asks for the groups
// of the accounts linked to it. No account is linked to another here: naming
// one's own is allowed, naming another is an error rather than an empty answer.
type Accounts struct {
	Identifiers   []string
	IncludeLinked bool
}

func (a Accounts) check(scope logs.Scope) error {
	if len(a.Identifiers) > 0 && !a.IncludeLinked {
		return parameterf("accountIdentifiers can be used only when includeLinkedAccounts is true.")
	}
	for _, id := range a.Identifiers {
		if id != scope.Account {
			return parameterf("Account %s is not linked to account %s.", id, scope.Account)
		}
	}
	return nil
}

// DescribeRequest selects and pages groups.
type DescribeRequest struct {
	Accounts
	Prefix      string   // names that begin so
	Pattern     string   // names that contain it
	Class       string   // "" = any
	Identifiers []string // these groups only; excludes Prefix, Pattern and Class
	Token       *string
	Limit       int // 0 = DefaultLimit
}

// Page is one page of groups, by byte order of their names. Next is the token
// of the next page, "" on the last.
type Page struct {
	Groups []Group
	Next   string
}

// Describe lists groups. ErrPrefixAndPattern, ErrBadToken, *ParameterError,
// ErrUnavailable.
func (s *Service) Describe(ctx context.Context, scope logs.Scope, r DescribeRequest) (Page, error) {
	if r.Prefix != "" && r.Pattern != "" {
		return Page{}, ErrPrefixAndPattern
	}
	if len(r.Identifiers) > 0 && (r.Prefix != "" || r.Pattern != "" || r.Class != "" || len(r.Accounts.Identifiers) > 0) {
		return Page{}, parameterf("logGroupIdentifiers can be combined only with includeLinkedAccounts.")
	}
	if err := r.check(scope); err != nil {
		return Page{}, err
	}
	query := logs.QueryHash(append([]string{scope.Account, scope.Region, r.Prefix, r.Pattern, r.Class}, r.Identifiers...)...)
	after, err := s.openToken(logs.TokenGroups, query, r.Token)
	if err != nil {
		return Page{}, err
	}
	limit := r.Limit
	if limit == 0 {
		limit = DefaultLimit
	}

	var found []Group
	if len(r.Identifiers) > 0 {
		found, err = s.describeSome(ctx, scope, r.Identifiers, string(after))
	} else {
		f := catalog.GroupFilter{Prefix: r.Prefix, After: string(after), Limit: limit + 1, Match: matchAll(contains(r.Pattern), ofClass(r.Class))}
		found, err = s.catalog.Groups(ctx, scope, f)
	}
	if err != nil {
		return Page{}, translate(err, nil, nil)
	}
	page := s.page(logs.TokenGroups, query, found, limit)
	for i := range page.Groups {
		page.Groups[i].StoredBytes += s.store.HeadBytes(page.Groups[i].ID)
	}
	return page, nil
}

// describeSome returns those of the named groups that exist and come after a
// name.
func (s *Service) describeSome(ctx context.Context, scope logs.Scope, identifiers []string, after string) ([]Group, error) {
	names := make([]string, 0, len(identifiers))
	for _, id := range identifiers {
		if name, ok := groupName(scope, id); ok && name > after {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var found []Group
	for _, name := range slices.Compact(names) {
		g, err := s.catalog.GroupByName(ctx, scope, name)
		if errors.Is(err, catalog.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found = append(found, g)
	}
	return found, nil
}

// page cuts found, which holds one more than limit when there is another page.
func (s *Service) page(kind logs.TokenKind, query uint64, found []Group, limit int) Page {
	if len(found) <= limit {
		return Page{Groups: found}
	}
	found = found[:limit]
	return Page{Groups: found, Next: logs.EncodeToken(kind, query, s.nowMS(), []byte(found[limit-1].Name))}
}

// openToken returns the position in a token, nil when there is none.
func (s *Service) openToken(kind logs.TokenKind, query uint64, token *string) ([]byte, error) {
	if token == nil {
		return nil, nil
	}
	position, err := logs.DecodeToken(*token, kind, query, s.nowMS())
	if err != nil {
		return nil, ErrBadToken
	}
	return position, nil
}

type match = func(*Group) bool

func contains(part string) match {
	if part == "" {
		return nil
	}
	return func(g *Group) bool { return strings.Contains(g.Name, part) }
}

// ofClass selects a class. Asking for one of the two classes of infrequent
// access gives both (API reference of DescribeLogGroups).
func ofClass(class string) match {
	switch class {
	case "":
		return nil
	case ClassInfrequentAccess, ClassEssentials:
		return func(g *Group) bool { return g.Class == ClassInfrequentAccess || g.Class == ClassEssentials }
	}
	return func(g *Group) bool { return g.Class == class }
}

// matchAll is true where every given match is; nil ones are left out.
func matchAll(all ...match) match {
	all = slices.DeleteFunc(all, func(m match) bool { return m == nil })
	if len(all) == 0 {
		return nil
	}
	return func(g *Group) bool {
		for _, m := range all {
			if !m(g) {
				return false
			}
		}
		return true
	}
}

func retentionSet() string {
	return strings.Join(strings.Fields(fmt.Sprint(retentions)), ", ")
}
