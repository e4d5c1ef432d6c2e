package registrar_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/registrar"
	"github.com/berkas-ledger/berkas/schemas"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// validator is shared: compiling the schemas takes longer than most tests.
var validator = sync.OnceValue(func() *schemas.Validator {
	v, err := schemas.New()
	if err != nil {
		panic(err)
	}
	return v
})

// hands are the clocks of a machine in a test.
type hands struct {
	mu   sync.Mutex
	wall time.Time
	mono time.Duration
}

func (h *hands) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.wall
}

func (h *hands) since() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.mono
}

// pass lets time go by; set sets the wall clock alone.
func (h *hands) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wall, h.mono = h.wall.Add(d), h.mono+d
}

func (h *hands) set(t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wall = t
}

// tester is what a node needs of a test: *testing.T, *testing.B and *rapid.T
// have it.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Context() context.Context
}

// node is a registrar at work on a ledger in memory.
type node struct {
	*testkit.World
	t        tester
	log      *slog.Logger
	store    *memStore
	intake   *memIntake
	clock    *hands
	verifier note.Verifier
	founded  ledger.Position             // the last record of the founding
	closed   func(ledger.Kind, int) bool // versions that are not open
	change   func(*registrar.Config)     // of the next start

	judge     *registrar.Judge
	registrar *registrar.Registrar
	stop      context.CancelFunc
	gone      chan struct{}
	err       error // of Run, once gone is closed
}

// today is the moment at which tests begin: two weeks after the founding.
var today = time.Date(2020, 6, 15, 3, 0, 0, 0, time.UTC)

// newNode makes a node on a founded ledger; it does not run yet.
func newNode(t tester) *node {
	w := testkit.NewWorld()
	_, verifier, _ := w.NoteKeys("receipt")
	n := &node{
		World: w, t: t, verifier: verifier,
		store: newStore(w.Founding()), intake: newIntake(), clock: &hands{wall: today},
	}
	n.store.dead, n.founded = n.intake.die, ledger.Position(len(n.store.records))
	if tb, ok := t.(testing.TB); ok {
		n.log = testkit.Log(tb)
	}
	return n
}

// run is newNode and start.
func run(t tester) *node {
	n := newNode(t)
	n.start()
	return n
}

func (n *node) newJudge() *registrar.Judge {
	n.t.Helper()
	open := func(k ledger.Kind, v int) bool { return n.closed == nil || !n.closed(k, v) }
	j := registrar.NewJudge(validator(), open, n.store.read)
	if err := j.Replay(n.t.Context(), n.store.Feed()); err != nil {
		n.t.Fatalf("%v", err)
	}
	return j
}

func (n *node) config() registrar.Config {
	signer, _, _ := n.NoteKeys("receipt")
	c := registrar.Config{
		Judge: n.newJudge(), Store: n.store, Intake: n.intake,
		Key: testkit.RegistrarKey, Private: n.Private(testkit.RegistrarKey), Receipt: signer,
		Retry:  func(err error) bool { return errors.Is(err, errFull) },
		Reread: func(err error) bool { return errors.Is(err, errDoubt) },
		Wall:   n.clock.now, Mono: n.clock.since,
		Random: n.Random, NewID: n.NewID, Log: n.log,
	}
	if n.change != nil {
		n.change(&c)
	}
	return c
}

// start brings a registrar up from the store, as after any end of a process.
func (n *node) start() {
	n.t.Helper()
	c := n.config()
	g, err := registrar.New(c)
	if err != nil {
		n.t.Fatalf("%v", err)
	}
	n.judge, n.registrar = c.Judge, g
	ctx, cancel := context.WithCancel(n.t.Context())
	n.stop, n.gone = cancel, make(chan struct{})
	gone := n.gone
	go func() {
		defer close(gone)
		n.err = g.Run(ctx)
	}()
}

// end stops the registrar and checks that nothing was wrong.
func (n *node) end() {
	n.t.Helper()
	n.stop()
	<-n.gone
	if n.err != nil {
		n.t.Fatalf("%v", n.err)
	}
}

// restart ends the registrar, in whatever way it has not ended yet, and starts
// another; what was not acknowledged comes again.
func (n *node) restart() {
	n.t.Helper()
	n.stop()
	<-n.gone
	n.intake.revive()
	n.start()
}

func message(s ledger.Submission) registrar.Message {
	return registrar.Message{Agency: s.Agency, Header: s.Header(), Body: s.Body}
}

// submit hands in several submissions at once and returns.
func (n *node) submit(list ...ledger.Submission) {
	messages := make([]registrar.Message, len(list))
	for i, s := range list {
		messages[i] = message(s)
	}
	n.intake.put(messages...)
}

