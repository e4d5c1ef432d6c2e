package registrar_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/registrar"
)

// TestDependenciesInOneBatch: each submission is judged with those before it.
func TestDependenciesInOneBatch(t *testing.T) {
	n := run(t)
	one, other := n.NewID(), n.NewID()
	begin := today.Add(-8 * time.Hour)
	a, b := n.Story(one, begin, 2), n.Story(other, begin, 1)
	var all []ledger.Submission
	for i := range a {
		all = append(all, a[i], b[i])
	}
	n.admit(all...)

	// The wrong order: the second is refused, and right when it comes again.
	caseID, opened := n.open1()
	receipts := n.ask(n.register(caseID, 30*time.Minute), opened)
	if receipts[0].Reason != ledger.CodeCaseUnknown || receipts[1].Outcome != ledger.Admitted {
		t.Fatalf("%+v", receipts)
	}
	n.consistent()
}

// TestLateInOneBatch: records that fall before others of the same batch in time.
func TestLateInOneBatch(t *testing.T) {
	n := run(t)
	id := n.NewID()
	story := n.Story(id, today.Add(-10*time.Hour), 1)
	checked := n.Say(ledger.Bawaslu, ledger.CompletenessCheckedKind, id, today.Add(-10*time.Hour+time.Minute), complete)
	again := n.Say(ledger.Bawaslu, ledger.CaseAssessedKind, id, today.Add(-8*time.Hour-time.Minute), violation("r1"))
	early := n.Say(ledger.Bawaslu, ledger.CaseRegisteredKind, id, today.Add(-11*time.Hour), ledger.CaseRegistered{Register: "CONTOH-0"})

	receipts := n.ask(append(slices.Clone(story), checked, again, early)...)
	for i, r := range receipts[:len(receipts)-1] {
		if r.Outcome != ledger.Admitted {
			t.Errorf("submission %d: %s %v", i, r.Reason, r.Pointers)
		}
	}
	if r := receipts[len(receipts)-1]; r.Reason != ledger.CodeCaseUnknown {
		t.Errorf("registered before it was opened: %s", r.Reason)
	}
	n.end()
	history, err := n.judge.History(id)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []ledger.Kind
	for i, e := range history {
		kinds = append(kinds, e.Kind)
		if i > 0 && e.Time.Before(history[i-1].Time) {
			t.Errorf("event %d stands before its time", i)
		}
	}
	if want := []ledger.Kind{ledger.CaseOpenedKind, ledger.CompletenessCheckedKind, ledger.CaseRegisteredKind, ledger.CaseAssessedKind}; !slices.Equal(kinds[:4], want) {
		t.Errorf("history %v", kinds)
	}
	n.consistent()
}

// TestRosterInOneBatch: a key may be used right behind the record that adds it,
// and not behind the one that revokes it.
func TestRosterInOneBatch(t *testing.T) {
	n := run(t)
	caseID, opened := n.open1()
	registered := n.Sign(ledger.Bawaslu, n.register(caseID, 30*time.Minute).Body, "bawaslu/b")
	late := n.Sign(ledger.Bawaslu, assessed(n, caseID).Body, "bawaslu/b")
	receipts := n.ask(
		opened,
		n.AddKey(ledger.Bawaslu, "bawaslu/b", soon),
		registered,
		n.RevokeKey(ledger.Bawaslu, "bawaslu/b", soon),
		late,
	)
	var codes []ledger.Code
	for _, r := range receipts {
		codes = append(codes, r.Reason)
	}
	if want := []ledger.Code{"", "", "", "", ledger.CodeKeyRevoked}; !slices.Equal(codes, want) {
		t.Errorf("reasons %v, want %v", codes, want)
	}
	n.consistent()
}

