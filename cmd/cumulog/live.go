package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	liveGroups = 10 // of one tail of the server
	// maxLive bounds the tails of one command: with names of streams each group needs one.
	maxLive = 10
	// liveSilence is when a tail that says nothing is given up: the server says something every five seconds.
	liveSilence = 30 * time.Second
	maxLiveLine = 64 << 20
	maxRefusal  = 64 << 10
)

// liveUpdate is a line of the operation Tail.
type liveUpdate struct {
	Events  []event `json:"events"`
	Sampled bool    `json:"sampled"` // there were more
	Type    string  `json:"__type"`  // the tail has ended

	err error // likewise
}

// live gets events as they arrive, from a server that is a cumulog. It is an addition to polling: what it missed is polled.
type live struct {
	updates chan liveUpdate
	cancel  context.CancelFunc
	open    int // readers that are running
}

// errNoLive says that the server has no such operation, or refuses it for good: there is nothing to wait for.
var errNoLive = errors.New("the server has no live tail for this")

// openLive opens the tails of the groups. Events that arrive from now on are in them.
func (t *tailer) openLive(ctx context.Context) (_ *live, err error) {
	if t.around != nil || len(t.groups) == 0 {
		return nil, errNoLive
	}
	each := liveGroups
	if len(t.streams) > 0 || t.streamPrefix != "" {
		each = 1
	}
	if len(t.groups) > each*maxLive {
		return nil, errNoLive
	}
	ctx, cancel := context.WithCancel(ctx)
	l := &live{updates: make(chan liveUpdate), cancel: cancel}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	for from := 0; from < len(t.groups); from += each {
		in := map[string]any{}
		var names []string
		for _, g := range t.groups[from:min(from+each, len(t.groups))] {
			names = append(names, g.name)
		}
		in["logGroupIdentifiers"] = names
		if t.filter != "" {
			in["filterPattern"] = t.filter
		}
		if len(t.streams) > 0 {
			in["logStreamNames"] = t.streams
		}
		if t.streamPrefix != "" {
			in["logStreamNamePrefixes"] = []string{t.streamPrefix}
		}
		if err := l.add(ctx, t.remote, in); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// add opens one tail and waits until it has begun.
func (l *live) add(ctx context.Context, r *remote, in any) error {
	ctx, cancel := context.WithCancel(ctx)
	silence := time.AfterFunc(liveSilence, cancel)
	resp, err := r.callConsole(ctx, "Tail", in)
	if err != nil {
		silence.Stop()
		cancel()
		return err
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(make([]byte, 64<<10), maxLiveLine)
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/x-ndjson" || !lines.Scan() {
		err := refusal(resp)
		silence.Stop()
		cancel()
		resp.Body.Close()
		return err
	}
	l.open++
	go func() {
		defer resp.Body.Close()
		defer cancel()
		end := liveUpdate{err: errors.New("the tail has ended")}
		for lines.Scan() {
			silence.Reset(liveSilence)
			var u liveUpdate
			if err := json.Unmarshal(lines.Bytes(), &u); err != nil {
				end.err = fmt.Errorf("reading the tail: %w", err)
				break
			}
			if u.Type != "" {
				break
			}
			select {
			case l.updates <- u:
			case <-ctx.Done():
			}
		}
		silence.Stop()
		l.updates <- end
	}()
	return nil
}

// refusal returns the error of an answer that is no tail: errNoLive unless it may be another one later.
func refusal(resp *http.Response) error {
	if resp.StatusCode >= http.StatusInternalServerError || resp.StatusCode == http.StatusOK {
		return fmt.Errorf("the operation Tail answers %s", resp.Status)
	}
	var bad consoleError
	if body, err := io.ReadAll(io.LimitReader(resp.Body, maxRefusal)); err != nil {
		return fmt.Errorf("reading the answer of Tail: %w", err)
	} else if json.Unmarshal(body, &bad) != nil {
		return errNoLive // of a server that has no such operation
	}
	switch bad.Type[strings.LastIndexByte(bad.Type, '#')+1:] {
	case "LimitExceededException", "ThrottlingException":
		return &bad
	}
	return errNoLive
}

// close ends the tails and waits for their readers.
func (l *live) close() {
	l.cancel()
	for l.open > 0 {
		if u := <-l.updates; u.err != nil {
			l.open--
		}
	}
}

// ended notes that a reader has ended.
func (l *live) ended() { l.open-- }

// showLive prints the events of an update that were not printed before.
func (t *tailer) showLive(ctx context.Context, u liveUpdate) error {
	for _, e := range u.Events {
		g := t.groupOf(e.Group)
		if g == nil || !g.seen.addLive(e) {
			continue
		}
		e.Group = g.name
		if err := t.show(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// groupOf finds a group by the name that the server calls it.
func (t *tailer) groupOf(name string) *tailed {
	for _, g := range t.groups {
		if g.name == name || strings.HasSuffix(strings.TrimSuffix(g.name, ":*"), ":log-group:"+name) {
			return g
		}
	}
	return nil
}

// addLive notes e, which has just arrived, and says whether it is new. What is older than polling looks back is always new,
// as it comes only once.
func (k *known) addLive(e event) bool {
	if _, is := k.ids[e.ID]; is {
		return false
	}
	if e.Timestamp < k.low(overlap) {
		return true
	}
	return k.add(e)
}
