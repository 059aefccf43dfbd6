package anomalies

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/patterns"
)

// Limits of detectors and of lists.
const (
	MaxDetectors      = 500 // in one (account, region)
	MaxPage           = 50
	MinVisibility     = 7 // days
	MaxVisibility     = 90
	DefaultVisibility = 21
)

const documentKind = "anomaly-detector"

// frequencies are how often a detector evaluates, by their names.
var frequencies = map[string]time.Duration{
	"ONE_MIN": time.Minute, "FIVE_MIN": 5 * time.Minute, "TEN_MIN": 10 * time.Minute, "FIFTEEN_MIN": 15 * time.Minute,
	"THIRTY_MIN": 30 * time.Minute, "ONE_HOUR": time.Hour,
}

const defaultFrequency = "FIVE_MIN" // (ours)

// Statuses of a detector.
const (
	Initializing = "INITIALIZING"
	Training     = "TRAINING"
	Analyzing    = "ANALYZING"
	Failed       = "FAILED"
	Paused       = "PAUSED"
)

// spec is what the catalog keeps of a detector.
type spec struct {
	Name       string `json:"name,omitempty"`
	Frequency  string `json:"frequency"`
	Filter     string `json:"filter,omitempty"`
	KMSKey     string `json:"kmsKey,omitempty"`
	Visibility int    `json:"visibility"` // days
	Paused     bool   `json:"paused,omitempty"`
	// Training counts how often the detector was to be trained anew. What was
	// learned belongs to one of these.
	Training int `json:"training,omitempty"`
	// Resumed counts how often it was enabled again.
	Resumed int `json:"resumed,omitempty"`
}

func (p *spec) period() time.Duration { return frequencies[p.Frequency] }

func decodeSpec(body []byte) (spec, error) {
	var p spec
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return spec{}, fmt.Errorf("decode anomaly detector: %w", err)
	}
	if frequencies[p.Frequency] == 0 {
		return spec{}, fmt.Errorf("decode anomaly detector: frequency %q", p.Frequency)
	}
	return p, nil
}

// Detector is an anomaly detector.
type Detector struct {
	ARN        string
	Name       string
	GroupARN   string
	Frequency  string // such as FIVE_MIN
	Filter     string
	KMSKey     string
	Visibility int // days
	Status     string
	CreatedMS  int64
	UpdatedMS  int64
}

// CreateRequest is what a new detector is like.
type CreateRequest struct {
	Groups     []string // ARNs; exactly one
	Name       string
	Frequency  string // "": FIVE_MIN
	Filter     string // filter pattern; "": all events
	KMSKey     string // kept, not used
	Visibility int    // days; 0: 21
	Tags       map[string]string
}

// Create makes a detector and returns its ARN. *ParameterError, *patterns.Error,
// ErrClass, ErrTooMany, groups.ErrGroupNotFound, *groups.ParameterError, groups.ErrUnavailable.
func (s *Service) Create(ctx context.Context, scope logs.Scope, r CreateRequest) (arn string, err error) {
	if len(r.Groups) != 1 {
		return "", parameterf("Exactly one log group ARN must be specified.")
	}
	if err := checkGroupARN(r.Groups[0]); err != nil {
		return "", err
	}
	if err := groups.CheckTags(r.Tags); err != nil {
		return "", err
	}
	p := spec{Name: r.Name, Frequency: r.Frequency, Filter: r.Filter, KMSKey: r.KMSKey, Visibility: r.Visibility}
	if p.Frequency == "" {
		p.Frequency = defaultFrequency
	}
	if p.Visibility == 0 {
		p.Visibility = DefaultVisibility
	}
	if err := p.check(); err != nil {
		return "", err
	}
	g, err := s.o.Directory.Resolve(ctx, scope, r.Groups[0])
	if err != nil {
		return "", err
	}
	if g.Class != groups.ClassStandard {
		return "", ErrClass
	}
	body, err := json.Marshal(&p)
	if err != nil {
		return "", fmt.Errorf("encode anomaly detector: %w", err)
	}
	s.change.Lock()
	defer s.change.Unlock()
	counts, err := s.o.Catalog.CountDocuments(ctx, documentKind, scope)
	if err != nil {
		return "", translate(err)
	}
	n := 0
	for _, c := range counts {
		n += c
	}
	if n >= MaxDetectors {
		return "", ErrTooMany
	}
	id, now := uuid.NewString(), s.o.Now().UnixMilli()
	arn = scope.AnomalyDetectorARN(id)
	_, err = s.o.Catalog.PutDocument(ctx, catalog.Document{
		DocumentKey: catalog.DocumentKey{Kind: documentKind, Scope: scope, Group: g.ID, Name: id},
		CreatedMS:   now, UpdatedMS: now, Body: body,
	}, 0, arn, r.Tags)
	if errors.Is(err, catalog.ErrNotFound) {
		return "", groups.ErrGroupNotFound
	}
	if err != nil {
		return "", translate(err)
	}
	return arn, nil
}

