package subscriptions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/pattern"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/sink"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/metricfilters"
	"github.com/cumulog/cumulog/internal/service/patterns"
)

// Distributions of messages over the partitions of a target.
const (
	ByLogStream = "ByLogStream"
	Random      = "Random"
)

// System fields that a filter can add to events.
const (
	FieldAccount = "@aws.account"
	FieldRegion  = "@aws.region"
)

// Spec is what a subscription filter does.
type Spec struct {
	Pattern      string   `json:"pattern"`
	Destination  string   `json:"destination"` // ARN
	Role         string   `json:"role,omitempty"`
	Distribution string   `json:"distribution,omitempty"` // ByLogStream when ""
	Transformed  bool     `json:"transformed,omitempty"`  // filters the transformed events; refused, as there are none
	Criteria     string   `json:"criteria,omitempty"`     // which events by system fields
	SystemFields []string `json:"systemFields,omitempty"`
}

// Filter is a subscription filter of a group.
type Filter struct {
	Name      string
	Group     string
	CreatedMS int64
	Spec
}

// vendor is what AWS knows of the service that an ARN names.
type vendor struct {
	service string // of the ARN
	title   string // in control messages and errors
	failed  string // could not be reached
}

var vendors = []vendor{
	{"kinesis", "Kinesis stream", "Could not deliver test message to specified Kinesis stream. Check if the given kinesis stream is in ACTIVE state."},
	{"firehose", "Firehose", "Could not deliver test message to specified Firehose stream. Check if the given Firehose stream is in ACTIVE state."},
	{"lambda", "Lambda function", "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your function."},
}

// forPeople are the types of targets that take messages for people, not payloads.
var forPeople = []string{"log", "smtp", "sns"}

const failedDestination = "Could not deliver test message to specified destination. Check if the destination is valid."

// vendorOf returns the vendor of an ARN; one without texts of its own when AWS knows none.
func vendorOf(arn string) (v vendor, known bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" || parts[5] == "" {
		return vendor{}, false
	}
	for _, v := range vendors {
		if v.service == parts[2] {
			return v, true
		}
	}
	return vendor{parts[2], "destination", failedDestination}, false
}

// checkSpec refuses what is wrong in itself and returns the compiled pattern.
func (s *Service) checkSpec(spec *Spec) (*pattern.Pattern, error) {
	p, err := patterns.Parse(spec.Pattern)
	if err != nil {
		return nil, err
	}
	if spec.Criteria != "" {
		if _, err := metricfilters.ParseCriteria(spec.Criteria); err != nil {
			return nil, &ParameterError{err.Error()}
		}
	}
	for i, f := range spec.SystemFields {
		if f != FieldAccount && f != FieldRegion {
			return nil, parameterf("The system field %s is not supported. Use %s or %s.", f, FieldAccount, FieldRegion)
		}
		if slices.Contains(spec.SystemFields[:i], f) {
			return nil, parameterf("The system field %s is given twice.", f)
		}
	}
	if spec.Transformed {
		return nil, ErrTransformer
	}
	v, known := vendorOf(spec.Destination)
	_, _, isDestination := destinationOf(spec.Destination)
	switch {
	case v.service == "":
		return nil, parameterf("destinationArn is not an ARN: %s", spec.Destination)
	case v.service == "lambda" && spec.Role != "":
		return nil, parameterf("destinationArn for vendor lambda cannot be used with roleArn")
	case known && v.service != "lambda" && spec.Role == "":
		return nil, parameterf("destinationArn for vendor %s cannot be used without roleArn", v.service)
	case !known && !isDestination:
		// Other vendors are ours: an ARN that the targets file knows as something that log events can go to.
		if _, target, found := s.o.Targets.Find(spec.Destination); !found || s.o.Strict || slices.Contains(forPeople, target.Type) {
			return nil, parameterf("PutSubscriptionFilter operation cannot work with destinationArn for vendor %s", v.service)
		}
	}
	return p, nil
}

