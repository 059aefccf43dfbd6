package insights

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

const (
	// MaxDefinitions bounds the saved queries of one account and Region.
	MaxDefinitions = 1000
	// MaxParameters bounds the parameters of one saved query.
	MaxParameters = 20

	// sameToken is how long a client token stands for the saved query that it made (ours).
	sameToken = 8 * time.Hour
)

// Definition is a saved query. "/" in its name makes folders in consoles.
type Definition struct {
	ID         string
	Name       string // need not be unique
	Language   string
	Query      string
	Groups     []string
	Parameters []Parameter
	ModifiedMS int64
}

// Parameter is what a saved query takes; {{Name}} in its text stands for the value.
type Parameter struct {
	Name        string  `json:"name"`
	Default     *string `json:"default,omitempty"`
	Description *string `json:"description,omitempty"`
}

// definitionSpec is the JSON of a saved query's record.
type definitionSpec struct {
	Groups     []string    `json:"groups,omitempty"`
	Parameters []Parameter `json:"parameters,omitempty"`
}

// PutDefinition saves a query and returns its id: a new one, the one of an earlier call with the
// same token, or d.ID, which it then replaces entirely. ErrDefinitionNotFound, ErrDefinitionLimit,
// *ParameterError, groups.ErrUnavailable.
func (s *Service) PutDefinition(ctx context.Context, scope logs.Scope, d Definition, token string) (string, error) {
	d.Language = cmp.Or(d.Language, CWLI)
	if err := checkDefinition(&d); err != nil {
		return "", err
	}
	sp, err := json.Marshal(definitionSpec{d.Groups, d.Parameters})
	if err != nil {
		return "", fmt.Errorf("encode a saved query: %w", err)
	}
	now := s.now()
	row := catalog.Definition{ID: d.ID, Scope: scope, Name: d.Name, Language: d.Language, Text: d.Query, Spec: sp, ModifiedMS: now.UnixMilli(), Token: token}
	if d.ID != "" {
		return d.ID, translate(s.o.Catalog.ReplaceDefinition(ctx, row), ErrDefinitionNotFound)
	}
	row.ID = uuid.NewString()
	id, err := s.o.Catalog.CreateDefinition(ctx, row, now.Add(-sameToken).UnixMilli(), MaxDefinitions)
	if errors.Is(err, catalog.ErrTooMany) {
		return "", ErrDefinitionLimit
	}
	return id, translate(err, nil)
}

func checkDefinition(d *Definition) error {
	if len(d.Groups) > MaxNamed {
		return ErrTooManyGroups
	}
	if len(d.Parameters) == 0 {
		return nil
	}
	if d.Language != CWLI {
		return parameterf("Parameters are only supported for CWLI query language")
	}
	if len(d.Parameters) > MaxParameters {
		return parameterf("Parameter count exceeds the maximum of %d", MaxParameters)
	}
	seen := map[string]bool{}
	for _, p := range d.Parameters {
		if seen[p.Name] {
			return parameterf("Duplicate parameter name")
		}
		seen[p.Name] = true
	}
	for _, p := range d.Parameters {
		if !strings.Contains(d.Query, placeholder(p.Name)) {
			return parameterf("Required parameters not found in queryString")
		}
	}
	return nil
}

func placeholder(name string) string { return "{{" + name + "}}" }

// DeleteDefinition removes a saved query. ErrDefinitionNotFound, groups.ErrUnavailable.
func (s *Service) DeleteDefinition(ctx context.Context, scope logs.Scope, id string) error {
	return translate(s.o.Catalog.DeleteDefinition(ctx, scope, id), ErrDefinitionNotFound)
}

// DefinitionsRequest selects and pages saved queries.
type DefinitionsRequest struct {
	Prefix   string // of the name; "" = any
	Language string // "" = any
	Token    *string
	Limit    int // 0 = 1,000
}

// DefinitionsPage is one page of saved queries, by name.
type DefinitionsPage struct {
	Definitions []Definition
	Next        string // "" on the last page
}

// Definitions lists saved queries. ErrBadToken.
func (s *Service) Definitions(ctx context.Context, scope logs.Scope, r DefinitionsRequest) (DefinitionsPage, error) {
	limit := r.Limit
	if limit <= 0 || limit > maxDescribed {
		limit = maxDescribed
	}
	hash := logs.QueryHash(scope.Account, scope.Region, r.Prefix, r.Language)
	f := catalog.DefinitionFilter{Prefix: r.Prefix, Language: r.Language, Limit: limit + 1}
	if r.Token != nil {
		b, err := logs.DecodeToken(*r.Token, logs.TokenSaved, hash, s.now().UnixMilli())
		n, w := binary.Uvarint(b)
		if err != nil || w <= 0 || n >= uint64(len(b)-w) {
			return DefinitionsPage{}, ErrBadToken
		}
		f.AfterName, f.AfterID = string(b[w:w+int(n)]), string(b[w+int(n):])
	}
	found, err := s.o.Catalog.Definitions(ctx, scope, f)
	if err != nil {
		return DefinitionsPage{}, translate(err, nil)
	}
	var out DefinitionsPage
	if len(found) > limit {
		found = found[:limit]
		last := &found[limit-1]
		at := append(binary.AppendUvarint(nil, uint64(len(last.Name))), last.Name+last.ID...)
		out.Next = logs.EncodeToken(logs.TokenSaved, hash, s.now().UnixMilli(), at)
	}
	out.Definitions = make([]Definition, len(found))
	for i := range found {
		if out.Definitions[i], err = definitionOf(&found[i]); err != nil {
			return DefinitionsPage{}, err
		}
	}
	return out, nil
}

func definitionOf(row *catalog.Definition) (Definition, error) {
	var sp definitionSpec
	if err := json.Unmarshal(row.Spec, &sp); err != nil {
		return Definition{}, fmt.Errorf("decode saved query %s: %w", row.ID, err)
	}
	return Definition{ID: row.ID, Name: row.Name, Language: row.Language, Query: row.Text, Groups: sp.Groups, Parameters: sp.Parameters, ModifiedMS: row.ModifiedMS}, nil
}

// definition returns the saved query of a name, of several the one that was changed last (ours);
// ErrDefinitionNotFound.
func (s *Service) definition(ctx context.Context, scope logs.Scope, name string) (Definition, error) {
	found, err := s.o.Catalog.Definitions(ctx, scope, catalog.DefinitionFilter{Name: name, Limit: MaxDefinitions})
	if err != nil {
		return Definition{}, translate(err, nil)
	}
	if len(found) == 0 {
		return Definition{}, ErrDefinitionNotFound
	}
	newest := &found[0]
	for i := range found {
		if found[i].ModifiedMS > newest.ModifiedMS {
			newest = &found[i]
		}
	}
	return definitionOf(newest)
}
