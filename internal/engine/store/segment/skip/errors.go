package skip

import (
	"errors"
	"fmt"
)

// ErrDamaged is what every *DamageError wraps.
var ErrDamaged = errors.New("skip index is damaged")

// ErrMisuse is wrapped by the errors of a Builder that was given a unit twice,
// or numbers that are out of range.
var ErrMisuse = errors.New("skip builder misused")

// ErrTooLarge is wrapped by the errors for what passes a limit of the format.
var ErrTooLarge = errors.New("skip index too large")

// DamageError says that a payload, or one page of it, cannot be trusted. Whoever
// gets it keeps all units.
type DamageError struct {
	Section string // "TIX" or "TRI"
	Page    int    // -1: the part that is not a page
	Reason  string
}

func (e *DamageError) Error() string {
	if e.Page < 0 {
		return fmt.Sprintf("%s: %v: %s", e.Section, ErrDamaged, e.Reason)
	}
	return fmt.Sprintf("%s page %d: %v: %s", e.Section, e.Page, ErrDamaged, e.Reason)
}

// Unwrap returns ErrDamaged.
func (e *DamageError) Unwrap() error { return ErrDamaged }
