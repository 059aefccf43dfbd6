package sqlexpr

import (
	"net/netip"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// appendOrdered appends a text without digits that plan.Order orders by the bytes
// of t.
func appendOrdered(dst, t []byte) []byte {
	for _, c := range t {
		switch {
		case c == '/': // before the digits, after all bytes below it
			dst = append(dst, '/', 1)
		case c >= '0' && c <= '9':
			dst = append(dst, '/', c-'0'+'A')
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// orderKey is a function that makes plan.Sort order values as Compare does.
func orderKey() *plan.Function {
	return &plan.Function{Name: "bytewise", Min: 1, Max: 1, Eval: func(args []plan.Value, a *plan.Arena) plan.Value {
		v := args[0]
		if v.Kind != plan.Text {
			return v
		}
		if _, number := v.Float(); number {
			return v
		}
		from := len(a.Bytes)
		a.Bytes = appendOrdered(a.Bytes, v.Text)
		return plan.Value{Kind: plan.Text, Text: a.Text(from)}
	}}
}

// orderText is orderKey for texts that may be numbers.
func orderText() *plan.Function {
	return &plan.Function{Name: "bytewise_text", Min: 1, Max: 1, Eval: func(args []plan.Value, a *plan.Arena) plan.Value {
		if args[0].Kind == plan.Null {
			return plan.Value{}
		}
		from := len(a.Bytes)
		a.Bytes = append(a.Bytes, '=') // no number begins so
		a.Bytes = appendOrdered(a.Bytes, args[0].Text)
		return plan.Value{Kind: plan.Text, Text: a.Text(from)}
	}}
}

// orderIP orders addresses by their bytes; what is no address is Null.
func orderIP() *plan.Function {
	return &plan.Function{Name: "address", Min: 1, Max: 1, Eval: func(args []plan.Value, a *plan.Arena) plan.Value {
		if args[0].Kind != plan.Text {
			return plan.Value{}
		}
		ip, err := netip.ParseAddr(strings.TrimSpace(string(args[0].Text)))
		if err != nil {
			return plan.Value{}
		}
		b := ip.As16()
		from := len(a.Bytes)
		for _, c := range b {
			a.Bytes = append(a.Bytes, 'a'+c>>4, 'a'+c&15)
		}
		return plan.Value{Kind: plan.Text, Text: a.Text(from)}
	}}
}

// SortKey makes a key of plan.Sort that orders texts by their bytes.
func SortKey(x plan.Expr) plan.Expr {
	if isTime(x) || isNumeric(x) {
		return x
	}
	return call(orderKey(), x)
}

// isNumeric reports whether x is a number or Null for every row.
func isNumeric(x plan.Expr) bool {
	switch x := x.(type) {
	case plan.Arith:
		return true
	case plan.Field:
		return strings.HasPrefix(x.Name, aggPrefix+"n")
	}
	return false
}

// jsonValue is the value that a piece of JSON is, as written.
func jsonValue(b []byte) plan.Value {
	if len(b) == 0 {
		return plan.Value{}
	}
	switch b[0] {
	case 'n':
		return plan.Value{}
	case 't', 'f':
		return Truth(b[0] == 't')
	case '{', '[':
		return plan.Value{Kind: plan.List, Text: b}
	case '"':
		return plan.Value{Kind: plan.Text, Text: column.AppendUnescaped(nil, b[1:len(b)-1])}
	}
	f, ok := plan.ParseNumber(b)
	if !ok {
		return plan.Value{Kind: plan.Text, Text: b}
	}
	return plan.Value{Kind: plan.Raw, Num: f, Text: b}
}
