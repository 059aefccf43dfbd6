package subscriptions

import (
	"encoding/json"
	"slices"
	"strings"
)

// Actions that may be denied. Policies of destinations are about actionSubscribe.
const (
	actionSubscribe      = "logs:PutSubscriptionFilter"
	actionPutDestination = "logs:PutDestination"
)

// accessPolicy is what we understand of an IAM policy. Conditions are not evaluated, so a statement with one allows nothing and
// denies whomever it names.
type accessPolicy struct {
	Version   string
	ID        string `json:"Id"`
	Statement list[statement]
}

type statement struct {
	Sid          string
	Effect       string
	Principal    principals
	NotPrincipal json.RawMessage
	Action       list[string]
	NotAction    json.RawMessage
	Resource     list[string]
	NotResource  json.RawMessage
	Condition    json.RawMessage
}

// list is one value or several.
type list[T any] []T

func (l *list[T]) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '[' {
		return json.Unmarshal(raw, (*[]T)(l))
	}
	var one T
	if err := json.Unmarshal(raw, &one); err != nil {
		return err
	}
	*l = list[T]{one}
	return nil
}

// principals are "*" or names by kind.
type principals map[string]list[string]

func (p *principals) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		var all string
		if err := json.Unmarshal(raw, &all); err != nil {
			return err
		}
		*p = principals{"AWS": {all}}
		return nil
	}
	return json.Unmarshal(raw, (*map[string]list[string])(p))
}

const badPolicy = "Error occurred while parsing accessPolicy. Please check if the accessPolicy has been constructed correctly using IAM grammar."

// parsePolicy parses an access policy; "" allows nobody. The error is a *ParameterError.
func parsePolicy(text string) (accessPolicy, error) {
	var p accessPolicy
	if text == "" {
		return p, nil
	}
	if err := decodeText(text, &p); err != nil || len(p.Statement) == 0 {
		return accessPolicy{}, &ParameterError{badPolicy}
	}
	for i := range p.Statement {
		st := &p.Statement[i]
		if st.Effect != "Allow" && st.Effect != "Deny" || len(st.Action) == 0 && st.NotAction == nil ||
			len(st.Principal) == 0 && st.NotPrincipal == nil {
			return accessPolicy{}, &ParameterError{badPolicy}
		}
	}
	return p, nil
}

// allows reports whether an account may subscribe to a destination.
func (p *accessPolicy) allows(account, arn string) bool {
	allowed := false
	for i := range p.Statement {
		st := &p.Statement[i]
		unsure := st.NotPrincipal != nil || st.NotAction != nil || st.NotResource != nil || st.Condition != nil
		if st.Effect == "Deny" {
			if unsure || st.names(account) && st.about(arn) {
				return false
			}
			continue
		}
		allowed = allowed || !unsure && st.names(account) && st.about(arn)
	}
	return allowed
}

func (st *statement) names(account string) bool {
	return slices.ContainsFunc(st.Principal["AWS"], func(who string) bool {
		return who == "*" || who == account || strings.HasPrefix(who, "arn:") && strings.Contains(who, "::"+account+":")
	})
}

func (st *statement) about(arn string) bool {
	action := slices.ContainsFunc(st.Action, func(a string) bool { return wild(strings.ToLower(a), strings.ToLower(actionSubscribe)) })
	return action && (len(st.Resource) == 0 || slices.ContainsFunc(st.Resource, func(r string) bool { return wild(r, arn) }))
}

// wild reports whether text is pattern, in which "*" stands for any text and "?" for any byte. It takes time in the product of
// their lengths at most.
func wild(pattern, text string) bool {
	star, back := -1, 0
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, back = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			back++
			p, t = star+1, back
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
