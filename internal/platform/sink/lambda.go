package sink

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
)

// Limits of the payload of an invocation.
const (
	lambdaEvent    = 1 << 20 // not waited for
	lambdaRequest  = 6 << 20 // waited for
	lambdaWrapping = len(`{"awslogs":{"data":""}}`)
)

// lambdaSink invokes a function of a Lambda-compatible service for each message.
type lambdaSink struct {
	*awsCaller
	function   string
	invocation string
}

// openLambda: endpoint, function (from the ARN), invocation (Event or RequestResponse), region, credentials, timeout.
func openLambda(f *Fields, o *Options, t *Target) Sink {
	s := &lambdaSink{openCaller(f, o, t, "lambda"), nameOf(f, t, "function", "function:"), f.OneOf("invocation", "Event", "RequestResponse")}
	t.Place += " function " + s.function
	limit := lambdaEvent
	if s.invocation != "Event" {
		limit = lambdaRequest
	}
	t.MaxBody = (limit - lambdaWrapping) / 4 * 3
	return s
}

// Send implements Sink. Compressed messages are log events: functions get them as CloudWatch Logs hands them over.
func (s *lambdaSink) Send(ctx context.Context, messages []Message) error {
	for i := range messages {
		if err := s.invoke(ctx, &messages[i]); err != nil {
			return sentBefore(i, err)
		}
	}
	return nil
}

func (s *lambdaSink) invoke(ctx context.Context, m *Message) error {
	body := m.Body
	if m.Encoding == EncodingGzip {
		body = append([]byte(`{"awslogs":{"data":"`), base64.StdEncoding.EncodeToString(m.Body)...)
		body = append(body, `"}}`...)
	}
	h := http.Header{"Content-Type": {"application/json"}, "X-Amz-Invocation-Type": {s.invocation}}
	a, err := s.call(ctx, http.MethodPost, "2015-03-31/functions/"+s.function+"/invocations", h, body)
	if err != nil {
		return err
	}
	if kind := a.header.Get("X-Amz-Function-Error"); kind != "" {
		return &Error{Retry: true, Err: errors.New("the function failed (" + kind + "): " + printable(a.body))}
	}
	return nil
}

// Check implements Sink: the function gets the message.
func (s *lambdaSink) Check(ctx context.Context, m Message) error { return s.invoke(ctx, &m) }

// Close implements Sink.
func (s *lambdaSink) Close() error { return nil }