// PutFilter creates or replaces a subscription filter of a group once its target has taken a test message. Events that
// arrive afterwards are delivered; one that replaces another continues where that was. *ParameterError, *AccessError,
// *patterns.Error, ErrClass, ErrTransformer, ErrLimit, groups.ErrGroupNotFound, groups.ErrUnavailable.
func (s *Service) PutFilter(ctx context.Context, scope logs.Scope, group, name string, spec Spec) error {
	setDefault(&spec.Distribution, ByLogStream)
	if _, err := s.checkSpec(&spec); err != nil {
		return err
	}
	g, err := s.o.Directory.Resolve(ctx, scope, group)
	if err != nil {
		return err
	}
	if g.Class != groups.ClassStandard {
		return ErrClass
	}
	limit := MaxFilters
	if s.o.Strict {
		limit = StrictFilters
	}
	key := catalog.DocumentKey{Kind: kindFilter, Scope: scope, Group: g.ID, Name: name}
	if err := s.room(ctx, key, limit); err != nil {
		return err
	}
	// Outside the lock: a target may take long to answer.
	if err := s.probe(ctx, scope, spec.Destination); err != nil {
		return err
	}
	s.change.Lock()
	defer s.change.Unlock()
	return s.put(ctx, key, &spec, limit)
}

// room returns ErrLimit when a new document would be too many, before its target is bothered.
func (s *Service) room(ctx context.Context, key catalog.DocumentKey, limit int) error {
	list, err := s.o.Catalog.Documents(ctx, catalog.DocumentQuery{Kind: key.Kind, Scope: &key.Scope, Group: &key.Group})
	if err != nil {
		return translate(err, nil)
	}
	if len(list) >= limit && !slices.ContainsFunc(list, func(d catalog.Document) bool { return d.Name == key.Name }) {
		return ErrLimit
	}
	return nil
}

// put writes a document whose deliveries begin with what arrives from now on, and starts them. The position is written first:
// a document without one would not know where it began.
func (s *Service) put(ctx context.Context, key catalog.DocumentKey, body any, limit int) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode %s: %w", key.Kind, err)
	}
	consumer := consumerOf(key)
	_, err = s.o.Catalog.Document(ctx, key)
	fresh := errors.Is(err, catalog.ErrNotFound)
	if err != nil && !fresh {
		return translate(err, nil)
	}
	if fresh {
		// A position of one of the same name before it does not count.
		if err := s.o.Catalog.ForgetPosition(ctx, consumer); err != nil {
			return translate(err, nil)
		}
		if err := s.o.Catalog.Reach(ctx, consumer, s.o.Feed.Applied()); err != nil {
			return translate(err, nil)
		}
	}
	now := s.nowMS()
	d := catalog.Document{DocumentKey: key, CreatedMS: now, UpdatedMS: now, Body: raw}
	if _, err := s.o.Catalog.PutDocument(ctx, d, limit, "", nil); err != nil {
		if fresh {
			err = errors.Join(err, s.o.Catalog.ForgetPosition(ctx, consumer))
		}
		return translate(err, groups.ErrGroupNotFound)
	}
	return s.restart(ctx, key)
}

// consumerOf is the name of the position of a filter or policy.
func consumerOf(key catalog.DocumentKey) string {
	if key.Kind == kindPolicy {
		return "subscription/policy/" + key.Scope.Account + "/" + key.Scope.Region + "/" + key.Name
	}
	return "subscription/" + strconv.FormatInt(int64(key.Group), 10) + "/" + key.Name
}

// probe finds out whether the target of an ARN takes messages.
func (s *Service) probe(ctx context.Context, scope logs.Scope, arn string) error {
	v, _ := vendorOf(arn)
	arn, err := s.targetOf(ctx, scope, arn)
	if err != nil {
		return err
	}
	return s.probeTarget(ctx, arn, v)
}

// targetOf returns the ARN of the target that an account uses: arn, or what the destination stands for that it names. The
// error may be an *AccessError.
func (s *Service) targetOf(ctx context.Context, user logs.Scope, arn string) (string, error) {
	owner, name, ok := destinationOf(arn)
	if !ok {
		return arn, s.checkOwner(user.Account, actionSubscribe, arn)
	}
	d, err := s.usableDestination(ctx, user, arn, owner, name)
	if err != nil {
		return "", err
	}
	return d.Target, s.checkOwner(owner.Account, actionSubscribe, d.Target)
}

