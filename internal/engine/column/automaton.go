package column

// State is a state of an Automaton.
type State uint16

// States that every Automaton has.
const (
	Unsure  State = iota // the text must be given to Match
	Matched              // the text matches, whatever follows
)

// MaxReach bounds the states that Automaton.Reach gives.
const MaxReach = 16

// Automaton decides whether texts match something by reading them piece by
// piece, so that a text need not be put together. It is used by one goroutine at
// a time. Who uses it may compare it with others, so it should be a pointer.
type Automaton interface {
	// Start returns the state before the first piece of a text.
	Start() State
	// Run returns the state that a piece leads to from s, which is neither Unsure
	// nor Matched.
	Run(s State, piece []byte) State
	// Reach appends every state that pieces of these bytes can lead to from s, s
	// included, each once; byte c is bit c%64 of word c/64. It returns false when
	// there are more than MaxReach of them, or Unsure or Matched is among them.
	Reach(s State, bytes *[4]uint64, dst []State) ([]State, bool)
	// Ends reports whether a text that is not empty and ends in s matches.
	Ends(s State) bool
	// Match reports whether a whole text matches.
	Match(text []byte) bool
}
