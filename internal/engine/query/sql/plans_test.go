package sql_test

import (
	"flag"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestPlans(t *testing.T) { language.Plans(t, "testdata/plans.txt", *update) }
