package skip

// Fingerprint is the fingerprint of a token.
func Fingerprint(token []byte) uint32 { return fingerprint(token, 0, len(token)) }
