package jsontext

// Items goes through the members of an object or the elements of an array:
//
//	for it := jsontext.Of(b); it.Next(); {
//		use(it.Key, it.Value)
//	}
//
// It ends early where the text is not JSON. It shares the memory of the text.
type Items struct {
	b     []byte
	pos   int
	array bool
	begun bool

	Index int    // of the element or member, from 0
	Key   []byte // of the member: what is between the quotes, as written
	Value []byte // as written, without white space around it
}

// Of returns the items of b, which begins with '{' or '['; anything else has none.
func Of(b []byte) Items {
	if len(b) == 0 || b[0] != '{' && b[0] != '[' {
		return Items{}
	}
	return Items{b: b, array: b[0] == '[', Index: -1}
}

// Array reports whether the items are the elements of an array.
func (it *Items) Array() bool { return it.array }

// Next goes to the next item; false when there is none.
func (it *Items) Next() bool {
	b := it.b
	if it.pos >= len(b) {
		return false
	}
	if !it.begun {
		it.begun = true
		it.pos = Space(b, 1)
		if it.pos < len(b) && b[it.pos] == closer(it.array) {
			return it.end()
		}
	} else {
		i := Space(b, it.pos)
		if i >= len(b) || b[i] != ',' {
			return it.end()
		}
		it.pos = Space(b, i+1)
	}
	if !it.array {
		from := it.pos
		if it.pos = key(b, from); it.pos < 0 {
			return it.end()
		}
		end, _ := String(b, from)
		it.Key = b[from+1 : end-1]
	}
	end, ok := Value(b, it.pos)
	if !ok {
		return it.end()
	}
	it.Value = b[it.pos:end:end]
	it.pos = end
	it.Index++
	return true
}

func (it *Items) end() bool {
	it.pos = len(it.b)
	it.Key, it.Value = nil, nil
	return false
}
