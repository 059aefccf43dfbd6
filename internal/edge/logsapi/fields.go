package logsapi

import (
	"context"

	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
	"github.com/cumulog/cumulog/internal/service/explore"
)

func (a *API) getLogGroupFields(ctx context.Context, in *logswire.GetLogGroupFieldsInput) (*logswire.GetLogGroupFieldsOutput, error) {
	group, err := groupOf(in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	fields, err := a.explore.Fields(ctx, scopeOf(ctx), group, in.Time)
	if err != nil {
		return nil, err
	}
	out := &logswire.GetLogGroupFieldsOutput{LogGroupFields: make([]logswire.LogGroupField, len(fields))}
	for i := range fields {
		percent := int32(fields[i].Percent)
		out.LogGroupFields[i] = logswire.LogGroupField{Name: &fields[i].Name, Percent: &percent}
	}
	return out, nil
}

func (a *API) getLogFields(ctx context.Context, in *logswire.GetLogFieldsInput) (*logswire.GetLogFieldsOutput, error) {
	fields, err := a.explore.SourceFields(ctx, scopeOf(ctx), value(in.DataSourceName), value(in.DataSourceType))
	if err != nil {
		return nil, err
	}
	return &logswire.GetLogFieldsOutput{LogFields: fieldItems(fields)}, nil
}

func fieldItems(fields []explore.NamedField) []logswire.LogFieldsListItem {
	out := make([]logswire.LogFieldsListItem, len(fields))
	for i := range fields {
		out[i] = logswire.LogFieldsListItem{LogFieldName: &fields[i].Name, LogFieldType: fieldType(&fields[i].Type)}
	}
	return out
}

func fieldType(t *explore.FieldType) *logswire.LogFieldType {
	out := &logswire.LogFieldType{Type: &t.Type}
	if t.Element != nil {
		out.Element = fieldType(t.Element)
	}
	if t.Fields != nil {
		out.Fields = fieldItems(t.Fields)
	}
	return out
}
