package subscriptions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// MaxPolicy bounds the access policy of a destination, in bytes.
const MaxPolicy = 5120

// Destination is a name that filters of other accounts may use for a stream of its owner.
type Destination struct {
	Name      string
	ARN       string
	CreatedMS int64
	Target    string // ARN
	Role      string
	Policy    string // who may use it; "" = nobody else
}

// destination is the body of the document.
type destination struct {
	Target string `json:"target"`
	Role   string `json:"role"`
	Policy string `json:"policy,omitempty"`
}

func destinationKey(scope logs.Scope, name string) catalog.DocumentKey {
	return catalog.DocumentKey{Kind: kindDestination, Scope: scope, Name: name}
}

// destinationOf returns what the ARN of a destination names.
func destinationOf(text string) (scope logs.Scope, name string, ok bool) {
	arn, err := logs.ParseARN(text)
	if err != nil {
		return logs.Scope{}, "", false
	}
	name, ok = arn.Destination()
	return arn.Scope, name, ok && arn.Partition == logs.Partition(arn.Scope.Region)
}

func readDestination(d *catalog.Document) (Destination, error) {
	var body destination
	if err := decode(d, &body); err != nil {
		return Destination{}, err
	}
	return Destination{
		Name: d.Name, ARN: d.Scope.DestinationARN(d.Name), CreatedMS: d.CreatedMS,
		Target: body.Target, Role: body.Role, Policy: body.Policy,
	}, nil
}

// destination returns a destination by name. ErrDestinationNotFound, groups.ErrUnavailable.
func (s *Service) destination(ctx context.Context, scope logs.Scope, name string) (Destination, error) {
	doc, err := s.o.Catalog.Document(ctx, destinationKey(scope, name))
	if err != nil {
		return Destination{}, translate(err, ErrDestinationNotFound)
	}
	return readDestination(&doc)
}

// usableDestination returns a destination that an account may use: its own, or one whose policy lets it.
func (s *Service) usableDestination(ctx context.Context, user logs.Scope, arn string, owner logs.Scope, name string) (Destination, error) {
	d, err := s.destination(ctx, owner, name)
	if errors.Is(err, ErrDestinationNotFound) && owner.Account != user.Account {
		return d, &AccessError{user.Account, actionSubscribe, arn} // nobody learns what others have
	}
	if err != nil {
		return d, err
	}
	if owner.Account != user.Account {
		if p, err := parsePolicy(d.Policy); err != nil || !p.allows(user.Account, arn) {
			return d, &AccessError{user.Account, actionSubscribe, arn}
		}
	}
	return d, nil
}

// PutDestination creates a destination or changes its target; its policy stays. Tags are set on creation only. The target must
// take a test message. *ParameterError, *AccessError, groups.ErrUnavailable.
func (s *Service) PutDestination(ctx context.Context, scope logs.Scope, name, target, role string, tags map[string]string) (Destination, error) {
	if err := groups.CheckTags(tags); err != nil {
		return Destination{}, err
	}
	v, known := vendorOf(target)
	switch {
	case v.service == "":
		return Destination{}, parameterf("targetArn is not an ARN: %s", target)
	case v.service == "lambda" || !known && s.o.Strict:
		return Destination{}, parameterf("PutDestination operation cannot work with targetArn for vendor %s", v.service)
	}
	if err := s.checkOwner(scope.Account, actionPutDestination, target); err != nil {
		return Destination{}, err
	}
	v.failed = failedDestination
	if err := s.probeTarget(ctx, target, v); err != nil {
		return Destination{}, err
	}
	s.change.Lock()
	defer s.change.Unlock()
	key := destinationKey(scope, name)
	body := destination{Target: target, Role: role}
	old, err := s.destination(ctx, scope, name)
	if err == nil {
		body.Policy = old.Policy
	} else if !errors.Is(err, ErrDestinationNotFound) {
		return Destination{}, err
	}
	raw, err := json.Marshal(&body)
	if err != nil {
		return Destination{}, fmt.Errorf("encode destination: %w", err)
	}
	now := s.nowMS()
	_, err = s.o.Catalog.PutDocument(ctx, catalog.Document{DocumentKey: key, CreatedMS: now, UpdatedMS: now, Body: raw}, 0, scope.DestinationARN(name), tags)
	if err != nil {
		return Destination{}, translate(err, nil)
	}
	return s.destination(ctx, scope, name)
}

