package metricsapi

import (
	"context"
	"errors"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/metricsapi/metricswire"
	"github.com/cumulog/cumulog/internal/service/metrics"
)

// putDashboard answers with the remarks of the check. What is wrong with a body is an
// error that holds its remarks.
func (a *API) putDashboard(ctx context.Context, in *metricswire.PutDashboardInput) (*metricswire.PutDashboardOutput, error) {
	tags, err := tagMap(in.Tags)
	if err != nil {
		return nil, err
	}
	warnings, err := a.metrics.PutDashboard(ctx, scopeOf(ctx), value(in.DashboardName), value(in.DashboardBody), tags)
	if e, ok := errors.AsType[*metrics.DashboardError](err); ok {
		return nil, &awsproto.Error{
			Code: metricswire.CodeDashboardInvalidInputError, Message: e.Message,
			Detail: &metricswire.DashboardInvalidInputError{Message: &e.Message, DashboardValidationMessages: dashboardMessages(e.Messages)},
		}
	}
	if err != nil {
		return nil, err
	}
	return &metricswire.PutDashboardOutput{DashboardValidationMessages: dashboardMessages(warnings)}, nil
}

func dashboardMessages(in []metrics.DashboardMessage) []metricswire.DashboardValidationMessage {
	out := make([]metricswire.DashboardValidationMessage, len(in))
	for i := range in {
		out[i] = metricswire.DashboardValidationMessage{DataPath: &in[i].DataPath, Message: &in[i].Message}
	}
	return out
}

func (a *API) getDashboard(ctx context.Context, in *metricswire.GetDashboardInput) (*metricswire.GetDashboardOutput, error) {
	d, err := a.metrics.Dashboard(ctx, scopeOf(ctx), value(in.DashboardName))
	if errors.Is(err, metrics.ErrDashboardNotFound) {
		return nil, &awsproto.Error{Code: metricswire.CodeDashboardNotFoundError, Message: "Dashboard " + value(in.DashboardName) + " does not exist"}
	}
	if err != nil {
		return nil, err
	}
	return &metricswire.GetDashboardOutput{DashboardArn: &d.ARN, DashboardBody: &d.Body, DashboardName: &d.Name}, nil
}

func (a *API) listDashboards(ctx context.Context, in *metricswire.ListDashboardsInput) (*metricswire.ListDashboardsOutput, error) {
	list, next, err := a.metrics.Dashboards(ctx, scopeOf(ctx), value(in.DashboardNamePrefix), value(in.NextToken))
	if err != nil {
		return nil, tokenParameter(err)
	}
	out := &metricswire.ListDashboardsOutput{DashboardEntries: make([]metricswire.DashboardEntry, len(list)), NextToken: optional(next)}
	for i := range list {
		d := &list[i]
		out.DashboardEntries[i] = metricswire.DashboardEntry{DashboardName: &d.Name, DashboardArn: &d.ARN, LastModified: millis(d.LastModified), Size: &d.Size}
	}
	return out, nil
}

func (a *API) deleteDashboards(ctx context.Context, in *metricswire.DeleteDashboardsInput) (*metricswire.DeleteDashboardsOutput, error) {
	return nil, a.metrics.DeleteDashboards(ctx, scopeOf(ctx), in.DashboardNames)
}

// tokenParameter gives a bad token the code that it has in calls whose model has no
// InvalidNextToken.
func tokenParameter(err error) error {
	if errors.Is(err, metrics.ErrInvalidToken) {
		return awsproto.Errorf(metricswire.CodeInvalidParameterValueException, "%s", err)
	}
	return err
}
