package shred

const (
	maxKnown  = 8192     // paths and keys that a splitter remembers
	knownMax  = 1 << 20  // bytes of what it remembers
	crowd     = 128      // different continuations at one place, such as random keys, after which none is learned
	nearby    = 4        // siblings that are passed before the one that fits moves to the front
	giveUp    = 64 << 10 // bytes after which a block that is not JSON is recognised
	giveUpNum = 3        // ... when more than giveUpNum/giveUpDen of them were not taken apart
	giveUpDen = 4
)

// JSON takes blocks of JSON objects apart: scalar values and whole arrays
// become holes, everything else (keys, order, white space) is literal. A
// message may have some text before its object, which is a Token hole of path
// "". A JSON is used by one goroutine at a time and keeps its memory; the zero
// value is ready.
//
// Rows mostly repeat a template. The templates of a block are kept as a tree of
// literals and kinds of holes; a row that follows the tree to a leaf is taken
// apart by comparing bytes and finding the ends of values. What comes next in a
// message is a function of the bytes so far, so a row that fits a branch would
// be parsed to the same holes.
type JSON struct {
	scanner
	arena []byte
	nodes []node
	spans []span
	cols  []uint16

	children map[childKey]int32 // what is known of paths; kept from block to block
	ids      map[string]int32
	paths    []path
	prefix   path   // of the text before objects
	path     []byte // scratch
	known    int    // bytes of keys, paths and their columns

	block     uint64 // number of the Split: which columns of paths are valid
	row       uint64 // number of the row: which counts of paths are valid
	pathBytes int
	isFull    bool // no template can be added
	crowded   bool // not where follow stopped
}

// node is a literal and what comes after it. Node 0 is the root.
type node struct {
	from, to    uint32 // the literal in the arena
	child, next int32  // first child and next sibling; 0: none
	number      uint16 // of the column of the hole, or of the template that ends here
	kind        PathKind
	depth       uint8 // objects that the hole is in
}

const leaf = PathKind(255) // kind of a node where a message ends

type span struct{ from, to uint32 }

type childKey struct {
	parent int32
	key    string
}

// path is a path of keys.
type path struct {
	name  string
	block uint64 // the Split that columns are of
	row   uint64 // the row whose repetitions nth counts
	// For each kind of value:
	columns [Array + 1][]uint16 // its columns; nearly always at most one
	nth     [Array + 1]uint16
}

// Split takes the messages apart: message i is arena[ends[i-1]:ends[i]]. It
// reports whether that was worth it; if not, s holds nothing of use. s does not
// share memory with the arena.
func (j *JSON) Split(arena []byte, ends []uint32, s *Shape) (ok bool) {
	if len(ends) == 0 || len(ends) > MaxRows || len(arena) > MaxRaw {
		return false
	}
	s.Reset(len(arena))
	s.fields = true
	j.begin(arena)
	defer func() { j.arena = nil }()
	from := uint32(0)
	check := uint32(giveUp)
	for _, end := range ends {
		m := arena[from:end:end]
		if of, fits := j.follow(m); fits {
			j.add(m, of, s)
		} else if j.isFull || j.crowded || !j.learn(m, from, s) {
			s.AddWhole(m)
		}
		if end >= check {
			if s.WholeBytes() > int(end)/giveUpDen*giveUpNum {
				return false
			}
			check = end + giveUp
		}
		from = end
	}
	return s.WholeBytes() <= len(arena)/2
}

func (j *JSON) begin(arena []byte) {
	j.arena, j.isFull, j.pathBytes = arena, false, 0
	j.nodes = append(j.nodes[:0], node{})
	j.block++
	if j.children == nil || len(j.children) > maxKnown/2 || j.known > knownMax/2 {
		j.children = make(map[childKey]int32)
		j.ids = make(map[string]int32)
		j.paths, j.known = nil, 0
	}
}

