package anomaly

import "github.com/cumulog/cumulog/internal/engine/query/cluster"

// isStatus reports whether text is a status code of HTTP that is in use.
func isStatus(text string) bool {
	switch text {
	case "100", "101", "102", "103", "200", "201", "202", "203", "204", "205", "206", "207", "208", "226",
		"300", "301", "302", "303", "304", "305", "307", "308",
		"400", "401", "402", "403", "404", "405", "406", "407", "408", "409", "410", "411", "412", "413", "414", "415", "416", "417", "418",
		"421", "422", "423", "424", "425", "426", "428", "429", "431", "444", "451", "460", "499",
		"500", "501", "502", "503", "504", "505", "506", "507", "508", "510", "511", "520", "521", "522", "523", "524", "525", "530":
		return true
	}
	return false
}

// statusesOf counts the HTTP statuses of a pattern in a window: all, 4xx and 5xx.
// A token is one of statuses when it is a number that never was anything else, and
// was 200.
func statusesOf(t *cluster.Tracked) (all, client, server int64) {
	type counts struct {
		all, client, server int64
		good, other         bool
	}
	var of []counts
	for v := range t.Values {
		for len(of) <= v.Token {
			of = append(of, counts{})
		}
		c := &of[v.Token]
		if v.Name != "Number" || !isStatus(v.Text) {
			c.other = true
			continue
		}
		c.good = c.good || v.Text == "200"
		c.all += v.Count
		switch v.Text[0] {
		case '4':
			c.client += v.Count
		case '5':
			c.server += v.Count
		}
	}
	for _, c := range of {
		if c.good && !c.other {
			return c.all, c.client, c.server
		}
	}
	return 0, 0, 0
}
