package stsapi_test

import (
	"context"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/cumulog/cumulog/internal/edge/awshttp"
	"github.com/cumulog/cumulog/internal/edge/stsapi"
)

func serve(t *testing.T) *httptest.Server {
	t.Helper()
	h := awshttp.NewQueryHandler(awshttp.Options{Auth: awshttp.Open("000000000000", "")},
		stsapi.Services(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))...)
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func TestGetCallerIdentityWithSDK(t *testing.T) {
	s := serve(t)
	check := func(key, region, wantAccount, wantARN string) {
		t.Helper()
		client := sts.New(sts.Options{
			Region: region, BaseEndpoint: aws.String(s.URL),
			Credentials: credentials.NewStaticCredentialsProvider(key, "secret", ""),
		})
		out, err := client.GetCallerIdentity(context.Background(), &sts.GetCallerIdentityInput{})
		if err != nil {
			t.Fatal(err)
		}
		if *out.Account != wantAccount || *out.Arn != wantARN || len(*out.UserId) != 21 {
			t.Errorf("key %s in %s: got %s %s %s, want %s %s", key, region, *out.Account, *out.Arn, *out.UserId, wantAccount, wantARN)
		}
	}
	check("AKIDEXAMPLE", "eu-west-1", "000000000000", "arn:aws:iam::000000000000:user/AKIDEXAMPLE")
	check("123456789012", "cn-north-1", "123456789012", "arn:aws-cn:iam::123456789012:user/123456789012")
}

func TestQueryAnswers(t *testing.T) {
	s := serve(t)
	check := func(form string, wantStatus int, want ...string) {
		t.Helper()
		resp, err := http.Post(s.URL, "application/x-www-form-urlencoded", strings.NewReader(form))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != wantStatus {
			t.Errorf("%s: got status %d, want %d: %s", form, resp.StatusCode, wantStatus, body)
		}
		if err := xml.Unmarshal(body, new(struct{ XMLName xml.Name })); err != nil {
			t.Errorf("%s: answer is no XML: %v: %s", form, err, body)
		}
		for _, w := range append(want, resp.Header.Get("x-amzn-RequestId")) {
			if w == "" || !strings.Contains(string(body), w) {
				t.Errorf("%s: answer lacks %q: %s", form, w, body)
			}
		}
	}
	check("Action=GetCallerIdentity&Version=2011-06-15", 200,
		`<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::000000000000:root</Arn><UserId>000000000000</UserId><Account>000000000000</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>`)
	check("Action=GetUser&Version=2010-05-08", 200,
		"<GetUserResult><User><Path>/</Path><UserId>000000000000</UserId><Arn>arn:aws:iam::000000000000:root</Arn><CreateDate>2026-01-02T03:04:05Z</CreateDate></User></GetUserResult>")
	check("Action=GetUser&Version=2010-05-08&UserName=%3Cbob%3E", 404,
		"<Type>Sender</Type><Code>NoSuchEntity</Code><Message>The user with name &lt;bob&gt; cannot be found.</Message>")
	check("Action=AssumeRole&Version=2011-06-15", 400, "<Code>InvalidAction</Code>", "AssumeRole is not supported by this server")
	check("Action=GetCallerIdentity&Version=1999-01-01", 400, "<Code>InvalidAction</Code>")
	check("Version=2011-06-15", 400, "<Code>MissingAction</Code>")
	check("Action=%zz", 400, "<Code>MalformedQueryString</Code>")
}
