package shred

// resolve finds the path of every key of the scanned message: keys[i].id. It
// reports false when a path is too long or too many are known.
func (j *JSON) resolve(m []byte) bool {
	for i := range j.keys {
		k := &j.keys[i]
		parent := int32(-1)
		if k.parent >= 0 {
			parent = j.keys[k.parent].id
		}
		raw := m[k.from:k.to]
		id, ok := j.children[childKey{parent, string(raw)}]
		if !ok {
			j.path = j.path[:0]
			if parent >= 0 {
				j.path = append(j.path, j.paths[parent].name...)
			}
			j.path = appendKey(j.path, unescape(raw), parent < 0)
			if len(j.path) > MaxPath || len(j.children) >= maxKnown || j.known+len(raw)+len(j.path) > knownMax {
				return false
			}
			j.known += len(raw)
			id = j.pathID()
			j.children[childKey{parent, string(raw)}] = id
		}
		k.id = id
	}
	return true
}

// pathID returns the number of the path in j.path.
func (j *JSON) pathID() int32 {
	id, ok := j.ids[string(j.path)]
	if !ok {
		id = int32(len(j.paths))
		name := string(j.path)
		j.ids[name] = id
		j.paths = append(j.paths, path{name: name})
		j.known += len(name)
	}
	return id
}

// missing returns how many columns the holes of the scanned message need that
// do not exist yet, and the bytes of their paths.
func (j *JSON) missing() (columns, bytes int) {
	j.row++
	for i, h := range j.holes {
		if p, nth := j.repeat(i); nth >= len(p.columns[j.columnsOf(h.kind)]) {
			columns++
			bytes += len(p.name)
		}
	}
	return columns, bytes
}

// columnsOf returns where path.columns has the columns of a kind: the text
// before the object has a path of its own.
func (j *JSON) columnsOf(k PathKind) PathKind {
	if k == Token {
		return String
	}
	return k
}

// repeat returns the path of hole i and which of its kind within the row it is.
// The holes of a row are asked for once each, in order, after j.row was
// increased.
func (j *JSON) repeat(i int) (p *path, nth int) {
	h := &j.holes[i]
	p = &j.prefix
	if h.key >= 0 {
		p = &j.paths[j.keys[h.key].id]
	}
	if p.block != j.block {
		p.block = j.block
		for k := range p.columns {
			p.columns[k] = p.columns[k][:0]
		}
	}
	if p.row != j.row {
		p.row = j.row
		clear(p.nth[:])
	}
	k := j.columnsOf(h.kind)
	nth = int(p.nth[k])
	p.nth[k]++
	return p, nth
}

// column returns the column of hole i, which it adds to s when there is none;
// see repeat.
func (j *JSON) column(i int, s *Shape) uint16 {
	p, nth := j.repeat(i)
	kind := j.holes[i].kind
	k := j.columnsOf(kind)
	if nth >= len(p.columns[k]) {
		if nth == cap(p.columns[k]) {
			j.known += 4*nth + 8
		}
		p.columns[k] = append(p.columns[k], uint16(s.NewColumn(p.name, kind, nth)))
	}
	return p.columns[k][nth]
}
