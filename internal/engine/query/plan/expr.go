package plan

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/hint"
)

// Names of fields that every event has. Every other name is a column that an earlier
// step made, or a field of the message; the package comment has the rules.
const (
	Timestamp = "@timestamp"     // Time
	Ingestion = "@ingestionTime" // Time
	Message   = "@message"       // Text
	LogStream = "@logStream"     // Number: the stream id
	LogGroup  = "@log"           // Number: the group id
)

// IsSystem reports whether name is one of the fields that every event has.
func IsSystem(name string) bool {
	switch name {
	case Timestamp, Ingestion, Message, LogStream, LogGroup:
		return true
	}
	return false
}

// JSONName returns by what name column.Find finds a field in a JSON message; false
// when none has it. The first key of a message that begins with @ is written with
// another @ before it; other names with @ are of what is found in texts.
func JSONName(field string) (name string, ok bool) {
	if !strings.HasPrefix(field, "@") {
		return field, true
	}
	return field[1:], strings.HasPrefix(field, "@@")
}

// Expr is an expression over the columns of a row. Its String is canonical: two
// expressions with the same text are the same.
type Expr interface {
	fmt.Stringer
	kids() []Expr
	with(kids []Expr) Expr // a copy with other operands; len(kids) is that of kids()
}

// Field is the value of a column.
type Field struct{ Name string }

// Const is a constant.
type Const struct{ V Value }

// Num returns a constant number.
func Num(f float64) Const { return Const{NumberValue(f)} }

// Str returns a constant text.
func Str(s string) Const { return Const{TextValue(s)} }

// Cmp compares two values by Holds.
type Cmp struct {
	Op   CmpOp
	A, B Expr
}

// And holds when all of X hold; without operands it holds.
type And struct{ X []Expr }

// Or holds when one of X holds; without operands it does not.
type Or struct{ X []Expr }

// Not holds when X does not.
type Not struct{ X Expr }

// Contains holds when the text of X contains Sub, byte for byte. Null and lists
// contain nothing.
type Contains struct {
	X   Expr
	Sub string
}

// Match holds when the regular expression is found in the text of X. Null and
// lists match nothing.
type Match struct {
	X  Expr
	Re *regexp.Regexp
}

// Test holds when a matcher of another language wants the message of the row.
type Test struct {
	Name    string                    // tells it from every other Test
	Match   func(message []byte) bool // safe for concurrent use; must not keep the message
	Need    hint.Need                 // what a message needs for Match to want it
	Columns column.Filter             // what Match implies of columns; nil: nothing
}

// In holds when X is equal to one of the constants.
type In struct {
	X    Expr
	List []Value
}

// Present holds when X is not Null.
type Present struct{ X Expr }

// Arith computes with two numbers.
type Arith struct {
	Op   ArithOp
	A, B Expr
}

// Bin is the start of the period that the time X lies in, as a Time; Null when X
// is no number.
type Bin struct {
	X     Expr
	Every int64 // ms, positive
}

// Call applies a function.
type Call struct {
	Func *Function
	Args []Expr
}

// Extract is one part of what an Extractor finds in the text of X: a text, Null
// where it finds nothing.
type Extract struct {
	X    Expr
	By   *Extractor
	Part int
}

// Extractor takes texts apart. It is never changed.
type Extractor struct {
	Name  string // as Explain writes it; tells it from every other extractor of a plan
	Parts int

	// New makes what takes texts apart for one goroutine: it sets out[i] to part
	// i, nil when the part is absent, and reports whether it found anything. The
	// parts share memory with the text or live until the next call.
	New func() func(text []byte, out [][]byte) bool

	// Glob is what New does when that is cutting at literals; nil: it is not.
	Glob *column.Glob

	// Literals are texts without which nothing is found.
	Literals []string
}

func (e Field) String() string {
	if IsElement(e.Name) {
		level, as, _ := strings.Cut(e.Name[1:], ":")
		return Field{as}.String() + "#" + level
	}
	for _, c := range []byte(e.Name) {
		if c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '@' || c == '.' {
			continue
		}
		return "`" + e.Name + "`"
	}
	return e.Name
}

