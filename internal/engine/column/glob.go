package column

import "bytes"

// Glob takes texts apart at literals: part i is what lies between literal i, where
// it is found first, and literal i+1, where that is found first behind it. The
// first literal may be anywhere; when the last one is empty, the last part is all
// that is left. A Glob has a literal more than parts and is not changed.
type Glob struct {
	Literals [][]byte
}

// Cut sets out[i] to part i of text, whose memory it shares. When a literal is
// missing it returns false, and what is in out then means nothing.
func (g *Glob) Cut(text []byte, out [][]byte) bool {
	at := bytes.Index(text, g.Literals[0])
	if at < 0 {
		return false
	}
	at += len(g.Literals[0])
	last := len(g.Literals) - 1
	for i, lit := range g.Literals[1:] {
		if i+1 == last && len(lit) == 0 {
			out[i] = text[at:len(text):len(text)]
			return true
		}
		n := bytes.Index(text[at:], lit)
		if n < 0 {
			return false
		}
		out[i] = text[at : at+n : at+n]
		at += n + len(lit)
	}
	return true
}

// Piece is a range of bytes. An absent one begins at Absent.
type Piece struct{ From, To uint32 }

// Absent is where a Piece begins that is not there.
const Absent = 1<<32 - 1

// Cuts are parts of the messages of rows.
type Cuts struct {
	Parts []int     // which parts
	Texts []byte    // what the pieces are ranges of
	Found [][]Piece // by place in Parts, by row
}
