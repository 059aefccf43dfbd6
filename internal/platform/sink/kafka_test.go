package sink_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/cumulog/cumulog/internal/platform/sink"
)

// kafkaBroker is one broker with one topic of one partition: as much as a producer needs.
type kafkaBroker struct {
	net.Listener
	fail func(value string) int16      // the error of a batch that begins with value; nil: none
	dies atomic.Pointer[chan struct{}] // not nil: a batch gets no answer but the end of the connection, and the channel a value

	mu      sync.Mutex
	records []string // "key value headers"
	conns   []net.Conn
	wg      sync.WaitGroup
}

func newKafkaBroker(t *testing.T) *kafkaBroker {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &kafkaBroker{Listener: l}
	b.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b.mu.Lock()
			b.conns = append(b.conns, c)
			b.mu.Unlock()
			b.wg.Go(func() { b.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		b.mu.Lock()
		for _, c := range b.conns {
			c.Close()
		}
		b.mu.Unlock()
		b.wg.Wait()
	})
	return b
}

// versions are the highest that the broker speaks.
var versions = map[int16]int16{0: 8, 3: 8, 18: 2, 22: 1}

func (b *kafkaBroker) serve(c net.Conn) {
	defer c.Close()
	for {
		var size [4]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		raw := make([]byte, binary.BigEndian.Uint32(size[:]))
		if _, err := io.ReadFull(c, raw); err != nil {
			return
		}
		key, version := int16(binary.BigEndian.Uint16(raw)), int16(binary.BigEndian.Uint16(raw[2:]))
		correlation := raw[4:8]
		client := int16(binary.BigEndian.Uint16(raw[8:]))
		body := raw[10+max(client, 0):]
		req := kmsg.RequestForKey(key)
		if req == nil || version > versions[key] && key != 18 {
			return
		}
		resp := req.ResponseKind()
		req.SetVersion(version)
		resp.SetVersion(version)
		if key == 18 && version > versions[key] { // the client asks again with what it is told here
			resp.SetVersion(0)
			resp.(*kmsg.ApiVersionsResponse).ErrorCode = kerr.UnsupportedVersion.Code
		} else if err := req.ReadFrom(body); err != nil {
			return
		}
		if died := b.dies.Load(); died != nil && key == 0 {
			select {
			case *died <- struct{}{}:
			default:
			}
			return
		}
		b.answer(req, resp)
		out := resp.AppendTo(append([]byte{0, 0, 0, 0}, correlation...))
		binary.BigEndian.PutUint32(out, uint32(len(out)-4))
		if _, err := c.Write(out); err != nil {
			return
		}
	}
}

func (b *kafkaBroker) answer(req kmsg.Request, resp kmsg.Response) {
	switch resp := resp.(type) {
	case *kmsg.ApiVersionsResponse:
		for key, top := range versions {
			k := kmsg.NewApiVersionsResponseApiKey()
			k.ApiKey, k.MaxVersion = key, top
			resp.ApiKeys = append(resp.ApiKeys, k)
		}
	case *kmsg.MetadataResponse:
		host, port, _ := net.SplitHostPort(b.Addr().String())
		n, _ := strconv.Atoi(port)
		broker := kmsg.NewMetadataResponseBroker()
		broker.NodeID, broker.Host, broker.Port = 1, host, int32(n)
		resp.Brokers = append(resp.Brokers, broker)
		resp.ControllerID = 1
		for _, t := range req.(*kmsg.MetadataRequest).Topics {
			topic := kmsg.NewMetadataResponseTopic()
			topic.Topic = t.Topic
			if *t.Topic != "logs" {
				topic.ErrorCode = kerr.UnknownTopicOrPartition.Code
			} else {
				p := kmsg.NewMetadataResponseTopicPartition()
				p.Leader, p.Replicas, p.ISR = 1, []int32{1}, []int32{1}
				topic.Partitions = append(topic.Partitions, p)
			}
			resp.Topics = append(resp.Topics, topic)
		}
	case *kmsg.InitProducerIDResponse:
		resp.ProducerID = 1
	case *kmsg.ProduceResponse:
		for _, t := range req.(*kmsg.ProduceRequest).Topics {
			topic := kmsg.NewProduceResponseTopic()
			topic.Topic = t.Topic
			for _, p := range t.Partitions {
				part := kmsg.NewProduceResponseTopicPartition()
				part.Partition, part.ErrorCode = p.Partition, b.take(p.Records)
				topic.Partitions = append(topic.Partitions, part)
			}
			resp.Topics = append(resp.Topics, topic)
		}
	}
}

