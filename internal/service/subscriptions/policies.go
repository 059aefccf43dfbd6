package subscriptions

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// PolicySubscription is the type of account policies that are supported.
const PolicySubscription = "SUBSCRIPTION_FILTER_POLICY"

// Limits of account policies.
const (
	MaxDocument    = 30_720   // characters
	MaxSelection   = 25 << 10 // bytes
	StrictPolicies = 1        // of an account in a region, as AWS has it
	MaxPolicies    = 20
)

// AccountPolicy is a policy for all groups of an account in a region.
type AccountPolicy struct {
	Name      string
	Type      string
	Document  string // as given
	Selection string // which groups; "" = all
	UpdatedMS int64
	Account   string
}

// accountPolicy is the body of the document.
type accountPolicy struct {
	Document  string `json:"document"`
	Selection string `json:"selection,omitempty"`
}

func policyKey(scope logs.Scope, name string) catalog.DocumentKey {
	return catalog.DocumentKey{Kind: kindPolicy, Scope: scope, Name: PolicySubscription + "/" + name}
}

func readPolicy(d *catalog.Document) (AccountPolicy, error) {
	var body accountPolicy
	if err := decode(d, &body); err != nil {
		return AccountPolicy{}, err
	}
	typ, name, _ := strings.Cut(d.Name, "/")
	return AccountPolicy{
		Name: name, Type: typ, Document: body.Document, Selection: body.Selection, UpdatedMS: d.UpdatedMS, Account: d.Scope.Account,
	}, nil
}

// parseSubscription parses the document of a subscription policy. The error is a *ParameterError.
func parseSubscription(document string) (Spec, error) {
	if utf8.RuneCountInString(document) > MaxDocument {
		return Spec{}, parameterf("The policy document has more than %d characters.", MaxDocument)
	}
	var d struct{ DestinationArn, RoleArn, FilterPattern, Distribution string }
	if err := decodeText(document, &d); err != nil {
		return Spec{}, &ParameterError{"Malformed Subscription filter policy"}
	}
	if d.DestinationArn == "" {
		return Spec{}, &ParameterError{"MissingDestinationArnfield in policy document"} // as the real service writes it
	}
	setDefault(&d.Distribution, ByLogStream)
	if d.Distribution != ByLogStream && d.Distribution != Random {
		return Spec{}, &ParameterError{"Malformed Subscription filter policy"}
	}
	return Spec{Pattern: d.FilterPattern, Destination: d.DestinationArn, Role: d.RoleArn, Distribution: d.Distribution}, nil
}

// parseSelection parses the selection criteria of a subscription policy, LogGroupName NOT IN ["a","b"], and returns the names.
// The error is a *ParameterError.
func parseSelection(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	bad := &ParameterError{"The provided SelectionCriteria string is invalid."}
	if len(text) > MaxSelection {
		return nil, bad
	}
	rest := text
	for _, word := range []string{"LogGroupName", "NOT", "IN"} {
		var ok bool
		if rest, ok = strings.CutPrefix(strings.TrimLeft(rest, " \t\r\n"), word); !ok {
			return nil, bad
		}
		if word != "IN" && strings.TrimLeft(rest, " \t\r\n") == rest {
			return nil, bad
		}
	}
	var names []string
	if err := decodeText(rest, &names); err != nil || len(names) == 0 || slices.Contains(names, "") {
		return nil, bad
	}
	return names, nil
}

// checkType refuses types of policies that are not supported.
func checkType(typ string) error {
	if typ != PolicySubscription {
		return parameterf("Account policies of type %s are not supported. Supported types are [%s].", typ, PolicySubscription)
	}
	return nil
}

