package skip

import "encoding/hex"

// Fingerprint is the fingerprint of a token.
func Fingerprint(token []byte) uint32 { return fingerprint(token, 0, len(token)) }

// Classes returns the classes of all bytes.
func Classes() string { return hex.EncodeToString(foldClass[:]) }
