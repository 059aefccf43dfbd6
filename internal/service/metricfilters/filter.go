package metricfilters

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/engine/query/pattern"
	"github.com/cumulog/cumulog/internal/engine/series"
	"github.com/cumulog/cumulog/internal/logs"
)

// Limits of a filter. Lengths that the model of the API has are checked at the edge.
const (
	MaxDimensions    = 3
	MaxDimensionName = 255 // bytes
)

// Dimensions that a filter can have of where an event is from.
const (
	SystemAccount = "@aws.account"
	SystemRegion  = "@aws.region"
)

// Transformation is what a matching event becomes.
type Transformation struct {
	Namespace  string            `json:"namespace"`
	Name       string            `json:"name"`
	Value      string            `json:"value"` // a number, $.selector or $field
	Default    *float64          `json:"default,omitempty"`
	Dimensions map[string]string `json:"dimensions,omitempty"` // name → reference
	Unit       string            `json:"unit,omitempty"`       // "": none given
}

// Spec is a metric filter as it is put.
type Spec struct {
	Name           string         `json:"-"`
	Pattern        string         `json:"pattern"`
	Transformation Transformation `json:"transformation"`
	Transformed    *bool          `json:"transformed,omitempty"` // applyOnTransformedLogs, as given
	Criteria       string         `json:"criteria,omitempty"`
	System         []string       `json:"system,omitempty"` // system fields that become dimensions
}

// Filter is a metric filter of a group.
type Filter struct {
	Spec
	Group     string
	CreatedMS int64
}

// compiled is a Spec that can be used.
type compiled struct {
	matcher  *pattern.Matcher
	constant bool
	value    float64 // when constant
	refs     []*pattern.Ref
	names    []string // of the dimensions, sorted; refs[len(refs)-len(names)+i] is the value of names[i]
	criteria *Criteria
}

// compile checks a filter. The error is a *ParameterError.
func compile(s *Spec) (*compiled, error) {
	p, err := pattern.Parse(s.Pattern)
	if err != nil {
		return nil, refuse(textPattern)
	}
	c := &compiled{matcher: p.Compile()}
	t := &s.Transformation
	if err := checkNames(t); err != nil {
		return nil, err
	}
	if n, ok := constant(t.Value); ok {
		c.constant, c.value = true, n
	} else {
		ref, err := p.Ref(t.Value)
		if err != nil {
			return nil, refuse("Invalid metric transformation: metric value must be a number or a valid selector")
		}
		c.refs = append(c.refs, ref)
	}
	if d := t.Default; d != nil && (math.IsNaN(*d) || math.Abs(*d) > maxValue) {
		return nil, refuse("Invalid metric transformation: default value must be a finite number")
	}
	if err := c.dimensions(p, s); err != nil {
		return nil, err
	}
	if s.Criteria != "" {
		if c.criteria, err = ParseCriteria(s.Criteria); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func checkNames(t *Transformation) error {
	switch {
	case strings.HasPrefix(t.Namespace, reserved):
		return refuse(textNamespace)
	case strings.TrimSpace(t.Namespace) == "":
		return refuse("Invalid metric transformation: metric namespace must not be empty")
	case strings.TrimSpace(t.Name) == "":
		return refuse("Invalid metric transformation: metric name must not be empty")
	}
	return nil
}

// checkKept refuses names that the metrics do not keep. Filters that were put before this was
// checked count as disabled.
func checkKept(t *Transformation) error {
	p := series.Value(series.Metric{Scope: logs.Scope{Account: "-", Region: "-"}, Namespace: t.Namespace, Name: t.Name}, t.Unit, 0, 0)
	if p.Check() != nil || !utf8.ValidString(t.Namespace) || !utf8.ValidString(t.Name) || !utf8.ValidString(t.Unit) {
		return refuse("Invalid metric transformation: metric namespace, name and unit must be text without null characters, of at most 4096 bytes")
	}
	return nil
}

// reserved begins namespaces of the services themselves.
const reserved = "AWS/"

// maxValue bounds the values of datapoints, as PutMetricData does.
var maxValue = math.Ldexp(1, 360)

// constant returns the number that a value is.
func constant(value string) (float64, bool) {
	for i := range len(value) {
		switch c := value[i]; {
		case c >= '0' && c <= '9', c == '.', c == '+', c == '-', c == 'e', c == 'E':
		default:
			return 0, false
		}
	}
	n, err := strconv.ParseFloat(value, 64)
	return n, err == nil && math.Abs(n) <= maxValue
}

// dimensions compiles the dimensions of a filter.
func (c *compiled) dimensions(p *pattern.Pattern, s *Spec) error {
	t := &s.Transformation
	if len(t.Dimensions)+len(s.System) > MaxDimensions {
		return refuse("Invalid metric transformation: a metric can have at most %d dimensions", MaxDimensions)
	}
	seen := map[string]bool{}
	for _, f := range s.System {
		if f != SystemAccount && f != SystemRegion || seen[f] || t.Dimensions[f] != "" {
			return refuse("Invalid metric transformation: emitSystemFieldDimensions can name %s and %s, each once", SystemAccount, SystemRegion)
		}
		seen[f] = true
	}
	if len(t.Dimensions) == 0 {
		return nil
	}
	if t.Default != nil {
		return refuse(textBothDefault)
	}
	if p.Kind != pattern.JSON && p.Kind != pattern.Delimited {
		return refuse(textNoDimensions)
	}
	for name := range t.Dimensions {
		if !validName(name) {
			return refuse("Invalid metric transformation: dimension name must be 1 to %d ASCII characters, at least one of them no blank, and not begin with a colon", MaxDimensionName)
		}
		c.names = append(c.names, name)
	}
	slices.Sort(c.names)
	for _, name := range c.names {
		ref, err := p.Ref(t.Dimensions[name])
		if err != nil || !p.Mentions(ref) {
			return refuse(textSelector)
		}
		c.refs = append(c.refs, ref)
	}
	return nil
}

func validName(name string) bool {
	if len(name) > MaxDimensionName || strings.HasPrefix(name, ":") || strings.TrimSpace(name) == "" {
		return false
	}
	for i := range len(name) {
		if name[i] < ' ' || name[i] > '~' {
			return false
		}
	}
	return true
}

// hasRegexp reports whether the pattern has a regular expression.
func (c *compiled) hasRegexp() bool { return c.matcher.Pattern().HasRegexp() }

// record is what the catalog keeps of a filter.
type record struct {
	Spec
	Group      string `json:"group"`
	Since      uint64 `json:"since"`                // the filter has events behind it
	Until      uint64 `json:"until,omitempty"`      // up to it; 0: it is in force
	DisabledMS int64  `json:"disabledMs,omitempty"` // since when it made too many dimension values; 0: it did not
}

func (r *record) encode() ([]byte, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode metric filter: %w", err)
	}
	return b, nil
}

func decode(body []byte) (*record, error) {
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	r := new(record)
	if err := d.Decode(r); err != nil {
		return nil, fmt.Errorf("decode metric filter: %w", err)
	}
	return r, nil
}
