package plan

import "fmt"

// Arena is where functions put the texts that they make. A text is valid until
// its owner cuts Bytes back.
type Arena struct{ Bytes []byte }

// Text ends a text that was appended to Bytes since from.
func (a *Arena) Text(from int) []byte { return a.Bytes[from:len(a.Bytes):len(a.Bytes)] }

// Eval computes one call. It may keep state of its own, so it belongs to one
// goroutine. Text it makes goes to the arena, at most MaxMade bytes of it;
// arguments may be returned as they are.
type Eval func(args []Value, a *Arena) Value

// MaxMade bounds the text that one call makes, in bytes.
const MaxMade = 4 << 20

// Function is a scalar function. The values are those of a language, package
// function has the common ones. A Function is never changed.
type Function struct {
	Name     string // as Explain writes it; tells it from every other function of a plan
	Min, Max int    // number of arguments

	// Eval computes the function when Bind is nil; it keeps no state.
	Eval Eval

	// Bind, when it is set, makes the Eval of one goroutine. consts has the
	// arguments that are constant and nil for the others. Its error says what is
	// wrong with a constant.
	Bind func(consts []*Value) (Eval, error)

	Predicate bool // the result is 1 or 0 for every row
	Volatile  bool // two calls with the same arguments can differ
	Absent    bool // Null arguments can give something else than Null
}

// Bound returns what computes a call.
func (e Call) Bound() (Eval, error) {
	if e.Func.Bind == nil {
		return e.Func.Eval, nil
	}
	consts := make([]*Value, len(e.Args))
	for i, x := range e.Args {
		if c, ok := x.(Const); ok {
			consts[i] = &c.V
		}
	}
	return e.Func.Bind(consts)
}

// MaxArgs bounds the arguments of functions that take any number of them.
const MaxArgs = 64

func checkCall(e Call) error {
	if e.Func == nil || e.Func.Name == "" || e.Func.Eval == nil && e.Func.Bind == nil {
		return invalid("a function is missing")
	}
	if n := len(e.Args); n < e.Func.Min || n > e.Func.Max {
		return invalid("function %s takes %s, not %d", e.Func.Name, e.Func.Arity(), n)
	}
	if _, err := e.Bound(); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return nil
}

// Arity says how many arguments a function takes.
func (f *Function) Arity() string {
	switch {
	case f.Min == f.Max && f.Min == 1:
		return "1 argument"
	case f.Min == f.Max:
		return fmt.Sprintf("%d arguments", f.Min)
	case f.Max >= MaxArgs:
		return fmt.Sprintf("at least %d arguments", f.Min)
	}
	return fmt.Sprintf("%d to %d arguments", f.Min, f.Max)
}

// foldCall computes a call whose arguments are all constant.
func foldCall(e Call) Expr {
	if e.Func.Volatile {
		return e
	}
	args := make([]Value, len(e.Args))
	for i, x := range e.Args {
		c, ok := x.(Const)
		if !ok {
			return e
		}
		args[i] = c.V
	}
	eval, err := e.Bound()
	if err != nil {
		return e
	}
	v := eval(args, &Arena{})
	if len(v.Text) > MaxText {
		return e
	}
	return Const{v.Clone()}
}
