package logsapi

import (
	"context"

	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
	"github.com/cumulog/cumulog/internal/service/insights"
)

func (a *API) putQueryDefinition(ctx context.Context, in *logswire.PutQueryDefinitionInput) (*logswire.PutQueryDefinitionOutput, error) {
	d := insights.Definition{
		ID:         value(in.QueryDefinitionId),
		Name:       value(in.Name),
		Language:   value(in.QueryLanguage),
		Query:      value(in.QueryString),
		Groups:     in.LogGroupNames,
		Parameters: make([]insights.Parameter, len(in.Parameters)),
	}
	for i, p := range in.Parameters {
		d.Parameters[i] = insights.Parameter{Name: value(p.Name), Default: p.DefaultValue, Description: p.Description}
	}
	id, err := a.insights.PutDefinition(ctx, scopeOf(ctx), d, value(in.ClientToken))
	if err != nil {
		return nil, err
	}
	return &logswire.PutQueryDefinitionOutput{QueryDefinitionId: &id}, nil
}

func (a *API) deleteQueryDefinition(ctx context.Context, in *logswire.DeleteQueryDefinitionInput) (*logswire.DeleteQueryDefinitionOutput, error) {
	if err := a.insights.DeleteDefinition(ctx, scopeOf(ctx), value(in.QueryDefinitionId)); err != nil {
		return nil, err
	}
	success := true
	return &logswire.DeleteQueryDefinitionOutput{Success: &success}, nil
}

func (a *API) describeQueryDefinitions(ctx context.Context, in *logswire.DescribeQueryDefinitionsInput) (*logswire.DescribeQueryDefinitionsOutput, error) {
	page, err := a.insights.Definitions(ctx, scopeOf(ctx), insights.DefinitionsRequest{
		Prefix:   value(in.QueryDefinitionNamePrefix),
		Language: value(in.QueryLanguage),
		Token:    in.NextToken,
		Limit:    int(value(in.MaxResults)),
	})
	if err != nil {
		return nil, err
	}
	out := &logswire.DescribeQueryDefinitionsOutput{
		QueryDefinitions: make([]logswire.QueryDefinition, len(page.Definitions)),
		NextToken:        optional(page.Next),
	}
	for i := range page.Definitions {
		d := &page.Definitions[i]
		w := logswire.QueryDefinition{
			QueryDefinitionId: &d.ID,
			Name:              &d.Name,
			QueryLanguage:     &d.Language,
			QueryString:       &d.Query,
			LastModified:      &d.ModifiedMS,
			LogGroupNames:     d.Groups,
		}
		for k := range d.Parameters {
			p := &d.Parameters[k]
			w.Parameters = append(w.Parameters, logswire.QueryParameter{Name: &p.Name, DefaultValue: p.Default, Description: p.Description})
		}
		out.QueryDefinitions[i] = w
	}
	return out, nil
}
