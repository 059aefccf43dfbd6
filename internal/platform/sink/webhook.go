package sink

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// Headers of a webhook beside those of the attributes.
const (
	// TimestampHeader has the time of the try in seconds since the Unix epoch.
	TimestampHeader = "X-Cumulog-Timestamp"
	// SignatureHeader has "v1=" and the signature; see Signature.
	SignatureHeader = "X-Cumulog-Signature"
)

// minSecret is how long the secret of a webhook is at least, in bytes.
const minSecret = 16

// Signature returns the signature of a webhook's body: the HMAC-SHA256, in hexadecimal, of the text of the timestamp header, a
// point and the body, with the secret of the target as its key.
func Signature(secret, timestamp string, body []byte) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(timestamp + "."))
	m.Write(body)
	return hex.EncodeToString(m.Sum(nil))
}

// webhookSink posts each message with a signature.
type webhookSink struct {
	client   *http.Client
	url      string
	secret   string
	envelope bool
	headers  http.Header
	timeout  time.Duration
	now      func() time.Time
}

// openWebhook: url, secret, format (raw or sns), headers, timeout.
func openWebhook(f *Fields, o *Options, t *Target) Sink {
	s := &webhookSink{client: o.HTTP, now: o.Now}
	s.url, t.Place = urlOf(f)
	if s.secret = f.Required("secret"); s.secret != "" && len(s.secret) < minSecret {
		f.Fail("secret", "has fewer than %d characters", minSecret)
	}
	s.envelope = f.OneOf("format", "raw", "sns") == "sns"
	s.headers = headersOf(f)
	s.timeout = timeoutOf(f)
	t.MaxBody = 6 << 20
	return s
}

// Send implements Sink.
func (s *webhookSink) Send(ctx context.Context, messages []Message) error {
	for i := range messages {
		if err := s.post(ctx, &messages[i]); err != nil {
			return sentBefore(i, err)
		}
	}
	return nil
}

// Check implements Sink: the target gets the message.
func (s *webhookSink) Check(ctx context.Context, m Message) error { return s.post(ctx, &m) }

// Close implements Sink. The connections are the Registry's.
func (s *webhookSink) Close() error { return nil }

// topicEnvelope is what a topic of SNS posts to a subscriber. There is no signature of Amazon's in it.
type topicEnvelope struct {
	Type      string
	MessageID string `json:"MessageId"`
	TopicArn  string
	Subject   string `json:",omitempty"`
	Message   string
	Timestamp string
}

func (s *webhookSink) post(ctx context.Context, m *Message) error {
	now := s.now()
	h := s.headers.Clone()
	setDefault(h, "Content-Type", m.ContentType)
	body := m.Body
	if s.envelope && m.Encoding == "" {
		var err error
		body, err = json.Marshal(&topicEnvelope{
			Type: "Notification", MessageID: m.Name, TopicArn: m.ARN, Subject: m.Subject, Message: string(m.Body),
			Timestamp: now.UTC().Format("2006-01-02T15:04:05.000Z"),
		})
		if err != nil {
			return refused("encoding the message: %w", err)
		}
		h.Set("Content-Type", "text/plain; charset=UTF-8") // as SNS has it
		h.Set("X-Amz-Sns-Message-Type", "Notification")
		h.Set("X-Amz-Sns-Message-Id", m.Name)
		h.Set("X-Amz-Sns-Topic-Arn", m.ARN)
	}
	if m.Encoding != "" {
		h["Content-Encoding"] = []string{m.Encoding}
	}
	for name, value := range m.Attributes {
		h.Set(attributePrefix+name, value)
	}
	timestamp := strconv.FormatInt(now.Unix(), 10)
	h.Set(TimestampHeader, timestamp)
	h.Set(SignatureHeader, "v1="+Signature(s.secret, timestamp, body))
	_, err := do(ctx, s.client, s.timeout, http.MethodPost, s.url, h, body)
	return err
}
