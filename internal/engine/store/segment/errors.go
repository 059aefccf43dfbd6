package segment

import (
	"errors"
	"fmt"
)

var (
	// ErrOrder reports rows or groups handed to a Writer out of order, or
	// two rows with the same stream and key.
	ErrOrder = errors.New("rows out of order")
	// ErrTooLarge reports a block beyond MaxBlockRows or MaxBlockBytes.
	ErrTooLarge = errors.New("block too large")
	// ErrInvalid reports a row that the format cannot hold: a negative id or
	// timestamp, or two ingestion times for one batch.
	ErrInvalid = errors.New("invalid row")
	// ErrVersion reports a part, a mandatory section or a block encoding that
	// a newer release wrote.
	ErrVersion = errors.New("part needs a newer release")
	// ErrFinished reports the use of a Writer after Finish.
	ErrFinished = errors.New("writer is finished")
)

// CorruptionError reports bytes of a part that are not what was written. Other
// blocks of the part stay readable when only a block is damaged.
type CorruptionError struct {
	File    string // the name given to Open
	Offset  int64  // where the damaged frame or record starts
	Section string // what lies there: header, keys, messages, head, columns, shared, tokens, trigrams, index, groups, footer, trailer …
	Detail  string // what is wrong
	Hint    string // what an operator can do
}

func (e *CorruptionError) Error() string {
	s := fmt.Sprintf("part %s is damaged at offset %d (%s): %s", e.File, e.Offset, e.Section, e.Detail)
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

const (
	hintBlock = "the rows of this block are lost unless a copy of the file exists; other blocks are not affected"
	hintIndex = "keep the file: its blocks describe themselves and can be recovered without the index"
	hintSkip  = "searches of this part read more than they need until it is merged or repaired; no event is affected"
)
