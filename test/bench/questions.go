package main

import (
	"fmt"
	"slices"

	"github.com/cumulog/cumulog/test/bench/corpus"
)

// question is asked of Cumulog and of the peer. Both answers are reduced to one number, which must agree.
type question struct {
	name  string
	kinds []corpus.Kind

	pattern string // a filter pattern for FilterLogEvents: its hits are counted; or …
	engine  string // … the name of a plan in plans
	first   bool   // only the first page is asked for

	peer map[peerMode]string                           // LogsQL; {answer} stands for our answer
	sum  func(rows []map[string]string) (int64, error) // the number in the answer of the peer
}

func countRows(rows []map[string]string) (int64, error) { return int64(len(rows)), nil }

func sumOf(field string) func([]map[string]string) (int64, error) {
	return func(rows []map[string]string) (int64, error) { return sum(rows, field) }
}

// questions are the rows of the comparison.
func questions() []question {
	everywhere := corpus.Kinds()
	jsonOnly := []corpus.Kind{corpus.JSON}
	// inside is part of the rare token, without the delimiters around it.
	inside := rareToken[1 : len(rareToken)-1]
	all := func(query string) map[peerMode]string {
		return map[peerMode]string{peerColumns: query, peerMessage: query, peerBoth: query}
	}
	return []question{
		{
			name: "rare token, 5 hits", kinds: everywhere, pattern: rareToken, sum: countRows,
			peer: map[peerMode]string{peerColumns: "note:" + rareToken, peerMessage: rareToken, peerBoth: rareToken},
		},
		{
			name: "substring inside a token, rare", kinds: everywhere, pattern: inside, sum: countRows,
			peer: map[peerMode]string{
				peerColumns: fmt.Sprintf("note:~%q", inside), peerMessage: fmt.Sprintf("~%q", inside), peerBoth: fmt.Sprintf("~%q", inside),
			},
		},
		frequent(corpus.JSON, "error", "error"),
		frequent(corpus.Text, "ERROR", "ERROR"),
		frequent(corpus.Access, `" 404 "`, `" 404 "`),
		{
			name: "regex, common, count", kinds: jsonOnly, engine: "regex json", sum: sumOf("n"),
			peer: map[peerMode]string{
				peerColumns: `http.path:~"orders/[0-9]{3,5}$" | stats count() n`,
				peerBoth:    `~"orders/[0-9]{3,5}\"" | stats count() n`,
			},
		},
		{
			name: "regex, common, count", kinds: []corpus.Kind{corpus.Text}, engine: "regex text", sum: sumOf("n"),
			peer: all(`~"took [0-9]{2,3} ms" | stats count() n`),
		},
		{
			name: "regex, common, count", kinds: []corpus.Kind{corpus.Access}, engine: "regex access", sum: sumOf("n"),
			peer: all(`~" 50[0-9] [0-9]+ " | stats count() n`),
		},
		{
			name: "two fields, count", kinds: jsonOnly, engine: "fields", sum: sumOf("n"),
			peer: all(`level:="error" http.status:="503" | stats count() n`),
		},
		{
			name: "two fields by a filter pattern, count", kinds: jsonOnly, engine: "pattern", sum: sumOf("n"),
			peer: all(`level:="error" http.status:="503" | stats count() n`),
		},
		{
			name: "count by 1-minute bins", kinds: everywhere, engine: "bins", sum: sumOf("n"),
			peer: all(`* | stats by (_time:1m) count() n`),
		},
		{
			name: "count, avg, p99 by service", kinds: jsonOnly, engine: "service", sum: sumOf("n"),
			peer: all(`* | stats by (service) count() n, avg(latency_ms) a, quantile(0.99, latency_ms) p`),
		},
		{
			name: "top 10 of the path", kinds: jsonOnly, engine: "top", sum: sumOf("n"),
			peer: all(`* | stats by (http.path) count() n | sort by (n desc) limit 10`),
		},
		{
			name: "newest 100 events", kinds: everywhere, engine: "newest", sum: countRows,
			peer: all(`* | sort by (_time desc) limit 100`),
		},
	}
}

// about says whether the question is asked of a corpus.
func (q *question) about(kind corpus.Kind) bool { return slices.Contains(q.kinds, kind) }

// frequent asks for the first page of a term that one to two messages in a hundred hold. A page ends at 10,000 events or 1 MiB, so the peer
// is asked for as many as were on it.
func frequent(kind corpus.Kind, pattern, peer string) question {
	return question{
		name: "term in 1 % of the messages, first page", kinds: []corpus.Kind{kind}, pattern: pattern, first: true, sum: countRows,
		peer: map[peerMode]string{
			peerColumns: "level:=" + peer + " | sort by (_time) limit {answer}",
			peerMessage: peer + " | sort by (_time) limit {answer}",
			peerBoth:    peer + " | sort by (_time) limit {answer}",
		},
	}
}
