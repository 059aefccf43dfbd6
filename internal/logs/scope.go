package logs

// Scope separates tenants: nothing of one (account, region) is visible in
// another.
type Scope struct {
	Account string // twelve digits
	Region  string // such as us-east-1
}

// GroupID identifies a log group in the catalog. Ids start at 1 and are never
// reused, so a group that is deleted and created again cannot show old events.
type GroupID int64

// StreamID identifies a log stream in the catalog. Ids start at 1, are unique
// over all groups and are never reused.
type StreamID int64
