package metricsapi_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/google/go-cmp/cmp"
)

const dashboard = `{"widgets": [ {"type":"text","x":0,"y":0,"width":6,"height":6,"properties":{"markdown":"Hallo <b> é"}} ]}`

func TestDashboards(t *testing.T) {
	s, ctx := newStack(t), context.Background()
	for _, name := range []string{"b", "a-1", "a-2"} {
		out, err := s.PutDashboard(ctx, &cw.PutDashboardInput{DashboardName: &name, DashboardBody: ptr(dashboard)})
		ok(t, "put "+name, err)
		if len(out.DashboardValidationMessages) != 0 {
			t.Errorf("put %s: %+v", name, out.DashboardValidationMessages)
		}
	}
	got, err := s.GetDashboard(ctx, &cw.GetDashboardInput{DashboardName: ptr("b")})
	ok(t, "get", err)
	if *got.DashboardBody != dashboard || *got.DashboardName != "b" || *got.DashboardArn != "arn:aws:cloudwatch::"+account+":dashboard/b" {
		t.Errorf("got %+v", got)
	}
	list, err := s.ListDashboards(ctx, &cw.ListDashboardsInput{DashboardNamePrefix: ptr("a-")})
	ok(t, "list", err)
	var names []string
	for _, e := range list.DashboardEntries {
		names = append(names, fmt.Sprint(*e.DashboardName, " ", *e.Size, " ", e.LastModified.Equal(*s.at(0))))
	}
	size := fmt.Sprint(len(dashboard))
	if diff := cmp.Diff([]string{"a-1 " + size + " true", "a-2 " + size + " true"}, names); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	_, err = s.ListDashboards(ctx, &cw.ListDashboardsInput{NextToken: ptr("*")})
	refused(t, "token", err, "InvalidParameterValue", "The specified nextToken is invalid.")
	_, err = s.DeleteDashboards(ctx, &cw.DeleteDashboardsInput{DashboardNames: []string{"a-1", "a-2"}})
	ok(t, "delete", err)
	_, err = s.GetDashboard(ctx, &cw.GetDashboardInput{DashboardName: ptr("a-1")})
	refused(t, "get deleted", err, "ResourceNotFound", "Dashboard a-1 does not exist")
	if _, is := errors.AsType[*types.DashboardNotFoundError](err); !is {
		t.Errorf("got %T", errors.Unwrap(err))
	}
	_, err = s.DeleteDashboards(ctx, &cw.DeleteDashboardsInput{DashboardNames: []string{"none"}})
	refused(t, "delete none", err, "ResourceNotFound", "The specified dashboard does not exist.")
}

// The remarks about a body come with the error, in each protocol.
func TestDashboardInvalid(t *testing.T) {
	s, ctx := newStack(t), context.Background()
	const body = `{"widgets":[{"type":"gauge"}]}`
	_, err := s.PutDashboard(ctx, &cw.PutDashboardInput{DashboardName: ptr("d"), DashboardBody: ptr(body)})
	refused(t, "invalid", err, "InvalidParameterInput", "The dashboard body is invalid, there are 1 validation errors")
	e, is := errors.AsType[*types.DashboardInvalidInputError](err)
	if !is || len(e.DashboardValidationMessages) != 1 || *e.DashboardValidationMessages[0].DataPath != "/widgets/0/type" {
		t.Errorf("got %+v", e)
	}
	s.query(t, "PutDashboard", "DashboardName", "d", "DashboardBody", body).contains(t, "query", 400,
		"<Code>InvalidParameterInput</Code>", "<dashboardValidationMessages><member><DataPath>/widgets/0/type</DataPath><Message>")
	s.json(t, "PutDashboard", `{"DashboardName":"d","DashboardBody":"{"}`).contains(t, "json", 400,
		`{"__type":"com.amazonaws.cloudwatch#DashboardInvalidInputError","message":"The dashboard body is invalid`, `"dashboardValidationMessages":[{"DataPath":"","Message":`)
}
