package awshttp_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttpresponse "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"
)

func (f *fixture) client() *cloudwatchlogs.Client {
	return cloudwatchlogs.New(cloudwatchlogs.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String(f.URL),
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", ""),
	})
}

// The official SDK reads our answers: outputs, modelled errors, codes that are
// not modelled, request ids; and it does not retry what is final.
func TestOfficialSDK(t *testing.T) {
	f := openServer(t)
	ctx := context.Background()
	client := f.client()
	if _, err := client.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("g")}); err != nil {
		t.Error(err)
	}
	if got, want := f.takeCalls(), "CreateLogGroup g as 000000000000/eu-west-1/AKID"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	out, err := client.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{})
	if err != nil || len(out.LogGroups) != 1 || *out.LogGroups[0].LogGroupName != "gggggggggg" {
		t.Errorf("got %+v, %v", out, err)
	}
	_, err = client.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: aws.String("g")})
	var missing *types.ResourceNotFoundException
	if !errors.As(err, &missing) || missing.ErrorMessage() != "The specified log group does not exist." {
		t.Errorf("got %v, want a ResourceNotFoundException", err)
	}
	var response *awshttpresponse.ResponseError
	if !errors.As(err, &response) || response.ServiceRequestID() == "" {
		t.Errorf("got %v, want an error with a request id", err)
	}
	requests := func() int {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.seen)
	}
	before := requests()
	_, err = client.DescribeQueries(ctx, &cloudwatchlogs.DescribeQueriesInput{})
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "UnknownOperationException" || requests() != before+1 {
		t.Errorf("got %v after %d requests, want one UnknownOperationException", err, requests()-before)
	}
	_, err = client.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("a b")})
	var invalid *types.InvalidParameterException
	if !errors.As(err, &invalid) || invalid.ErrorMessage() !=
		`1 validation error detected: Value 'a b' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+` {
		t.Errorf("got %v", err)
	}
}