// checkGroupARN refuses what is not the ARN of a log group.
func checkGroupARN(text string) error {
	if arn, err := logs.ParseARN(text); err == nil {
		if _, ok := arn.GroupName(); ok {
			return nil
		}
	}
	return parameterf("Invalid log group Arn: %s", text)
}

func (p *spec) check() error {
	if frequencies[p.Frequency] == 0 {
		return parameterf("%s is not an evaluation frequency.", p.Frequency)
	}
	if p.Visibility < MinVisibility || p.Visibility > MaxVisibility {
		return parameterf("anomalyVisibilityTime must be from %d to %d days.", MinVisibility, MaxVisibility)
	}
	_, err := patterns.Parse(p.Filter)
	return err
}

// find returns the document of a detector by ARN, or ErrNotFound.
func (s *Service) find(ctx context.Context, scope logs.Scope, text string) (catalog.Document, spec, error) {
	arn, err := logs.ParseARN(text)
	if err != nil {
		return catalog.Document{}, spec{}, ErrNotFound
	}
	id, ok := arn.AnomalyDetector()
	if !ok || arn.Scope != scope || arn.Partition != logs.Partition(scope.Region) {
		return catalog.Document{}, spec{}, ErrNotFound
	}
	found, err := s.o.Catalog.Documents(ctx, catalog.DocumentQuery{Kind: documentKind, Scope: &scope, Prefix: id})
	if err != nil {
		return catalog.Document{}, spec{}, translate(err)
	}
	for _, d := range found {
		if d.Name == id {
			p, err := decodeSpec(d.Body)
			return d, p, err
		}
	}
	return catalog.Document{}, spec{}, ErrNotFound
}

// describe returns a detector as it is now.
func (s *Service) describe(ctx context.Context, d *catalog.Document, p *spec) (Detector, error) {
	g, err := s.o.Directory.GroupByID(ctx, d.Scope, d.Group)
	if errors.Is(err, groups.ErrGroupNotFound) {
		return Detector{}, ErrNotFound // the detector goes with it
	}
	if err != nil {
		return Detector{}, err
	}
	return Detector{
		ARN: d.Scope.AnomalyDetectorARN(d.Name), Name: p.Name, GroupARN: d.Scope.GroupARN(g.Name),
		Frequency: p.Frequency, Filter: p.Filter, KMSKey: p.KMSKey, Visibility: p.Visibility,
		Status: s.status(d.Name, p), CreatedMS: d.CreatedMS, UpdatedMS: d.UpdatedMS,
	}, nil
}

// Get returns a detector by ARN. ErrNotFound, groups.ErrUnavailable.
func (s *Service) Get(ctx context.Context, scope logs.Scope, arn string) (Detector, error) {
	d, p, err := s.find(ctx, scope, arn)
	if err != nil {
		return Detector{}, err
	}
	return s.describe(ctx, &d, &p)
}

// UpdateRequest is what changes of a detector; nil leaves a member as it is.
type UpdateRequest struct {
	ARN        string
	Frequency  *string
	Filter     *string
	Visibility *int // days
	Enabled    bool
}

