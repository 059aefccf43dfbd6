package anomalies

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/cumulog/cumulog/internal/engine/anomaly"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// Anomaly is an anomaly as users see it.
type Anomaly struct {
	anomaly.Anomaly
	DetectorARN string
	GroupARN    string
	Active      bool // the newest evaluation of the detector saw it
	State       string
	// Suppression keeps it from being reported; nil: nothing does.
	Suppression  *anomaly.Suppression
	PatternLevel bool // the suppression is one of the pattern
}

// Suppression states to select anomalies by.
const (
	SelectSuppressed   = "SUPPRESSED"
	SelectUnsuppressed = "UNSUPPRESSED"
)

// AnomalyRequest selects and pages anomalies.
type AnomalyRequest struct {
	Detector string // ARN; "": all of the account and region
	State    string // SelectSuppressed or SelectUnsuppressed; "": both
	Token    *string
	Limit    int // 1 to MaxPage; 0: MaxPage
}

// AnomalyPage is one page of anomalies. Next is the token of the next page, "" on
// the last.
type AnomalyPage struct {
	Anomalies []Anomaly
	Next      string
}

// Anomalies lists anomalies, the one that was first seen last first. Those that
// became normal because of their age are not among them. *ParameterError, ErrBadToken,
// ErrNotFound, groups.ErrUnavailable.
func (s *Service) Anomalies(ctx context.Context, scope logs.Scope, r AnomalyRequest) (AnomalyPage, error) {
	if r.Limit == 0 {
		r.Limit = MaxPage
	}
	if r.Limit < 1 || r.Limit > MaxPage {
		return AnomalyPage{}, parameterf("limit must be from 1 to %d.", MaxPage)
	}
	if r.State != "" && r.State != SelectSuppressed && r.State != SelectUnsuppressed {
		return AnomalyPage{}, parameterf("%s is not a suppression state.", r.State)
	}
	now, hash := s.o.Now().UnixMilli(), logs.QueryHash(scope.Account, scope.Region, r.Detector, r.State)
	first, id := int64(math.MaxInt64), ""
	if r.Token != nil {
		b, err := logs.DecodeToken(*r.Token, logs.TokenAnomalies, hash, now)
		if err != nil || len(b) < 8 {
			return AnomalyPage{}, ErrBadToken
		}
		first, id = int64(binary.BigEndian.Uint64(b)), string(b[8:])
	}
	of, err := s.detectorsOf(ctx, scope, r.Detector)
	if err != nil {
		return AnomalyPage{}, err
	}
	var found []Anomaly
	for i := range of {
		all, err := s.anomaliesOf(ctx, &of[i], now)
		if err != nil {
			return AnomalyPage{}, err
		}
		for _, a := range all {
			if r.State == SelectSuppressed && a.Suppression == nil || r.State == SelectUnsuppressed && a.Suppression != nil {
				continue
			}
			if a.First > first || a.First == first && a.ID <= id {
				continue
			}
			found = append(found, a)
		}
	}
	slices.SortFunc(found, func(a, b Anomaly) int { return cmp.Or(cmp.Compare(b.First, a.First), strings.Compare(a.ID, b.ID)) })
	page := AnomalyPage{Anomalies: found}
	if len(found) > r.Limit {
		page.Anomalies = found[:r.Limit]
		last := &page.Anomalies[r.Limit-1]
		page.Next = logs.EncodeToken(logs.TokenAnomalies, hash, now, append(binary.BigEndian.AppendUint64(nil, uint64(last.First)), last.ID...))
	}
	return page, nil
}

// detectorsOf returns the document of a detector, or of all of a scope.
func (s *Service) detectorsOf(ctx context.Context, scope logs.Scope, arn string) ([]catalog.Document, error) {
	if arn != "" {
		d, _, err := s.find(ctx, scope, arn)
		return []catalog.Document{d}, err
	}
	found, err := s.o.Catalog.Documents(ctx, catalog.DocumentQuery{Kind: documentKind, Scope: &scope})
	return found, translate(err)
}

