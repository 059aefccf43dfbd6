package discover

// Needs returns a text that every message contains in which Field finds a field of
// this name; "" when there is no such text. ok is false when it is never found.
func Needs(name string) (text string, ok bool) {
	switch {
	case name == "":
		return "", false
	case vpcIndex(name) >= 0 || route53Index(name) >= 0:
		return "", true
	case name[0] == '@' && (len(name) == 1 || name[1] != '@'):
		for _, n := range lambdaNames {
			if n == name {
				if name == "@requestId" { // other lines have it too
					return "", true
				}
				return requestID, true
			}
		}
		return "", false
	}
	return "{", true // of the JSON in a line
}
