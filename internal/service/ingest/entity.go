package ingest

// Entity is what a request says about the thing that logs.
type Entity struct {
	KeyAttributes map[string]string
	Attributes    map[string]string
}

// EntityError is the reason why an entity was not attached to the events, as
// rejectedEntityInfo.errorType names it.
type EntityError string

// The reasons this service gives. The modelled lengths and counts are checked
// at the edge.
const (
	EntityInvalid              EntityError = "InvalidEntity"
	EntityInvalidType          EntityError = "InvalidTypeValue"
	EntityInvalidKeyAttributes EntityError = "InvalidKeyAttributes"
	EntityMissingFields        EntityError = "MissingRequiredFields"
	EntityUnsupported          EntityError = "UnsupportedLogGroupType"
)

// check returns the reason why e is not kept; see the package comment. It
// never returns "" for an entity.
func (e *Entity) check() EntityError {
	if len(e.KeyAttributes) == 0 {
		return EntityInvalid
	}
	for k := range e.KeyAttributes {
		switch k {
		case "Type", "ResourceType", "Identifier", "Name", "Environment":
		default:
			return EntityInvalidKeyAttributes
		}
	}
	has := func(names ...string) bool {
		for _, n := range names {
			if e.KeyAttributes[n] == "" {
				return false
			}
		}
		return true
	}
	switch e.KeyAttributes["Type"] {
	case "":
		return EntityMissingFields
	case "Service", "RemoteService":
		if !has("Name", "Environment") {
			return EntityMissingFields
		}
	case "AWS::Resource", "Resource":
		if !has("ResourceType", "Identifier") {
			return EntityMissingFields
		}
	default:
		return EntityInvalidType
	}
	return EntityUnsupported
}