// PutPolicy creates or replaces an account policy once its target has taken a test message. *ParameterError, *AccessError,
// *patterns.Error, ErrLimit, groups.ErrUnavailable.
func (s *Service) PutPolicy(ctx context.Context, scope logs.Scope, typ, name, document, selection string) (AccountPolicy, error) {
	if err := checkType(typ); err != nil {
		return AccountPolicy{}, err
	}
	if strings.HasPrefix(name, "aws/") {
		return AccountPolicy{}, parameterf("policyName must not begin with aws/.")
	}
	spec, err := parseSubscription(document)
	if err != nil {
		return AccountPolicy{}, err
	}
	if _, err := parseSelection(selection); err != nil {
		return AccountPolicy{}, err
	}
	if _, err := s.checkSpec(&spec); err != nil {
		return AccountPolicy{}, err
	}
	limit := MaxPolicies
	if s.o.Strict {
		limit = StrictPolicies
	}
	key := policyKey(scope, name)
	if err := s.room(ctx, key, limit); err != nil {
		return AccountPolicy{}, err
	}
	if err := s.probe(ctx, scope, spec.Destination); err != nil {
		return AccountPolicy{}, err
	}
	s.change.Lock()
	defer s.change.Unlock()
	if err := s.put(ctx, key, &accountPolicy{document, selection}, limit); err != nil {
		return AccountPolicy{}, err
	}
	return s.policy(ctx, scope, name)
}

func (s *Service) policy(ctx context.Context, scope logs.Scope, name string) (AccountPolicy, error) {
	doc, err := s.o.Catalog.Document(ctx, policyKey(scope, name))
	if err != nil {
		return AccountPolicy{}, translate(err, ErrPolicyNotFound)
	}
	return readPolicy(&doc)
}

// DeletePolicy removes an account policy; nothing is delivered any more when it returns. *ParameterError, ErrPolicyNotFound,
// groups.ErrUnavailable.
func (s *Service) DeletePolicy(ctx context.Context, scope logs.Scope, typ, name string) error {
	if err := checkType(typ); err != nil {
		return err
	}
	s.change.Lock()
	defer s.change.Unlock()
	return s.remove(ctx, policyKey(scope, name), ErrPolicyNotFound)
}

// PolicyPage is a page of account policies by name.
type PolicyPage struct {
	Policies []AccountPolicy
	Next     string // token; "" at the end
}

// Policies lists the account policies of a type, or the one of a name when that is not "". There are none of the types that are
// not supported. ErrPolicyNotFound, ErrBadToken, groups.ErrUnavailable.
func (s *Service) Policies(ctx context.Context, scope logs.Scope, typ, name string, token *string) (PolicyPage, error) {
	query := logs.QueryHash(scope.Account, scope.Region, typ, name)
	after, err := s.openToken(token, logs.TokenPolicies, query)
	if err != nil {
		return PolicyPage{}, err
	}
	if typ != PolicySubscription {
		if name != "" {
			return PolicyPage{}, ErrPolicyNotFound
		}
		return PolicyPage{}, nil
	}
	if name != "" {
		p, err := s.policy(ctx, scope, name)
		return PolicyPage{Policies: []AccountPolicy{p}}, err
	}
	q := catalog.DocumentQuery{Kind: kindPolicy, Scope: &scope, Prefix: PolicySubscription + "/", Limit: MaxPage + 1}
	if after != "" {
		q.After = &catalog.DocumentKey{Scope: scope, Name: after}
	}
	docs, err := s.o.Catalog.Documents(ctx, q)
	if err != nil {
		return PolicyPage{}, translate(err, nil)
	}
	docs, next := page(s, docs, MaxPage, logs.TokenPolicies, query, func(d *catalog.Document) string { return d.Name })
	out := PolicyPage{Policies: make([]AccountPolicy, len(docs)), Next: next}
	for i := range docs {
		if out.Policies[i], err = readPolicy(&docs[i]); err != nil {
			return PolicyPage{}, err
		}
	}
	return out, nil
}

// specOf reads what a filter or policy does, and which groups a policy leaves out.
func specOf(d *catalog.Document) (spec Spec, without []string, err error) {
	if d.Kind == kindFilter {
		err = decode(d, &spec)
		return spec, nil, err
	}
	var body accountPolicy
	if err = decode(d, &body); err != nil {
		return spec, nil, err
	}
	if spec, err = parseSubscription(body.Document); err != nil {
		return spec, nil, err
	}
	without, err = parseSelection(body.Selection)
	if own, ok := functionGroup(spec.Destination); ok {
		without = append(without, own) // what a function logs about its events must not go to it
	}
	return spec, without, err
}

// functionGroup returns the name of the group that a Lambda function logs to.
func functionGroup(arn string) (string, bool) {
	parts := strings.Split(arn, ":")
	if len(parts) < 7 || parts[2] != "lambda" || parts[5] != "function" {
		return "", false
	}
	return "/aws/lambda/" + parts[6], true
}
