package ledger

import "time"

// Law is what holds at a moment besides the case itself.
type Law struct {
	At     time.Time // the moment
	Regime Regime
	// Heirs are the grants, of any time, that name a predecessor: their agencies
	// take over what that one held or was sent.
	Heirs []Grant
	// Grants are all grants, of any time.
	Grants []Grant
}

// Hold reports whether a moment lies in the span.
func (d Days) Hold(t time.Time) bool {
	return (d.From == "" || !t.Before(d.From.Start())) && (d.Until == "" || t.Before(d.Until.Start()))
}

// heir says whether an agency has taken another's place: named, when one of its
// grants of that moment says so, and reaches, when such a grant reaches the case.
func (l Law) heir(agency, predecessor AgencyID, c *Case) (named, reaches bool) {
	for _, g := range l.Heirs {
		if g.Agency == agency && g.Predecessor == predecessor && (Days{g.From, g.Until}).Hold(l.At) {
			named = true
			if g.reaches(*c) {
				return true, true
			}
		}
	}
	return named, false
}

// sameHand refuses an agency that may not change what another recorded.
func (l Law) sameHand(agency, recorder AgencyID, c *Case) *Refusal {
	if agency == recorder {
		return nil
	}
	switch named, reaches := l.heir(agency, recorder, c); {
	case !named:
		return Refuse(CodeNotRecorder, "/source", "it was recorded by %s", recorder)
	case !reaches:
		return Refuse(CodeOutsideScope, "/source", "")
	default:
		return nil
	}
}

// reach refuses an event that stands on the ledger when none of the grants under
// which its agency may have recorded it reaches the case. Where there is no such
// grant (any more), nothing is said.
func (l Law) reach(c Case, e Event) *Refusal {
	info, known := LookupKind(e.Kind, e.Version)
	if !known || info.Party != PartyMandate {
		return nil
	}
	mandate := info.MandateFor(e.Payload)
	var held []Grant
	for _, g := range l.Grants {
		if g.Agency == e.Source && g.Mandate == mandate && (Days{g.From, g.Until}).Hold(l.At) {
			held = append(held, g)
		}
	}
	if len(held) == 0 {
		return nil
	}
	return CheckScope(c, e, held)
}

// due is who has to act on the case: the addressee while respondents are on
// their way, else the holder.
func (c *Case) due() AgencyID {
	if c.underWay() {
		return c.Addressee
	}
	return c.Holder
}

// underWay reports whether respondents are on their way to the addressee.
func (c *Case) underWay() bool {
	if c.Addressee == "" {
		return false
	}
	for i := range c.Respondents {
		if c.Respondents[i].Stage == StageForwarded {
			return true
		}
	}
	return false
}

// takeover judges a case.received by an agency to which the case was not
// forwarded. taken is false when it is none: nobody's place is claimed, or
// no grant says so.
func (c *Case) takeover(e Event, law Law) (taken bool, bad *Refusal) {
	p, ok := e.Payload.(*CaseReceived)
	if !ok || p.From == "" || p.From != c.due() || e.Source == p.From {
		return false, nil
	}
	switch named, reaches := law.heir(e.Source, p.From, c); {
	case !named:
		return false, nil
	case !reaches:
		return true, Refuse(CodeOutsideScope, "/source", "")
	}
	for i := range c.Respondents {
		if !c.Respondents[i].Stage.End() {
			return true, nil
		}
	}
	return true, Refuse(CodeTransition, "", "nobody's part of the case is open")
}