// checkOwner refuses, with OwnAccount, targets of accounts other than the one that uses it. Some ARNs name no account.
func (s *Service) checkOwner(account, action, arn string) error {
	if !s.o.OwnAccount {
		return nil
	}
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 && parts[4] != "" && parts[4] != account {
		return &AccessError{account, action, arn}
	}
	return nil
}

// probeTarget sends a test message to what an ARN stands for.
func (s *Service) probeTarget(ctx context.Context, arn string, v vendor) error {
	to, target, ok := s.o.Targets.Find(arn)
	if !ok {
		return parameterf("%s No target is configured for this ARN.", v.failed)
	}
	if err := to.Check(ctx, controlMessage(v, s.nowMS())); err != nil {
		s.o.Logger.Warn("a target refuses the test message", "arn", arn, "type", target.Type, "place", target.Place, "error", err)
		return &ParameterError{v.failed}
	}
	return nil
}

// DeleteFilter removes a filter; nothing is delivered any more when it returns. ErrFilterNotFound, groups.ErrGroupNotFound,
// groups.ErrUnavailable.
func (s *Service) DeleteFilter(ctx context.Context, scope logs.Scope, group, name string) error {
	g, err := s.o.Directory.Resolve(ctx, scope, group)
	if err != nil {
		return err
	}
	s.change.Lock()
	defer s.change.Unlock()
	return s.remove(ctx, catalog.DocumentKey{Kind: kindFilter, Scope: scope, Group: g.ID, Name: name}, ErrFilterNotFound)
}

// remove deletes a document and ends its deliveries.
func (s *Service) remove(ctx context.Context, key catalog.DocumentKey, notFound error) error {
	if err := s.o.Catalog.DeleteDocument(ctx, key, ""); err != nil {
		return translate(err, notFound)
	}
	s.stop(key)
	return translate(s.o.Catalog.ForgetPosition(ctx, consumerOf(key)), nil)
}

// FilterPage is a page of filters by name.
type FilterPage struct {
	Filters []Filter
	Next    string // token; "" at the end
}

// Filters lists the filters of a group. limit 0 is MaxPage. ErrBadToken, groups.ErrGroupNotFound, groups.ErrUnavailable.
func (s *Service) Filters(ctx context.Context, scope logs.Scope, group, prefix string, token *string, limit int) (FilterPage, error) {
	setDefault(&limit, MaxPage)
	query := logs.QueryHash(scope.Account, scope.Region, group, prefix)
	after, err := s.openToken(token, logs.TokenSubscriptions, query)
	if err != nil {
		return FilterPage{}, err
	}
	g, err := s.o.Directory.Resolve(ctx, scope, group)
	if err != nil {
		return FilterPage{}, err
	}
	q := catalog.DocumentQuery{Kind: kindFilter, Scope: &scope, Group: &g.ID, Prefix: prefix, Limit: limit + 1}
	if after != "" {
		q.After = &catalog.DocumentKey{Scope: scope, Group: g.ID, Name: after}
	}
	docs, err := s.o.Catalog.Documents(ctx, q)
	if err != nil {
		return FilterPage{}, translate(err, nil)
	}
	docs, next := page(s, docs, limit, logs.TokenSubscriptions, query, func(d *catalog.Document) string { return d.Name })
	out := FilterPage{Filters: make([]Filter, len(docs)), Next: next}
	for i := range docs {
		f := Filter{Name: docs[i].Name, Group: g.Name, CreatedMS: docs[i].CreatedMS}
		if err := decode(&docs[i], &f.Spec); err != nil {
			return FilterPage{}, err
		}
		out.Filters[i] = f
	}
	return out, nil
}

// routeOf returns the sink of an ARN, through a destination when it names one.
func (s *Service) routeOf(ctx context.Context, scope logs.Scope, arn string) (sink.Sink, sink.Target, error) {
	arn, err := s.targetOf(ctx, scope, arn)
	if err != nil {
		return nil, sink.Target{}, err
	}
	to, target, ok := s.o.Targets.Find(arn)
	if !ok {
		return nil, sink.Target{}, fmt.Errorf("no target is configured for %s", arn)
	}
	return to, target, nil
}
