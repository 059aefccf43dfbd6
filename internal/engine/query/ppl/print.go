package ppl

import (
	"strconv"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
	"github.com/cumulog/cumulog/internal/engine/query/sqlexpr"
)

// String prints the query in its canonical form. Parsing that gives the same
// query, but for spans and the names of columns that have no alias.
func (q *Query) String() string {
	var parts []string
	if q.named {
		parts = append(parts, "source = "+q.sourceText())
	}
	for _, c := range q.Commands {
		parts = append(parts, c.String())
	}
	return strings.Join(parts, " | ")
}

func (q *Query) sourceText() string {
	var list []string
	names := 0
	for _, s := range q.Sources {
		prefix := "lg:"
		if s.Kind == insightsql.SourceDataSource {
			prefix = "ds:"
		}
		for _, n := range s.Names {
			list = append(list, prefix+quoteWhole(n))
			names++
		}
	}
	for _, x := range q.Index {
		if len(x.Values) == 0 {
			list = append(list, "`aws:fieldIndex` = "+sqlexpr.QuoteText(strings.Join(x.Field.Parts, ".")))
			continue
		}
		v := make([]string, len(x.Values))
		for i, s := range x.Values {
			v[i] = sqlexpr.QuoteText(s)
		}
		list = append(list, x.Field.String()+" IN ("+strings.Join(v, ", ")+")")
	}
	return "[" + strings.Join(list, ", ") + "]"
}

// quoteWhole writes a name with dots as one name.
func quoteWhole(s string) string { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }

func names(n []*sqlexpr.Name) string {
	s := make([]string, len(n))
	for i, x := range n {
		s[i] = x.String()
	}
	return strings.Join(s, ", ")
}

func assigns(a []Assign) string {
	s := make([]string, len(a))
	for i, x := range a {
		s[i] = x.Name.String() + " = " + x.X.String()
	}
	return strings.Join(s, ", ")
}

func as(name string) string {
	if name == "" {
		return ""
	}
	return " as " + quoteWhole(name)
}

func (c *Where) String() string { return "where " + c.Cond.String() }
func (c *Eval) String() string  { return "eval " + assigns(c.Items) }

func (c *Fields) String() string {
	if c.Drop {
		return "fields - " + names(c.Names)
	}
	return "fields " + names(c.Names)
}

func (c *Stats) String() string {
	s := make([]string, len(c.Items))
	for i, x := range c.Items {
		s[i] = x.X.String() + as(x.As)
	}
	text := "stats " + strings.Join(s, ", ")
	if c.Event {
		text = "event" + text
	}
	if len(c.By) == 0 {
		return text
	}
	s = make([]string, len(c.By))
	for i, k := range c.By {
		s[i] = k.X.String()
		if k.Every > 0 {
			s[i] = "span(" + k.X.String() + ", " + strconv.FormatFloat(k.Every, 'f', -1, 64)
			if k.Unit != "" {
				s[i] += " " + k.Unit
			}
			s[i] += ")"
		}
		s[i] += as(k.As)
	}
	return text + " by " + strings.Join(s, ", ")
}

func (k SortKey) String() string {
	s := k.Name.String()
	if k.As != "" {
		s = k.As + "(" + s + ")"
	}
	if k.Desc {
		return "- " + s
	}
	return s
}

func (c *Sort) String() string {
	s := make([]string, len(c.Keys))
	for i, k := range c.Keys {
		s[i] = k.String()
	}
	return "sort " + strings.Join(s, ", ")
}

func (c *Head) String() string {
	s := "head " + strconv.Itoa(c.N)
	if c.From > 0 {
		s += " from " + strconv.Itoa(c.From)
	}
	return s
}

func (c *Dedup) String() string {
	s := "dedup " + strconv.Itoa(c.N) + " " + names(c.Names)
	if c.KeepEmpty {
		s += " keepempty=true"
	}
	return s
}

func (c *Rename) String() string {
	s := make([]string, len(c.Pairs))
	for i, p := range c.Pairs {
		s[i] = p.From.String() + " as " + p.To.String()
	}
	return "rename " + strings.Join(s, ", ")
}

func (c *Extract) String() string {
	return "parse " + c.X.String() + " " + sqlexpr.QuoteText(c.Pattern)
}
func (c *Grok) String() string { return "grok " + c.X.String() + " " + sqlexpr.QuoteText(c.Pattern) }

func (c *Top) String() string {
	s := "top "
	if c.Rare {
		s = "rare "
	}
	s += strconv.Itoa(c.N) + " " + names(c.Names)
	if len(c.By) > 0 {
		s += " by " + names(c.By)
	}
	return s
}

func (c *Join) String() string {
	s := "inner"
	if c.Outer {
		s = "left"
	}
	return s + " join left = " + sqlexpr.QuoteName(c.Left) + ", right = " + sqlexpr.QuoteName(c.Right) + " on " + c.On.String() + " [ " + c.Query.String() + " ]"
}

func (c *Trendline) String() string {
	s := "trendline"
	if c.Sort != nil {
		s += " sort " + c.Sort.String()
	}
	for _, x := range c.Items {
		f := "sma"
		if x.Weighted {
			f = "wma"
		}
		s += " " + f + "(" + strconv.Itoa(x.N) + ", " + x.Name.String() + ")" + as(x.As)
	}
	return s
}

func (c *Flatten) String() string {
	s := "flatten " + c.Name.String()
	if len(c.As) > 0 {
		q := make([]string, len(c.As))
		for i, n := range c.As {
			q[i] = quoteWhole(n)
		}
		s += " as (" + strings.Join(q, ", ") + ")"
	}
	return s
}

func (c *Expand) String() string {
	if c.As == nil {
		return "expand " + c.Name.String()
	}
	return "expand " + c.Name.String() + " as " + c.As.String()
}

func (c *FieldSummary) String() string {
	s := "fieldsummary includefields=" + c.Name.String()
	if c.Nulls {
		s += " nulls=true"
	}
	return s
}

func (c *FillNull) String() string {
	if c.With != nil {
		return "fillnull with " + c.With.String() + " in " + names(c.Names)
	}
	return "fillnull using " + assigns(c.Using)
}