// TestRosterBetweenBatches: the roster has changed since a batch was prepared,
// which is while the one before it was committed.
func TestRosterBetweenBatches(t *testing.T) {
	n := newNode(t)
	var told int
	n.change = func(c *registrar.Config) { c.OnRoster = func() { told++ } }
	n.start()
	caseID, opened := n.open1()
	n.admit(opened, n.AddKey(ledger.Bawaslu, "bawaslu/old", soon))

	next := []ledger.Submission{
		n.Sign(ledger.Bawaslu, n.register(caseID, 30*time.Minute).Body, "bawaslu/b"),
		n.Sign(ledger.Bawaslu, assessed(n, caseID).Body, "bawaslu/old"),
	}
	n.store.fail(fault{before: func(*memStore) {
		// The commit of the first batch waits until the second is taken in, and
		// with it prepared.
		n.submit(next...)
		for taken := 0; taken < 6; {
			n.intake.mu.Lock()
			taken = n.intake.taken
			changed := n.intake.changed
			n.intake.mu.Unlock()
			if taken < 6 {
				<-changed
			}
		}
	}})
	n.admit(n.AddKey(ledger.Bawaslu, "bawaslu/b", soon), n.RevokeKey(ledger.Bawaslu, "bawaslu/old", soon))
	receipts := n.receipts(next...)
	if receipts[0].Outcome != ledger.Admitted || receipts[1].Reason != ledger.CodeKeyRevoked {
		t.Errorf("%s %s, %s", receipts[0].Outcome, receipts[0].Reason, receipts[1].Reason)
	}
	n.end()
	if told != 2 {
		t.Errorf("told of %d changes of the roster, want 2", told)
	}
	n.consistent()
}

// mixed is a batch of everything: a case, a late record, a roster change, bad
// bytes twice, bytes that are known.
func mixed(n *node, known ledger.Submission) []ledger.Submission {
	id := n.NewID()
	story := n.Story(id, today.Add(-10*time.Hour), 2)
	notJSON := n.Sign(ledger.Bawaslu, []byte("Budi "+id))
	checked := n.Say(ledger.Bawaslu, ledger.CompletenessCheckedKind, id, today.Add(-10*time.Hour+time.Minute), complete)
	key := ledger.KeyID("bawaslu/" + id[len(id)-8:])
	return append(story, notJSON, known, n.AddKey(ledger.Bawaslu, key, soon), checked, notJSON, story[3])
}

// TestUndone: a commit that failed leaves no trace, whatever the batch held.
func TestUndone(t *testing.T) {
	n := run(t)
	_, known := n.open1()
	n.admit(known)
	earlier := mixed(n, known)
	n.ask(earlier...)
	before := n.store.all()
	n.store.fail(fault{err: errors.New("the disk is gone")})
	batch := mixed(n, known)
	// The case of the batch before is touched as well, in its middle.
	e, _ := ledger.Decode(earlier[0].Body)
	batch = append(batch, n.Say(ledger.Bawaslu, ledger.CompletenessCheckedKind, e.Subject, today.Add(-10*time.Hour+2*time.Minute), complete))
	n.submit(batch...)
	<-n.gone
	if n.err == nil || !strings.Contains(n.err.Error(), "the disk is gone") {
		t.Fatalf("ended with %v", n.err)
	}
	if diff := registrar.DiffState(n.judge, n.newJudge()); diff != "" {
		t.Error(diff)
	}
	if len(n.store.all()) != len(before) {
		t.Error("records were taken")
	}
	n.restart()
	for i, r := range n.receipts(batch...) {
		if (r.Outcome == ledger.Refused) != bytes.HasPrefix(batch[i].Body, []byte("Budi")) {
			t.Errorf("submission %d: %s %s", i, r.Outcome, r.Reason)
		}
	}
	n.consistent()
}

// TestDoubt: it is not known whether a batch was taken. It is found out by
// reading; what was taken is answered as it was decided.
func TestDoubt(t *testing.T) {
	for name, taken := range map[string]bool{"taken": true, "not taken": false} {
		t.Run(name, func(t *testing.T) {
			n := run(t)
			_, known := n.open1()
			n.admit(known)
			before := n.length()
			n.store.fail(fault{err: errDoubt, taken: taken}, fault{err: errDoubt})
			batch := mixed(n, known)
			n.ask(batch...)
			n.wantKinds(before, ledger.CaseOpenedKind, ledger.CaseRegisteredKind, ledger.CaseAssessedKind, ledger.CaseForwardedKind,
				ledger.CaseReceivedKind, ledger.CaseClarifiedKind, ledger.CaseRecommendedKind, ledger.DecisionRecordedKind,
				ledger.SubmissionRefusedKind, ledger.KeyAddedKind, ledger.CompletenessCheckedKind)
			if want := map[bool]int{true: 1, false: 2}[taken]; n.store.recovers != want {
				t.Errorf("%d recoveries, want %d", n.store.recovers, want)
			}
			for _, s := range batch {
				n.receipts(s)
				if got := len(n.intake.answered(t, s.Agency, s.Sum(), 1)); got > 2 {
					t.Errorf("%d receipts for one submission", got)
				}
			}
			n.store.faults = nil
			n.consistent()
		})
	}
}

