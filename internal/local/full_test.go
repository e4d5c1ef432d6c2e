package local

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sys/unix"
)

// TestFullDiskIsSaid: a write that the disk refuses is told, and the server takes
// nothing more for the stream although there is room again. A limit on the size
// of files stands for the full disk; it holds for a whole process, which is why
// the test runs in one of its own.
func TestFullDiskIsSaid(t *testing.T) {
	const alone = "BERKAS_TEST_FULL_DISK"
	if os.Getenv(alone) != "" {
		testFullDiskIsSaid(t)
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFullDiskIsSaid$", "-test.v")
	cmd.Env = append(os.Environ(), alone+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestFullDiskIsSaid")) {
		t.Fatalf("%v\n%s", err, out)
	}
}

func testFullDiskIsSaid(t *testing.T) {
	n, err := StartNATS(NATSConfig{Dir: filepath.Join(t.TempDir(), "nats"), Open: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Stop(); err != nil {
			t.Error(err)
		}
	})
	nc, err := nats.Connect(n.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
		t.Fatal(err)
	}
	say := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second) // it says nothing at all
		defer cancel()
		_, err := js.Publish(ctx, "s", make([]byte, 10<<10))
		return err
	}
	if err := say(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-n.Failed():
		t.Fatalf("failed with room on the disk: %v", err)
	default:
	}
	limitFiles(t, 16<<10, func() {
		for end := time.Now().Add(patience); say() == nil; {
			if time.Now().After(end) {
				t.Fatal("the disk is full and takes everything")
			}
		}
	})
	select {
	case why := <-n.Failed():
		t.Log(why)
	case <-time.After(patience):
		t.Fatal("a failed write was not told")
	}
	if err := say(); err == nil {
		t.Error("the server writes again by itself: Failed need not end the process any more")
	}
}

// limitFiles calls f while no file may grow beyond a size.
func limitFiles(t *testing.T, size uint64, f func()) {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
			t.Fatal(err)
		}
	}()
	if err := unix.Setrlimit(syscall.RLIMIT_FSIZE, &unix.Rlimit{Cur: size, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	f()
}
