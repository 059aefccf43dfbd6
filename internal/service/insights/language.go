package insights

import (
	"context"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
	"github.com/cumulog/cumulog/internal/engine/query/ppl"
	"github.com/cumulog/cumulog/internal/engine/query/sql"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// The query languages of StartQuery.
const (
	CWLI = "CWLI" // Logs Insights QL
	PPL  = "PPL"  // OpenSearch PPL
	SQL  = "SQL"  // OpenSearch SQL
)

// text is a parsed query of some language.
type text interface {
	Compile(ctx context.Context, env insightsql.Env) (*insightsql.Compiled, error)
}

// statement is a parsed query and what has to be known of it before it is compiled.
type statement struct {
	text
	sources []insightsql.Source // none: the request names the groups

	// standardOnly is what in the query log groups of class INFREQUENT_ACCESS
	// do not offer; "" is nothing.
	standardOnly string
}

// language is one row of the table of languages.
type language struct {
	parse func(query string) (*statement, error)

	// named says that queries name their groups themselves, always.
	named bool
}

// languages returns the table of languages.
func languages() map[string]language {
	return map[string]language{
		CWLI: {parse: parseCWLI},
		PPL:  {parse: foreign(ppl.Parse)},
		SQL:  {parse: foreign(sql.Parse), named: true},
	}
}

func parseCWLI(query string) (*statement, error) {
	q, err := insightsql.Parse(query)
	if err != nil {
		return nil, malformed(err)
	}
	return statementOf(q), nil
}

// foreign adapts the parser of a language whose queries are no *insightsql.Query.
func foreign[Q insightsql.Language](parse func(string) (Q, error)) func(string) (*statement, error) {
	return func(query string) (*statement, error) {
		q, err := parse(query)
		if err != nil {
			return nil, malformed(err)
		}
		return &statement{text: q, sources: q.Selectors()}, nil
	}
}

// statementOf looks at a parsed query of Logs Insights QL.
func statementOf(q *insightsql.Query) *statement {
	return &statement{text: q, sources: q.Sources, standardOnly: q.StandardOnly()}
}

// checkClasses refuses groups whose class does not offer what the query uses.
func (s *statement) checkClasses(found []groups.Group) error {
	for _, g := range found {
		switch g.Class {
		case groups.ClassStandard:
		case groups.ClassInfrequentAccess, groups.ClassEssentials:
			if s.standardOnly != "" {
				return parameterf("The %s command is only supported on the Standard log class, which %s is not of.", s.standardOnly, g.Name)
			}
		default:
			return ErrClass
		}
	}
	return nil
}

// infrequent reports whether a group is of the class whose queries have a quota of their own.
func infrequent(found []groups.Group) bool {
	return slices.ContainsFunc(found, func(g groups.Group) bool {
		return g.Class == groups.ClassInfrequentAccess || g.Class == groups.ClassEssentials
	})
}

// Table is a lookup table as the languages see it.
type Table = insightsql.Table

// ErrNoTable says that there is no lookup table of a name.
var ErrNoTable = insightsql.ErrNoTable
