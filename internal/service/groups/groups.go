package groups

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// CreateRequest asks for a new group.
type CreateRequest struct {
	Name      string
	Class     string // "" = ClassStandard
	KMSKeyID  *string
	Protected bool
	Tags      map[string]string
}

// deliveryRetention is the fixed retention of groups of class DELIVERY, which
// exist to be delivered elsewhere (API reference of CreateLogGroup).
const deliveryRetention = 1

// Create makes a group. ErrGroupExists, ErrGroupLimit, *ParameterError,
// ErrUnavailable.
func (s *Service) Create(ctx context.Context, scope logs.Scope, r CreateRequest) error {
	if strings.HasPrefix(r.Name, "aws/") {
		return parameterf("Log groups starting with AWS/ are reserved for AWS.")
	}
	if r.KMSKeyID != nil && *r.KMSKeyID != "" {
		// Storing the key and not encrypting would be a promise not kept.
		return parameterf("The KMS key %s cannot be used: this server does not encrypt log groups with KMS keys. Create the log group without kmsKeyId.", *r.KMSKeyID)
	}
	if err := checkTags(r.Tags); err != nil {
		return err
	}
	g := Group{Scope: scope, Name: r.Name, Class: r.Class, Protected: r.Protected, CreatedMS: s.nowMS()}
	if g.Class == "" {
		g.Class = ClassStandard
	}
	if g.Class == ClassDelivery {
		g.RetentionDays = deliveryRetention
	}
	_, err := s.catalog.CreateGroup(ctx, g, r.Tags, s.maxGroups)
	if errors.Is(err, catalog.ErrTooMany) {
		return ErrGroupLimit
	}
	return translate(err, nil, ErrGroupExists)
}

// Delete deletes a group with its streams, events and tags. From the moment it
// returns none of them can be seen. ErrGroupNotFound, ErrProtected,
// ErrUnavailable.
func (s *Service) Delete(ctx context.Context, scope logs.Scope, name string) error {
	return s.change(ctx, scope, name, func(g Group) error {
		return s.catalog.DeleteGroup(ctx, g.ID)
	})
}

// change resolves a group past the cache, changes it and drops it from the
// cache. The cache is dropped even after an error, whose outcome may be unknown.
func (s *Service) change(ctx context.Context, scope logs.Scope, nameOrARN string, fn func(Group) error) error {
	name, ok := groupName(scope, nameOrARN)
	if !ok {
		return ErrGroupNotFound
	}
	g, err := s.catalog.GroupByName(ctx, scope, name)
	if err != nil {
		return translate(err, ErrGroupNotFound, nil)
	}
	err = fn(g)
	s.groups.drop(groupKey{scope, name})
	return translate(err, ErrGroupNotFound, nil)
}

// retentions are the periods that PutRetentionPolicy accepts, in days.
var retentions = [...]int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

// PutRetention sets how many days events of a group live. Only the periods of
// the documentation are accepted. ErrGroupNotFound, ErrFixedRetention,
// *ParameterError, ErrUnavailable.
func (s *Service) PutRetention(ctx context.Context, scope logs.Scope, name string, days int) error {
	if !slices.Contains(retentions[:], days) {
		return parameterf("1 validation error detected: Value '%d' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: %s", days, retentionSet())
	}
	return s.setRetention(ctx, scope, name, days)
}

// DeleteRetention makes the events of a group live for ever.
// ErrGroupNotFound, ErrFixedRetention, ErrUnavailable.
func (s *Service) DeleteRetention(ctx context.Context, scope logs.Scope, name string) error {
	return s.setRetention(ctx, scope, name, 0)
}

func (s *Service) setRetention(ctx context.Context, scope logs.Scope, name string, days int) error {
	return s.change(ctx, scope, name, func(g Group) error {
		if g.Class == ClassDelivery {
			return ErrFixedRetention
		}
		return s.catalog.SetRetention(ctx, g.ID, days)
	})
}

// SetProtection switches the deletion protection of a group given by name or
// ARN. ErrGroupNotFound, ErrUnavailable.
func (s *Service) SetProtection(ctx context.Context, scope logs.Scope, nameOrARN string, on bool) error {
	return s.change(ctx, scope, nameOrARN, func(g Group) error {
		return s.catalog.SetProtection(ctx, g.ID, on)
	})
}
