package alarms

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/service/actions"
)

// actionData is the data of an Action in the history.
type actionData struct {
	State    string  `json:"actionState"`
	AtMS     int64   `json:"stateUpdateTimestamp"`
	Resource string  `json:"notificationResource"`
	Message  string  `json:"publishedMessage,omitempty"`
	Error    *string `json:"error"`
}

// ActionEntry returns the line of history of an action that was done, or given up because of failure. It is the History of the
// actions service.
func ActionEntry(r *actions.Request, failure error, nowMS int64) (catalog.Entry, error) {
	summary, d := "Successfully executed action "+r.Target, actionData{State: "Succeeded", AtMS: r.AtMS, Resource: r.Target, Message: r.Body}
	if failure != nil {
		text := strings.ToValidUTF8(failure.Error(), "?")
		if len(text) > 500 {
			text = strings.ToValidUTF8(text[:500], "") + "…"
		}
		summary, d.State, d.Error = "Failed to execute action "+r.Target, "Failed", &text
	}
	short := d
	short.Message = ""
	data, err := fitting(&d, &short)
	if err != nil {
		return catalog.Entry{}, err
	}
	if cut := []rune(summary); len(cut) > maxSummary {
		summary = string(cut[:maxSummary-3]) + "..."
	}
	body, err := json.Marshal(&line{Type: r.OwnerType, Item: ItemAction, Summary: summary, Data: data})
	if err != nil {
		return catalog.Entry{}, fmt.Errorf("encode history of %s: %w", r.Owner, err)
	}
	return catalog.Entry{Kind: documentKind, Scope: r.Scope(), Name: r.Owner, AtMS: nowMS, Body: body}, nil
}
