package actions

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// Kind is the kind of the messages in the outbox.
const Kind = "action"

// Request is something to be done at a target: the message that it gets, made when the
// reason for it came up.
type Request struct {
	Account   string `json:"account"`
	Region    string `json:"region"`
	Owner     string `json:"owner"`     // what asked for it, such as the name of an alarm
	OwnerType string `json:"ownerType"` // such as MetricAlarm
	Target    string `json:"target"`    // ARN
	AtMS      int64  `json:"atMs"`      // when the reason for it came up
	Name      string `json:"name"`      // tells it from every other one
	Subject   string `json:"subject"`
	Text      string `json:"text"` // for people
	Body      string `json:"body"` // JSON
}

// Scope returns the scope of the owner.
func (r *Request) Scope() logs.Scope { return logs.Scope{Account: r.Account, Region: r.Region} }

// Message returns the message for the outbox that asks for r at once.
func (r *Request) Message(nowMS int64) (catalog.Message, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return catalog.Message{}, fmt.Errorf("encode action: %w", err)
	}
	return catalog.Message{Kind: Kind, DueMS: nowMS, CreatedMS: nowMS, Body: body}, nil
}

func decode(body []byte) (*Request, error) {
	r := &Request{}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(r); err != nil {
		return nil, fmt.Errorf("decode action: %w", err)
	}
	return r, nil
}
