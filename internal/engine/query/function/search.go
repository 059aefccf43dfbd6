package function

import "github.com/cumulog/cumulog/internal/engine/query/plan"

// Searchable returns an expression whose value is that of a call, but that shows
// the text which it looks for, so that blocks without the text need not be read.
// It is the call itself when it looks for none.
func Searchable(c plan.Call) plan.Expr {
	if len(c.Args) < 2 {
		return c
	}
	k, ok := c.Args[1].(plan.Const)
	if !ok || !plan.HasText(&k.V) || k.V.Kind == plan.Text && len(k.V.Text) == 0 {
		return c
	}
	x := plan.Contains{X: c.Args[0], Sub: string(k.V.AppendText(nil))}
	switch c.Func {
	case insights["strcontains"]:
		if len(c.Args) == 3 {
			fold, ok := c.Args[2].(plan.Const)
			if !ok || fold.V.True() {
				return c
			}
		}
		return x
	case insights["startswith"], insights["endswith"]:
		return plan.And{X: []plan.Expr{x, c}}
	}
	return c
}
