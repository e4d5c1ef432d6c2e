package registrar_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/registrar"
)

// What a commit may come to besides going well.
var (
	errFull    = errors.New("the disk is full")      // nothing happened; again
	errDoubt   = errors.New("it is not known")       // read first
	errCrashed = errors.New("the process has ended") // start again
)

// fault is how one commit goes wrong.
type fault struct {
	err   error
	taken bool // the records are on the ledger all the same
	// durable: the registrar still hears of it, and then nothing more comes of
	// the process: neither acknowledgement nor receipt leaves it.
	durable bool
	// before is called first: another writer's moment.
	before func(*memStore)
}

// memStore is a store in memory. It keeps the contract of registrar.Store and
// refuses what breaks it.
type memStore struct {
	mu      sync.Mutex
	records []ledger.Record
	faults  []fault // of the next commits, in order
	broken  error   // of every read of a single record
	// recovered is what Recover finds out; by default nothing.
	recovered func(*memStore) error
	recovers  int
	// lost are the positions whose receipts cannot have been sent: the process
	// ended before. others are another writer's.
	lost, others map[ledger.Position]bool
	commits      int
	dead         func() // called before durable by a fault that says so
}

func (s *memStore) Feed() ledger.Feed {
	return func(ctx context.Context, after ledger.Position, yield func([]ledger.Record) error) error {
		return testkit.Feed(s.all())(ctx, after, yield)
	}
}

func (s *memStore) all() []ledger.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.records)
}

func (s *memStore) read(p ledger.Position) (ledger.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return ledger.Record{}, s.broken
	}
	if p == 0 || int(p) > len(s.records) {
		return ledger.Record{}, fmt.Errorf("no record at position %d", p)
	}
	return s.records[p-1], nil
}

// add appends another writer's records.
func (s *memStore) add(records ...ledger.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range records {
		s.others[r.Position] = true
		s.records = append(s.records, r)
	}
}

func (s *memStore) fail(faults ...fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

func (s *memStore) next() (f fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commits++
	if len(s.faults) > 0 {
		f, s.faults = s.faults[0], s.faults[1:]
	}
	return f
}

func (s *memStore) Commit(ctx context.Context, records []ledger.Record, durable func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f := s.next()
	if f.before != nil {
		f.before(s)
	}
	if f.err == nil || f.taken {
		if err := s.take(records, errors.Is(f.err, errCrashed)); err != nil {
			return err
		}
	}
	if f.durable {
		s.dead()
	}
	if f.err == nil || f.durable {
		durable()
	}
	return f.err
}

func (s *memStore) take(records []ledger.Record, lost bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(records) == 0 || len(records) > registrar.MaxBatch {
		return fmt.Errorf("a batch of %d records", len(records))
	}
	for _, r := range records {
		last := s.records[len(s.records)-1]
		if r.Position != last.Position+1 {
			return fmt.Errorf("position %d follows %d", r.Position, last.Position)
		}
		if r.Recorded.Before(last.Recorded) {
			return fmt.Errorf("recorded time runs back at position %d", r.Position)
		}
		s.records = append(s.records, r)
		if lost {
			s.lost[r.Position] = true
		}
	}
	return nil
}

func (s *memStore) Recover(context.Context) error {
	s.mu.Lock()
	s.recovers++
	recovered := s.recovered
	s.mu.Unlock()
	if recovered != nil {
		return recovered(s)
	}
	return nil
}

func newStore(records []ledger.Record) *memStore {
	return &memStore{records: records, lost: map[ledger.Position]bool{}, others: map[ledger.Position]bool{}}
}

// memIntake is an intake in memory: what is not acknowledged comes again.
type memIntake struct {
	mu      sync.Mutex
	waiting []registrar.Message
	out     map[int]registrar.Message // taken and not acknowledged
	taken   int
	changed chan struct{} // closed and replaced whenever something happened
	// receipts sent, by the subject they are sent on.
	receipts map[string][][]byte
	// seen are all submissions by the subject of their receipts: the same bytes
	// may have come with other signatures.
	seen    map[string][]ledger.Submission
	deaf    bool // nothing that is sent arrives any more
	flushes int
}

func newIntake() *memIntake {
	return &memIntake{out: map[int]registrar.Message{}, changed: make(chan struct{}), receipts: map[string][][]byte{}, seen: map[string][]ledger.Submission{}}
}

func (in *memIntake) touch() {
	close(in.changed)
	in.changed = make(chan struct{})
}

// put makes messages wait, all at once: a registrar that is idle takes them as
// one batch.
func (in *memIntake) put(messages ...registrar.Message) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.waiting = append(in.waiting, messages...)
	for _, m := range messages {
		s, _ := ledger.ParseSubmission(m.Agency, m.Header, m.Body)
		subject := ledger.ReceiptSubject(m.Agency, s.Sum())
		in.seen[subject] = append(in.seen[subject], s)
	}
	in.touch()
}

func (in *memIntake) Next(ctx context.Context, limit int) ([]registrar.Message, error) {
	for {
		in.mu.Lock()
		if n := min(limit, len(in.waiting)); n > 0 {
			list := slices.Clone(in.waiting[:n])
			in.waiting = in.waiting[n:]
			for i := range list {
				in.taken++
				number := in.taken
				in.out[number] = list[i]
				list[i].Ack = func() { in.ack(number) }
			}
			in.touch()
			in.mu.Unlock()
			return list, nil
		}
		changed := in.changed
		in.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-changed:
		}
	}
}

func (in *memIntake) ack(number int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.deaf {
		delete(in.out, number)
		in.touch()
	}
}

func (in *memIntake) SendReceipt(agency ledger.AgencyID, sum ledger.Hash, receipt []byte) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.deaf {
		return errors.New("not connected")
	}
	subject := ledger.ReceiptSubject(agency, sum)
	in.receipts[subject] = append(in.receipts[subject], receipt)
	return nil
}

func (in *memIntake) Flush() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.flushes++
	in.touch()
	return nil
}

// die loses what is sent from now on.
func (in *memIntake) die() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.deaf = true
}

// revive is the broker's view of a new process: what was not acknowledged comes
// again, first and in order.
func (in *memIntake) revive() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.deaf = false
	var again []registrar.Message
	for n := 1; n <= in.taken; n++ {
		if m, ok := in.out[n]; ok {
			m.Ack = nil
			again = append(again, m)
			delete(in.out, n)
		}
	}
	in.waiting = append(again, in.waiting...)
	in.touch()
}

// answered waits until there are n receipts for some bytes and returns them.
func (in *memIntake) answered(t tester, agency ledger.AgencyID, sum ledger.Hash, n int) [][]byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		in.mu.Lock()
		list, changed := slices.Clone(in.receipts[ledger.ReceiptSubject(agency, sum)]), in.changed
		in.mu.Unlock()
		if len(list) >= n {
			return list
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%d receipts for %s, waiting for %d: %v", len(list), sum, n, context.Cause(ctx))
		case <-changed:
		}
	}
}

// emptied waits until everything is acknowledged.
func (in *memIntake) emptied(t tester, gone <-chan struct{}) {
	t.Helper()
	for {
		in.mu.Lock()
		left, changed := len(in.waiting)+len(in.out), in.changed
		in.mu.Unlock()
		if left == 0 {
			return
		}
		select {
		case <-gone:
			return
		case <-changed:
		}
	}
}

// verify opens a receipt.
func verify(t tester, signed []byte, verifier note.Verifier) ledger.Receipt {
	t.Helper()
	r, err := ledger.OpenReceipt(signed, verifier)
	if err != nil {
		t.Fatalf("%v\n%s", err, signed)
	}
	return r
}
