package column

// Texts is a list of byte strings in one piece of memory: text i is
// Data[Ends[i-1]:Ends[i]], text 0 begins at 0. All of them together are
// shorter than 4 GiB.
type Texts struct {
	Data []byte
	Ends []uint32
}

// Len returns the number of texts.
func (t *Texts) Len() int { return len(t.Ends) }

// At returns text i, which shares the memory of t.
func (t *Texts) At(i int) []byte {
	from := uint32(0)
	if i > 0 {
		from = t.Ends[i-1]
	}
	return t.Data[from:t.Ends[i]:t.Ends[i]]
}

// Append adds a copy of text.
func (t *Texts) Append(text []byte) {
	t.Data = append(t.Data, text...)
	t.Ends = append(t.Ends, uint32(len(t.Data)))
}

// Reset empties t and keeps its memory.
func (t *Texts) Reset() { t.Data, t.Ends = t.Data[:0], t.Ends[:0] }
