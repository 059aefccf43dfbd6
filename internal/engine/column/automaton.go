package column

// State is a state of an Automaton.
type State uint16

// States that every Automaton has.
const (
	Unsure  State = iota // the text must be given to Match
	Matched              // the text matches, whatever follows
)

// Automaton decides whether texts match something by reading them piece by
// piece, so that a text need not be put together. It is used by one goroutine at
// a time.
type Automaton interface {
	// Start returns the state before the first piece of a text.
	Start() State
	// Run returns the state that a piece leads to from s, which is neither Unsure
	// nor Matched.
	Run(s State, piece []byte) State
	// Rests reports whether every piece that is made of these bytes only leaves s
	// as it is; byte c is bit c%64 of word c/64.
	Rests(s State, bytes *[4]uint64) bool
	// Ends reports whether a text that is not empty and ends in s matches.
	Ends(s State) bool
	// Match reports whether a whole text matches.
	Match(text []byte) bool
}
