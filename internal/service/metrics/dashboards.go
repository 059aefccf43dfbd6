package metrics

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// Limits of dashboards.
const (
	dashboardPage      = 1000
	maxDeleted         = 100
	maxDashboardBody   = 1 << 20
	maxWidgets         = 500
	dashboardWidth     = 24
	maxWidgetHeight    = 1000
	maxDashboardErrors = 100
	maxDashboards      = 5000
)

const dashboardKind = "dashboard"

// DashboardMessage is a remark about a part of the body of a dashboard.
type DashboardMessage struct{ DataPath, Message string }

// DashboardError says what is wrong with a dashboard that was not put.
type DashboardError struct {
	Message  string
	Messages []DashboardMessage
}

func (e *DashboardError) Error() string { return e.Message }

// Dashboard is a dashboard of an account.
type Dashboard struct {
	Name, ARN    string
	Body         string // JSON as it was put; "" in lists
	LastModified int64  // ms since 1970
	Size         int64  // bytes of Body
}

// dashboardBody is the body of the document in the catalog.
type dashboardBody struct {
	Body string `json:"body"`
}

var dashboardName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)

// dashboardScope is the scope of dashboards: they belong to an account, not to a region.
func dashboardScope(scope logs.Scope) logs.Scope {
	return logs.Scope{Account: scope.Account, Region: "global"}
}

// DashboardARN returns the ARN of a dashboard.
func DashboardARN(account, name string) string {
	return fmt.Sprintf("arn:aws:cloudwatch::%s:dashboard/%s", account, name)
}

func dashboardKey(scope logs.Scope, name string) catalog.DocumentKey {
	return catalog.DocumentKey{Kind: dashboardKind, Scope: dashboardScope(scope), Name: name}
}

// PutDashboard creates a dashboard, with tags, or replaces its body. The messages are warnings; when something is
// wrong with the body nothing changes and the error is a *DashboardError.
func (s *Service) PutDashboard(ctx context.Context, scope logs.Scope, name, body string, tags map[string]string) ([]DashboardMessage, error) {
	if !dashboardName.MatchString(name) {
		return nil, &DashboardError{
			Message:  "The field DashboardName must only contain alphanumerics, dash (-) and underscore (_), and at most 255 of them.",
			Messages: []DashboardMessage{},
		}
	}
	warnings, wrong := checkDashboard(body)
	if len(wrong) > 0 {
		return nil, &DashboardError{Message: fmt.Sprintf("The dashboard body is invalid, there are %d validation errors", len(wrong)), Messages: wrong}
	}
	stored, err := json.Marshal(dashboardBody{Body: body})
	if err != nil {
		return nil, fmt.Errorf("put dashboard: %w", err)
	}
	now := s.o.Now().UnixMilli()
	_, err = s.o.Catalog.PutDocument(ctx, catalog.Document{
		DocumentKey: dashboardKey(scope, name), CreatedMS: now, UpdatedMS: now, Body: stored,
	}, maxDashboards, DashboardARN(scope.Account, name), tags)
	if errors.Is(err, catalog.ErrTooMany) {
		return nil, &DashboardError{Message: fmt.Sprintf("There are %d dashboards already.", maxDashboards), Messages: []DashboardMessage{}}
	}
	return warnings, err
}

// Dashboard returns a dashboard; ErrDashboardNotFound when there is none of this name.
func (s *Service) Dashboard(ctx context.Context, scope logs.Scope, name string) (Dashboard, error) {
	if name == "" {
		return Dashboard{}, missing("The parameter DashboardName is required.")
	}
	d, err := s.o.Catalog.Document(ctx, dashboardKey(scope, name))
	if errors.Is(err, catalog.ErrNotFound) {
		return Dashboard{}, fmt.Errorf("dashboard %.255s: %w", name, ErrDashboardNotFound)
	}
	if err != nil {
		return Dashboard{}, err
	}
	return readDashboard(&d)
}

func readDashboard(d *catalog.Document) (Dashboard, error) {
	var body dashboardBody
	dec := json.NewDecoder(strings.NewReader(string(d.Body)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&body); err != nil {
		return Dashboard{}, fmt.Errorf("dashboard %s in the catalog: %w", d.Name, err)
	}
	return Dashboard{
		Name: d.Name, ARN: DashboardARN(d.Scope.Account, d.Name), Body: body.Body,
		LastModified: d.UpdatedMS, Size: int64(len(body.Body)),
	}, nil
}

// Dashboards lists dashboards by name, without their bodies. next is "" at the end.
func (s *Service) Dashboards(ctx context.Context, scope logs.Scope, prefix, token string) (list []Dashboard, next string, err error) {
	in := dashboardScope(scope)
	q := catalog.DocumentQuery{Kind: dashboardKind, Scope: &in, Prefix: prefix, Limit: dashboardPage + 1}
	if token != "" {
		after, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil || !dashboardName.Match(after) {
			return nil, "", &Error{Kind: ErrInvalidToken, Message: "The specified nextToken is invalid."}
		}
		key := dashboardKey(scope, string(after))
		q.After = &key
	}
	docs, err := s.o.Catalog.Documents(ctx, q)
	if err != nil {
		return nil, "", err
	}
	if len(docs) > dashboardPage {
		docs = docs[:dashboardPage]
		next = base64.RawURLEncoding.EncodeToString([]byte(docs[dashboardPage-1].Name))
	}
	for i := range docs {
		d, err := readDashboard(&docs[i])
		if err != nil {
			return nil, "", err
		}
		d.Body = ""
		list = append(list, d)
	}
	return list, next, nil
}

// DeleteDashboards deletes dashboards, all or none: ErrDashboardNotFound when one does not exist.
func (s *Service) DeleteDashboards(ctx context.Context, scope logs.Scope, names []string) error {
	if len(names) == 0 {
		return missing("The parameter DashboardNames is required.")
	}
	if len(names) > maxDeleted {
		return invalid("The collection DashboardNames must not have a size greater than %d.", maxDeleted)
	}
	for _, name := range names {
		if _, err := s.Dashboard(ctx, scope, name); err != nil {
			return err
		}
	}
	for _, name := range names {
		err := s.o.Catalog.DeleteDocument(ctx, dashboardKey(scope, name), DashboardARN(scope.Account, name))
		if err != nil && !errors.Is(err, catalog.ErrNotFound) {
			return err
		}
	}
	return nil
}
