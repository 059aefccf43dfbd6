package metrics

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"
)

// maxData is the most datapoints of a page.
const maxPage = 100_800

// position is the last datapoint of a page: pages go through the datapoints by time, and at one
// time by result. So what is published between two calls moves nothing.
type position struct {
	Time   int64 `json:"t"`
	Result int   `json:"r"`
}

type pager struct {
	max   int
	after *position // nil: from the beginning
}

func (r *DataRequest) page() (*pager, error) {
	p := &pager{max: r.Max}
	if r.Max < 0 || r.Max > maxPage {
		return nil, validation("The parameter MaxDatapoints must be between 1 and %d.", maxPage)
	}
	if r.Max == 0 {
		p.max = maxPage
	}
	if r.NextToken == "" {
		return p, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(r.NextToken)
	p.after = &position{}
	if err != nil || json.Unmarshal(raw, p.after) != nil || p.after.Result < 0 {
		return nil, &Error{Kind: ErrInvalidToken, Message: "The specified nextToken is invalid."}
	}
	return p, nil
}

// cut puts results, which are by time, into the order that is asked for, leaves the page in them, and
// returns the token of the next one.
func (p *pager) cut(results []Result, ascending bool) (next string) {
	total := 0
	for i := range results {
		r := &results[i]
		if !ascending {
			r.Timestamps, r.Values = slices.Clone(r.Timestamps), slices.Clone(r.Values)
			slices.Reverse(r.Timestamps)
			slices.Reverse(r.Values)
		}
		if p.after != nil {
			n := 0
			for n < len(r.Timestamps) && !p.isAfter(r.Timestamps[n], i, ascending) {
				n++
			}
			r.Timestamps, r.Values = r.Timestamps[n:], r.Values[n:]
		}
		total += len(r.Timestamps)
	}
	if total <= p.max {
		return ""
	}
	taken := make([]int, len(results))
	left := p.max
	var last position
	for left > 0 {
		t := int64(math.MinInt64)
		for i := range results {
			if n := taken[i]; n < len(results[i].Timestamps) {
				if u := results[i].Timestamps[n]; t == math.MinInt64 || ascending && u < t || !ascending && u > t {
					t = u
				}
			}
		}
		for i := range results {
			if n := taken[i]; left > 0 && n < len(results[i].Timestamps) && results[i].Timestamps[n] == t {
				taken[i]++
				left--
				last = position{Time: t, Result: i}
			}
		}
	}
	for i := range results {
		r := &results[i]
		if taken[i] < len(r.Timestamps) {
			r.Timestamps, r.Values, r.Status = r.Timestamps[:taken[i]], r.Values[:taken[i]], PartialData
		}
	}
	token, err := json.Marshal(last)
	if err != nil { // two numbers
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(token)
}

// isAfter reports whether a datapoint comes after the page before.
func (p *pager) isAfter(t int64, result int, ascending bool) bool {
	switch {
	case t == p.after.Time:
		return result > p.after.Result
	case ascending:
		return t > p.after.Time
	}
	return t < p.after.Time
}
