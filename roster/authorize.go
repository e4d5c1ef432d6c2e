package roster

import (
	"strconv"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// Authority is what an agency may rely on for one event.
type Authority struct {
	Grants []ledger.Grant // held when it happened; one of them has to reach the case as it stood
	// Now are those held when it is recorded; one of them has to reach the case as
	// it stands, unless the event is recorded late.
	Now  []ledger.Grant
	Late bool // recorded under the mandate for late recording
}

// Authorize says under which mandates an agency may record an event that
// happened at one time and is recorded at another: it has to have held the
// mandate when it happened and hold it when it is recorded. What is recorded
// late, or after the mandate ended, needs the mandate for late recording
// (promise P4). An empty mandate means any: the agency has to take part.
func (r *Roster) Authorize(agency ledger.AgencyID, mandate ledger.Mandate, happened, recorded time.Time) (Authority, *ledger.Refusal) {
	then := r.held(agency, mandate, happened)
	if len(then) == 0 {
		return Authority{}, ledger.Refuse(ledger.CodeNoMandateThen, "/time", "%s did not hold %s", agency, nameOf(mandate))
	}
	now := r.held(agency, mandate, recorded)
	late := r.genesis.Late(happened, recorded)
	if len(now) > 0 && !late {
		return Authority{Grants: then, Now: now}, nil
	}
	if r.mayRecordLate(agency, happened, recorded) {
		return Authority{Grants: then, Late: true}, nil
	}
	if len(now) == 0 {
		return Authority{}, ledger.Refuse(ledger.CodeNoMandateNow, "/source", "%s does not hold %s any more", agency, nameOf(mandate))
	}
	return Authority{}, ledger.Refuse(ledger.CodeLateWithoutMandate, "/time", "after %d days %s is needed", r.genesis.LateAfterDays, ledger.MandateLate)
}

func nameOf(m ledger.Mandate) string {
	if m == "" {
		return "any mandate"
	}
	return string(m)
}

// holder is who may hold grants, of one mandate or, for the empty one, of any but
// that for late recording.
type holder struct {
	agency  ledger.AgencyID
	mandate ledger.Mandate
}

// arrange notes the grants by their holders: every record is judged by them, and
// few of them are any one agency's. What it makes is never changed.
func (r *Roster) arrange() {
	r.heirs, r.holders = nil, make(map[holder][]ledger.Grant, 2*len(r.grants))
	for _, g := range r.grants {
		if g.Predecessor != "" {
			r.heirs = append(r.heirs, g)
		}
		of := holder{g.Agency, g.Mandate}
		r.holders[of] = append(r.holders[of], g)
		if of.mandate != ledger.MandateLate && of.mandate != "" {
			of.mandate = ""
			r.holders[of] = append(r.holders[of], g)
		}
	}
}

// held lists the grants of a mandate that an agency holds at a moment; for the
// empty mandate all but that for late recording. They are not to be changed.
func (r *Roster) held(agency ledger.AgencyID, mandate ledger.Mandate, t time.Time) []ledger.Grant {
	all := r.holders[holder{agency, mandate}]
	for i := range all {
		if !covers(all[i].From, all[i].Until, t) {
			return heldOf(all, i, t)
		}
	}
	return all
}

// heldOf is held when one grant at least, which stands at i, does not hold.
func heldOf(all []ledger.Grant, i int, t time.Time) []ledger.Grant {
	out := all[:i:i]
	for _, g := range all[i+1:] {
		if covers(g.From, g.Until, t) {
			out = append(out, g)
		}
	}
	return out
}

func (r *Roster) mayRecordLate(agency ledger.AgencyID, happened, recorded time.Time) bool {
	for _, g := range r.held(agency, ledger.MandateLate, recorded) {
		if g.Happened == nil || covers(g.Happened.From, g.Happened.Until, happened) {
			return true
		}
	}
	return false
}

// CheckNames refuses an event that names an agency, or opens a case of a
// contest, that the roster does not have.
func (r *Roster) CheckNames(e ledger.Event) *ledger.Refusal {
	switch p := e.Payload.(type) {
	case *ledger.CaseOpened:
		if _, ok := r.contests[p.Contest]; !ok {
			return ledger.Refuse(ledger.CodeReferenceUnknown, "/data/contest", "the contest is not published on this ledger")
		}
	case *ledger.CaseForwarded:
		return r.known(list{"/data/to", []ledger.AgencyID{p.To}}, list{"/data/copies", p.Copies})
	case *ledger.CaseReceived:
		return r.known(list{"/data/from", []ledger.AgencyID{p.From}})
	case *ledger.CaseReturned:
		return r.known(list{"/data/to", []ledger.AgencyID{p.To}})
	case *ledger.CaseRecommended:
		return r.known(list{"/data/copies", p.Copies})
	case *ledger.VerificationConcluded:
		return r.known(list{"/data/members", p.Members})
	case *ledger.PPKAdmonished:
		return r.known(list{"/data/recommendation/agency", []ledger.AgencyID{p.Recommendation.Agency}})
	case *ledger.PPKSanctioned:
		return r.known(list{"/data/recommendation/agency", []ledger.AgencyID{p.Recommendation.Agency}})
	case *ledger.EventCorrected:
		e.Payload = p.Replacement()
		if bad := r.CheckNames(e); bad != nil {
			return bad.Within("/data/data")
		}
	case *ledger.PersonalDataErased:
		return r.known(list{"/data/agency", []ledger.AgencyID{p.Agency}})
	case *ledger.Unsealed:
		return r.known(list{"/data/agency", []ledger.AgencyID{p.Agency}})
	case *ledger.FiguresPublished:
		return r.checkFigures(e, p)
	}
	return nil
}

func (r *Roster) checkFigures(e ledger.Event, p *ledger.FiguresPublished) *ledger.Refusal {
	if p.Publisher != e.Source {
		return ledger.Refuse(ledger.CodeWrongSource, "/data/publisher", "an agency publishes its own figures")
	}
	for i, f := range p.Figures {
		at := "/data/figures/" + strconv.Itoa(i)
		if _, err := ledger.ParseMeasures(f.Measure); err != nil {
			return ledger.Refuse(ledger.CodeSchema, at+"/measure", "a measure, or a sum of different ones")
		}
		if f.SeenBy == "" {
			continue
		}
		if bad := r.known(list{at + "/seen_by", []ledger.AgencyID{f.SeenBy}}); bad != nil {
			return bad
		}
	}
	return subject(e, p.Table)
}

type list struct {
	pointer  string
	agencies []ledger.AgencyID
}

func (r *Roster) known(lists ...list) *ledger.Refusal {
	for _, l := range lists {
		for _, a := range l.agencies {
			if _, ok := r.institutions[a]; !ok {
				return ledger.Refuse(ledger.CodeInstitutionUnknown, l.pointer, "")
			}
		}
	}
	return nil
}

// Entitled judges whether an agency may record a kind about a case as it stands,
// of something that happens at a moment and is recorded then: whether it holds
// the mandate, and whether that reaches the case. Whether the case's own rules
// allow the step is Case.May's to say.
func (r *Roster) Entitled(c ledger.Case, info ledger.KindInfo, agency ledger.AgencyID, at time.Time) *ledger.Refusal {
	if info.Party != ledger.PartyMandate {
		_, bad := r.Authorize(agency, "", at, at)
		return bad
	}
	authority, bad := r.Authorize(agency, info.Mandate, at, at)
	if bad != nil && info.OrMandate != "" {
		authority, bad = r.Authorize(agency, info.OrMandate, at, at)
	}
	if bad != nil {
		return bad
	}
	e := ledger.Event{Kind: info.Kind, Version: info.Version, Source: agency}
	if bad := ledger.CheckScope(c, e, authority.Grants); bad != nil {
		bad.Detail = "the mandate does not reach this case"
		return bad
	}
	return nil
}
