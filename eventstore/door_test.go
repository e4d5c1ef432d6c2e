package eventstore

import (
	"context"
	"errors"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// doorway is a door, and the registrar's side of it in the hands of the test.
type doorway struct {
	*node
	door   *Door
	store  *Store
	intake *Intake
	signer note.Signer
}

func newDoorway(t *testing.T, patience time.Duration) *doorway {
	n := newNode(t)
	w := &doorway{node: n, store: n.open(t)}
	w.intake = n.intake(t, w.store, ledger.Bawaslu, ledger.KASN)
	signer, verifier, _ := testkit.NewWorld().NoteKeys("receipt")
	w.signer = signer
	var err error
	w.door, err = OpenDoor(t.Context(), DoorConfig{
		Login: n.server.login(User{Role: RoleDoor}), Origin: testOrigin, Receipts: verifier, Patience: patience, Log: testkit.Log(t),
	})
	check(t, err)
	t.Cleanup(func() { check(t, w.door.Close()) })
	return w
}

// receipt signs one for some bytes.
func (w *doorway) receipt(t *testing.T, a ledger.AgencyID, body []byte, signer note.Signer) []byte {
	t.Helper()
	signed, err := ledger.SignReceipt(ledger.Receipt{
		Origin: testOrigin, Agency: a, Event: "-", Sum: ledger.Submission{Body: body}.Sum(), Outcome: ledger.Admitted,
		Position: 7, Recorded: time.Date(2020, 6, 15, 3, 0, 0, 0, time.UTC),
	}, signer)
	check(t, err)
	return signed
}

func (w *doorway) send(t *testing.T, a ledger.AgencyID, body, receipt []byte) {
	t.Helper()
	check(t, w.store.SendReceipt(a, ledger.Submission{Body: body}.Sum(), receipt))
	check(t, w.store.Flush())
}

type handed struct {
	receipt ledger.Receipt
	note    []byte
	err     error
}

func (w *doorway) submit(ctx context.Context, a ledger.AgencyID, body []byte) chan handed {
	out := make(chan handed, 1)
	go func() {
		r, signed, err := w.door.Submit(ctx, ledger.Submission{Agency: a, Body: body})
		out <- handed{r, signed, err}
	}()
	return out
}

// TestDoor: submissions of two agencies reach their own INTAKE and hear their own
// receipts, two callers with the same bytes the same one; what is no receipt of
// the registrar for these bytes is not heard.
func TestDoor(t *testing.T) {
	w := newDoorway(t, time.Minute)
	body, other := []byte(`{"a":1}`), []byte(`{"a":2}`)
	one, same, two := w.submit(t.Context(), ledger.Bawaslu, body), w.submit(t.Context(), ledger.Bawaslu, body), w.submit(t.Context(), ledger.KASN, other)
	got := next(t, w.intake, 3)
	if len(bodies(got, ledger.Bawaslu)) != 2 || len(bodies(got, ledger.KASN)) != 1 {
		t.Fatalf("INTAKE has %v", got)
	}
	stranger, _, _ := (&testkit.World{Origin: "berkas.example/other"}).NoteKeys("receipt")
	w.send(t, ledger.Bawaslu, body, w.receipt(t, ledger.Bawaslu, body, stranger))
	w.send(t, ledger.Bawaslu, body, w.receipt(t, ledger.Bawaslu, other, w.signer))
	w.send(t, ledger.Bawaslu, body, w.receipt(t, ledger.KASN, body, w.signer))
	w.send(t, ledger.Bawaslu, body, []byte("halo"))
	want := w.receipt(t, ledger.Bawaslu, body, w.signer)
	w.send(t, ledger.Bawaslu, body, want)
	w.send(t, ledger.KASN, other, w.receipt(t, ledger.KASN, other, w.signer))
	for _, c := range []chan handed{one, same} {
		if h := <-c; h.err != nil || h.receipt.Position != 7 || string(h.note) != string(want) {
			t.Errorf("%+v", h)
		}
	}
	if h := <-two; h.err != nil || h.receipt.Agency != ledger.KASN {
		t.Errorf("%+v", h)
	}
	if len(w.door.waiting) != 0 || len(w.door.tokens) != 0 {
		t.Error("somebody still waits")
	}
}

// TestDoorSendsAgain: a receipt that was lost is asked for again with the same
// bytes, and the wait ends with the caller's context.
func TestDoorSendsAgain(t *testing.T) {
	w := newDoorway(t, 50*time.Millisecond)
	body := []byte(`{"a":1}`)
	ctx, cancel := context.WithCancel(t.Context())
	waiting := w.submit(ctx, ledger.Bawaslu, body)
	next(t, w.intake, 3) // the same message three times
	w.send(t, ledger.Bawaslu, body, w.receipt(t, ledger.Bawaslu, body, w.signer))
	if h := <-waiting; h.err != nil {
		t.Error(h.err)
	}
	waiting = w.submit(ctx, ledger.Bawaslu, []byte(`{"a":2}`))
	next(t, w.intake, 1)
	cancel()
	if h := <-waiting; !errors.Is(h.err, context.Canceled) {
		t.Errorf("%v", h.err)
	}
}

// TestDoorSurvivesAServer: what was under way when the server went is sent again
// when it is back.
func TestDoorSurvivesAServer(t *testing.T) {
	w := newDoorway(t, 500*time.Millisecond)
	body := []byte(`{"a":1}`)
	waiting := w.submit(t.Context(), ledger.Bawaslu, body)
	next(t, w.intake, 1)
	w.server.stop()
	w.server.restart(t)
	next(t, w.intake, 1)
	// The receipt may be sent before the door listens again; then it is asked for.
	for {
		if err := w.store.SendReceipt(ledger.Bawaslu, ledger.Submission{Body: body}.Sum(), w.receipt(t, ledger.Bawaslu, body, w.signer)); err == nil {
			_ = w.store.Flush()
		}
		select {
		case h := <-waiting:
			if h.err != nil {
				t.Error(h.err)
			}
			return
		case <-time.After(100 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal("no receipt came through")
		}
	}
}

// TestDoorIsTurnedAway: a full intake, an agency without one, and a name that is
// no agency's are said at once.
func TestDoorIsTurnedAway(t *testing.T) {
	n := newNode(t)
	p := n.server.provisioning(t, n.journal)
	p.Agencies, p.IntakeBytes = []ledger.AgencyID{ledger.BKN}, maxMessage
	check(t, Provision(t.Context(), p))
	_, verifier, _ := testkit.NewWorld().NoteKeys("receipt")
	door, err := OpenDoor(t.Context(), DoorConfig{Login: n.server.login(User{Role: RoleDoor}), Origin: testOrigin, Receipts: verifier})
	check(t, err)
	defer func() { check(t, door.Close()) }()
	c := n.server.connect(t, User{Role: RoleAgency, Name: "bkn"})
	for range 10 {
		_, err := c.Request("intake.bkn", make([]byte, 20000), requestTimeout)
		check(t, err)
	}
	for _, tt := range []struct {
		agency ledger.AgencyID
		body   int
		want   error
	}{{ledger.BKN, 20000, ErrIntakeFull}, {ledger.BKN, maxMessage + 1, ErrNoIntake}, {ledger.Kemendagri, 10, ErrNoIntake}, {"bkn.>", 10, ErrNoIntake}} {
		if _, _, err := door.Submit(t.Context(), ledger.Submission{Agency: tt.agency, Body: make([]byte, tt.body)}); !errors.Is(err, tt.want) {
			t.Errorf("%s with %d bytes: %v, want %v", tt.agency, tt.body, err, tt.want)
		}
	}
	if _, err := OpenDoor(t.Context(), DoorConfig{Login: n.server.login(User{Role: RoleDoor}), Origin: testOrigin}); err == nil {
		t.Error("a door without the receipt key")
	}
}

// TestFollowerReaches: Reach returns when LEDGER has a position, and not before.
func TestFollowerReaches(t *testing.T) {
	n := newNode(t)
	s := n.open(t)
	f := n.follow(t, "auditor")
	check(t, f.Reach(t.Context(), 1))
	reached := make(chan error, 1)
	go func() { reached <- f.Reach(t.Context(), 3) }()
	select {
	case err := <-reached:
		t.Fatalf("LEDGER is said to have what it has not: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	commit(t, s, newRecords(2, 2, "", 100))
	check(t, <-reached)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := f.Reach(ctx, 4); err == nil {
		t.Error("reached what is not there")
	}
}
