package registrar_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/registrar"
)

// TestNew: what would make records that nobody can verify is refused at once.
func TestNew(t *testing.T) {
	for name, c := range map[string]struct {
		change func(n *node, c *registrar.Config)
		want   string
	}{
		"no genesis": {func(n *node, c *registrar.Config) {
			c.Judge = registrar.NewJudge(validator(), func(ledger.Kind, int) bool { return true }, n.store.read)
		}, "berkas init"},
		"another key": {func(n *node, c *registrar.Config) { c.Private = n.Private("registrar/2") }, "not the registrar's key"},
		"the key under another id": {func(_ *node, c *registrar.Config) {
			c.Key = "registrar/2"
		}, "not the registrar's key"},
		"the receipt key of another ledger": {func(n *node, c *registrar.Config) {
			n.Origin = "berkas.example/latihan"
			c.Receipt, _, _ = n.NoteKeys("receipt")
		}, "not the receipt key"},
		"the log's key for receipts": {func(n *node, c *registrar.Config) { c.Receipt, _, _ = n.NoteKeys("") }, "not the receipt key"},
		"a clock before the build":   {func(n *node, c *registrar.Config) { c.Built = today.Add(time.Hour) }, "clock"},
	} {
		n := newNode(t)
		config := n.config()
		c.change(n, &config)
		if _, err := registrar.New(config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// brokenSigner has the receipt key's name and hash, and another secret.
type brokenSigner struct {
	note.Signer
	private ed25519.PrivateKey
}

func (s brokenSigner) Sign(b []byte) ([]byte, error) { return ed25519.Sign(s.private, b), nil }

func TestNewTriesTheReceiptKey(t *testing.T) {
	n := newNode(t)
	c := n.config()
	c.Receipt = brokenSigner{c.Receipt, n.Private("x/y")}
	if _, err := registrar.New(c); err == nil {
		t.Error("a receipt key that does not fit was taken")
	}
}

// TestJumpingClock: the registrar stops before it records anything, and the
// messages stay in intake.
func TestJumpingClock(t *testing.T) {
	n := run(t)
	_, opened := n.open1()
	n.admit(opened)
	before := n.length()
	n.clock.set(today.Add(time.Hour))
	_, other := n.open1()
	n.submit(other)
	<-n.gone
	var refused *registrar.ClockError
	if !errors.As(n.err, &refused) {
		t.Fatalf("ended with %v", n.err)
	}
	if n.length() != before {
		t.Error("something was recorded")
	}
	n.restart() // somebody has set the clock right
	n.receipts(other)
	n.consistent()
}

// TestRecorded: never before the record before, and the same for a whole batch.
func TestRecorded(t *testing.T) {
	n := run(t)
	_, a := n.open1()
	_, b := n.open1()
	_, c := n.open1()
	n.clock.pass(1500 * time.Nanosecond)
	first := n.admit(a, b)
	if want := today.Add(time.Microsecond); !first[0].Recorded.Equal(want) || !first[1].Recorded.Equal(want) {
		t.Errorf("recorded at %s and %s, want %s", first[0].Recorded, first[1].Recorded, want)
	}
	n.clock.set(today.Add(-time.Second))
	if got := n.admit(c)[0]; !got.Recorded.Equal(first[0].Recorded) {
		t.Errorf("recorded at %s, want %s again", got.Recorded, first[0].Recorded)
	}
}

// TestIntakeFails: Run tells it, and an ended context is no failure.
func TestIntakeFails(t *testing.T) {
	n := newNode(t)
	c := n.config()
	broken := errors.New("the connection is lost")
	c.Intake = brokenIntake{n.intake, broken}
	g, err := registrar.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Run(t.Context()); !errors.Is(err, broken) {
		t.Errorf("run: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	c.Intake = n.intake
	if g, err = registrar.New(c); err != nil {
		t.Fatal(err)
	}
	if err := g.Run(ended); err != nil {
		t.Errorf("run with an ended context: %v", err)
	}
}

type brokenIntake struct {
	*memIntake
	err error
}

func (in brokenIntake) Next(context.Context, int) ([]registrar.Message, error) { return nil, in.err }

// TestFailureBesideTheEnd: what went wrong while the registrar was told to stop
// is not swallowed.
func TestFailureBesideTheEnd(t *testing.T) {
	n := run(t)
	gone := errors.New("the disk is gone")
	n.store.fail(fault{err: gone, before: func(*memStore) { n.stop() }})
	_, opened := n.open1()
	n.submit(opened)
	<-n.gone
	if !errors.Is(n.err, gone) {
		t.Errorf("ended with %v", n.err)
	}
}

// TestLostReceipt: a receipt that cannot be sent changes nothing: the sender asks
// again.
func TestLostReceipt(t *testing.T) {
	n := newNode(t)
	var log bytes.Buffer
	n.change = func(c *registrar.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) }
	n.start()
	n.intake.die()
	caseID, opened := n.open1()
	n.submit(opened)
	n.endAfterCommit()
	if len(n.intake.receipts) != 0 || !strings.Contains(log.String(), "a receipt was not sent") {
		t.Errorf("%d receipts; log: %s", len(n.intake.receipts), &log)
	}
	n.intake.revive()
	n.start()
	first := n.receipts(opened)[0]
	if n.admit(n.register(caseID, 30*time.Minute))[0].Position != first.Position+1 {
		t.Error("the event stands twice")
	}
	n.consistent()
}

// endAfterCommit waits for one commit, then ends the registrar.
func (n *node) endAfterCommit() {
	n.t.Helper()
	for {
		n.intake.mu.Lock()
		flushes, changed := n.intake.flushes, n.intake.changed
		n.intake.mu.Unlock()
		if flushes > 0 {
			break
		}
		<-changed
	}
	n.end()
}

// TestFlood: more than a batch holds waits; all is answered in order.
func TestFlood(t *testing.T) {
	n := run(t)
	id := n.NewID()
	all := []ledger.Submission{n.Say(ledger.Bawaslu, ledger.CaseOpenedKind, id, today.Add(-3*time.Hour), testkit.Opened(1))}
	for i := range 2*registrar.MaxBatch + 10 {
		all = append(all, n.Say(ledger.Bawaslu, ledger.CompletenessCheckedKind, id, today.Add(-2*time.Hour+time.Duration(i)*time.Millisecond), complete))
	}
	first := ledger.Position(n.length() + 1)
	for i, r := range n.admit(all...) {
		if r.Position != first+ledger.Position(i) {
			t.Fatalf("submission %d stands at %d", i, r.Position)
		}
	}
	n.end()
	if c := n.registrar.Counts(); c.Batches < 3 || c.Admitted != uint64(len(all)) {
		t.Errorf("counted %+v", c)
	}
	if ids := n.judge.IDs(); ids != len(n.store.all())-len(all)-1 {
		t.Errorf("%d ids outside cases", ids)
	}
}

// TestRefusalsTakeNoMemory: strangers cannot fill the state with refusals.
func TestRefusalsTakeNoMemory(t *testing.T) {
	n := run(t)
	before := n.judge.IDs()
	for i := range 100 {
		n.submit(n.Sign(ledger.Bawaslu, []byte{byte('a' + i%26), byte(i)}))
	}
	n.intake.emptied(t, n.gone)
	n.end()
	if got := n.judge.IDs(); got != before {
		t.Errorf("%d ids are kept, %d before", got, before)
	}
	if got := n.newJudge().IDs(); got != before {
		t.Errorf("%d ids are kept after a restart, %d before", got, before)
	}
}