// TestOtherWriter: another registrar's records come first. They are read, and
// what is left is decided with them.
func TestOtherWriter(t *testing.T) {
	n := newNode(t)
	var told int
	n.change = func(c *registrar.Config) { c.OnRoster = func() { told++ } }
	n.start()
	caseID, opened := n.open1()
	stranger, strange := n.open1()
	registered := n.register(caseID, 30*time.Minute)
	signed := n.Sign(ledger.Bawaslu, n.register(stranger, 20*time.Minute).Body, "bawaslu/b")
	n.store.fail(fault{err: errDoubt, before: func(s *memStore) {
		// The other took some of the same bytes, a key, and a case of its own.
		for _, r := range []ledger.Submission{n.AddKey(ledger.Bawaslu, "bawaslu/b", soon), strange, opened} {
			s.add(n.Record(s.all(), r, today))
		}
	}})
	before := n.length()
	receipts := n.admit(opened, registered, signed)
	n.wantKinds(before, ledger.KeyAddedKind, ledger.CaseOpenedKind, ledger.CaseOpenedKind, ledger.CaseRegisteredKind, ledger.CaseRegisteredKind)
	if receipts[0].Position != ledger.Position(before+3) {
		t.Errorf("the first receipt is for position %d", receipts[0].Position)
	}
	n.end()
	if told != 1 {
		t.Errorf("told of %d changes of the roster, want 1: the other's", told)
	}
	n.consistent()
}

// TestRewound: after a doubt the ledger is shorter, or another, than what was
// read before. The registrar stops and decides nothing.
func TestRewound(t *testing.T) {
	for name, change := range map[string]func(n *node, s *memStore){
		"shorter": func(_ *node, s *memStore) { s.records = s.records[:len(s.records)-1] },
		"the last record is another": func(_ *node, s *memStore) {
			s.records = slices.Clone(s.records)
			s.records[len(s.records)-1].Recorded = today.Add(-time.Minute)
		},
		"the last record is another and more follow": func(n *node, s *memStore) {
			s.records = slices.Clone(s.records)
			s.records[len(s.records)-1].Recorded = today.Add(-time.Minute)
			_, other := n.open1()
			s.records = append(s.records, n.Record(s.records, other, today))
		},
	} {
		t.Run(name, func(t *testing.T) {
			n := run(t)
			_, opened := n.open1()
			n.admit(opened)
			n.store.recovered = func(s *memStore) error {
				s.mu.Lock()
				defer s.mu.Unlock()
				change(n, s)
				return nil
			}
			n.store.fail(fault{err: errDoubt})
			caseID, next := n.open1()
			n.submit(next)
			<-n.gone
			var broken *ledger.ErrBroken
			if !errors.As(n.err, &broken) {
				t.Fatalf("ended with %v", n.err)
			}
			if _, known := n.judge.Case(caseID); known {
				t.Error("the judge took in what was not recorded")
			}
		})
	}
}

// TestRecoverFails: what recovery cannot mend ends the registrar.
func TestRecoverFails(t *testing.T) {
	n := run(t)
	want := &ledger.ErrBroken{Position: 3, Problem: "journal and LEDGER differ"}
	n.store.recovered = func(*memStore) error { return want }
	n.store.fail(fault{err: errDoubt, taken: true})
	_, opened := n.open1()
	n.submit(opened)
	<-n.gone
	if !errors.Is(n.err, want) {
		t.Errorf("ended with %v", n.err)
	}
}

