package pattern

import "github.com/cumulog/cumulog/internal/engine/hint"

// Need returns what a message must contain for the pattern to match it: every
// message that Compile's matcher accepts meets it. Excluded items say nothing
// about what is there.
func (p *Pattern) Need() hint.Need {
	if p.All() {
		return hint.Need{}
	}
	var required, optional []hint.Need
	onlyOptional := true
	for _, it := range p.Items {
		switch it.Op {
		case Require:
			required = append(required, hint.Text(it.Text))
		case Optional:
			optional = append(optional, hint.Text(it.Text))
		}
		onlyOptional = onlyOptional && it.Op == Optional
	}
	if onlyOptional {
		return hint.Or(optional...)
	}
	return hint.And(required...)
}
