package logsapi

import (
	"context"

	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
	"github.com/cumulog/cumulog/internal/service/insights"
	"github.com/cumulog/cumulog/internal/service/lookups"
)

// tableBody is the content of a lookup table: as it is given, or the rows of a query.
func (a *API) tableBody(ctx context.Context, body, query *string) (string, error) {
	switch {
	case (body == nil) == (query == nil):
		return "", &insights.ParameterError{Message: "Exactly one of tableBody and queryId must be specified."}
	case body != nil:
		return *body, nil
	}
	return a.insights.CSV(ctx, scopeOf(ctx), *query, lookups.MaxBody)
}

func (a *API) createLookupTable(ctx context.Context, in *logswire.CreateLookupTableInput) (*logswire.CreateLookupTableOutput, error) {
	body, err := a.tableBody(ctx, in.TableBody, in.QueryId)
	if err != nil {
		return nil, err
	}
	t, err := a.lookups.Create(ctx, scopeOf(ctx), lookups.CreateRequest{
		Name:        value(in.LookupTableName),
		Description: value(in.Description),
		Body:        body,
		KMSKeyID:    value(in.KmsKeyId),
		Tags:        in.Tags,
	})
	if err != nil {
		return nil, err
	}
	return &logswire.CreateLookupTableOutput{LookupTableArn: &t.ARN, CreatedAt: &t.CreatedMS}, nil
}

func (a *API) updateLookupTable(ctx context.Context, in *logswire.UpdateLookupTableInput) (*logswire.UpdateLookupTableOutput, error) {
	body, err := a.tableBody(ctx, in.TableBody, in.QueryId)
	if err != nil {
		return nil, err
	}
	t, err := a.lookups.Update(ctx, scopeOf(ctx), lookups.UpdateRequest{
		ARN:         value(in.LookupTableArn),
		Description: in.Description,
		Body:        body,
		KMSKeyID:    in.KmsKeyId,
	})
	if err != nil {
		return nil, err
	}
	return &logswire.UpdateLookupTableOutput{LookupTableArn: &t.ARN, LastUpdatedTime: &t.UpdatedMS}, nil
}

func (a *API) getLookupTable(ctx context.Context, in *logswire.GetLookupTableInput) (*logswire.GetLookupTableOutput, error) {
	t, body, err := a.lookups.Get(ctx, scopeOf(ctx), value(in.LookupTableArn))
	if err != nil {
		return nil, err
	}
	return &logswire.GetLookupTableOutput{
		LookupTableArn:  &t.ARN,
		LookupTableName: &t.Name,
		Description:     optional(t.Description),
		TableBody:       &body,
		SizeBytes:       &t.Bytes,
		LastUpdatedTime: &t.UpdatedMS,
		KmsKeyId:        optional(t.KMSKeyID),
	}, nil
}

func (a *API) describeLookupTables(ctx context.Context, in *logswire.DescribeLookupTablesInput) (*logswire.DescribeLookupTablesOutput, error) {
	r := lookups.DescribeRequest{Prefix: value(in.LookupTableNamePrefix), Token: in.NextToken}
	if in.MaxResults != nil {
		n := int(*in.MaxResults)
		r.Limit = &n
	}
	page, err := a.lookups.Describe(ctx, scopeOf(ctx), r)
	if err != nil {
		return nil, err
	}
	out := &logswire.DescribeLookupTablesOutput{LookupTables: make([]logswire.LookupTable, len(page.Tables)), NextToken: optional(page.Next)}
	for i := range page.Tables {
		t := &page.Tables[i]
		out.LookupTables[i] = logswire.LookupTable{
			LookupTableArn:  &t.ARN,
			LookupTableName: &t.Name,
			Description:     optional(t.Description),
			TableFields:     t.Fields,
			RecordsCount:    &t.Records,
			SizeBytes:       &t.Bytes,
			LastUpdatedTime: &t.UpdatedMS,
			KmsKeyId:        optional(t.KMSKeyID),
		}
	}
	return out, nil
}

func (a *API) deleteLookupTable(ctx context.Context, in *logswire.DeleteLookupTableInput) (*logswire.DeleteLookupTableOutput, error) {
	if err := a.lookups.Delete(ctx, scopeOf(ctx), value(in.LookupTableArn)); err != nil {
		return nil, err
	}
	return &logswire.DeleteLookupTableOutput{}, nil
}
