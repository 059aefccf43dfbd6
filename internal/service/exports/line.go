package exports

import (
	"fmt"
	"strings"
	"time"
)

// lineWriter formats events as lines. It remembers the date of the last one.
type lineWriter struct {
	day  int64
	date [11]byte // YYYY-MM-DDT of day
	set  bool
}

const (
	msPerDay = 24 * 60 * 60 * 1000
	maxDate  = 253402300800000 // year 10000
)

// appendLine appends "YYYY-MM-DDTHH:MM:SS.mmmZ message\n".
func (l *lineWriter) appendLine(dst []byte, ms int64, message []byte) []byte {
	if ms < 0 || ms >= maxDate {
		dst = time.UnixMilli(ms).UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z")
	} else {
		day := ms / msPerDay
		if !l.set || day != l.day {
			time.UnixMilli(ms).UTC().AppendFormat(l.date[:0], "2006-01-02T")
			l.day, l.set = day, true
		}
		t := uint32(ms % msPerDay)
		h, m, s, f := t/3600000, t/60000%60, t/1000%60, t%1000
		dst = append(dst, l.date[:]...)
		dst = append(dst,
			byte('0'+h/10), byte('0'+h%10), ':',
			byte('0'+m/10), byte('0'+m%10), ':',
			byte('0'+s/10), byte('0'+s%10), '.',
			byte('0'+f/100), byte('0'+f/10%10), byte('0'+f%10), 'Z')
	}
	dst = append(dst, ' ')
	dst = append(dst, message...)
	return append(dst, '\n')
}

// folderOf returns the path segment of a stream.
func folderOf(stream string) string { return strings.ReplaceAll(stream, "/", "-") }

func objectKey(sp *spec, taskID, folder string, part int) string {
	return join(sp.base(), taskID+"/"+folder+"/"+fmt.Sprintf("%06d.gz", part))
}
