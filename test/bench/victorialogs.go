package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cumulog/cumulog/test/bench/corpus"
)

// peerMode says what VictoriaLogs is given of a message.
type peerMode string

const (
	peerColumns peerMode = "columns" // JSON as fields, the message itself is not kept
	peerMessage peerMode = "message" // the message only
	peerBoth    peerMode = "both"    // JSON as fields and the message beside them, which is what Cumulog answers from
)

// peerModes are the modes that make sense for a corpus.
func peerModes(kind corpus.Kind) []peerMode {
	if kind == corpus.JSON {
		return []peerMode{peerColumns, peerBoth}
	}
	return []peerMode{peerMessage}
}

// victoriaLogs is a running VictoriaLogs process.
type victoriaLogs struct {
	url  string
	dir  string
	args []string
	cmd  *exec.Cmd
	http *http.Client
}

// startVictoriaLogs runs a binary on a free loopback port and returns when it answers.
func startVictoriaLogs(ctx context.Context, binary, dir string) (*victoriaLogs, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		return nil, err
	}
	v := &victoriaLogs{
		url: "http://" + address, dir: dir, http: &http.Client{},
		args: []string{binary, "-storageDataPath=" + dir, "-httpListenAddr=" + address, "-retentionPeriod=100y"},
	}
	return v, v.start(ctx)
}

func (v *victoriaLogs) start(ctx context.Context) error {
	v.cmd = exec.Command(v.args[0], v.args[1:]...)
	if err := v.cmd.Start(); err != nil {
		return fmt.Errorf("starting the peer: %w", err)
	}
	for range 200 {
		resp, err := v.http.Get(v.url + "/health")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			v.stop()
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	v.stop()
	return errors.New("the peer did not answer within ten seconds")
}

func (v *victoriaLogs) stop() error {
	if err := v.cmd.Process.Signal(syscall.SIGINT); err != nil {
		return err
	}
	return v.cmd.Wait()
}

// lines are request bodies for /insert/jsonline.
type lines struct {
	body     []byte
	messages int64 // bytes
}

// peerLines makes the same messages as prepare does, with the same timestamps relative to the clock.
func peerLines(kind corpus.Kind, mode peerMode, s *settings, clk *clock) ([]lines, error) {
	all, err := batches(kind, s.seed, min(s.size, poolBytes), s.batch, clk)
	if err != nil {
		return nil, err
	}
	var out []lines
	var b bytes.Buffer
	for events := range all {
		var l lines
		b.Reset()
		for _, m := range events {
			when := time.UnixMilli(m.ms).UTC().Format("2006-01-02T15:04:05.000Z")
			fmt.Fprintf(&b, `{"_time":%q,"stream":%q`, when, streamName(len(out)%corpusStreams))
			if mode != peerMessage {
				b.WriteByte(',')
				b.Write(m.text[1 : len(m.text)-1])
			}
			if mode != peerColumns {
				b.WriteString(`,"_msg":`)
				writeJSONString(&b, m.text)
			}
			b.WriteString("}\n")
			l.messages += int64(len(m.text))
		}
		l.body = bytes.Clone(b.Bytes())
		out = append(out, l)
	}
	return out, nil
}

// load sends bodies over some connections and returns the message bytes.
func (v *victoriaLogs) load(ctx context.Context, bodies []lines, mode peerMode, connections int) (int64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	messageField := "_msg"
	if mode == peerColumns {
		messageField = "msg"
	}
	target := v.url + "/insert/jsonline?_stream_fields=stream&_time_field=_time&_msg_field=" + messageField
	var next, total atomic.Int64
	var wg sync.WaitGroup
	for range connections {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(bodies) || ctx.Err() != nil {
					return
				}
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(bodies[i].body))
				if err == nil {
					var resp *http.Response
					if resp, err = v.http.Do(req); err == nil {
						_, err = io.Copy(io.Discard, resp.Body)
						resp.Body.Close()
						if err == nil && resp.StatusCode != http.StatusOK {
							err = fmt.Errorf("the peer answered %s", resp.Status)
						}
					}
				}
				if err != nil {
					cancel(err)
					return
				}
				total.Add(bodies[i].messages)
			}
		})
	}
	wg.Wait()
	return total.Load(), context.Cause(ctx)
}

// query runs a LogsQL query and returns its rows.
func (v *victoriaLogs) query(ctx context.Context, text string) ([]map[string]string, error) {
	form := url.Values{"query": {text}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, v.url+"/select/logsql/query", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := v.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
		return nil, fmt.Errorf("the peer answered %s: %s", resp.Status, text)
	}
	var rows []map[string]string
	scan := bufio.NewScanner(resp.Body)
	scan.Buffer(nil, 16<<20)
	for scan.Scan() {
		row := map[string]string{}
		if err := json.Unmarshal(scan.Bytes(), &row); err != nil {
			return nil, fmt.Errorf("the peer answered %q: %w", scan.Text(), err)
		}
		rows = append(rows, row)
	}
	return rows, scan.Err()
}

// sum adds up a field of rows.
func sum(rows []map[string]string, field string) (int64, error) {
	total := int64(0)
	for _, r := range rows {
		n, err := strconv.ParseInt(r[field], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("the answer has no number: %v", r)
		}
		total += n
	}
	return total, nil
}

// dropCaches empties the page cache, which needs root. It reports whether it did.
func dropCaches() bool {
	syscall.Sync()
	return os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0) == nil
}