// receipts waits until all that was handed in is answered and acknowledged, and
// gives the newest receipt for each submission.
func (n *node) receipts(list ...ledger.Submission) []ledger.Receipt {
	n.t.Helper()
	n.intake.emptied(n.t, n.gone)
	out := make([]ledger.Receipt, len(list))
	for i, s := range list {
		signed := n.intake.answered(n.t, s.Agency, s.Sum(), 1)
		out[i] = n.open(signed[len(signed)-1])
		if out[i].Agency != s.Agency || out[i].Sum != s.Sum() {
			n.t.Fatalf("the receipt is for other bytes: %+v", out[i])
		}
	}
	return out
}

// open verifies a receipt and that its leaf stands on the ledger.
func (n *node) open(signed []byte) ledger.Receipt {
	n.t.Helper()
	r := verify(n.t, signed, n.verifier)
	record, err := n.store.read(r.Position)
	if err != nil {
		n.t.Fatalf("receipt for position %d: %v", r.Position, err)
	}
	if record.LeafHash() != r.Leaf || !record.Recorded.Equal(r.Recorded) || r.Origin != n.Origin {
		n.t.Fatalf("the receipt does not fit the record at position %d:\n%s", r.Position, r.Text())
	}
	return r
}

// ask is submit and receipts: all at once, as one batch if the registrar is idle.
func (n *node) ask(list ...ledger.Submission) []ledger.Receipt {
	n.t.Helper()
	n.submit(list...)
	return n.receipts(list...)
}

// admit asks and fails the test unless all are admitted.
func (n *node) admit(list ...ledger.Submission) []ledger.Receipt {
	n.t.Helper()
	out := n.ask(list...)
	for i, r := range out {
		if r.Outcome != ledger.Admitted {
			n.t.Fatalf("submission %d of %d was refused: %s %v", i+1, len(list), r.Reason, r.Pointers)
		}
	}
	return out
}

// refused asks and fails the test unless it is refused for a reason.
func (n *node) refused(s ledger.Submission, want ledger.Code) ledger.Receipt {
	n.t.Helper()
	r := n.ask(s)[0]
	if r.Outcome != ledger.Refused || r.Reason != want {
		n.t.Fatalf("%s %s %v, want %s", r.Outcome, r.Reason, r.Pointers, want)
	}
	return r
}

// length is how many records there are.
func (n *node) length() int { return len(n.store.all()) }

// consistent checks that the judge is what a replay of the store makes.
func (n *node) consistent() {
	n.t.Helper()
	n.end()
	if diff := registrar.DiffState(n.judge, n.newJudge()); diff != "" {
		n.t.Fatalf("%v", diff)
	}
	n.audited()
	n.intake.revive()
	n.start()
}

// open1 opens a case of one respondent, an hour before today.
func (n *node) open1() (caseID string, opened ledger.Submission) {
	caseID = n.NewID()
	return caseID, n.Say(ledger.Bawaslu, ledger.CaseOpenedKind, caseID, today.Add(-time.Hour), testkit.Opened(1))
}

// firstOf gives the event of a case that stands first on the ledger.
func (n *node) firstOf(caseID string) ledger.Event {
	n.t.Helper()
	for _, r := range n.store.all() {
		if r.CaseID() == caseID {
			e, err := ledger.DecodeRecord(r)
			if err != nil {
				n.t.Fatalf("%v", err)
			}
			return e
		}
	}
	n.t.Fatalf("no case %s", caseID)
	return ledger.Event{}
}

// register registers a case, some time before today.
func (n *node) register(caseID string, before time.Duration, change ...func(*ledger.Event)) ledger.Submission {
	return n.Say(ledger.Bawaslu, ledger.CaseRegisteredKind, caseID, today.Add(-before), ledger.CaseRegistered{Register: "CONTOH-REG/1"}, change...)
}

// kinds lists the kinds of the records after a position.
func (n *node) kinds(after int) []ledger.Kind {
	n.t.Helper()
	var out []ledger.Kind
	for _, r := range n.store.all()[after:] {
		e, err := ledger.DecodeRecord(r)
		if err != nil {
			n.t.Fatalf("%v", err)
		}
		out = append(out, e.Kind)
	}
	return out
}

func (n *node) wantKinds(after int, want ...ledger.Kind) {
	n.t.Helper()
	if got := n.kinds(after); !slices.Equal(got, want) {
		n.t.Fatalf("records after %d: %v, want %v", after, got, want)
	}
}
