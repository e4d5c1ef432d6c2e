package registrar_test

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/registrar"
	"github.com/berkas-ledger/berkas/roster"
)

// auditor re-checks a ledger record by record. It shares no code with the
// registrar, only the rules, and takes no short cuts: each case is folded from
// its beginning each time.
type auditor struct {
	roster *roster.Roster
	cases  map[string][]ledger.CaseEvent
	ids    map[string]bool
	bodies map[ledger.Hash]ledger.Position
	chain  ledger.Chain
}

func newAuditor() *auditor {
	return &auditor{cases: map[string][]ledger.CaseEvent{}, ids: map[string]bool{}, bodies: map[ledger.Hash]ledger.Position{}}
}

// next checks one record and takes it in. refused gives the submissions of the
// bytes that the record says were refused, when they are known.
func (a *auditor) next(r ledger.Record, refused []ledger.Submission) error {
	if _, err := a.chain.Next(r); err != nil {
		return err
	}
	e, err := ledger.DecodeRecord(r)
	if err != nil {
		return err
	}
	switch {
	case r.Position == 1:
		a.roster, err = roster.Start(r)
		return err
	case e.Kind == ledger.SubmissionRefusedKind:
		wrong := func(s ledger.Submission) bool { return a.judge(s, r.Position, r.Recorded) != nil }
		if refused != nil && !slices.ContainsFunc(refused, wrong) {
			return fmt.Errorf("position %d refuses what is right: %s", r.Position, e.Payload.(*ledger.SubmissionRefused).Reason)
		}
		return nil
	}
	sum := ledger.Submission{Body: r.Body}.Sum()
	if first, twice := a.bodies[sum]; twice {
		return fmt.Errorf("position %d holds the bytes of position %d again", r.Position, first)
	}
	a.bodies[sum] = r.Position
	if err := a.judge(ledger.Submission{Agency: e.Source, Body: r.Body, Signatures: r.Signatures}, r.Position, r.Recorded); err != nil {
		return fmt.Errorf("position %d should have been refused: %w", r.Position, err)
	}
	a.take(r, e)
	return nil
}

func (a *auditor) take(r ledger.Record, e ledger.Event) {
	a.ids[r.Subject+" "+e.ID] = true
	if id := r.CaseID(); id != "" {
		a.cases[id] = append(a.cases[id], ledger.CaseEvent{Position: r.Position, Recorded: r.Recorded, Event: e})
		return
	}
	a.roster, _ = a.roster.Apply(r.Position, e)
}

// judge says what is wrong with a submission that was decided for a position.
func (a *auditor) judge(s ledger.Submission, at ledger.Position, recorded time.Time) error {
	e, bad := ledger.Decode(s.Body)
	if bad != nil {
		return bad
	}
	info, known := ledger.LookupKind(e.Kind, e.Version)
	if !known || e.Source != s.Agency || e.Ledger != a.roster.Genesis().Origin || info.Party == ledger.PartyRegistrar {
		return errors.New("kind, source or ledger")
	}
	if bad := validator().Refusal(e.Kind, e.Version, e.Data); bad != nil {
		return bad
	}
	payload, err := ledger.DecodePayload(e.Kind, e.Version, e.Data)
	if err != nil {
		return err
	}
	e.Payload = payload
	if bad := ledger.CheckSealed(e); bad != nil {
		return bad
	}
	keys, bad := a.roster.Signers(e, s.Signatures)
	if bad != nil {
		return bad
	}
	for i, k := range keys {
		if !s.Signatures[i].Fits(k, s.Body) {
			return errors.New("signature")
		}
	}
	if a.ids[ledger.SubjectOf(e, info)+" "+e.ID] {
		return errors.New("the id was used")
	}
	if e.Time.After(recorded) {
		return errors.New("time in the future")
	}
	return a.judgeRules(e, info, at, recorded)
}

// judgeLinks: what a link names is there and is no duplicate; what is void has no
// duplicates.
func (a *auditor) judgeLinks(e ledger.Event) error {
	p, linked := e.Payload.(*ledger.CaseLinked)
	if c, ok := e.Payload.(*ledger.EventCorrected); ok {
		p, linked = c.Replacement().(*ledger.CaseLinked)
		for id, history := range a.cases {
			if c.Kind == ledger.CaseOpenedKind && c.Action == ledger.ActionVoid && ledger.Fold(a.ordered(id)).DuplicateOf == e.Subject {
				return fmt.Errorf("a case of %d records is a duplicate of the void one", len(history))
			}
		}
	}
	if !linked {
		return nil
	}
	if other := ledger.Fold(a.ordered(p.Case)); other.ID == "" || p.Link == ledger.LinkDuplicate && other.DuplicateOf != "" {
		return errors.New("the other case is not there, or a duplicate itself")
	}
	return nil
}

