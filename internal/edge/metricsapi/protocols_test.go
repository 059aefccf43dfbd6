package metricsapi_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/edge/metricsapi/metricswire"
)

func TestQueryProtocol(t *testing.T) {
	s := newStack(t)
	const ns = `xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"`
	r := s.query(t, "PutMetricData", "Namespace", "App", "MetricData.member.1.MetricName", "m", "MetricData.member.1.Value", "1.5",
		"MetricData.member.1.Timestamp", "2026-11-25T13:58:00Z", "MetricData.member.1.Dimensions.member.1.Name", "a", "MetricData.member.1.Dimensions.member.1.Value", "<b>")
	r.contains(t, "put", 200, `<PutMetricDataResponse `+ns+`><ResponseMetadata><RequestId>`, `</RequestId></ResponseMetadata></PutMetricDataResponse>`)
	if r.header.Get("Content-Type") != "text/xml" || r.header.Get("x-amzn-RequestId") == "" {
		t.Errorf("headers %v", r.header)
	}
	s.query(t, "ListMetrics").contains(t, "list", 200, `<ListMetricsResponse `+ns+`><ListMetricsResult><Metrics><member><Namespace>App</Namespace>`+
		`<MetricName>m</MetricName><Dimensions><member><Name>a</Name><Value>&lt;b&gt;</Value></member></Dimensions></member></Metrics></ListMetricsResult><ResponseMetadata>`)
	s.query(t, "GetMetricStatistics", "Namespace", "App", "MetricName", "m", "Dimensions.member.1.Name", "a", "Dimensions.member.1.Value", "<b>",
		"StartTime", "2026-11-25T13:00:00Z", "EndTime", "2026-11-25T14:00:00Z", "Period", "60", "Statistics.member.1", "Average").contains(t, "statistics", 200,
		`<Label>m</Label><Datapoints><member><Timestamp>2026-11-25T13:58:00Z</Timestamp><Average>1.5</Average><Unit>None</Unit></member></Datapoints>`)
	// The requests of the URL.
	resp, err := http.Get(s.url + "/?Action=ListMetrics&Version=2010-08-01&Namespace=None")
	ok(t, "get", err)
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("GET answers %d", resp.StatusCode)
	}
	// STS is on the same port.
	s.post(t, "/", "Action=GetCallerIdentity&Version=2011-06-15", "Content-Type", "application/x-www-form-urlencoded").contains(t, "sts", 200, "<Account>"+account)

	s.query(t, "PutMetricData", "Namespace", "App").contains(t, "missing", 400,
		`<ErrorResponse `+ns+`><Error><Type>Sender</Type><Code>MissingParameter</Code><Message>The parameter MetricData is required.</Message></Error><RequestId>`)
	s.query(t, "DeleteAlarms", "AlarmNames.member.1", "none").contains(t, "not found", 404, `<Code>ResourceNotFound</Code>`)
	s.query(t, "ListTagsForResource", "ResourceARN", arn("none")).contains(t, "not found", 404, `<Code>ResourceNotFoundException</Code>`)
	s.query(t, "DescribeAlarms", "MaxRecords", "0").contains(t, "constraint", 400, `<Code>ValidationError</Code><Message>1 validation error detected: Value &#39;0&#39; at &#39;maxRecords&#39; failed`)
	s.query(t, "DescribeAlarms", "MaxRecords", "many").contains(t, "type", 400, `<Code>MalformedInput</Code>`)
	s.query(t, "PutAnomalyDetector").contains(t, "not built", 400, `<Code>InvalidAction</Code><Message>Operation PutAnomalyDetector is not supported by this server.</Message>`)
	s.query(t, "Nonsense").contains(t, "unknown", 400, `<Code>InvalidAction</Code>`)
	s.query(t, "ListMetrics", "Namespace.", "x").contains(t, "form", 400, `<Code>MalformedQueryString</Code>`)
	limit := strings.Repeat("x", 2<<20)
	s.query(t, "DescribeAlarms", "AlarmNamePrefix", limit).contains(t, "size", 413, `<Code>RequestEntityTooLargeException</Code>`)
}