func (e Const) String() string { return literal(&e.V) }

func literal(v *Value) string {
	switch v.Kind {
	case Null:
		return "null"
	case Text:
		return strconv.Quote(string(v.Text))
	}
	return string(v.AppendText(nil))
}

func (e Cmp) String() string {
	return "(" + e.A.String() + " " + e.Op.String() + " " + e.B.String() + ")"
}
func (e And) String() string { return joined(e.X, " and ", "true") }
func (e Or) String() string  { return joined(e.X, " or ", "false") }
func (e Not) String() string { return "not " + e.X.String() }
func (e Arith) String() string {
	return "(" + e.A.String() + " " + string(rune(e.Op)) + " " + e.B.String() + ")"
}

func (e Contains) String() string {
	return "(" + e.X.String() + " contains " + strconv.Quote(e.Sub) + ")"
}
func (e Match) String() string   { return "(" + e.X.String() + " like /" + e.Re.String() + "/)" }
func (e Test) String() string    { return "matches " + strconv.Quote(e.Name) }
func (e Present) String() string { return "present(" + e.X.String() + ")" }
func (e Bin) String() string {
	return "bin(" + e.X.String() + ", " + strconv.FormatInt(e.Every, 10) + "ms)"
}
func (e Call) String() string { return e.Func.Name + "(" + list(e.Args) + ")" }
func (e Extract) String() string {
	return e.By.Name + "(" + e.X.String() + ")[" + strconv.Itoa(e.Part) + "]"
}

func (e In) String() string {
	s := make([]string, len(e.List))
	for i := range e.List {
		s[i] = literal(&e.List[i])
	}
	return "(" + e.X.String() + " in [" + strings.Join(s, ", ") + "])"
}

func joined(x []Expr, op, none string) string {
	if len(x) == 0 {
		return none
	}
	s := make([]string, len(x))
	for i, k := range x {
		s[i] = k.String()
	}
	return "(" + strings.Join(s, op) + ")"
}

func list(x []Expr) string {
	s := make([]string, len(x))
	for i, k := range x {
		s[i] = k.String()
	}
	return strings.Join(s, ", ")
}

func (e Field) kids() []Expr    { return nil }
func (e Const) kids() []Expr    { return nil }
func (e Cmp) kids() []Expr      { return []Expr{e.A, e.B} }
func (e And) kids() []Expr      { return e.X }
func (e Or) kids() []Expr       { return e.X }
func (e Not) kids() []Expr      { return []Expr{e.X} }
func (e Contains) kids() []Expr { return []Expr{e.X} }
func (e Match) kids() []Expr    { return []Expr{e.X} }
func (e Test) kids() []Expr     { return []Expr{Field{Message}} }
func (e In) kids() []Expr       { return []Expr{e.X} }
func (e Present) kids() []Expr  { return []Expr{e.X} }
func (e Arith) kids() []Expr    { return []Expr{e.A, e.B} }
func (e Bin) kids() []Expr      { return []Expr{e.X} }
func (e Call) kids() []Expr     { return e.Args }
func (e Extract) kids() []Expr  { return []Expr{e.X} }

func (e Field) with([]Expr) Expr      { return e }
func (e Const) with([]Expr) Expr      { return e }
func (e Cmp) with(k []Expr) Expr      { return Cmp{e.Op, k[0], k[1]} }
func (e And) with(k []Expr) Expr      { return And{k} }
func (e Or) with(k []Expr) Expr       { return Or{k} }
func (e Not) with(k []Expr) Expr      { return Not{k[0]} }
func (e Contains) with(k []Expr) Expr { return Contains{k[0], e.Sub} }
func (e Match) with(k []Expr) Expr    { return Match{k[0], e.Re} }
func (e Test) with([]Expr) Expr       { return e }
func (e In) with(k []Expr) Expr       { return In{k[0], e.List} }
func (e Present) with(k []Expr) Expr  { return Present{k[0]} }
func (e Arith) with(k []Expr) Expr    { return Arith{e.Op, k[0], k[1]} }
func (e Bin) with(k []Expr) Expr      { return Bin{k[0], e.Every} }
func (e Call) with(k []Expr) Expr     { return Call{e.Func, k} }
func (e Extract) with(k []Expr) Expr  { return Extract{k[0], e.By, e.Part} }