// TestDiskFull: the registrar waits, promises nothing, and goes on when there is
// room; what it then records is dated when it is recorded.
func TestDiskFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, begin := newNode(t), time.Now()
		n.change = func(c *registrar.Config) {
			c.Wall = func() time.Time { return today.Add(time.Since(begin)) }
			c.Mono = func() time.Duration { return time.Since(begin) }
		}
		n.start()
		_, opened := n.open1()
		n.store.fail(slices.Repeat([]fault{{err: errFull}}, 90)...)
		n.submit(opened)
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(n.intake.receipts) != 0 {
			t.Error("a receipt was sent while the disk was full")
		}
		r := n.receipts(opened)[0]
		if r.Outcome != ledger.Admitted || r.Recorded.Sub(today) < 89*time.Second {
			t.Errorf("receipt:\n%s", r.Text())
		}
		n.end()

		// It stops when it is told to, room or not.
		n.store.fail(slices.Repeat([]fault{{err: errFull}}, 1000)...)
		n.start()
		_, other := n.open1()
		n.submit(other)
		time.Sleep(time.Minute)
		n.end()
		if len(n.intake.receipts) != 1 {
			t.Error("a receipt was sent while the disk was full")
		}
	})
}

// TestUnreadable: a history that cannot be read stops the registrar: to admit and
// to refuse would both be a lie.
func TestUnreadable(t *testing.T) {
	n := run(t)
	caseID, opened := n.open1()
	n.admit(opened, n.register(caseID, 30*time.Minute))
	before := n.length()
	_, other := n.open1()
	late := n.Say(ledger.Bawaslu, ledger.CompletenessCheckedKind, caseID, today.Add(-50*time.Minute), complete)
	for name, s := range map[string]ledger.Submission{"late record": late, "known bytes": opened} {
		n.store.mu.Lock()
		n.store.broken = errors.New("input/output error")
		n.store.mu.Unlock()
		n.submit(other, s)
		<-n.gone
		if n.err == nil || !strings.Contains(n.err.Error(), "input/output error") {
			t.Fatalf("%s: ended with %v", name, n.err)
		}
		n.store.mu.Lock()
		n.store.broken = nil
		n.store.mu.Unlock()
		if n.length() != before {
			t.Fatalf("%s: %d records were made", name, n.length()-before)
		}
		if diff := registrar.DiffState(n.judge, n.newJudge()); diff != "" {
			t.Error(diff)
		}
		n.intake.mu.Lock()
		n.intake.waiting, n.intake.out = nil, map[int]registrar.Message{}
		n.intake.mu.Unlock()
		n.restart()
	}
	n.admit(other, late)
	n.consistent()
}

// TestReplayEnds: a replay that was cut off is not taken for the whole.
func TestReplayEnds(t *testing.T) {
	n := newNode(t)
	ctx, cancel := context.WithCancel(t.Context())
	j := registrar.NewJudge(validator(), func(ledger.Kind, int) bool { return true }, n.store.read)
	err := j.Replay(ctx, func(ctx context.Context, after ledger.Position, yield func([]ledger.Record) error) error {
		if err := yield(n.store.all()[:3]); err != nil {
			return err
		}
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("replay: %v", err)
	}
	if err := j.Replay(t.Context(), testkit.Feed(n.store.all())); err != nil {
		t.Fatal(err)
	}
	if diff := registrar.DiffState(j, n.newJudge()); diff != "" {
		t.Error(diff)
	}
}

// TestReplayDates: recorded times never run back, so a record that is dated
// before the one before it was dated anew by somebody.
func TestReplayDates(t *testing.T) {
	n := newNode(t)
	records := slices.Clone(n.store.all())
	last := len(records) - 1
	records[last].Recorded = records[last-1].Recorded.Add(-time.Microsecond)
	j := registrar.NewJudge(validator(), func(ledger.Kind, int) bool { return true }, n.store.read)
	err := j.Replay(t.Context(), testkit.Feed(records))
	var broken *ledger.ErrBroken
	if !errors.As(err, &broken) || broken.Position != records[last].Position {
		t.Errorf("a ledger with a back-dated record was read: %v", err)
	}
}
