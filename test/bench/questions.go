package main

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/cumulog/cumulog/test/bench/corpus"
)

// question is asked of Cumulog and of the peer. Both answers are reduced to one number, which must agree.
type question struct {
	name  string
	kinds []corpus.Kind

	// One of: a filter pattern for FilterLogEvents, whose hits are counted; a Logs Insights query; the name of a plan in plans.
	pattern  string
	insights string
	engine   string
	first    bool // only the first page of FilterLogEvents is asked for

	peer map[peerMode]string                           // LogsQL; {answer} stands for our answer
	sum  func(rows []map[string]string) (int64, error) // the number in an answer of rows
}

func countRows(rows []map[string]string) (int64, error) { return int64(len(rows)), nil }

func sumOf(field string) func([]map[string]string) (int64, error) {
	return func(rows []map[string]string) (int64, error) { return sum(rows, field) }
}

// byStatus is a number that two distributions over statuses hardly share unless they are the same.
func byStatus(rows []map[string]string) (int64, error) {
	total := int64(0)
	for _, r := range rows {
		status, err := strconv.ParseInt(r["status"], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("the row has no status: %v", r)
		}
		n, err := sum([]map[string]string{r}, "n")
		if err != nil {
			return 0, err
		}
		total += status * n
	}
	return total, nil
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
			name: "regex, common, count", kinds: jsonOnly, sum: sumOf("n"),
			insights: `filter http.path like /orders\/[0-9]{3,5}$/ | stats count(*) as n`,
			peer: map[peerMode]string{
				peerColumns: `http.path:~"orders/[0-9]{3,5}$" | stats count() n`,
				peerBoth:    `~"orders/[0-9]{3,5}\"" | stats count() n`,
			},
		},
		{
			name: "regex, common, count", kinds: []corpus.Kind{corpus.Text}, sum: sumOf("n"),
			insights: `filter @message like /took [0-9]{2,3} ms/ | stats count(*) as n`,
			peer:     all(`~"took [0-9]{2,3} ms" | stats count() n`),
		},
		{
			name: "regex, common, count", kinds: []corpus.Kind{corpus.Access}, sum: sumOf("n"),
			insights: `filter @message like / 50[0-9] [0-9]+ / | stats count(*) as n`,
			peer:     all(`~" 50[0-9] [0-9]+ " | stats count() n`),
		},
		{
			name: "two fields, count", kinds: jsonOnly, sum: sumOf("n"),
			insights: `filter level = "error" and http.status = 503 | stats count(*) as n`,
			peer:     all(`level:="error" http.status:="503" | stats count() n`),
		},
		{
			name: "two fields by a filter pattern, count", kinds: jsonOnly, engine: "pattern", sum: sumOf("n"),
			peer: all(`level:="error" http.status:="503" | stats count() n`),
		},
		{
			name: "count by 1-minute bins", kinds: everywhere, sum: sumOf("n"),
			insights: `stats count(*) as n by bin(1m)`,
			peer:     all(`* | stats by (_time:1m) count() n`),
		},
		{
			name: "count, avg, p99 by service", kinds: jsonOnly, sum: sumOf("n"),
			insights: `stats count(*) as n, avg(latency_ms) as a, pct(latency_ms, 99) as p by service`,
			peer:     all(`* | stats by (service) count() n, avg(latency_ms) a, quantile(0.99, latency_ms) p`),
		},
		{
			name: "top 10 of the path", kinds: jsonOnly, sum: sumOf("n"),
			insights: `stats count(*) as n by http.path | sort n desc | limit 10`,
			peer:     all(`* | stats by (http.path) count() n | sort by (n desc) limit 10`),
		},
		{
			name: "newest 100 events", kinds: everywhere, sum: countRows,
			insights: `fields @timestamp, @message | sort @timestamp desc | limit 100`,
			peer:     all(`* | sort by (_time desc) limit 100`),
		},
		{
			name: "parse with a glob, count by status", kinds: []corpus.Kind{corpus.Access}, sum: byStatus,
			insights: `parse @message '* - * [*] "* * *" * *' as ip, user, time, method, path, protocol, status, rest | stats count(*) as n by status`,
			peer:     all(`* | extract '<ip> - <user> [<time>] "<method> <path> <protocol>" <status> ' | stats by (status) count() n`),
		},
		{
			name: "parse with a regex, count by status", kinds: []corpus.Kind{corpus.Access}, sum: byStatus,
			insights: `parse @message /" (?<status>[0-9]{3}) (?<size>[0-9]+) / | stats count(*) as n by status`,
			peer:     all(`* | extract_regexp '" (?P<status>[0-9]{3}) (?P<size>[0-9]+) ' | stats by (status) count() n`),
		},
		{
			name: "patterns of everything", kinds: everywhere, sum: sumOf("n"),
			insights: `pattern @message | stats sum(@sampleCount) as n`,
			peer: map[peerMode]string{
				peerMessage: `* | collapse_nums | stats by (_msg) count() c | stats sum(c) n`,
				peerBoth:    `* | collapse_nums | stats by (_msg) count() c | stats sum(c) n`,
			},
		},
		{
			name: "dedup by service and region", kinds: jsonOnly, sum: countRows,
			insights: `fields service, region | dedup service, region`,
			peer:     all(`* | uniq by (service, region)`),
		},
		{
			name: "slowest 100 events", kinds: jsonOnly, sum: countRows,
			insights: `fields @timestamp, service, latency_ms | sort latency_ms desc | limit 100`,
			peer:     all(`* | sort by (latency_ms desc) limit 100`),
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
