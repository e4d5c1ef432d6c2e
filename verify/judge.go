package verify

import (
	"fmt"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/roster"
)

// judgeRules judges mandates, the roster's rules and the case's.
func (a *Auditor) judgeRules(p *prepared) (*ledger.Refusal, error) {
	if p.info.Stream == ledger.StreamRefusal {
		a.judgeRefusal(p)
		return nil, nil
	}
	if p.info.Party == ledger.PartyRegistrar {
		return ledger.Refuse(ledger.CodeReservedKind, "/type", "a ledger is founded once"), nil
	}
	authority, bad := a.authorize(p)
	if bad == nil {
		bad = a.roster.CheckNames(p.event)
	}
	if bad != nil {
		return bad, nil
	}
	if authority.Late {
		a.stats.Late++
	}
	if p.info.Stream != ledger.StreamCase {
		return a.roster.Check(p.event), nil
	}
	return a.judgeCase(p, authority)
}

// judgeRefusal holds a refusal's record against how the registrar writes it.
func (a *Auditor) judgeRefusal(p *prepared) {
	r, ok := p.event.Payload.(*ledger.SubmissionRefused)
	if !ok {
		return
	}
	wrong := func(expected, found string) {
		a.add(p.finding(Finding{Code: CodeRefusalMalformed, Expected: expected, Found: found}))
	}
	if string(r.Agency) != p.event.Subject {
		wrong("agency "+p.event.Subject, "agency "+string(r.Agency))
	}
	if !p.event.Time.Equal(p.record.Recorded) {
		wrong("time "+stamp(p.record.Recorded), "time "+stamp(p.event.Time))
	}
	if _, err := ledger.ParseHash(r.Digest); err != nil {
		wrong("a digest", err.Error())
	}
	if r.First >= p.at || (r.First != 0) != (r.Reason == ledger.CodeIDReused) {
		wrong("the first position with reason "+string(ledger.CodeIDReused)+" only, and before it", fmt.Sprintf("reason %s, position %d", r.Reason, r.First))
	}
}

// authorize asks the roster for the mandate that an event demands. Root keys are
// a mandate of their own.
func (a *Auditor) authorize(p *prepared) (roster.Authority, *ledger.Refusal) {
	e := p.event
	switch p.info.Party {
	case ledger.PartyOwnRoot, ledger.PartyRoots:
		return roster.Authority{}, nil
	case ledger.PartyMandate:
		return a.roster.Authorize(e.Source, p.info.MandateFor(e.Payload), e.Time, p.record.Recorded)
	default:
		return a.roster.Authorize(e.Source, "", e.Time, p.record.Recorded)
	}
}

func (a *Auditor) judgeCase(p *prepared, authority roster.Authority) (*ledger.Refusal, error) {
	state := a.caseOf(p.event.Subject)
	if bad := ledger.CheckVersion(state.folded, p.event); bad != nil {
		return bad, nil
	}
	then, bad, err := a.place(state, p)
	if bad != nil || err != nil {
		return bad, err
	}
	if !a.config.Sparse {
		if bad := a.checkLinks(p.event); bad != nil {
			return bad, nil
		}
	}
	if p.info.Party != ledger.PartyMandate {
		return nil, nil
	}
	bad = ledger.CheckScope(then, p.event, authority.Grants)
	if bad == nil && !authority.Late {
		bad = ledger.CheckScope(state.folded, p.event, authority.Now)
	}
	return bad, nil
}

// place judges an event at its place in time and gives the case as it stood
// there, before the event. What comes last, and corrects nothing, needs no
// history.
func (a *Auditor) place(state *caseState, p *prepared) (ledger.Case, *ledger.Refusal, error) {
	e := p.event
	if state.endsBefore(e.Time.UnixMicro()) && e.Kind != ledger.EventCorrectedKind {
		return state.folded, ledger.Check(state.folded, e, a.roster.LawAt(e.Time)), nil
	}
	history, err := a.history(e.Subject)
	if err != nil {
		return ledger.Case{}, nil, err
	}
	draft := ledger.CaseEvent{Position: p.at, Event: e}
	if _, bad := ledger.Place(history, draft, a.roster.LawAt); bad != nil {
		return ledger.Case{}, bad, nil
	}
	return ledger.Fold(until(ledger.Effective(history), e.Time)), nil, nil
}

// checkLinks judges what an event says of other cases.
func (a *Auditor) checkLinks(e ledger.Event) *ledger.Refusal {
	switch p := e.Payload.(type) {
	case *ledger.CaseLinked:
		return a.checkLink(p)
	case *ledger.EventCorrected:
		if link, ok := p.Replacement().(*ledger.CaseLinked); ok {
			if bad := a.checkLink(link); bad != nil {
				return bad.Within("/data/data")
			}
		}
		if p.Kind == ledger.CaseOpenedKind && p.Action == ledger.ActionVoid && a.repeats[e.Subject] > 0 {
			return ledger.Refuse(ledger.CodeBreaksLater, "", "another case is linked as a duplicate of this one")
		}
	}
	return nil
}

// checkLink refuses a link with a case that is not there, and a duplicate of a
// duplicate.
func (a *Auditor) checkLink(p *ledger.CaseLinked) *ledger.Refusal {
	switch other := a.caseOf(p.Case).folded; {
	case other.ID == "":
		return ledger.Refuse(ledger.CodeReferenceUnknown, "/data/case", "there is no such case on this ledger")
	case p.Link == ledger.LinkDuplicate && other.DuplicateOf != "":
		return ledger.Refuse(ledger.CodeReferenceUnknown, "/data/case", "the other case is a duplicate itself")
	default:
		return nil
	}
}
