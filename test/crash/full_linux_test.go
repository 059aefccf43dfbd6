package crash_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
)

// TestFullDisk fills a small disk: writes are refused as AWS refuses them, reads and deletes go on, and when there is space again
// writes go on without a restart. Nothing that was acknowledged is lost.
func TestFullDisk(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=96m"); err != nil {
		t.Skipf("a small tmpfs cannot be mounted, which needs root: %v", err)
	}
	defer func() {
		if err := syscall.Unmount(disk, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	}()
	ballast := filepath.Join(disk, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 40<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(disk, "data")
	srv, c := start(t, data)
	defer func() { srv.Kill() }()
	ctx := t.Context()
	if _, err := c.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String(group)}); err != nil {
		t.Fatal(err)
	}
	s := &stream{name: "main"}
	createStream(t, c, s.name)
	for _, name := range []string{"doomed-0", "doomed-1"} {
		createStream(t, c, name)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	noise := func() []event {
		batch := make([]event, 40)
		now := time.Now().UnixMilli()
		for i := range batch {
			b := make([]byte, 20_000)
			for j := range b {
				b[j] = ' ' + byte(rng.IntN(95)) // hardly compresses
			}
			batch[i] = event{now, string(b)}
		}
		return batch
	}
	// fill writes until the server refuses, several times in a row.
	fill := func() {
		refused := 0
		for range 2000 {
			batch := noise()
			err := put(ctx, c, s.name, batch)
			if err == nil {
				s.acked = append(s.acked, batch...)
				refused = 0
				continue
			}
			if code := codeOf(err); code != "ServiceUnavailableException" {
				t.Fatalf("a full disk answers %s: %v\n%s", code, err, srv.Log())
			}
			if refused++; refused == 10 {
				return
			}
			time.Sleep(100 * time.Millisecond) // a flush may make room
		}
		t.Fatal("the disk is not full after 2000 batches")
	}
	check := func(when string) {
		t.Helper()
		if err := verify(ctx, c, []*stream{s}); err != nil {
			t.Fatalf("%s: %v\n%s", when, err, srv.Log())
		}
	}
	fill()
	t.Logf("full after %d batches", len(s.acked)/40)
	if len(s.acked) == 0 {
		t.Fatal("nothing was accepted")
	}
	check("while the disk is full")
	// deleteOne deletes a stream after the last byte of the disk was taken.
	deleteOne := func(name string) {
		t.Helper()
		rest, err := os.Create(filepath.Join(disk, "rest"))
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = rest.Write(make([]byte, 4096))
		}
		if err := rest.Close(); err != nil {
			t.Fatal(err)
		}
		_, err = c.DeleteLogStream(ctx, &cloudwatchlogs.DeleteLogStreamInput{LogGroupName: aws.String(group), LogStreamName: &name})
		if err != nil {
			t.Fatalf("a deletion on a full disk: %v\n%s", err, srv.Log())
		}
		if err := os.Remove(filepath.Join(disk, "rest")); err != nil {
			t.Fatal(err)
		}
	}
	deleteOne("doomed-0")
	reserved := func() bool {
		_, err := os.Stat(filepath.Join(data, "catalog.db-reserve"))
		return err == nil
	}

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	before := len(s.acked)
	deadline := time.Now().Add(20 * time.Second)
	for {
		batch := noise()
		err := put(ctx, c, s.name, batch)
		if err == nil {
			s.acked = append(s.acked, batch...)
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("still refused 20 s after there was space: %v\n%s", err, srv.Log())
		}
		time.Sleep(100 * time.Millisecond)
	}
	for range 20 {
		batch := noise()
		if err := put(ctx, c, s.name, batch); err != nil {
			t.Fatalf("with space again: %v\n%s", err, srv.Log())
		}
		s.acked = append(s.acked, batch...)
	}
	t.Logf("%d more batches with space again", (len(s.acked)-before)/40)
	check("with space again")
	deadline = time.Now().Add(20 * time.Second)
	for !reserved() { // it is tried once a second
		if time.Now().After(deadline) {
			t.Fatal("the catalog has not taken its reserve again")
		}
		time.Sleep(50 * time.Millisecond)
	}

	fill()
	srv.Kill()
	srv, c = start(t, data)
	check("after a kill on a full disk")
	deleteOne("doomed-1")
	if strings.Contains(srv.Log(), "panic") {
		t.Fatalf("the server panicked:\n%s", srv.Log())
	}
	if err := srv.Stop(); err != nil {
		t.Error(err)
	}
}
