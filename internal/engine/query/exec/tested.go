package exec

import (
	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// tested asks the matcher of another language about the messages of rows that
// columns and needed texts do not decide.
type tested struct {
	plan.Test
	s       *scratch
	meet    matched // looks for what Need names
	scratch column.FilterScratch
	texts   column.Texts
}

func (p *tested) keep(f *blockFrame, sel, out []uint32) ([]uint32, error) {
	out = append(out[:0], sel...)
	if p.Columns != nil {
		left, sure, err := p.Columns.Keep(f, out, &p.scratch)
		if err != nil {
			return nil, err
		}
		if err := p.s.pace.work(checkEvery); err != nil {
			return nil, err
		}
		if out = left; sure || len(out) == 0 {
			return out, nil
		}
	}
	if p.Need.Op != hint.Any {
		hits, err := p.meet.meets(f, &p.Need)
		if err != nil {
			return nil, err
		}
		if hits != nil {
			out = with(out, hits, out[:0])
			p.meet.give(hits)
		}
		if len(out) == 0 {
			return out, nil
		}
	}
	p.texts.Reset()
	if err := f.Rows(out, &p.texts); err != nil {
		return nil, err
	}
	kept := out[:0]
	for i, r := range out {
		m := p.texts.At(i)
		if p.Match(m) {
			kept = append(kept, r)
		}
		if err := p.s.pace.work(len(m)); err != nil {
			return nil, err
		}
	}
	return kept, nil
}
