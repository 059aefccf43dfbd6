package logsapi

import (
	"context"

	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
	"github.com/cumulog/cumulog/internal/service/lookups"
)

func (a *API) createLookupTable(ctx context.Context, in *logswire.CreateLookupTableInput) (*logswire.CreateLookupTableOutput, error) {
	t, err := a.lookups.Create(ctx, scopeOf(ctx), lookups.CreateRequest{
		Name:        value(in.LookupTableName),
		Description: value(in.Description),
		Body:        value(in.TableBody),
		KMSKeyID:    value(in.KmsKeyId),
		Tags:        in.Tags,
	})
	if err != nil {
		return nil, err
	}
	return &logswire.CreateLookupTableOutput{LookupTableArn: &t.ARN, CreatedAt: &t.CreatedMS}, nil
}

func (a *API) updateLookupTable(ctx context.Context, in *logswire.UpdateLookupTableInput) (*logswire.UpdateLookupTableOutput, error) {
	t, err := a.lookups.Update(ctx, scopeOf(ctx), lookups.UpdateRequest{
		ARN:         value(in.LookupTableArn),
		Description: in.Description,
		Body:        value(in.TableBody),
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
