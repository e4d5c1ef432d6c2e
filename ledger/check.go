package ledger

import (
	"fmt"
	"slices"
	"time"
)

// Check judges an event against the case as it stood when the event happened,
// under the law of that time. It covers the case's own rules: who holds it,
// stages, respondents, references. Signature, schema and mandate are judged
// before; corrections by Place, which has the history that they change.
func Check(c Case, e Event, law Law) *Refusal {
	if e.Kind == CaseOpenedKind {
		if c.ID != "" {
			return Refuse(CodeCaseExists, "/subject", "")
		}
		return checkOpened(e.Payload.(*CaseOpened))
	}
	if c.ID == "" {
		return Refuse(CodeCaseUnknown, "/subject", "")
	}
	if taken, bad := c.takeover(e, law); taken || bad != nil {
		return bad
	}
	if bad := c.checkParty(e, law); bad != nil {
		return bad
	}
	if _, moves := steps[e.Kind]; moves {
		if bad := c.checkTargets(e, law); bad != nil {
			return bad
		}
	}
	return c.checkReferences(e)
}

// checkTargets judges an event for each respondent that it is about.
func (c *Case) checkTargets(e Event, law Law) *Refusal {
	targets := c.targets(e)
	if len(targets) == 0 {
		return c.nobody(e)
	}
	seen := make(map[int]bool, len(targets))
	for _, t := range targets {
		if t.index < 0 {
			return Refuse(CodeRespondentUnknown, t.pointer, "")
		}
		if seen[t.index] {
			return Refuse(CodeSchema, t.pointer, "a respondent is named twice")
		}
		seen[t.index] = true
		r := &c.Respondents[t.index]
		if why := c.hinders(e, r); why != "" {
			return Refuse(CodeTransition, t.pointer, "%s", why)
		}
		if bad := r.lacks(e); bad != nil {
			return bad
		}
		if bad := c.checkLaw(e, r, law); bad != nil {
			return bad
		}
	}
	return nil
}

// nobody explains why an event that names no respondent fits none, by the first
// whose stage fits, if there is one.
func (c *Case) nobody(e Event) *Refusal {
	if len(c.Respondents) == 0 {
		return Refuse(CodeTransition, "", "the case has no respondents")
	}
	i := max(0, slices.IndexFunc(c.Respondents, func(r Respondent) bool { return slices.Contains(steps[e.Kind].from, r.Stage) }))
	r := &c.Respondents[i]
	if why := c.hinders(e, r); why != "" {
		return Refuse(CodeTransition, "", "%s", why)
	}
	return r.lacks(e)
}

func checkOpened(p *CaseOpened) *Refusal {
	if bad := checkNumbers(p.Respondents, 0); bad != nil {
		return bad
	}
	if !p.Act.Date.Valid() {
		return Refuse(CodeSchema, "/data/act/date", "there is no such day")
	}
	return nil
}

// checkNumbers refuses respondents that are not numbered on from those before.
func checkNumbers(list []NewRespondent, before int) *Refusal {
	for i, r := range list {
		if r.ID != fmt.Sprintf("r%d", before+i+1) {
			return Refuse(CodeSchema, pointerTo(i, true), "respondents are numbered r1, r2, ... in order")
		}
	}
	return nil
}

func (c *Case) checkParty(e Event, law Law) *Refusal {
	info, _ := LookupKind(e.Kind, e.Version)
	switch {
	case info.Party == PartyHolder && e.Source != c.Holder:
		return Refuse(CodeNotHolder, "/source", "the case is held by %s", c.Holder)
	case info.Party == PartyAddressee && c.Addressee == "":
		return Refuse(CodeTransition, "", "the case is not forwarded")
	case info.Party == PartyAddressee && e.Source != c.Addressee:
		return Refuse(CodeNotAddressee, "/source", "the case was forwarded to %s", c.Addressee)
	case info.Party == PartyOpener && law.sameHand(e.Source, c.Opener, c) != nil:
		return Refuse(CodeNotOpener, "/source", "the case was opened by %s", c.Opener)
	case info.Party == PartyParticipant && !slices.Contains(c.Participants, e.Source):
		return Refuse(CodeNotParticipant, "/source", "")
	}
	return nil
}

// checkLaw judges what the law of the time demands of a respondent's part.
func (c *Case) checkLaw(e Event, r *Respondent, law Law) *Refusal {
	switch e.Kind {
	case ControlBlockedKind:
		if law.Regime.ReprimandBeforeBlock && r.Control != ControlReprimanded {
			return Refuse(CodeRegime, "", "%s is %s; regime %s wants a reprimand before a block", r.ID, r.Control, law.Regime.ID)
		}
	case CaseRegisteredKind, CaseNotRegisteredKind, CaseForwardedKind:
		if c.unverified(r) && !law.Regime.FindingsSkipVerification {
			return Refuse(CodeRegime, "", "%s waits for the task force's verification; no regime lets findings of the shared system skip it", r.ID)
		}
	case CaseReopenedKind:
		if r.Ended != nil {
			return law.sameHand(e.Source, r.Ended.By, c)
		}
	default: // of other kinds the law says nothing
	}
	return nil
}

