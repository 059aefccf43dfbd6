package discover

var vpcNames = []string{"version", "accountId", "interfaceId", "srcAddr", "dstAddr", "srcPort", "dstPort", "protocol", "packets", "bytes", "startTime", "endTime", "action", "logStatus"}

var route53Names = []string{"version", "queryTimestamp", "hostZoneId", "queryName", "queryType", "responseCode", "protocol", "edgeLocation", "resolverIp", "ednsClientSubnet"}

func vpcIndex(name string) int {
	switch name {
	case "version":
		return 0
	case "accountId":
		return 1
	case "interfaceId":
		return 2
	case "srcAddr":
		return 3
	case "dstAddr":
		return 4
	case "srcPort":
		return 5
	case "dstPort":
		return 6
	case "protocol":
		return 7
	case "packets":
		return 8
	case "bytes":
		return 9
	case "startTime":
		return 10
	case "endTime":
		return 11
	case "action":
		return 12
	case "logStatus":
		return 13
	}
	return -1
}

func route53Index(name string) int {
	switch name {
	case "version":
		return 0
	case "queryTimestamp":
		return 1
	case "hostZoneId":
		return 2
	case "queryName":
		return 3
	case "queryType":
		return 4
	case "responseCode":
		return 5
	case "protocol":
		return 6
	case "edgeLocation":
		return 7
	case "resolverIp":
		return 8
	case "ednsClientSubnet":
		return 9
	}
	return -1
}

// maxColumns is what the widest kind has, maxLine how long a line of columns can be.
const (
	maxColumns = 14
	maxLine    = 4096
)

// columns are the words of a line.
type columns struct {
	from, to [maxColumns]uint16
	known    bool // the line is one of a kind
}

func (c *columns) at(m []byte, i int) []byte { return m[c.from[i]:c.to[i]:c.to[i]] }

// split finds the words of a line, which are separated by white space; false when they
// are not want.
func (c *columns) split(m []byte, want int) bool {
	if len(m) > maxLine {
		return false
	}
	n := 0
	for i := 0; ; n++ {
		for i < len(m) && m[i] <= ' ' {
			i++
		}
		if i == len(m) {
			return n == want
		}
		if n == want {
			return false
		}
		c.from[n] = uint16(i)
		for i < len(m) && m[i] > ' ' {
			i++
		}
		c.to[n] = uint16(i)
	}
}

// vpcFlow reports whether a line is a record of VPC flow logs of version 2.
func (c *columns) vpcFlow(m []byte) bool {
	if len(m) < 2 || m[0] != '2' || m[1] != ' ' || !c.split(m, len(vpcNames)) {
		return false
	}
	switch string(c.at(m, 12)) {
	case "ACCEPT", "REJECT", "-":
	default:
		return false
	}
	switch string(c.at(m, 13)) {
	case "OK", "NODATA", "SKIPDATA":
		c.known = true
	}
	return c.known
}

// route53 reports whether a line is a query that Route 53 logged.
func (c *columns) route53(m []byte) bool {
	if len(m) < 4 || string(m[:2]) != "1." || !c.split(m, len(route53Names)) {
		return false
	}
	switch string(c.at(m, 6)) {
	case "UDP", "TCP":
		c.known = isTime(c.at(m, 1))
	}
	return c.known
}

// isTime reports whether t begins as 2025-10-05T does.
func isTime(t []byte) bool {
	if len(t) < 20 || t[4] != '-' || t[7] != '-' || t[10] != 'T' {
		return false
	}
	for _, i := range [...]int{0, 1, 2, 3, 5, 6, 8, 9, 11, 12} {
		if t[i]-'0' > 9 {
			return false
		}
	}
	return true
}