// Update changes a detector. Another frequency or filter makes it learn anew.
// *ParameterError, *patterns.Error, ErrNotFound, groups.ErrUnavailable.
func (s *Service) Update(ctx context.Context, scope logs.Scope, r UpdateRequest) error {
	d, _, err := s.find(ctx, scope, r.ARN)
	if err != nil {
		return err
	}
	err = s.o.Catalog.ChangeDocument(ctx, d.DocumentKey, s.o.Now().UnixMilli(), func(body []byte) ([]byte, error) {
		old, err := decodeSpec(body)
		if err != nil {
			return nil, err
		}
		p := old
		if r.Frequency != nil {
			p.Frequency = *r.Frequency
		}
		if r.Filter != nil {
			p.Filter = *r.Filter
		}
		if r.Visibility != nil {
			p.Visibility = *r.Visibility
		}
		if err := p.check(); err != nil {
			return nil, err
		}
		p.Paused = !r.Enabled
		if p.Frequency != old.Frequency || p.Filter != old.Filter {
			p.Training++
		}
		if old.Paused && !p.Paused {
			p.Resumed++
		}
		return json.Marshal(&p)
	})
	if err != nil {
		return translate(err)
	}
	return nil
}

// Delete removes a detector, what it has learned and what it found. ErrNotFound,
// groups.ErrUnavailable.
func (s *Service) Delete(ctx context.Context, scope logs.Scope, arn string) error {
	d, _, err := s.find(ctx, scope, arn)
	if err != nil {
		return err
	}
	if err := s.o.Catalog.DeleteDocument(ctx, d.DocumentKey, d.Scope.AnomalyDetectorARN(d.Name)); err != nil {
		return translate(err)
	}
	// Run removes the files.
	return nil
}

// ListRequest selects and pages detectors.
type ListRequest struct {
	Group string // ARN; "": of all groups
	Token *string
	Limit int // 1 to MaxPage; 0: MaxPage
}

// Page is one page of detectors. Next is the token of the next page, "" on the
// last.
type Page struct {
	Detectors []Detector
	Next      string
}

// List lists detectors by id. *ParameterError, ErrBadToken, groups.ErrGroupNotFound,
// groups.ErrUnavailable.
func (s *Service) List(ctx context.Context, scope logs.Scope, r ListRequest) (Page, error) {
	if r.Limit == 0 {
		r.Limit = MaxPage
	}
	if r.Limit < 1 || r.Limit > MaxPage {
		return Page{}, parameterf("limit must be from 1 to %d.", MaxPage)
	}
	q := catalog.DocumentQuery{Kind: documentKind, Scope: &scope, Limit: r.Limit + 1}
	if r.Group != "" {
		if err := checkGroupARN(r.Group); err != nil {
			return Page{}, err
		}
		g, err := s.o.Directory.Resolve(ctx, scope, r.Group)
		if err != nil {
			return Page{}, err
		}
		q.Group = &g.ID
	}
	now, hash := s.o.Now().UnixMilli(), logs.QueryHash(scope.Account, scope.Region, r.Group)
	if r.Token != nil {
		b, err := logs.DecodeToken(*r.Token, logs.TokenDetectors, hash, now)
		if err != nil {
			return Page{}, ErrBadToken
		}
		// Ids are unique: whatever has this one comes before.
		q.After = &catalog.DocumentKey{Scope: logs.Scope{Account: "\U0010FFFF"}, Name: string(b)}
	}
	found, err := s.o.Catalog.Documents(ctx, q)
	if err != nil {
		return Page{}, translate(err)
	}
	var page Page
	for i := range found {
		if i == r.Limit {
			page.Next = logs.EncodeToken(logs.TokenDetectors, hash, now, []byte(found[i-1].Name))
			break
		}
		p, err := decodeSpec(found[i].Body)
		if err != nil {
			return Page{}, err
		}
		d, err := s.describe(ctx, &found[i], &p)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return Page{}, err
		}
		page.Detectors = append(page.Detectors, d)
	}
	return page, nil
}
