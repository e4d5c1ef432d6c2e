package registrar_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/registrar"
)

// traffic draws what agencies hand in, right and wrong.
type traffic struct {
	t     *rapid.T
	n     *node
	cases []*caseInTraffic
	sent  []ledger.Submission
	keys  []ledger.KeyID // added, or at least handed in, besides the first ones
}

type caseInTraffic struct {
	id    string
	begin time.Time
	story []ledger.Submission
	step  int
}

func (f *traffic) draw(label string, n int) int { return rapid.IntRange(0, n-1).Draw(f.t, label) }

func (f *traffic) newCase() *caseInTraffic {
	begin := today.Add(-time.Duration(10+f.draw("age", 600)) * time.Hour)
	id := f.n.NewID()
	c := &caseInTraffic{id: id, begin: begin, story: f.n.Story(id, begin, 1+f.draw("respondents", 3))}
	f.cases = append(f.cases, c)
	return c
}

func (f *traffic) someCase() *caseInTraffic {
	if len(f.cases) == 0 || f.draw("new case", 4) == 0 {
		return f.newCase()
	}
	return f.cases[f.draw("case", len(f.cases))]
}

// within is a moment in the time of a case.
func (f *traffic) within(c *caseInTraffic) time.Time {
	return c.begin.Add(time.Duration(f.draw("minute", 600)-30) * time.Minute)
}

func (f *traffic) next() registrar.Message {
	c := f.someCase()
	switch f.draw("what", 16) {
	case 0, 1, 2, 3, 4, 5: // what comes next
		s := c.story[min(c.step, len(c.story)-1)]
		c.step++
		return f.remember(s)
	case 6: // out of order
		return f.remember(c.story[f.draw("step", len(c.story))])
	case 7: // late, or again
		return f.remember(f.n.Say(ledger.Bawaslu, ledger.CompletenessCheckedKind, c.id, f.within(c), complete))
	case 8:
		return f.remember(f.n.Say(ledger.Bawaslu, ledger.CaseAssessedKind, c.id, f.within(c), violation("r1")))
	case 9:
		seen := uint64(f.draw("version", 5))
		return f.remember(f.n.Say(ledger.Bawaslu, ledger.CompletenessCheckedKind, c.id, f.within(c), complete, func(e *ledger.Event) { e.CaseVersion = &seen }))
	case 10:
		return f.roster()
	case 11:
		return message(f.n.Sign(ledger.Bawaslu, fmt.Appendf(nil, "Budi %d", f.draw("garbage", 3))))
	case 12:
		at := today.Add(time.Duration(f.draw("second", 600)) * time.Second) // some in the future
		return f.remember(f.n.Say(ledger.Bawaslu, ledger.CaseOpenedKind, f.n.NewID(), at, testkit.Opened(1)))
	default:
		return f.again()
	}
}

func (f *traffic) remember(s ledger.Submission) registrar.Message {
	if len(f.keys) > 0 && s.Agency == ledger.Bawaslu && f.draw("key", 3) == 0 {
		s = f.n.Sign(s.Agency, s.Body, f.keys[f.draw("which", len(f.keys))])
	}
	f.sent = append(f.sent, s)
	return message(s)
}

func (f *traffic) roster() registrar.Message {
	key := ledger.KeyID(fmt.Sprintf("bawaslu/%d", f.draw("name", 4)))
	if f.draw("revoke", 3) == 0 {
		return message(f.n.RevokeKey(ledger.Bawaslu, key, today))
	}
	f.keys = append(f.keys, key)
	return message(f.n.AddKey(ledger.Bawaslu, key, today))
}

// again hands in what was handed in before: as it was, or in another dress.
func (f *traffic) again() registrar.Message {
	if len(f.sent) == 0 {
		return f.next()
	}
	s := f.sent[f.draw("sent", len(f.sent))]
	m := message(s)
	switch f.draw("dress", 6) {
	case 0:
		m.Agency = ledger.BKN
	case 1:
		delete(m.Header, ledger.HeaderSignature)
	case 2:
		m.Header = f.n.Sign(s.Agency, s.Body, testkit.EventKey(ledger.Kemendagri)).Header()
	case 3: // the id for other bytes
		e, _ := ledger.Decode(s.Body)
		return f.remember(f.n.Say(s.Agency, e.Kind, e.Subject, today, e.Data, func(o *ledger.Event) { o.ID = e.ID }))
	}
	return m
}

// faults draws how the next commits go wrong.
func (f *traffic) faults() []fault {
	var out []fault
	for range f.draw("faults", 3) {
		out = append(out, []fault{
			{},
			{err: errDoubt},
			{err: errDoubt, taken: true},
			{err: errDoubt, before: f.otherWriter()},
			{err: errCrashed},
			{err: errCrashed, taken: true},
			{err: errCrashed, taken: true, durable: true},
		}[f.draw("fault", 7)])
	}
	return out
}

// otherWriter is another registrar's moment: it admits what nobody here sent.
func (f *traffic) otherWriter() func(*memStore) {
	stranger := f.n.Say(ledger.Bawaslu, ledger.CaseOpenedKind, f.n.NewID(), today.Add(-time.Hour), testkit.Opened(1))
	return func(s *memStore) {
		records := s.all()
		recorded := f.n.clock.now() // may be behind the last record
		if last := records[len(records)-1].Recorded; recorded.Before(last) {
			recorded = last
		}
		s.add(f.n.Record(records, stranger, recorded))
	}
}

// TestEverySubmissionHasOneOutcome is promise P1: whatever is handed in, and
// however the process ends, each submission is answered, each answer stands on
// the ledger, nothing else does, and every record is right.
func TestEverySubmissionHasOneOutcome(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := run(t)
		f := &traffic{t: t, n: n}
		for range 1 + f.draw("batches", 8) {
			var batch []registrar.Message
			for range 1 + f.draw("size", 9) {
				batch = append(batch, f.next())
			}
			n.store.fail(f.faults()...)
			n.intake.put(batch...)
			n.intake.emptied(t, n.gone)
			for n.ended() {
				n.restart()
				n.intake.emptied(t, n.gone)
			}
			n.clock.pass(time.Duration(f.draw("pass", 90_000)) * time.Millisecond)
			if f.draw("restart", 8) == 0 {
				n.restart()
			}
		}
		n.end()
		if diff := registrar.DiffState(n.judge, n.newJudge()); diff != "" {
			t.Error(diff)
		}
		n.audit()
	})
}

// ended reports whether the registrar has stopped, and fails the test if that
// was for another reason than a crash.
func (n *node) ended() bool {
	n.t.Helper()
	n.intake.mu.Lock()
	left := len(n.intake.waiting) + len(n.intake.out)
	n.intake.mu.Unlock()
	if left == 0 {
		return false
	}
	<-n.gone
	if !slices.Contains([]error{errCrashed, nil}, n.err) {
		n.t.Fatalf("%v", n.err)
	}
	return true
}
