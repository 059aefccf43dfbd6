package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// maxConsoleAnswer bounds an answer of the console API: twice a page of events, with room for escapes.
const maxConsoleAnswer = 32 << 20

// consoleCall calls one operation of the console API.
type consoleCall func(ctx context.Context, operation string, in, out any) error

// console returns a caller of the console API at base, which signs like a client of the logs API.
func console(cfg aws.Config, base string) consoleCall {
	signer := v4.NewSigner()
	client := &http.Client{Timeout: 30 * time.Second}
	return func(ctx context.Context, operation string, in, out any) error {
		body, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("encode %s: %w", operation, err)
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/_/api/"+operation, bytes.NewReader(body))
		if err != nil {
			return fmt.Errorf("call %s: %w", operation, err)
		}
		req.Header.Set("Content-Type", "application/x-amz-json-1.1")
		who, err := cfg.Credentials.Retrieve(ctx)
		if err != nil {
			return fmt.Errorf("credentials: %w", err)
		}
		hash := sha256.Sum256(body)
		if err := signer.SignHTTP(ctx, who, req, hex.EncodeToString(hash[:]), "logs", cfg.Region, time.Now()); err != nil {
			return fmt.Errorf("sign %s: %w", operation, err)
		}
		failed := func(err error) error {
			return &smithy.OperationError{ServiceID: "Cumulog", OperationName: operation, Err: err}
		}
		answer, err := client.Do(req)
		if err != nil {
			return failed(err)
		}
		defer answer.Body.Close()
		data, err := io.ReadAll(io.LimitReader(answer.Body, maxConsoleAnswer))
		if err != nil {
			return failed(err)
		}
		if answer.StatusCode != http.StatusOK {
			return failed(&smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: answer}, Err: apiError(answer, data)})
		}
		if err := json.Unmarshal(data, out); err != nil {
			return fmt.Errorf("decode the answer of %s: %w", operation, err)
		}
		return nil
	}
}

func apiError(answer *http.Response, data []byte) error {
	var said struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	if json.Unmarshal(data, &said) != nil || said.Type == "" {
		return &smithy.GenericAPIError{Code: answer.Status, Message: "this server has no such operation, or something stands before it"}
	}
	return &smithy.GenericAPIError{Code: said.Type, Message: said.Message}
}

const (
	// maxShown is how many printed events are remembered, so that contexts that overlap print them once.
	maxShown = 50_000
	// maxWaiting is how many matches wait for the events after them.
	maxWaiting = 100
)

// surroundings prints matches with their neighbours in the stream, as grep -C does lines. It is used by one goroutine.
type surroundings struct {
	print         *linePrinter
	call          consoleCall
	before, after int

	shown   map[string]bool
	order   []string // the ids of shown, oldest first
	last    string   // the event printed last
	waiting []waiting
}

// waiting is a match whose stream had fewer events after it than wanted.
type waiting struct {
	match event
	until time.Time
}

type contextInput struct {
	EventID string `json:"eventId"`
	Before  int    `json:"before"`
	After   int    `json:"after"`
}

type contextOutput struct {
	Events []struct {
		Stream    string `json:"logStreamName"`
		Timestamp int64  `json:"timestamp"`
		Ingestion int64  `json:"ingestionTime"`
		ID        string `json:"eventId"`
		Message   string `json:"message"`
	} `json:"events"`
}

// show prints a match and its neighbours, as far as they were not printed.
func (s *surroundings) show(ctx context.Context, match event) error {
	return s.block(ctx, match, time.Time{})
}

// catchUp looks for events after the matches that had too few of them.
func (s *surroundings) catchUp(ctx context.Context, now time.Time) error {
	due := s.waiting
	s.waiting = nil
	for i, w := range due {
		if w.until.IsZero() {
			w.until = now.Add(overlap)
		}
		if now.After(w.until) {
			continue
		}
		if err := s.block(ctx, w.match, w.until); err != nil {
			s.waiting = append(s.waiting, due[i:]...)
			return err
		}
	}
	return nil
}

// block prints the neighbourhood of a match. Matches themselves come in turn, so one that is printed as a neighbour first stays one.
func (s *surroundings) block(ctx context.Context, match event, until time.Time) error {
	var out contextOutput
	// One event more says whether the block continues the one before it.
	if err := s.call(ctx, "GetEventContext", contextInput{match.ID, s.before + 1, s.after}, &out); err != nil {
		if gone(err) || isMissing(err) { // deleted since
			return s.one(match, "")
		}
		return err
	}
	at := -1
	for i := range out.Events {
		if out.Events[i].ID == match.ID {
			at = i
		}
	}
	if at < 0 {
		return s.one(match, "")
	}
	for i := max(0, at-s.before); i < len(out.Events); i++ {
		e := out.Events[i]
		previous := ""
		if i > 0 {
			previous = out.Events[i-1].ID
		}
		near := event{
			Group: match.Group, Stream: e.Stream, Timestamp: e.Timestamp, Ingestion: e.Ingestion, ID: e.ID, Message: e.Message,
			near: i != at && !s.print.matches(e.Message),
		}
		if near.Stream == "" {
			near.Stream = match.Stream
		}
		if err := s.one(near, previous); err != nil {
			return err
		}
	}
	if len(out.Events)-at-1 < s.after {
		if s.waiting = append(s.waiting, waiting{match, until}); len(s.waiting) > maxWaiting {
			s.waiting = s.waiting[1:]
		}
	}
	return nil
}

// one prints an event once; previous is its predecessor in the stream.
func (s *surroundings) one(e event, previous string) error {
	if s.shown[e.ID] {
		return nil
	}
	if s.last != "" && s.last != previous {
		if err := s.print.gap(); err != nil {
			return err
		}
	}
	if s.shown == nil {
		s.shown = map[string]bool{}
	}
	s.shown[e.ID], s.last = true, e.ID
	if s.order = append(s.order, e.ID); len(s.order) > maxShown {
		for _, id := range s.order[:maxShown/2] {
			delete(s.shown, id)
		}
		s.order = append([]string(nil), s.order[maxShown/2:]...)
	}
	return s.print.print(e)
}

// matches reports whether the filter finds a message, which then is no mere neighbour.
func (p *linePrinter) matches(message string) bool {
	if p.tester == nil {
		return false
	}
	_, ok := p.tester.Values([]byte(message))
	return ok
}

// isMissing reports whether the server says that an event does not exist.
func isMissing(err error) bool {
	var api *smithy.GenericAPIError
	return errors.As(err, &api) && api.Code == "ResourceNotFoundException"
}