func (b *kafkaBroker) take(raw []byte) int16 {
	var batch kmsg.RecordBatch
	if err := batch.ReadFrom(raw); err != nil {
		return kerr.CorruptMessage.Code
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	in := batch.Records
	var list []string
	for range batch.NumRecords {
		size, n := binary.Varint(in)
		var r kmsg.Record
		if err := r.ReadFrom(in[:n+int(size)]); err != nil {
			return kerr.CorruptMessage.Code
		}
		in = in[n+int(size):]
		text := string(r.Key) + " " + string(r.Value)
		for _, h := range r.Headers {
			text += " " + h.Key + "=" + string(h.Value)
		}
		if b.fail != nil {
			if code := b.fail(string(r.Value)); code != 0 {
				return code
			}
		}
		list = append(list, text)
	}
	b.records = append(b.records, list...)
	return 0
}

func TestKafka(t *testing.T) {
	b := newKafkaBroker(t)
	s, target := sinkOf(t, sink.Options{}, `"type":"kafka","brokers":%q,"topic":"logs","timeout":"10s"`, b.Addr())
	if target.Place != b.Addr().String()+" topic logs" || target.MaxBody != 1_000_000-4096 {
		t.Errorf("target %+v", target)
	}
	ctx := context.Background()
	err := s.Send(ctx, []sink.Message{
		{Body: []byte("a"), Key: "k", Name: "n", ContentType: "application/json", Encoding: "gzip", Attributes: map[string]string{"Message-Type": "T"}},
		{Body: []byte("b"), Key: "k"}, {Body: []byte(strings.Repeat("c", target.MaxBody))},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"k a content-type=application/json content-encoding=gzip cumulog-message-id=n cumulog-message-type=T", "k b", " " + strings.Repeat("c", target.MaxBody),
	}
	if d := cmp.Diff(want, b.records); d != "" {
		t.Errorf("records (-want +got)\n%.500s", d)
	}
	b.mu.Lock()
	b.fail = func(string) int16 { return kerr.MessageTooLarge.Code }
	b.mu.Unlock()
	err = s.Check(ctx, texts("x")[0])
	if e, ok := errors.AsType[*sink.Error](err); !ok || e.Retry {
		t.Errorf("too large: %v", err)
	}
	b.mu.Lock()
	b.fail = func(string) int16 { return kerr.TopicAuthorizationFailed.Code }
	b.mu.Unlock()
	err = s.Send(ctx, texts("x", "y"))
	if e, ok := errors.AsType[*sink.Error](err); !ok || !e.Retry || e.Sent != 0 {
		t.Errorf("not allowed: %v", err)
	}
	b.mu.Lock()
	b.fail = nil
	b.mu.Unlock()
	if err := s.Send(ctx, texts("again")); err != nil {
		t.Errorf("after errors: %v", err)
	}
}

func TestKafkaUnknownTopic(t *testing.T) {
	b := newKafkaBroker(t)
	s, _ := sinkOf(t, sink.Options{}, `"type":"kafka","brokers":%q,"topic":"none","timeout":"2s"`, b.Addr())
	err := s.Send(context.Background(), texts("a"))
	if e, ok := errors.AsType[*sink.Error](err); !ok || !e.Retry {
		t.Errorf("topic that is not there: %v", err)
	}
}

// TestKafkaWithoutAnswer: a batch that may or may not have been written does not hold whoever sends it.
func TestKafkaWithoutAnswer(t *testing.T) {
	b := newKafkaBroker(t)
	s, _ := sinkOf(t, sink.Options{}, `"type":"kafka","brokers":%q,"topic":"logs"`, b.Addr())
	if err := s.Send(t.Context(), texts("a")); err != nil {
		t.Fatal(err)
	}
	died := make(chan struct{}, 1)
	b.dies.Store(&died)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	sent := make(chan error, 1)
	go func() { sent <- s.Send(ctx, texts("b")) }()
	<-died
	cancel()
	select {
	case err := <-sent:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("no answer: %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("Send outlives its context")
	}
	b.dies.Store(nil)
	if err := s.Send(t.Context(), texts("c")); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
