package registrar

import (
	"crypto/sha256"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/roster"
)

// judge gives the refusal of a submission, or nil if it may be admitted, with
// the ledger as the batch so far makes it. The order is that of the design:
// form, signature, schema, mandate, case rules.
//
// An error says that the ledger could not be read: admitting or refusing would
// both be a lie, and the registrar has to stop.
func (t *tx) judge(p *prepared, recorded time.Time) (*ledger.Refusal, error) {
	if p.form != nil {
		return p.form, nil
	}
	if !p.unsigned {
		p.recheck(t.roster)
	}
	if p.signature != nil {
		if p.signature.Code == ledger.CodeSchema && p.content != nil {
			// Who has to sign a roster event stands in its data, which does
			// not fit: the schema says where.
			return p.content, nil
		}
		return p.signature, nil
	}
	if p.content != nil {
		return p.content, nil
	}
	if used, ok := t.find(p.event, p.info); ok {
		bad := ledger.Refuse(ledger.CodeIDReused, "/id", "the id stands at position %d", used.position)
		bad.First = used.position
		return bad, nil
	}
	if p.event.Time.After(recorded) {
		return ledger.Refuse(ledger.CodeTimeInFuture, "/time", ""), nil
	}
	authority, bad := t.authorize(p.info, p.info.MandateFor(p.event.Payload), p.event.Source, p.event.Time, recorded)
	if bad == nil {
		bad = t.roster.CheckNames(p.event)
	}
	if bad != nil {
		return bad, nil
	}
	if p.info.Stream != ledger.StreamCase {
		return t.roster.Check(p.event), nil
	}
	return t.judgeCase(p, authority)
}

// authorize asks the roster for the mandate that an event demands. Root keys are
// a mandate of their own.
func (t *tx) authorize(info ledger.KindInfo, mandate ledger.Mandate, agency ledger.AgencyID, happened, recorded time.Time) (roster.Authority, *ledger.Refusal) {
	switch info.Party {
	case ledger.PartyOwnRoot, ledger.PartyRoots:
		return roster.Authority{}, nil
	case ledger.PartyMandate:
		return t.roster.Authorize(agency, mandate, happened, recorded)
	default:
		return t.roster.Authorize(agency, "", happened, recorded)
	}
}

func (t *tx) judgeCase(p *prepared, authority roster.Authority) (*ledger.Refusal, error) {
	state := t.caseOf(p.event.Subject)
	if bad := ledger.CheckVersion(state.folded, p.event); bad != nil {
		return bad, nil
	}
	then, bad, err := t.place(state, p.event)
	if bad != nil || err != nil {
		return bad, err
	}
	if bad := t.checkLinks(p.event); bad != nil {
		return bad, nil
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
// there, before the event, where a mandate has to reach it. What comes last, and corrects nothing, needs no
// history.
func (t *tx) place(state *caseState, e ledger.Event) (ledger.Case, *ledger.Refusal, error) {
	if state.endsBefore(e.Time) && e.Kind != ledger.EventCorrectedKind {
		return state.folded, ledger.Check(state.folded, e, t.roster.LawAt(e.Time)), nil
	}
	history, err := t.history(e.Subject)
	if err != nil {
		return ledger.Case{}, nil, err
	}
	draft := ledger.CaseEvent{Position: t.chain.Position + 1, Event: e}
	if _, bad := ledger.Place(history, draft, t.roster.LawAt); bad != nil {
		return ledger.Case{}, bad, nil
	}
	if info, _ := ledger.LookupKind(e.Kind, e.Version); info.Party != ledger.PartyMandate {
		return ledger.Case{}, nil, nil // nobody asks for its scope
	}
	return ledger.Fold(until(ledger.Effective(history), e.Time)), nil, nil
}

// until cuts an ordered history after the events of a moment.
func until(history []ledger.CaseEvent, at time.Time) []ledger.CaseEvent {
	i := len(history)
	for i > 0 && at.Before(history[i-1].Time) {
		i--
	}
	return history[:i]
}

// Digest is what a refusal records of the bytes: SHA-256 of the nonce and them.
func Digest(nonce [32]byte, body []byte) ledger.Hash {
	h := sha256.New()
	h.Write(nonce[:])
	h.Write(body)
	var out ledger.Hash
	h.Sum(out[:0])
	return out
}
