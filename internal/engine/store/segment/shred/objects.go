package shred

import "github.com/cumulog/cumulog/internal/engine/column"

// Whole adds to rows those whose message is a JSON object with nothing but white
// space before it, of which Field knows every value.
func (b *Block) Whole(rows column.Bitmap) {
	if !b.fields {
		return
	}
	all, some := true, false
	b.inColumn = fit(b.inColumn, len(b.templates))
	for i := range b.templates {
		whole := !b.isWhole(&b.templates[i]) && beginsObject(&b.templates[i])
		b.inColumn[i] = whole
		if b.rows[i] > 0 {
			all, some = all && whole, some || whole
		}
	}
	switch {
	case all:
		rows.Fill(len(b.of))
	case some:
		for row, of := range b.of {
			if b.inColumn[of] {
				rows.Set(row)
			}
		}
	}
}

// beginsObject reports whether a brace comes first in the messages of a template.
func beginsObject(t *Template) bool {
	first := t.Literal
	if len(t.Ends) > 0 {
		first = first[:t.Ends[0]]
	}
	i := skipSpace(first, 0)
	return i < len(first) && first[i] == '{'
}
