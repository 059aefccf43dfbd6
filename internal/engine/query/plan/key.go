package plan

import (
	"encoding/binary"
	"math"
)

// A key tells rows apart by the values of some columns: one piece for each value,
// behind one another. A piece is a tag and what belongs to it.
const (
	keyNull = iota
	keyText // length as uvarint, text
	keyTime // ms, 8 bytes
)

// AppendKey appends the piece of a value. Values have the same piece when both are
// Null, both are the same Time, or both are something else with the same text.
func AppendKey(dst []byte, v *Value) []byte {
	switch v.Kind {
	case Null:
		return append(dst, keyNull)
	case Time:
		return binary.LittleEndian.AppendUint64(append(dst, keyTime), math.Float64bits(v.Num))
	case Number:
		var buf [32]byte
		t := AppendNumber(buf[:0], v.Num)
		dst = binary.AppendUvarint(append(dst, keyText), uint64(len(t)))
		return append(dst, t...)
	}
	dst = binary.AppendUvarint(append(dst, keyText), uint64(len(v.Text)))
	return append(dst, v.Text...)
}

// KeyValues appends the values of a key that AppendKey made. They are Null, a Time or
// a Text, and share its memory.
func KeyValues(key []byte, dst []Value) []Value {
	for len(key) > 0 {
		tag := key[0]
		key = key[1:]
		switch tag {
		case keyNull:
			dst = append(dst, Value{})
		case keyTime:
			dst = append(dst, Value{Kind: Time, Num: math.Float64frombits(binary.LittleEndian.Uint64(key))})
			key = key[8:]
		default:
			n, k := binary.Uvarint(key)
			key = key[k:]
			dst = append(dst, Value{Kind: Text, Text: key[:n:n]})
			key = key[n:]
		}
	}
	return dst
}