// PutDestinationPolicy says who may subscribe to a destination. *ParameterError, ErrDestinationNotFound, groups.ErrUnavailable.
func (s *Service) PutDestinationPolicy(ctx context.Context, scope logs.Scope, name, policy string) error {
	if len(policy) > MaxPolicy {
		return parameterf("The access policy has %d bytes, more than %d.", len(policy), MaxPolicy)
	}
	if _, err := parsePolicy(policy); err != nil {
		return err
	}
	s.change.Lock()
	defer s.change.Unlock()
	err := s.o.Catalog.ChangeDocument(ctx, destinationKey(scope, name), s.nowMS(), func(raw []byte) ([]byte, error) {
		var body destination
		if err := decode(&catalog.Document{DocumentKey: destinationKey(scope, name), Body: raw}, &body); err != nil {
			return nil, err
		}
		body.Policy = policy
		return json.Marshal(&body)
	})
	return translate(err, ErrDestinationNotFound)
}

// DeleteDestination removes a destination. Filters that use it wait until it is there again. ErrDestinationNotFound,
// groups.ErrUnavailable.
func (s *Service) DeleteDestination(ctx context.Context, scope logs.Scope, name string) error {
	s.change.Lock()
	defer s.change.Unlock()
	return translate(s.o.Catalog.DeleteDocument(ctx, destinationKey(scope, name), scope.DestinationARN(name)), ErrDestinationNotFound)
}

// DestinationPage is a page of destinations by name.
type DestinationPage struct {
	Destinations []Destination
	Next         string // token; "" at the end
}

// Destinations lists destinations. limit 0 is MaxPage. ErrBadToken, groups.ErrUnavailable.
func (s *Service) Destinations(ctx context.Context, scope logs.Scope, prefix string, token *string, limit int) (DestinationPage, error) {
	setDefault(&limit, MaxPage)
	query := logs.QueryHash(scope.Account, scope.Region, prefix)
	after, err := s.openToken(token, logs.TokenDestinations, query)
	if err != nil {
		return DestinationPage{}, err
	}
	q := catalog.DocumentQuery{Kind: kindDestination, Scope: &scope, Prefix: prefix, Limit: limit + 1}
	if after != "" {
		q.After = &catalog.DocumentKey{Scope: scope, Name: after}
	}
	docs, err := s.o.Catalog.Documents(ctx, q)
	if err != nil {
		return DestinationPage{}, translate(err, nil)
	}
	docs, next := page(s, docs, limit, logs.TokenDestinations, query, func(d *catalog.Document) string { return d.Name })
	out := DestinationPage{Destinations: make([]Destination, len(docs)), Next: next}
	for i := range docs {
		if out.Destinations[i], err = readDestination(&docs[i]); err != nil {
			return DestinationPage{}, err
		}
	}
	return out, nil
}

// Tag merges tags into those of a destination. *groups.TooManyTagsError, *groups.ParameterError, groups.ErrResourceNotFound,
// groups.ErrUnavailable.
func (s *Service) Tag(ctx context.Context, scope logs.Scope, arn string, tags map[string]string) error {
	if err := s.own(ctx, scope, arn); err != nil {
		return err
	}
	return groups.PutTags(ctx, s.o.Catalog, arn, tags)
}

// Untag removes tags of a destination by key; unknown keys are ignored. groups.ErrResourceNotFound, groups.ErrUnavailable.
func (s *Service) Untag(ctx context.Context, scope logs.Scope, arn string, keys []string) error {
	if err := s.own(ctx, scope, arn); err != nil {
		return err
	}
	return translate(s.o.Catalog.RemoveTags(ctx, arn, keys), nil)
}

// Tags returns the tags of a destination. groups.ErrResourceNotFound, groups.ErrUnavailable.
func (s *Service) Tags(ctx context.Context, scope logs.Scope, arn string) (map[string]string, error) {
	if err := s.own(ctx, scope, arn); err != nil {
		return nil, err
	}
	tags, err := s.o.Catalog.Tags(ctx, arn)
	return tags, translate(err, nil)
}

// own returns nil when an ARN names a destination of the scope that exists.
func (s *Service) own(ctx context.Context, scope logs.Scope, arn string) error {
	owner, name, ok := destinationOf(arn)
	if !ok || owner != scope {
		return groups.ErrResourceNotFound
	}
	_, err := s.destination(ctx, scope, name)
	if errors.Is(err, ErrDestinationNotFound) {
		return groups.ErrResourceNotFound
	}
	return err
}
