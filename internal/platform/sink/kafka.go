package sink

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// kafkaSink produces records to a topic. It is idempotent: what the client sends again by itself is there once.
type kafkaSink struct {
	options []kgo.Opt
	topic   string
	timeout time.Duration

	mu     sync.Mutex
	client *kgo.Client
}

// openKafka: brokers (host:port, with commas), topic, tls, sasl (plain, scram-sha-256, scram-sha-512), user, password, timeout,
// maxBytes.
func openKafka(f *Fields, _ *Options, t *Target) Sink {
	s := &kafkaSink{topic: f.Required("topic"), timeout: timeoutOf(f)}
	var brokers []string
	for b := range strings.SplitSeq(f.Required("brokers"), ",") {
		b = strings.TrimSpace(b)
		if _, _, err := net.SplitHostPort(b); err != nil && b != "" {
			f.Fail("brokers", "%q is not host:port", b)
		}
		brokers = append(brokers, b)
	}
	t.Place = strings.Join(brokers, ",") + " topic " + s.topic
	t.MaxBody = f.Number("maxBytes", 1_000_000-4096, 1<<10, 64<<20)
	s.options = []kgo.Opt{
		kgo.SeedBrokers(brokers...), kgo.ClientID("cumulog"), kgo.DefaultProduceTopic(s.topic), kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerBatchMaxBytes(int32(t.MaxBody + 4096)), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerLinger(0),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.RecordDeliveryTimeout(s.timeout), kgo.UnknownTopicRetries(1),
		kgo.RetryTimeout(s.timeout),
	}
	if f.Flag("tls") {
		s.options = append(s.options, kgo.DialTLSConfig(&tls.Config{MinVersion: tls.VersionTLS12}))
	}
	s.secure(f)
	return s
}

// secure reads how the client says who it is.
func (s *kafkaSink) secure(f *Fields) {
	mechanism := f.OneOf("sasl", "none", "plain", "scram-sha-256", "scram-sha-512")
	user, password := f.Text("user", ""), f.Text("password", "")
	if (mechanism == "none") != (user == "") || (user == "") != (password == "") {
		f.Fail("sasl", "goes with user and password")
		return
	}
	switch mechanism {
	case "plain":
		s.options = append(s.options, kgo.SASL(plain.Auth{User: user, Pass: password}.AsMechanism()))
	case "scram-sha-256":
		s.options = append(s.options, kgo.SASL(scram.Auth{User: user, Pass: password}.AsSha256Mechanism()))
	case "scram-sha-512":
		s.options = append(s.options, kgo.SASL(scram.Auth{User: user, Pass: password}.AsSha512Mechanism()))
	}
}

// producer returns the client, which is made at the first message.
func (s *kafkaSink) producer() (*kgo.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil {
		return s.client, nil
	}
	c, err := kgo.NewClient(s.options...)
	if err != nil {
		return nil, later("making a Kafka client: %w", err)
	}
	s.client = c
	return c, nil
}

// Send implements Sink.
func (s *kafkaSink) Send(ctx context.Context, messages []Message) error {
	c, err := s.producer()
	if err != nil {
		return err
	}
	records := make([]*kgo.Record, len(messages))
	for i := range messages {
		records[i] = kafkaRecord(&messages[i])
	}
	within, cancel := context.WithTimeout(ctx, s.timeout+5*time.Second)
	defer cancel()
	failed := map[*kgo.Record]error{}
	for _, r := range s.produce(within, c, records) {
		if r.Err != nil {
			failed[r.Record] = r.Err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for i, r := range records {
		if err := failed[r]; err != nil {
			return sentBefore(i, kafkaError(within, err))
		}
	}
	return nil
}

// produce waits until each record is acknowledged or failed. An idempotent producer never gives up a batch that it wrote without
// getting an answer; so when ctx ends with records open, the client is closed, which fails them, and the next Send makes another.
// That may fail what others send at the same time, who try again.
func (s *kafkaSink) produce(ctx context.Context, c *kgo.Client, records []*kgo.Record) kgo.ProduceResults {
	done := make(chan kgo.ProduceResults, 1)
	go func() { done <- c.ProduceSync(ctx, records...) }()
	select {
	case results := <-done:
		return results
	case <-ctx.Done():
		s.drop(c)
		return <-done
	}
}

// drop closes a client unless that was done already.
func (s *kafkaSink) drop(c *kgo.Client) {
	s.mu.Lock()
	current := s.client == c
	if current {
		s.client = nil
	}
	s.mu.Unlock()
	if current {
		c.Close()
	}
}

func kafkaRecord(m *Message) *kgo.Record {
	r := &kgo.Record{Value: m.Body}
	if m.Key != "" {
		r.Key = []byte(m.Key)
	}
	header := func(name, value string) {
		if value != "" {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
		}
	}
	header("content-type", m.ContentType)
	header("content-encoding", m.Encoding)
	header("cumulog-message-id", m.Name)
	for name, v := range m.Attributes {
		header("cumulog-"+strings.ToLower(name), v)
	}
	return r
}

func kafkaError(within context.Context, err error) error {
	if errors.Is(err, kerr.MessageTooLarge) || errors.Is(err, kerr.RecordListTooLarge) || errors.Is(err, kerr.InvalidRecord) {
		return refused("producing to Kafka: %w", err)
	}
	if within.Err() != nil {
		return later("Kafka did not answer in time")
	}
	return later("producing to Kafka: %w", err)
}

// Check implements Sink: the topic gets the message.
func (s *kafkaSink) Check(ctx context.Context, m Message) error { return s.Send(ctx, []Message{m}) }

// Close implements Sink.
func (s *kafkaSink) Close() error {
	s.mu.Lock()
	c := s.client
	s.mu.Unlock()
	if c != nil {
		s.drop(c)
	}
	return nil
}