func TestJSONProtocol(t *testing.T) {
	s := newStack(t)
	r := s.json(t, "PutMetricData", `{"Namespace":"App","MetricData":[{"MetricName":"m","Value":1,"Timestamp":1795615080}]}`)
	r.contains(t, "put", 200, "{}")
	if r.header.Get("Content-Type") != "application/x-amz-json-1.0" || r.header.Get("x-amzn-RequestId") == "" {
		t.Errorf("headers %v", r.header)
	}
	s.json(t, "GetMetricStatistics", `{"Namespace":"App","MetricName":"m","StartTime":1795611600,"EndTime":1795615200.5,"Period":60,"Statistics":["Sum"]}`).contains(t, "statistics", 200,
		`{"Label":"m","Datapoints":[{"Timestamp":1795615080,"Sum":1.0,"Unit":"None"}]}`)
	check := func(operation, body string, status int, query, want string) {
		t.Helper()
		r := s.json(t, operation, body)
		if got := r.header.Get("x-amzn-query-error"); r.status != status || got != query || r.body != want {
			t.Errorf("%s %.200s: got %d %s %s, want %d %s %s", operation, body, r.status, got, r.body, status, query, want)
		}
	}
	const shape = `{"__type":"com.amazonaws.cloudwatch#`
	check("PutMetricData", `{"Namespace":"App"}`, 400, "MissingParameter;Sender", shape+`MissingRequiredParameterException","message":"The parameter MetricData is required."}`)
	check("DeleteAlarms", `{"AlarmNames":["none"]}`, 404, "ResourceNotFound;Sender", shape+`ResourceNotFound","message":"The named resource does not exist."}`)
	check("ListTagsForResource", `{"ResourceARN":"`+arn("none")+`"}`, 404, "ResourceNotFoundException;Sender", shape+`ResourceNotFoundException","Message":"The named resource does not exist."}`)
	check("DescribeAlarms", `{"MaxRecords":0}`, 400, "ValidationError;Sender",
		`{"__type":"ValidationError","message":"1 validation error detected: Value '0' at 'maxRecords' failed to satisfy constraint: Member must have value greater than or equal to 1"}`)
	check("DescribeAlarms", `{"MaxRecords":"x"}`, 400, "MalformedInput;Sender",
		`{"__type":"SerializationException","message":"expected an integer, found a string (member 'MaxRecords', position 14)"}`)
	check("PutAnomalyDetector", `{}`, 400, "InvalidAction;Sender", `{"__type":"UnknownOperationException","message":"Operation PutAnomalyDetector is not supported by this server."}`)
	check("Nonsense", `{}`, 400, "InvalidAction;Sender", `{"__type":"UnknownOperationException","message":"Operation \"Nonsense\" is not known to this service."}`)
}

