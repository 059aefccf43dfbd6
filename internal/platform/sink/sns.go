package sink

import (
	"context"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
)

// Limits of a topic.
const (
	snsMessage = 256 << 10 // bytes
	snsSubject = 100       // characters
)

// snsSink publishes each message to a topic of an SNS-compatible service.
type snsSink struct {
	*awsCaller
	topic string // "" = what the message is addressed to
}

// openSNS: endpoint, topic (from the message), region, credentials, timeout.
func openSNS(f *Fields, o *Options, t *Target) Sink {
	s := &snsSink{openCaller(f, o, t, "sns"), f.Text("topic", "")}
	if s.topic != "" {
		if _, err := parsePattern(s.topic); err != nil || strings.Contains(s.topic, "*") {
			f.Fail("topic", "%q is not the ARN of a topic", s.topic)
		}
		t.Place += " topic " + s.topic
	}
	t.MaxBody = snsMessage
	return s
}

// Send implements Sink.
func (s *snsSink) Send(ctx context.Context, messages []Message) error {
	for i := range messages {
		if err := s.publish(ctx, &messages[i]); err != nil {
			return sentBefore(i, err)
		}
	}
	return nil
}

// Check implements Sink: the topic gets the message.
func (s *snsSink) Check(ctx context.Context, m Message) error { return s.publish(ctx, &m) }

// Close implements Sink.
func (s *snsSink) Close() error { return nil }

// topicRefusals are the codes that say that the message itself is wrong.
var topicRefusals = []string{"InvalidParameter", "InvalidParameterValue", "ParameterValueInvalid"}

func (s *snsSink) publish(ctx context.Context, m *Message) error {
	if m.Encoding != "" || len(m.Events) > 0 {
		return refused("a topic takes texts only")
	}
	topic := s.topic
	if topic == "" {
		topic = m.ARN
	}
	if topic == "" {
		return refused("the message is not addressed to a topic, and the target names none")
	}
	form := url.Values{"Action": {"Publish"}, "Version": {"2010-03-31"}, "TopicArn": {topic}, "Message": {string(m.Body)}}
	if subject := topicSubject(m.Subject); subject != "" {
		form.Set("Subject", subject)
	}
	h := http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}}
	a, err := s.call(ctx, http.MethodPost, "", h, []byte(form.Encode()))
	if e, ok := err.(*Error); ok && a.status >= 400 && a.status < 500 {
		var answer struct {
			Code string `xml:"Error>Code"`
		}
		e.Retry = true // the topic, the keys, the rights: all of them can change
		if xml.Unmarshal(a.body, &answer) == nil && oneOf(answer.Code, topicRefusals) || a.status == http.StatusRequestEntityTooLarge {
			e.Retry = false
		}
		e.Throttled = e.Throttled || answer.Code == "Throttled" || answer.Code == "Throttling"
	}
	return err
}

// topicSubject makes a text what a subject may be: printable ASCII that begins with a letter, digit or punctuation mark.
func topicSubject(text string) string {
	s := strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return '?'
		}
		return r
	}, text))
	return s[:min(len(s), snsSubject)]
}
