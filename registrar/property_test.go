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
	switch f.draw("what", 20) {
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
	case 13, 14:
		return f.correction(c)
	case 15: // mostly a case that is there; a ring, now and then
		other := c.id
		if len(f.cases) > 1 {
			other = f.cases[f.draw("other", len(f.cases))].id
		}
		link := []string{ledger.LinkDuplicate, ledger.LinkRelated}[f.draw("link", 2)]
		return f.remember(f.n.Say(ledger.Bawaslu, ledger.CaseLinkedKind, c.id, f.within(c), ledger.CaseLinked{Link: link, Case: other}))
	case 16:
		return f.after(c)
	default:
		return f.again()
	}
}

// correction is one of what was handed in about a case, admitted or not.
func (f *traffic) correction(c *caseInTraffic) registrar.Message {
	var about []ledger.Event
	for _, s := range f.sent {
		if e, bad := ledger.Decode(s.Body); bad == nil && e.Subject == c.id {
			about = append(about, e)
		}
	}
	if len(about) == 0 {
		return f.again()
	}
	wrong := about[f.draw("corrected", len(about))]
	var instead any
	if f.draw("replaced", 2) == 0 {
		instead = wrong.Data
		if wrong.Kind == ledger.CaseAssessedKind {
			instead = ledger.CaseAssessed{Catalogue: ledger.CatalogueSKB2020, Respondents: []ledger.AssessedRespondent{{ID: "r1", Outcome: ledger.OutcomeNotAViolation}}}
		}
	}
	by := []ledger.AgencyID{wrong.Source, wrong.Source, wrong.Source, ledger.BKN}[f.draw("by", 4)]
	return f.remember(f.n.correction(by, c.id, f.within(c).Add(time.Duration(f.draw("later", 3))*time.Hour), wrong.ID, wrong.Kind, instead))
}

// after is something that follows a decree, or an end.
func (f *traffic) after(c *caseInTraffic) registrar.Message {
	decree := ledger.Letter{Number: "CONTOH-SK/" + c.id[len(c.id)-6:], Date: "2020-06-10"}
	switch f.draw("after", 4) {
	case 0:
		return f.remember(f.n.Say(ledger.BKN, ledger.DecisionDeliveredKind, c.id, f.within(c), ledger.DecisionDelivered{Decree: decree}))
	case 1:
		return f.remember(f.n.Say(ledger.BKN, ledger.RemedyFiledKind, c.id, f.within(c), ledger.RemedyFiled{Remedy: ledger.RemedyObjection, Decree: decree}))
	case 2:
		return f.remember(f.n.Say(ledger.BKN, ledger.RemedyDecidedKind, c.id, f.within(c), ledger.RemedyDecided{
			Remedy: ledger.RemedyObjection, Decree: decree, Ruling: letter("P-1"), Respondents: []ledger.RemediedRespondent{{ID: "r1", Outcome: ledger.OutcomeAnnulled}},
		}))
	default:
		return f.remember(f.n.Say(ledger.Bawaslu, ledger.CaseReopenedKind, c.id, f.within(c), ledger.CaseReopened{Reason: "new-evidence", Respondents: []string{"r1"}}))
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