func TestCBORProtocol(t *testing.T) {
	s := newStack(t)
	encode := func(v any) string {
		t.Helper()
		b, err := cbor.Marshal(v)
		ok(t, "marshal", err)
		return string(b)
	}
	check := func(operation, body string, status int, query string, want map[any]any) {
		t.Helper()
		r := s.cbor(t, operation, body)
		var got map[any]any
		if err := cbor.Unmarshal([]byte(r.body), &got); err != nil {
			t.Errorf("%s: %v: %x", operation, err, r.body)
		}
		if diff := cmp.Diff(want, got); diff != "" || r.status != status || r.header.Get("x-amzn-query-error") != query {
			t.Errorf("%s: got %d %s, (-want +got):\n%s", operation, r.status, r.header.Get("x-amzn-query-error"), diff)
		}
		if r.header.Get("Smithy-Protocol") != "rpc-v2-cbor" || r.header.Get("Content-Type") != "application/cbor" || r.header.Get("x-amzn-RequestId") == "" {
			t.Errorf("%s: headers %v", operation, r.header)
		}
	}
	check("PutMetricData", encode(map[string]any{"Namespace": "App", "MetricData": []any{
		map[string]any{"MetricName": "m", "Value": 1, "Timestamp": cbor.Tag{Number: 1, Content: 1795615080.25}},
	}}), 200, "", map[any]any{})
	check("ListMetrics", "", 200, "", map[any]any{"Metrics": []any{map[any]any{"Namespace": "App", "MetricName": "m", "Dimensions": []any{}}}})
	check("PutMetricData", encode(map[string]any{"Namespace": "App"}), 400, "MissingParameter;Sender",
		map[any]any{"__type": "com.amazonaws.cloudwatch#MissingRequiredParameterException", "message": "The parameter MetricData is required."})
	check("DescribeAlarms", encode(map[string]any{"MaxRecords": 0}), 400, "ValidationError;Sender", map[any]any{
		"__type": "ValidationError", "message": "1 validation error detected: Value '0' at 'maxRecords' failed to satisfy constraint: Member must have value greater than or equal to 1",
	})
	check("DescribeAlarms", "\xa1", 400, "MalformedInput;Sender",
		map[any]any{"__type": "SerializationException", "message": "unexpected end of the CBOR value (position 1)"})
	check("PutAnomalyDetector", "", 400, "InvalidAction;Sender",
		map[any]any{"__type": "UnknownOperationException", "message": "Operation PutAnomalyDetector is not supported by this server."})

	r := s.post(t, "/service/Nothing/operation/ListMetrics", "\xa0", "Smithy-Protocol", "rpc-v2-cbor")
	if !strings.Contains(r.body, "is not known to this server") || r.status != 400 {
		t.Errorf("another service: %d %q", r.status, r.body)
	}
	r = s.post(t, "/service/"+metricswire.TargetPrefix+"/operation/ListMetrics", "{}", "Smithy-Protocol", "rpc-v2-json")
	if !strings.Contains(r.body, "rpc-v2-json") || r.status != 400 {
		t.Errorf("another protocol: %d %q", r.status, r.body)
	}
	// Without the header the path is one of S3.
	r = s.post(t, "/service/"+metricswire.TargetPrefix+"/operation/ListMetrics", "")
	if r.status != 404 {
		t.Errorf("without protocol: %d %q", r.status, r.body)
	}
}

// A body may be compressed in each protocol.
func TestGzip(t *testing.T) {
	s := newStack(t)
	zip := func(text string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, err := w.Write([]byte(text))
		ok(t, "compress", err)
		ok(t, "compress", w.Close())
		return b.String()
	}
	form := url.Values{"Action": {"PutMetricData"}, "Version": {metricswire.Version}, "Namespace": {"App"}, "MetricData.member.1.MetricName": {"query"}, "MetricData.member.1.Value": {"1"}}
	s.post(t, "/", zip(form.Encode()), "Content-Type", "application/x-www-form-urlencoded", "Content-Encoding", "gzip").contains(t, "query", 200, "<PutMetricDataResponse")
	s.post(t, "/", zip(`{"Namespace":"App","MetricData":[{"MetricName":"json","Value":1}]}`), "Content-Type", "application/x-amz-json-1.0",
		"X-Amz-Target", metricswire.TargetPrefix+".PutMetricData", "Content-Encoding", "gzip").contains(t, "json", 200, "{}")
	data, err := cbor.Marshal(map[string]any{"Namespace": "App", "MetricData": []any{map[string]any{"MetricName": "cbor", "Value": 1}}})
	ok(t, "marshal", err)
	s.post(t, "/service/"+metricswire.TargetPrefix+"/operation/PutMetricData", zip(string(data)), "Smithy-Protocol", "rpc-v2-cbor", "Content-Encoding", "gzip").contains(t, "cbor", 200, "\xbf\xff")
	r := s.json(t, "ListMetrics", `{"Namespace":"App"}`)
	for _, name := range []string{"query", "json", "cbor"} {
		r.contains(t, name, 200, `"MetricName":"`+name+`"`)
	}
	bomb := zip("Action=PutMetricData&Version=2010-08-01&Namespace=" + strings.Repeat("x", 17<<20))
	s.post(t, "/", bomb, "Content-Type", "application/x-www-form-urlencoded", "Content-Encoding", "gzip").contains(t, "bomb", 413, "RequestEntityTooLargeException")
	s.post(t, "/", "no gzip", "Content-Type", "application/x-www-form-urlencoded", "Content-Encoding", "gzip").contains(t, "garbage", 400, "<Code>SerializationException</Code>")
}
