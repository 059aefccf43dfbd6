package skip

// A trigram is a code of three classes of 6 bits each, the first byte highest.
const (
	trigramBits  = 18
	trigramMask  = 1<<trigramBits - 1
	trigramWords = 1 << trigramBits / 64
)

// isToken says which bytes belong to tokens.
var isToken = func() (t [256]bool) {
	for c := range t {
		lower := c | 0x20
		t[c] = c >= 0x80 || c == '_' || '0' <= c && c <= '9' || 'a' <= lower && lower <= 'z'
	}
	return t
}()

// punctuation lists the bytes that have a class of their own, in the order of
// their classes, beginning at class 36. The order is part of the format.
const punctuation = " \"':,./-_=[]{}()&?%@;\\<>+"

// foldClass is the class of each byte for trigrams: letters without their case,
// digits, punctuation; the rest shares classes.
var foldClass = func() (t [256]uint8) {
	for c := range t {
		lower := c | 0x20
		switch {
		case c >= 0x80:
			t[c] = uint8(c & 63) // the bytes that tell characters of one script apart stay apart
		case 'a' <= lower && lower <= 'z':
			t[c] = uint8(lower - 'a')
		case '0' <= c && c <= '9':
			t[c] = uint8(26 + c - '0')
		case c < 0x20 || c == 0x7f:
			t[c] = 61
		case c == '|' || c == '~':
			t[c] = 63
		default:
			t[c] = 62
		}
	}
	for i, c := range []byte(punctuation) {
		t[c] = uint8(36 + i)
	}
	return t
}()
