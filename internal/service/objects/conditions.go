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
			return ErrNotModified
		}
	case !c.IfModifiedSince.IsZero() && !modified.After(c.IfModifiedSince):
		return ErrNotModified
	}
	return nil
}

func matches(list []string, etag string) bool {
	return slices.Contains(list, etag) || slices.Contains(list, "*")
}