func (c *Case) checkReferences(e Event) *Refusal {
	switch p := e.Payload.(type) {
	case *RespondentAdded:
		if c.peer() < 0 {
			return Refuse(CodeTransition, "", "everybody's part of the case is past clarification or ended; open another case and link it")
		}
		return checkNumbers(p.Respondents, len(c.Respondents))
	case *CaseForwarded:
		if p.To == e.Source {
			return Refuse(CodeTransition, "/data/to", "a case is not forwarded to its holder")
		}
		if c.Addressee != p.To && c.underWay() {
			// If the case were forwarded past it, it could never receive them.
			return Refuse(CodeTransition, "/data/to", "the case was forwarded to %s, which has not received it yet", c.Addressee)
		}
	case *CaseReceived:
		return c.checkForwarder(p.From, "/data/from")
	case *CaseReturned:
		return c.checkForwarder(p.To, "/data/to")
	case *PPKAdmonished:
		return c.checkAuthority(e, p.Authority)
	case *PPKSanctioned:
		return c.checkAuthority(e, p.Authority)
	case *CaseLinked:
		return c.checkLink(p)
	}
	return nil
}

func (c *Case) checkForwarder(a AgencyID, pointer string) *Refusal {
	if a != c.Holder {
		return Refuse(CodeReferenceUnknown, pointer, "the case was forwarded by %s", c.Holder)
	}
	return nil
}

func (c *Case) checkAuthority(e Event, a Authority) *Refusal {
	for _, t := range c.targets(e) {
		if c.Respondents[t.index].Recommendation.Authority.Key() != a.Key() {
			return Refuse(CodeReferenceUnknown, "/data/appointing_authority", "the recommendation was sent to another authority")
		}
	}
	return nil
}

// checkLink judges a link from this case's side. Whether the other case exists,
// and is no duplicate itself, is for who has all cases to say.
func (c *Case) checkLink(p *CaseLinked) *Refusal {
	switch {
	case p.Case == c.ID:
		return Refuse(CodeReferenceUnknown, "/data/case", "a case is not linked with itself")
	case p.Link == LinkDuplicate && c.DuplicateOf != "":
		return Refuse(CodeTransition, "", "the case is a duplicate already")
	case p.Link == LinkRelated && slices.Contains(c.Related, p.Case):
		return Refuse(CodeTransition, "/data/case", "the cases are linked already")
	default:
		return nil
	}
}

// CheckVersion refuses an event whose agency saw another version of the case.
func CheckVersion(c Case, e Event) *Refusal {
	if e.CaseVersion != nil && *e.CaseVersion != c.Version {
		return Refuse(CodeStaleVersion, "/caseversion", "the case is at version %d", c.Version)
	}
	return nil
}

// Place judges an event where it falls in time: with it in its place the whole
// history has to fold without breaking a rule. history is ordered and as it was
// recorded; lawAt gives what is in force at a time. It returns the case as it then
// stands.
func Place(history []CaseEvent, draft CaseEvent, lawAt func(time.Time) Law) (Case, *Refusal) {
	if p, ok := draft.Payload.(*EventCorrected); ok {
		return placeCorrection(history, draft, p, lawAt)
	}
	history = Effective(history)
	opened := func(e CaseEvent) bool { return e.Kind == CaseOpenedKind && !e.Void }
	if draft.Kind == CaseOpenedKind && slices.ContainsFunc(history, opened) {
		return Fold(history), Refuse(CodeCaseExists, "/subject", "") // also when it was opened later
	}
	var c Case
	past := true
	for _, e := range Insert(slices.Clone(history), draft) {
		if e.Position == draft.Position {
			if bad := Check(c, e.Event, lawAt(e.Time)); bad != nil {
				return c, bad
			}
			past = false
		} else if !past && e.binds() {
			if bad := follows(c, e, history, lawAt(e.Time)); bad != nil {
				return c, breaks(e, bad)
			}
		}
		c = c.Apply(e)
	}
	return c, nil
}

// follows judges a later record of a history after a change before it: whether it
// may still follow, and whether a mandate that reached the case still does.
func follows(c Case, e CaseEvent, was []CaseEvent, law Law) *Refusal {
	if bad := Check(c, e.Event, law); bad != nil {
		return bad
	}
	if bad := law.reach(c, e.Event); bad != nil && reachedIn(was, e, law) {
		return bad
	}
	return nil
}

// reachedIn says whether a mandate reached the case where an event stands in a
// history, which is as it was before a change. If not, it is not the change that
// is to blame, but grants that came later. What was void could not be broken.
func reachedIn(was []CaseEvent, e CaseEvent, law Law) bool {
	var c Case
	for _, o := range was {
		if o.Position == e.Position {
			return o.Void || law.reach(c, e.Event) == nil
		}
		c = c.Apply(o)
	}
	return true
}

// CheckScope refuses an event when none of the grants it could rely on reaches
// the case. A successor's first act is to receive it from its predecessor.
func CheckScope(c Case, e Event, grants []Grant) *Refusal {
	reached := false
	for _, g := range grants {
		if !g.reaches(c) {
			continue
		}
		if g.Predecessor != "" && g.Predecessor == c.due() {
			return Refuse(CodeOutsideScope, "/source", "the case is still with %s: it has to be received from there first", c.due())
		}
		reached = true
	}
	if !reached {
		return Refuse(CodeOutsideScope, "/source", "")
	}
	return nil
}

func (g Grant) reaches(c Case) bool {
	switch g.Scope {
	case ScopeOwnRecommendations:
		return c.recommendedBy(g.Agency)
	case ScopePredecessor:
		return c.processedBy(g.Predecessor)
	case ScopeNotPredecessor:
		return !c.processedBy(g.Predecessor)
	default: // a scope this code does not know reaches nothing
		return g.Scope == ScopeAll
	}
}

func (c *Case) recommendedBy(a AgencyID) bool {
	return slices.ContainsFunc(c.Respondents, func(r Respondent) bool {
		return r.Recommendation != nil && r.Recommendation.Agency == a
	})
}
