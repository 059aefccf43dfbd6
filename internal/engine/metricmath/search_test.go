package metricmath_test

import (
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/metricmath"
)

func TestSearch(t *testing.T) {
	type metric struct {
		namespace, name string
		dims            []metricmath.Dimension
	}
	ec2 := metric{"AWS/EC2", "CPUUtilization", []metricmath.Dimension{{Name: "InstanceId", Value: "i-1234567890123456"}}}
	custom := metric{"My Namespace", "CustomCount1", nil}
	network := metric{"App", "Network-Errors-2", []metricmath.Dimension{{Name: "InstanceType", Value: "t2.micro"}, {Name: "Zone", Value: "eu"}}}
	odd := metric{"App", `Europe\France Traffic(Network)`, nil}
	match := func(m metric, search string, want bool) {
		t.Helper()
		s, err := metricmath.ParseSearch(search)
		if err != nil {
			t.Errorf("%s: %v", search, err)
			return
		}
		if got := s.Match(m.namespace, m.name, m.dims); got != want {
			t.Errorf("%s of %s: got %v", search, m.name, got)
		}
	}
	// A schema: a namespace, and all names of dimensions or none.
	match(ec2, "{AWS/EC2}", true)
	match(ec2, "{AWS/EC2,InstanceId}", true)
	match(ec2, " {AWS/EC2, InstanceId} CPUUtilization", true)
	match(ec2, "{AWS/EC2,InstanceType}", false)
	match(network, "{App,InstanceType}", false)
	match(network, "{App, Zone, InstanceType}", true)
	match(custom, `{"My Namespace"} count`, true)
	match(custom, `{"My Namespace"}, "CustomCount1"`, true)

	// Partial matches, as the documentation of AWS has them.
	for search, want := range map[string]bool{
		"count": true, "Count": true, "COUNT": true, "couNT": false, "CustomCount": true, "Count1": true, "customcount": false, "count1": false,
		"customcount1": false, "1": true, "Custom": true, "namespace": true,
	} {
		match(custom, search, want)
	}
	for search, want := range map[string]bool{
		"network/errors": true, "network+errors": true, "network-errors": true, "Network_Errors": true, "errors-network": false, "micro": true, "t2": true, "2": true,
	} {
		match(network, search, want)
	}

	// Exact matches.
	match(custom, `"CustomCount1"`, true)
	match(custom, `"customcount1"`, false)
	match(custom, `"Custom"`, false)
	match(ec2, `"i-1234567890123456"`, true)
	match(odd, `"Europe\\France Traffic\(Network\)"`, true)

	// Properties.
	match(ec2, `MetricName="CPUUtilization"`, true)
	match(ec2, `MetricName="InstanceId"`, false)
	match(ec2, `Namespace=AWS MetricName=utilization`, true)
	match(network, `InstanceType=micro`, true)
	match(network, `InstanceType="t2.micro" Namespace="App"`, true)
	match(network, `Zone=micro`, false)

	// Boolean operators.
	match(ec2, `NOT Namespace=AWS`, false)
	match(custom, `NOT Namespace=AWS`, true)
	match(ec2, `(EC2 OR EBS) AND MetricName=CPU`, true)
	match(ec2, `(ECS OR EBS) AND MetricName=CPU`, false)
	match(ec2, `(EC OR EBS) AND MetricName=CPUUtilization`, true)
	match(ec2, `EBS OR MetricName="CPUUtilization" NOT "ProjectA" NOT "ProjectB"`, true)
	match(ec2, `MetricName="CPUUtilization" NOT i-1234567890123456`, false)
	match(ec2, `MetricName="Errors" OR (MetricName="CPUUtilization" AND (eu OR "i-1234567890123456"))`, true)
	// OR is a word, and not the begin of one.
	match(metric{"App", "ORDERS", nil}, "ORDERS", true)
}

func TestSearchErrors(t *testing.T) {
	for search, want := range map[string]string{
		"":                        "a search needs a schema or a term at position 1",
		"  ":                      "a search needs a schema or a term at position 1",
		"{}":                      "a schema needs names at position 2",
		"{A":                      "a schema does not end at position 3",
		"{A,":                     "a schema needs names at position 4",
		`{A} "b`:                  "a quoted text in a search does not end at position 5",
		"a OR":                    "a search term needs letters or digits at position 5",
		"OR a":                    "a search term is missing before OR at position 1",
		"AND a":                   "a search term is missing before AND at position 1",
		"(a":                      "a parenthesis of a search is not closed at position 3",
		"a)":                      "unexpected text in a search at position 2",
		"a = b":                   "a property needs a name at position 3",
		"-":                       "a search term needs letters or digits at position 1",
		"NOT":                     "a search term needs letters or digits at position 4",
		strings.Repeat("(", 200):  "the search is too deep at position 101",
		strings.Repeat("a", 1025): "the search is too long at position 1025",
	} {
		_, err := metricmath.ParseSearch(search)
		if err == nil || err.Error() != want {
			t.Errorf("%.20q: got %v, want %s", search, err, want)
		}
	}
}