// ordered gives a case's history in order.
func (a *auditor) ordered(id string) []ledger.CaseEvent {
	history := slices.Clone(a.cases[id])
	slices.SortFunc(history, func(x, y ledger.CaseEvent) int {
		if c := x.Time.Compare(y.Time); c != 0 {
			return c
		}
		return int(x.Position) - int(y.Position)
	})
	return history
}

func (a *auditor) judgeRules(e ledger.Event, info ledger.KindInfo, at ledger.Position, recorded time.Time) error {
	var authority roster.Authority
	var bad *ledger.Refusal
	if info.Party != ledger.PartyOwnRoot && info.Party != ledger.PartyRoots {
		mandate := info.MandateFor(e.Payload)
		if info.Party != ledger.PartyMandate {
			mandate = ""
		}
		if authority, bad = a.roster.Authorize(e.Source, mandate, e.Time, recorded); bad != nil {
			return bad
		}
	}
	if bad := a.roster.CheckNames(e); bad != nil {
		return bad
	}
	if info.Stream != ledger.StreamCase {
		if bad := a.roster.Check(e); bad != nil {
			return bad
		}
		return nil
	}
	history := a.ordered(e.Subject)
	if bad := ledger.CheckVersion(ledger.Fold(history), e); bad != nil {
		return bad
	}
	if _, bad := ledger.Place(history, ledger.CaseEvent{Position: at, Recorded: recorded, Event: e}, a.roster.LawAt); bad != nil {
		return bad
	}
	if err := a.judgeLinks(e); err != nil {
		return err
	}
	then := slices.DeleteFunc(slices.Clone(ledger.Effective(history)), func(o ledger.CaseEvent) bool { return o.Time.After(e.Time) })
	if info.Party == ledger.PartyMandate {
		if bad := ledger.CheckScope(ledger.Fold(then), e, authority.Grants); bad != nil {
			return bad
		}
		if bad := ledger.CheckScope(ledger.Fold(history), e, authority.Now); bad != nil && !authority.Late {
			return bad
		}
	}
	return nil
}

// audit re-checks the whole ledger against all receipts that were sent.
func (n *node) audit() {
	n.t.Helper()
	records := n.store.all()
	refused := map[ledger.Position][]ledger.Submission{}
	answered := map[ledger.Position]bool{}
	n.intake.mu.Lock()
	defer n.intake.mu.Unlock()
	for subject, list := range n.intake.receipts {
		var admitted string
		for _, signed := range list {
			r := n.open(signed)
			seen := n.intake.seen[subject]
			s := seen[0]
			answered[r.Position] = true
			if r.Outcome == ledger.Admitted {
				if admitted != "" && r.Text() != admitted {
					n.t.Errorf("two receipts for the same bytes:\n%s\n%s", r.Text(), admitted)
				}
				admitted = r.Text()
				if string(records[r.Position-1].Body) != string(s.Body) {
					n.t.Errorf("position %d does not hold the bytes of its receipt", r.Position)
				}
				continue
			}
			if admitted != "" {
				n.t.Errorf("refused after it was admitted:\n%s\n%s", admitted, r.Text())
			}
			if old, ok := refused[r.Position]; ok && string(old[0].Body) != string(s.Body) {
				n.t.Errorf("position %d refuses two submissions", r.Position)
			}
			refused[r.Position] = seen
			e, err := ledger.DecodeRecord(records[r.Position-1])
			if err != nil {
				n.t.Fatalf("%v", err)
			}
			if p, ok := e.Payload.(*ledger.SubmissionRefused); !ok || p.Digest != registrar.Digest(r.Nonce, s.Body).String() || p.Reason != r.Reason {
				n.t.Errorf("position %d is not the refusal of its receipt", r.Position)
			}
		}
	}
	a := newAuditor()
	for i, r := range records {
		if r.Position != ledger.Position(i+1) {
			n.t.Fatalf("position %d stands in place %d", r.Position, i+1)
		}
		if i > 0 && r.Recorded.Before(records[i-1].Recorded) {
			n.t.Errorf("recorded time runs back at position %d", r.Position)
		}
		if err := a.next(r, refused[r.Position]); err != nil {
			n.t.Errorf("%v", err)
		}
		if r.Position > n.founded && !answered[r.Position] && !n.store.lost[r.Position] && !n.store.others[r.Position] {
			n.t.Errorf("position %d (%s) answers nobody", r.Position, r.Subject)
		}
	}
	for subject := range n.intake.seen {
		if len(n.intake.receipts[subject]) == 0 {
			n.t.Errorf("no receipt on %s", subject)
		}
	}
	n.verified(records, refused)
}