// follow looks for the template of m and finds its holes: j.spans.
func (j *JSON) follow(m []byte) (template uint16, ok bool) {
	j.spans = j.spans[:0]
	j.cols = j.cols[:0]
	i, at := 0, int32(0)
	for {
		first := j.nodes[at].child
		prev, passed := int32(0), 0
		c := first
	siblings:
		for ; c != 0; prev, c, passed = c, j.nodes[c].next, passed+1 {
			n := &j.nodes[c]
			lit := j.arena[n.from:n.to]
			if len(m)-i < len(lit) || string(m[i:i+len(lit)]) != string(lit) {
				continue
			}
			from := i + len(lit)
			end := -1
			switch n.kind {
			case String:
				// The literal ends with the quote.
				end = stringEnd(m, from)
			case Number:
				end = scalarEnd(m, from)
			case Array:
				if from < len(m) && m[from] == '[' {
					end = arrayEnd(m, from, int(n.depth))
				}
			case Token:
				if k := skipSpace(m, 0); k < len(m) && m[k] != '{' {
					end = prefixEnd(m)
				}
			case leaf:
				if from != len(m) {
					continue
				}
				return n.number, true
			}
			if end < 0 {
				continue
			}
			j.spans = append(j.spans, span{uint32(from), uint32(end)})
			j.cols = append(j.cols, n.number)
			i = end
			break siblings
		}
		if c == 0 {
			j.crowded = passed >= crowd
			return 0, false
		}
		if passed > nearby {
			j.nodes[prev].next = j.nodes[c].next
			j.nodes[c].next = first
			j.nodes[at].child = c
		}
		at = c
	}
}

// add adds a row that follow found.
func (j *JSON) add(m []byte, template uint16, s *Shape) {
	s.Of = append(s.Of, template)
	for i, sp := range j.spans {
		t := &s.Columns[j.cols[i]].Texts
		t.Data = append(t.Data, m[sp.from:sp.to]...)
		t.Ends = append(t.Ends, uint32(len(t.Data)))
	}
}

// learn scans m, which begins at base in the arena, and adds a template for it
// and the row; false: m cannot be taken apart, or there is no room.
func (j *JSON) learn(m []byte, base uint32, s *Shape) bool {
	if !s.Room(0, 0) {
		j.isFull = true
		return false
	}
	if !j.scan(m) {
		return false
	}
	literals := len(m)
	for _, h := range j.holes {
		literals -= int(h.to - h.from)
	}
	if !s.Room(literals, 0) || !j.resolve(m) {
		return false
	}
	fresh, bytes := j.missing()
	if !s.Room(literals, fresh) || j.pathBytes+bytes > maxPaths {
		return false
	}
	j.pathBytes += bytes

	number := s.NewTemplate(literals)
	j.row++
	j.spans, j.cols = j.spans[:0], j.cols[:0]
	at, from := int32(0), uint32(0)
	for i, h := range j.holes {
		c := j.column(i, s)
		t := &s.Templates[number]
		t.Lit(m[from:h.from])
		t.Hole(int(c))
		at = j.branch(at, node{from: base + from, to: base + h.from, number: c, kind: h.kind, depth: h.depth})
		from = h.to
		j.spans = append(j.spans, span{h.from, h.to})
		j.cols = append(j.cols, c)
	}
	s.Templates[number].Lit(m[from:])
	j.branch(at, node{from: base + from, to: base + uint32(len(m)), number: uint16(number), kind: leaf})
	j.add(m, uint16(number), s)
	return true
}

// branch returns the child of node at that is like n, which it adds when there
// is none.
func (j *JSON) branch(at int32, n node) int32 {
	lit := j.arena[n.from:n.to]
	for c := j.nodes[at].child; c != 0; c = j.nodes[c].next {
		have := &j.nodes[c]
		if have.kind == n.kind && string(j.arena[have.from:have.to]) == string(lit) {
			return c
		}
	}
	n.next = j.nodes[at].child
	j.nodes = append(j.nodes, n)
	j.nodes[at].child = int32(len(j.nodes) - 1)
	return j.nodes[at].child
}
