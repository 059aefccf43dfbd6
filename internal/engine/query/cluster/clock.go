package cluster

func digitsAt(t []byte, i, n int) bool {
	if i+n > len(t) {
		return false
	}
	for _, b := range t[i : i+n] {
		if b-'0' > 9 {
			return false
		}
	}
	return true
}

// timeOfDay returns the end of a time such as 9:05, 09:05:07.123 or 09:05:07,123,
// with its zone; 0 when there is none at s.
func timeOfDay(t []byte, s int) int {
	i := s + 1
	if digitsAt(t, s, 2) {
		i++
	} else if !digitsAt(t, s, 1) {
		return 0
	}
	if i >= len(t) || t[i] != ':' || !digitsAt(t, i+1, 2) {
		return 0
	}
	i += 3
	if i < len(t) && t[i] == ':' {
		if !digitsAt(t, i+1, 2) {
			return 0
		}
		i += 3
		if i+1 < len(t) && (t[i] == '.' || t[i] == ',') && t[i+1]-'0' <= 9 && (t[i] == '.' || digitsAt(t, i+1, 3)) {
			for i++; i < len(t) && t[i]-'0' <= 9; i++ {
			}
		}
	}
	if i < len(t) && (t[i]-'0' <= 9 || t[i] == ':') {
		return 0
	}
	return zone(t, i)
}

// zone returns the end of a zone at i, or i.
func zone(t []byte, i int) int {
	if i < len(t) && t[i] == 'Z' {
		return i + 1
	}
	j := i
	if j < len(t) && t[j] == ' ' {
		j++
	}
	if j >= len(t) || t[j] != '+' && t[j] != '-' || !digitsAt(t, j+1, 2) {
		return i
	}
	k := j + 3
	if k < len(t) && t[k] == ':' {
		k++
	}
	if digitsAt(t, k, 2) {
		return k + 2
	}
	return i
}

// date returns the end of a date that begins with a digit at s, and of the time
// after it; 0 when there is none.
func date(t []byte, s int) int {
	var i int
	switch {
	case digitsAt(t, s, 4) && s+10 <= len(t) && (t[s+4] == '-' || t[s+4] == '/') && t[s+7] == t[s+4] && digitsAt(t, s+5, 2) && digitsAt(t, s+8, 2):
		i = s + 10
	case digitsAt(t, s, 2) && s+11 <= len(t) && (t[s+2] == '/' || t[s+2] == '-') && t[s+6] == t[s+2] && isMonth(t, s+3) && digitsAt(t, s+7, 4):
		i = s + 11
	case digitsAt(t, s, 2) && s+10 <= len(t) && (t[s+2] == '/' || t[s+2] == '.') && t[s+5] == t[s+2] && digitsAt(t, s+3, 2) && digitsAt(t, s+6, 4):
		i = s + 10
	default:
		return 0
	}
	if i < len(t) && t[i]-'0' <= 9 {
		return 0
	}
	return timeAfter(t, i)
}

// timeAfter returns the end of a time that follows a date that ends at i, or i.
func timeAfter(t []byte, i int) int {
	if i+1 < len(t) {
		switch t[i] {
		case 'T', 't', ' ', ':', '_':
			if end := timeOfDay(t, i+1); end > 0 {
				return end
			}
		}
	}
	return i
}

// dayMonth returns the end of a date such as 5 Oct 2025.
func dayMonth(t []byte, s int) int {
	i := s
	for i < len(t) && t[i]-'0' <= 9 {
		i++
	}
	if i >= len(t) || t[i] != ' ' || !isMonth(t, i+1) || i+9 > len(t) || t[i+4] != ' ' || !digitsAt(t, i+5, 4) {
		return 0
	}
	return timeAfter(t, i+9)
}

// wordyDate returns the end of a date that begins with a word of three letters:
// Oct  5 00:05:00, Sun Oct 05 00:05:00 2025, or Sun, 05 Oct 2025 00:05:00.
func wordyDate(t []byte, s int) int {
	if isMonth(t, s) {
		i := blanks(t, s+3)
		if i == s+3 || i >= len(t) || t[i]-'0' > 9 {
			return 0
		}
		for i < len(t) && t[i]-'0' <= 9 {
			i++
		}
		if i >= len(t) || t[i] != ' ' {
			return 0
		}
		end := timeOfDay(t, i+1)
		if end > 0 && end+5 <= len(t) && t[end] == ' ' && digitsAt(t, end+1, 4) && (end+5 == len(t) || t[end+5]-'0' > 9) {
			end += 5
		}
		return end
	}
	switch string(t[s : s+3]) {
	case "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun":
		i := s + 3
		if i < len(t) && t[i] == ',' {
			i++
		}
		i = blanks(t, i)
		if isMonth(t, i) {
			return wordyDate(t, i)
		}
		if i < len(t) && t[i]-'0' <= 9 {
			return dayMonth(t, i)
		}
	}
	return 0
}

func blanks(t []byte, i int) int {
	for i < len(t) && t[i] == ' ' {
		i++
	}
	return i
}

func isMonth(t []byte, i int) bool {
	if i+3 > len(t) {
		return false
	}
	switch string(t[i : i+3]) {
	case "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec":
		return true
	}
	return false
}
