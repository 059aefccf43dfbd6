package objects

import (
	"slices"
	"time"
)

// Conditions are those of a read, or of the source of a copy. ETags are without
// quotes; "*" stands for any. Zero times are absent.
type Conditions struct {
	IfMatch           []string
	IfNoneMatch       []string
	IfModifiedSince   time.Time
	IfUnmodifiedSince time.Time
}

func (c Conditions) empty() bool {
	return c.IfMatch == nil && c.IfNoneMatch == nil && c.IfModifiedSince.IsZero() && c.IfUnmodifiedSince.IsZero()
}

// NotModified is an ErrNotModified that knows the object, whose ETag and time
// the answer names.
type NotModified struct{ Object Object }

func (e *NotModified) Error() string { return ErrNotModified.Error() }

// Unwrap makes errors.Is(err, ErrNotModified) true.
func (e *NotModified) Unwrap() error { return ErrNotModified }

// check evaluates the conditions in the order of RFC 9110, 13.2.2: an ETag
// condition overrides the date condition beside it.
func (c Conditions) check(o Object) error {
	modified := o.Modified.Truncate(time.Second)
	switch {
	case c.IfMatch != nil:
		if !matches(c.IfMatch, o.ETag) {
			return ErrPreconditionFailed
		}
	case !c.IfUnmodifiedSince.IsZero() && modified.After(c.IfUnmodifiedSince):
		return ErrPreconditionFailed
	}
	switch {
	case c.IfNoneMatch != nil:
		if matches(c.IfNoneMatch, o.ETag) {
			return &NotModified{o}
		}
	case !c.IfModifiedSince.IsZero() && !modified.After(c.IfModifiedSince):
		return &NotModified{o}
	}
	return nil
}

func matches(list []string, etag string) bool {
	return slices.Contains(list, etag) || slices.Contains(list, "*")
}