// Fields calls yield for every column that e reads, once for each mention.
func Fields(e Expr, yield func(name string)) {
	if f, ok := e.(Field); ok {
		yield(f.Name)
	}
	for _, k := range e.kids() {
		Fields(k, yield)
	}
}

// FieldsBeside is Fields without what is read only to be taken apart by an Extract
// that own says yes to.
func FieldsBeside(e Expr, own func(Extract) bool, yield func(name string)) {
	switch e := e.(type) {
	case Field:
		yield(e.Name)
	case Extract:
		if own(e) {
			return
		}
	}
	for _, k := range e.kids() {
		FieldsBeside(k, own, yield)
	}
}

// rewrite returns e with f applied to every node, operands first.
func rewrite(e Expr, f func(Expr) Expr) Expr {
	old := e.kids()
	if len(old) > 0 {
		kids := make([]Expr, len(old))
		for i, k := range old {
			kids[i] = rewrite(k, f)
		}
		e = e.with(kids)
	}
	return f(e)
}

// Limits of a plan. They bound the work of planning and what one row can cost.
const (
	MaxNodes = 4096     // of one expression
	MaxDepth = 200      // of one expression
	MaxText  = 64 << 10 // bytes of one constant
	MaxSteps = 100
	MaxItems = 1000 // expressions of one step
)

// ErrInvalid is wrapped by every error about a plan that breaks its contract.
var ErrInvalid = errors.New("query: invalid plan")

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}

func check(e Expr, nodes *int, depth int) error {
	if e == nil {
		return invalid("an expression is missing")
	}
	if *nodes++; *nodes > MaxNodes || depth > MaxDepth {
		return invalid("an expression has more than %d nodes or %d levels", MaxNodes, MaxDepth)
	}
	switch e := e.(type) {
	case Field:
		if e.Name == "" || len(e.Name) > MaxText {
			return invalid("a field has no name, or one longer than %d bytes", MaxText)
		}
	case Const:
		if len(e.V.Text) > MaxText {
			return invalid("a constant is longer than %d bytes", MaxText)
		}
	case Contains:
		if len(e.Sub) > MaxText {
			return invalid("a constant is longer than %d bytes", MaxText)
		}
	case In:
		if len(e.List) > MaxNodes {
			return invalid("a list has more than %d values", MaxNodes)
		}
		for i := range e.List {
			if len(e.List[i].Text) > MaxText {
				return invalid("a constant is longer than %d bytes", MaxText)
			}
		}
	case Test:
		if e.Match == nil || e.Name == "" || len(e.Name) > MaxText {
			return invalid("a test has no name or no matcher, or a name longer than %d bytes", MaxText)
		}
	case Match:
		if e.Re == nil {
			return invalid("a regular expression is missing")
		}
	case Arith:
		if !strings.ContainsRune("+-*/%^", rune(e.Op)) {
			return invalid("unknown operator %q", rune(e.Op))
		}
	case Bin:
		if e.Every <= 0 {
			return invalid("the period of bin is %d ms", e.Every)
		}
	case Call:
		if err := checkCall(e); err != nil {
			return err
		}
	case Extract:
		if e.By == nil || e.By.New == nil || e.By.Name == "" || e.Part < 0 || e.Part >= e.By.Parts || e.By.Parts > MaxItems {
			return invalid("an extractor is missing, or has no part %d", e.Part)
		}
	}
	for _, k := range e.kids() {
		if err := check(k, nodes, depth+1); err != nil {
			return err
		}
	}
	return nil
}
