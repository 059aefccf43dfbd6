package lookups

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// Info describes a table.
type Info struct {
	ARN, Name   string
	Description string
	KMSKeyID    string // as given; bodies are not encrypted
	Fields      []string
	Records     int64 // below the header
	Bytes       int64 // of the body
	CreatedMS   int64
	UpdatedMS   int64
}

func (h *head) info() Info {
	return Info{
		ARN: h.scope().LookupTableARN(h.Name), Name: h.Name, Description: h.Description, KMSKeyID: h.KMSKeyID,
		Fields: h.Fields, Records: h.Records, Bytes: h.Size, CreatedMS: h.CreatedMS, UpdatedMS: h.UpdatedMS,
	}
}

// fill notes what a body says about itself, and that it is another one.
func (h *head) fill(body string, now int64) (err error) {
	if h.Fields, h.Records, err = checkBody(body); err != nil {
		return err
	}
	h.Fields = slices.Clone(h.Fields)
	for i := range h.Fields { // which would keep the whole request in memory
		h.Fields[i] = strings.Clone(h.Fields[i])
	}
	h.Size, h.Sum = int64(len(body)), crc32.Checksum([]byte(body), sumTable)
	h.UpdatedMS = now
	h.Revision++
	return nil
}

// CreateRequest describes a new table.
type CreateRequest struct {
	Name        string
	Description string
	Body        string // CSV
	KMSKeyID    string
	Tags        map[string]string
}

// Create makes a table. *TableError, *groups.ParameterError, ErrExists, ErrTooMany,
// groups.ErrUnavailable.
func (s *Service) Create(ctx context.Context, scope logs.Scope, r CreateRequest) (Info, error) {
	if err := groups.CheckTags(r.Tags); err != nil {
		return Info{}, err
	}
	now := s.now().UnixMilli()
	h := head{
		Format: formatVersion, Account: scope.Account, Region: scope.Region, Name: strings.Clone(r.Name),
		Description: strings.Clone(r.Description), KMSKeyID: strings.Clone(r.KMSKeyID), CreatedMS: now,
	}
	if err := h.fill(r.Body, now); err != nil {
		return Info{}, err
	}
	s.change.Lock()
	defer s.change.Unlock()
	if _, err := s.find(scope, r.Name); err == nil {
		return Info{}, ErrExists
	}
	s.mu.RLock()
	n := len(s.tables[scope])
	s.mu.RUnlock()
	if n >= MaxTables {
		return Info{}, ErrTooMany
	}
	// Tags first: a table that exists has those of its making. What a crash leaves
	// of them, or a table of that name had, goes with the next one.
	if err := s.catalog.ReplaceTags(ctx, scope.LookupTableARN(r.Name), r.Tags); err != nil {
		return Info{}, unavailable(err)
	}
	if err := s.write(h, r.Body); err != nil {
		return Info{}, err
	}
	return h.info(), nil
}

// UpdateRequest is the new content of a table.
type UpdateRequest struct {
	ARN         string
	Description *string // nil keeps it
	Body        string  // CSV
	KMSKeyID    *string // nil keeps it; "" removes it
}

// Update replaces all rows of a table. Queries that have begun go on with the old
// ones. *TableError, ErrARN, ErrNotFound, groups.ErrUnavailable.
func (s *Service) Update(_ context.Context, scope logs.Scope, r UpdateRequest) (Info, error) {
	if _, err := s.findARN(scope, r.ARN); err != nil {
		return Info{}, err
	}
	var next head
	if err := next.fill(r.Body, s.now().UnixMilli()); err != nil {
		return Info{}, err
	}
	s.change.Lock()
	defer s.change.Unlock()
	e, err := s.findARN(scope, r.ARN)
	if err != nil {
		return Info{}, err
	}
	h := e.head
	h.Fields, h.Records, h.Size, h.Sum, h.UpdatedMS = next.Fields, next.Records, next.Size, next.Sum, next.UpdatedMS
	h.Revision++
	if r.Description != nil {
		h.Description = strings.Clone(*r.Description)
	}
	if r.KMSKeyID != nil {
		h.KMSKeyID = strings.Clone(*r.KMSKeyID)
	}
	if err := s.write(h, r.Body); err != nil {
		return Info{}, err
	}
	return h.info(), nil
}

// Get returns a table with its body, as it was given. ErrARN, ErrNotFound.
func (s *Service) Get(_ context.Context, scope logs.Scope, arn string) (Info, string, error) {
	e, err := s.findARN(scope, arn)
	if err != nil {
		return Info{}, "", err
	}
	h, body, err := s.read(scope, e.Name)
	if err != nil {
		return Info{}, "", err
	}
	return h.info(), body, nil
}

// Delete removes a table; queries that have begun go on with it. ErrARN,
// ErrNotFound, groups.ErrUnavailable.
func (s *Service) Delete(ctx context.Context, scope logs.Scope, arn string) error {
	s.change.Lock()
	defer s.change.Unlock()
	e, err := s.findARN(scope, arn)
	if err != nil {
		return err
	}
	if err := s.fs.Remove(s.path(scope, e.Name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete lookup table %s: %w", e.Name, err)
	}
	if err := s.fs.SyncDir(s.dir); err != nil {
		return fmt.Errorf("delete lookup table %s: %w", e.Name, err)
	}
	s.mu.Lock()
	delete(s.tables[scope], e.Name)
	s.mu.Unlock()
	s.parsed.drop(e)
	return unavailable(s.catalog.ReplaceTags(ctx, arn, nil))
}

// DescribeRequest selects and pages tables.
type DescribeRequest struct {
	Prefix string // of the name
	Token  *string
	Limit  *int // nil: DefaultPage
}

// Page is one page of tables in order of their names. Next is the token of the
// next page, "" on the last.
type Page struct {
	Tables []Info
	Next   string
}

// Describe lists tables. *groups.ParameterError, ErrBadToken.
func (s *Service) Describe(_ context.Context, scope logs.Scope, r DescribeRequest) (Page, error) {
	limit := DefaultPage
	if r.Limit != nil {
		limit = *r.Limit
	}
	if limit < 1 || limit > MaxPage {
		return Page{}, &groups.ParameterError{Message: fmt.Sprintf("maxResults must be between 1 and %d.", MaxPage)}
	}
	query := logs.QueryHash(scope.Account, scope.Region, r.Prefix)
	now := s.now().UnixMilli()
	after := ""
	if r.Token != nil {
		position, err := logs.DecodeToken(*r.Token, logs.TokenLookups, query, now)
		if err != nil {
			return Page{}, ErrBadToken
		}
		after = string(position)
	}
	var page Page
	s.mu.RLock()
	for name, e := range s.tables[scope] {
		if name > after && strings.HasPrefix(name, r.Prefix) {
			page.Tables = append(page.Tables, e.info())
		}
	}
	s.mu.RUnlock()
	slices.SortFunc(page.Tables, func(a, b Info) int { return strings.Compare(a.Name, b.Name) })
	if len(page.Tables) > limit {
		page.Tables = page.Tables[:limit]
		page.Next = logs.EncodeToken(logs.TokenLookups, query, now, []byte(page.Tables[limit-1].Name))
	}
	return page, nil
}
