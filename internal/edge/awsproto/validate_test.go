package awsproto_test

import (
	"testing"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
)

func TestViolationsOfRareKinds(t *testing.T) {
	check := func(want string, fill func(*awsproto.Violations)) {
		t.Helper()
		var v awsproto.Violations
		fill(&v)
		got := ""
		if e := v.Error("C"); e != nil {
			got = e.Message
		}
		if got != want || (v.Len() == 0) != (want == "") {
			t.Errorf("got %q (%d), want %q", got, v.Len(), want)
		}
	}
	bounds := &awsproto.Rule{HasMin: true, Min: 1, HasMax: true, Max: 2}
	const failed = "' failed to satisfy constraint: "
	check("", func(v *awsproto.Violations) {
		v.Blob("data", nil, bounds)
		v.Blob("data", []byte("ab"), bounds)
		v.IntMap("counts", nil, bounds, bounds)
		v.IntMap("counts", map[string]int64{"ab": 5}, bounds, bounds)
		v.Map("tags", nil, bounds, bounds, bounds)
		v.Strings("names", nil, bounds, bounds)
		v.String("name", nil, bounds)
		awsproto.Int[int32](v, "n", nil, bounds)
	})
	check("1 validation error detected: Value '<blob>' at 'data"+failed+"Member must have length less than or equal to 2",
		func(v *awsproto.Violations) { v.Blob("data", []byte("abc"), bounds) })
	check("2 validation errors detected: Value '<map>' at 'counts"+failed+"Member must have length less than or equal to 2; "+
		"Value '<map>' at 'counts"+failed+"Map keys must satisfy constraint: [Member must have length less than or equal to 2, Member must have length greater than or equal to 1]",
		func(v *awsproto.Violations) {
			v.IntMap("counts", map[string]int64{"a": 1, "b": 2, "abc": 3}, bounds, bounds)
		})
	check("1 validation error detected: Value '[ab, x]' at 'kinds"+failed+"Member must satisfy constraint: [Member must satisfy enum value set: [x, y]]",
		func(v *awsproto.Violations) {
			v.Strings("Kinds", []string{"ab", "x"}, nil, &awsproto.Rule{Enum: []string{"x", "y"}})
		})
}

func TestErrorConstructors(t *testing.T) {
	check := func(e *awsproto.Error, want string, status int) {
		t.Helper()
		if e.Error() != want || e.HTTPStatus() != status {
			t.Errorf("got %s (%d), want %s (%d)", e, e.HTTPStatus(), want, status)
		}
	}
	check(&awsproto.Error{Code: "A", Message: "b"}, "A: b", 400)
	check(awsproto.Unsupported("StartQuery"), "UnknownOperationException: Operation StartQuery is not supported by this server.", 400)
	check(awsproto.TooLarge(5), "RequestEntityTooLargeException: Request body exceeds the limit of 5 bytes.", 413)
	check(awsproto.Internal("id"), "InternalFailure: The request processing has failed because of an unknown error. Request id: id", 500)
	check(awsproto.Serialization("at %d", 1), "SerializationException: at 1", 400)
}
