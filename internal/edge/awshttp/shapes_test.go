package awshttp_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/edge/awshttp"
	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
	"github.com/cumulog/cumulog/internal/edge/metricsapi/metricswire"
)

// shapes serves a service that speaks three protocols, and one that does not.
func shapes(f *awshttp.Faults) http.Handler {
	s := f.IntoShapes(awshttp.ShapeService{
		TargetPrefix: metricswire.TargetPrefix, SigningName: metricswire.SigningName, Version: metricswire.Version, Namespace: metricswire.Namespace,
		Known:  metricswire.Lookup,
		Errors: &awsproto.Errors{Namespace: metricswire.ShapeNamespace, Known: metricswire.ErrorInfo},
		Operations: map[string]awshttp.ShapeOperation{
			"ListMetrics": awshttp.Shaped(func(_ context.Context, in *metricswire.ListMetricsInput) (*metricswire.ListMetricsOutput, error) {
				return &metricswire.ListMetricsOutput{NextToken: in.Namespace}, nil
			}),
			"DeleteAlarms": awshttp.Shaped(func(_ context.Context, in *metricswire.DeleteAlarmsInput) (*metricswire.DeleteAlarmsOutput, error) {
				switch len(in.AlarmNames) {
				case 0:
					return nil, nil
				case 1:
					return nil, errors.New("secret cause")
				}
				panic("secret cause")
			}),
		},
	})
	o := awshttp.Options{Auth: awshttp.Open("000000000000", "")}
	other := awshttp.Service{TargetPrefix: logswire.TargetPrefix, SigningName: logswire.SigningName, Known: logswire.Lookup}
	return awshttp.NewRouter(awshttp.RouterOptions{
		JSON: awshttp.NewHandler(o, s.RPC(), other), Query: awshttp.NewQueryHandler(o, s.Query()), Admin: http.NotFoundHandler(), S3: http.NotFoundHandler(),
	})
}

func TestShapes(t *testing.T) {
	h := shapes(nil)
	check := func(what, path, body string, status int, want string, header ...string) {
		t.Helper()
		r := httptest.NewRequest("POST", path, strings.NewReader(body))
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != status || !strings.Contains(w.Body.String(), want) || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: got %d %q, want %d %q", what, w.Code, w.Body, status, want)
		}
	}
	const prefix = "/service/" + metricswire.TargetPrefix + "/operation/"
	cbor := []string{"Smithy-Protocol", "rpc-v2-cbor"}
	check("CBOR", prefix+"ListMetrics", "\xa1iNamespaceaN", 200, "\xbfiNextTokenaN\xff", cbor...)
	check("CBOR, no output", prefix+"DeleteAlarms", "\xa1jAlarmNames\x80", 200, "\xbf\xff", cbor...)
	check("CBOR, defect", prefix+"DeleteAlarms", "\xa1jAlarmNames\x81aa", 500, "InternalFailure", cbor...)
	check("CBOR, panic", prefix+"DeleteAlarms", "\xa1jAlarmNames\x82aaab", 500, "InternalFailure", cbor...)
	check("CBOR, constraint", prefix+"DeleteAlarms", "", 400, "oValidationError", cbor...)
	check("CBOR, no operation", "/service/"+metricswire.TargetPrefix, "", 400, "x\x19UnknownOperationException", cbor...)
	check("CBOR, another service", "/service/"+logswire.TargetPrefix+"/operation/PutLogEvents", "", 400, "does not speak the protocol rpc-v2-cbor", cbor...)

	jsonTarget := func(operation string) []string {
		return []string{"X-Amz-Target", metricswire.TargetPrefix + "." + operation}
	}
	check("JSON", "/", `{"Namespace":"N"}`, 200, `{"NextToken":"N"}`, jsonTarget("ListMetrics")...)
	check("JSON, no output", "/", `{"AlarmNames":[]}`, 200, `{}`, jsonTarget("DeleteAlarms")...)
	check("JSON, defect", "/", `{"AlarmNames":["a"]}`, 500, `{"__type":"InternalFailure","message":"`, jsonTarget("DeleteAlarms")...)

	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	check("Query", "/", "Action=ListMetrics&Version=2010-08-01&Namespace=N", 200, "<ListMetricsResult><NextToken>N</NextToken></ListMetricsResult><ResponseMetadata>", form...)
	check("Query, no output", "/", "Action=DeleteAlarms&Version=2010-08-01&AlarmNames=", 200, `doc/2010-08-01/"><ResponseMetadata>`, form...)
	check("Query, defect", "/", "Action=DeleteAlarms&Version=2010-08-01&AlarmNames.member.1=a", 500, "<Type>Receiver</Type><Code>InternalFailure</Code>", form...)
	check("Query, constraint", "/", "Action=DeleteAlarms&Version=2010-08-01", 400, "<Code>ValidationError</Code>", form...)
}

func TestShapeFaults(t *testing.T) {
	h := shapes(awshttp.NewFaults(map[string]awshttp.Fault{"ListMetrics": {Throttle: 1}}, rand.NewPCG(1, 2)))
	call := func(r *http.Request) string {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Body.String()
	}
	r := httptest.NewRequest("POST", "/service/"+metricswire.TargetPrefix+"/operation/ListMetrics", nil)
	r.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
	if got := call(r); !strings.Contains(got, "ThrottlingException") {
		t.Errorf("CBOR: got %q", got)
	}
	r = httptest.NewRequest("GET", "/?Action=ListMetrics&Version=2010-08-01", nil)
	if got := call(r); !strings.Contains(got, "<Code>Throttling</Code><Message>Rate exceeded</Message>") {
		t.Errorf("Query: got %q", got)
	}
}
