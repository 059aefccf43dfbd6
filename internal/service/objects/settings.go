package objects

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/logs"
)

// Limits of bucket settings in S3.
const (
	MaxBucketTags   = 50
	MaxBucketPolicy = 20 << 10 // bytes
	maxTagKey       = 128      // characters
	maxTagValue     = 256
)

// Errors of bucket settings.
var (
	ErrTooManyTags     = errors.New("more than 50 tags")
	ErrInvalidTag      = errors.New("tag key or value is not allowed")
	ErrMalformedPolicy = errors.New("policy is not a valid policy document")
	ErrPolicyUnheard   = errors.New("policy restricts access, or grants it to other accounts")
)

// BucketTags returns the tags of a bucket; none is empty.
func (s *Service) BucketTags(ctx context.Context, scope logs.Scope, bucket string) (map[string]string, error) {
	if _, err := s.Bucket(ctx, scope, bucket); err != nil {
		return nil, err
	}
	return s.store.BucketTags(ctx, bucket)
}

// SetBucketTags replaces the tags of a bucket; ErrTooManyTags, ErrInvalidTag.
func (s *Service) SetBucketTags(ctx context.Context, scope logs.Scope, bucket string, tags map[string]string) error {
	if _, err := s.Bucket(ctx, scope, bucket); err != nil {
		return err
	}
	if len(tags) > MaxBucketTags {
		return ErrTooManyTags
	}
	for k, v := range tags {
		if k == "" || utf8.RuneCountInString(k) > maxTagKey || utf8.RuneCountInString(v) > maxTagValue || strings.HasPrefix(strings.ToLower(k), "aws:") {
			return fmt.Errorf("tag %.140q: %w", k, ErrInvalidTag)
		}
	}
	return s.store.SetBucketTags(ctx, bucket, tags)
}

// BucketPolicy returns the policy of a bucket as it was set; "" is none.
func (s *Service) BucketPolicy(ctx context.Context, scope logs.Scope, bucket string) (string, error) {
	if _, err := s.Bucket(ctx, scope, bucket); err != nil {
		return "", err
	}
	return s.store.BucketPolicy(ctx, bucket)
}

// SetBucketPolicy keeps the policy of a bucket; "" removes it. Policies are not
// evaluated here: accepted is what grants access that exists anyway, to AWS
// services (exports) and to the bucket's own account. Others would promise
// what is not done and are ErrPolicyUnheard.
func (s *Service) SetBucketPolicy(ctx context.Context, scope logs.Scope, bucket, policy string) error {
	if _, err := s.Bucket(ctx, scope, bucket); err != nil {
		return err
	}
	if policy != "" {
		if err := checkPolicy(scope.Account, policy); err != nil {
			return err
		}
	}
	return s.store.SetBucketPolicy(ctx, bucket, policy)
}

// list is a JSON value that may stand alone or in an array.
type list[T any] []T

func (l *list[T]) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '[' {
		return json.Unmarshal(data, (*[]T)(l))
	}
	var one T
	if err := json.Unmarshal(data, &one); err != nil {
		return err
	}
	*l = list[T]{one}
	return nil
}

type statement struct {
	Effect       string
	Principal    json.RawMessage
	NotPrincipal json.RawMessage
	Action       list[string]
	NotAction    list[string]
	Resource     list[string]
	NotResource  list[string]
}

func checkPolicy(account, policy string) error {
	var doc struct {
		Version   string
		Statement list[statement]
	}
	if len(policy) > MaxBucketPolicy {
		return fmt.Errorf("policy of %d bytes: %w", len(policy), ErrMalformedPolicy)
	}
	if err := json.Unmarshal([]byte(policy), &doc); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformedPolicy, err)
	}
	if len(doc.Statement) == 0 {
		return fmt.Errorf("policy without a statement: %w", ErrMalformedPolicy)
	}
	for i, st := range doc.Statement {
		if err := st.check(account); err != nil {
			return fmt.Errorf("statement %d: %w", i+1, err)
		}
	}
	return nil
}

func (st *statement) check(account string) error {
	switch {
	case st.Effect != "Allow" && st.Effect != "Deny",
		len(st.Principal) == 0 && len(st.NotPrincipal) == 0,
		len(st.Action) == 0 && len(st.NotAction) == 0,
		len(st.Resource) == 0 && len(st.NotResource) == 0:
		return ErrMalformedPolicy
	case st.Effect == "Deny" || len(st.NotPrincipal) > 0:
		return ErrPolicyUnheard
	}
	var who map[string]list[string]
	if err := json.Unmarshal(st.Principal, &who); err != nil {
		var any string
		if json.Unmarshal(st.Principal, &any) == nil && any == "*" {
			return ErrPolicyUnheard
		}
		return ErrMalformedPolicy
	}
	for kind, names := range who {
		for _, name := range names {
			switch {
			case kind == "Service":
			case kind == "AWS" && (name == account || strings.HasPrefix(name, "arn:") && strings.Contains(name, ":iam::"+account+":")):
			default:
				return ErrPolicyUnheard
			}
		}
	}
	return nil
}
