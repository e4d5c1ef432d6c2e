// Package testkit gives every test servers of its own: a PostgreSQL database,
// a NATS server, a NATS cluster. All are real. What a test cannot have makes
// it fail, with the command that mends it; nothing is skipped.
//
// A package whose tests use it says
//
//	func TestMain(m *testing.M) { testkit.Main(m) }
package testkit

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/berkas-ledger/berkas/internal/local"
)

// clusterPatience is how long the nodes of a cluster may take to agree; they
// need half a second, and more on a busy machine.
const clusterPatience = 2 * time.Minute

// Main runs the tests, stops what they shared, and lets the run fail if
// goroutines are left. It does not return.
func Main(m *testing.M) { os.Exit(Run(m)) }

// Run is Main without the exit, for packages whose tests also run the program.
func Run(m *testing.M) int {
	shared.allow()
	code := m.Run()
	if err := shared.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "testkit: stop PostgreSQL:", err)
		code = max(code, 1)
	}
	if code != 0 {
		return code // a test that failed half-way may well leave some
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, "testkit: goroutines are left after the tests:", err)
		return 1
	}
	return 0
}

// NATS starts a server with JetStream for this test, which ends with it. The
// accounts are text as in local.NATSConfig; without, everybody may do
// everything.
func NATS(t testing.TB, accounts ...string) *local.NATS {
	t.Helper()
	n, err := local.StartNATS(local.NATSConfig{
		Dir: t.TempDir(), Accounts: strings.Join(accounts, "\n"), Open: len(accounts) == 0, Log: Log(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Stop(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// Cluster starts n NATS servers that form a JetStream cluster and fsync every
// message, for this test. The accounts are as in NATS.
func Cluster(t testing.TB, n int, accounts ...string) *local.Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), clusterPatience)
	defer cancel()
	c, err := local.StartCluster(ctx, n, local.NATSConfig{
		Dir: t.TempDir(), Accounts: strings.Join(accounts, "\n"), Open: len(accounts) == 0, Log: Log(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// Log writes warnings and errors to the test's own output, which is shown when
// it fails. What comes after the test is dropped.
func Log(t testing.TB) *slog.Logger {
	w := &testWriter{t: t}
	t.Cleanup(w.close)
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// testWriter: a test's log may not be written to after its end, and a server's
// goroutines do not know when that is.
type testWriter struct {
	mu sync.Mutex
	t  testing.TB // nil after the test
}

func (w *testWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.t != nil {
		w.t.Log(string(bytes.TrimRight(line, "\n")))
	}
	return len(line), nil
}

func (w *testWriter) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.t = nil
}