// anomaliesOf returns copies of the anomalies of a detector that can be seen.
func (s *Service) anomaliesOf(ctx context.Context, d *catalog.Document, now int64) ([]Anomaly, error) {
	p, err := decodeSpec(d.Body)
	if err != nil {
		return nil, err
	}
	w := s.worker(d.Name)
	if w == nil {
		return nil, nil
	}
	g, err := s.o.Directory.GroupByID(ctx, d.Scope, d.Group)
	if errors.Is(err, groups.ErrGroupNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	v := w.view.Load()
	var out []Anomaly
	for _, a := range v.book.Anomalies {
		if now-a.First > int64(p.Visibility)*24*time.Hour.Milliseconds() {
			continue
		}
		x := Anomaly{
			Anomaly: *a, DetectorARN: d.Scope.AnomalyDetectorARN(d.Name), GroupARN: d.Scope.GroupARN(g.Name),
			Active: a.Last >= v.evaluated, State: v.book.State(a, now),
		}
		x.Suppression, x.PatternLevel = v.book.Suppression(a, now)
		out = append(out, x)
	}
	return out, nil
}

// Units of a suppression.
var units = map[string]time.Duration{"SECONDS": time.Second, "MINUTES": time.Minute, "HOURS": time.Hour}

// Types of a suppression.
const (
	Limited  = "LIMITED"
	Infinite = "INFINITE"
)

// maxSuppression bounds a limited suppression (ours).
const maxSuppression = 10 * 366 * 24 * time.Hour

// UpdateAnomalyRequest changes what is reported.
type UpdateAnomalyRequest struct {
	Detector  string // ARN
	AnomalyID string // this, or
	PatternID string // this
	Type      string // Limited, Infinite, or "": end a suppression
	Value     int    // for Limited: how long
	Unit      string // of Value
	Baseline  *bool  // take it for normal, or no longer; nil: leave it
}

func (r *UpdateAnomalyRequest) suppression(now int64) (*anomaly.Suppression, error) {
	switch r.Type {
	case "":
		if r.Unit != "" {
			return nil, parameterf("suppressionPeriod needs a suppressionType.")
		}
		return nil, nil
	case Infinite:
		return &anomaly.Suppression{At: now}, nil
	case Limited:
		unit := units[r.Unit]
		if unit == 0 || r.Value <= 0 {
			return nil, parameterf("A suppressionType of LIMITED needs a suppressionPeriod with a positive value and a suppressionUnit.")
		}
		if time.Duration(r.Value) > maxSuppression/unit {
			return nil, parameterf("The suppressionPeriod is too long.")
		}
		return &anomaly.Suppression{At: now, Until: now + (time.Duration(r.Value) * unit).Milliseconds()}, nil
	}
	return nil, parameterf("%s is not a suppressionType.", r.Type)
}

// UpdateAnomaly suppresses an anomaly or a pattern, ends a suppression, or takes
// it for normal. Without a type and with Baseline only the latter changes.
// *ParameterError, ErrNotFound, ErrAnomalyNotFound, groups.ErrUnavailable.
func (s *Service) UpdateAnomaly(ctx context.Context, scope logs.Scope, r UpdateAnomalyRequest) error {
	if (r.AnomalyID == "") == (r.PatternID == "") {
		return parameterf("Exactly one of anomalyId and patternId must be specified.")
	}
	now := s.o.Now().UnixMilli()
	suppression, err := r.suppression(now)
	if err != nil {
		return err
	}
	d, _, err := s.find(ctx, scope, r.Detector)
	if err != nil {
		return err
	}
	w := s.worker(d.Name)
	if w == nil {
		return ErrAnomalyNotFound
	}
	return w.changeBook(s.o.FS, func(book *anomaly.Book) error {
		of := book.OfPattern(r.PatternID)
		if a := book.Find(r.AnomalyID); r.AnomalyID != "" && a != nil {
			of = []*anomaly.Anomaly{a}
		}
		if len(of) == 0 {
			return ErrAnomalyNotFound
		}
		if r.Baseline != nil {
			for _, a := range of {
				a.Baseline = *r.Baseline
			}
		}
		switch {
		case suppression == nil && r.Baseline != nil:
		case r.PatternID != "":
			book.SuppressPattern(r.PatternID, suppression)
		default:
			of[0].Suppressed = suppression
		}
		return nil
	})
}
