package ledger

import (
	"fmt"
)

// Possible says of one kind whether it may be recorded next in a case.
type Possible struct {
	Kind    Kind `json:"kind"`
	Version int  `json:"version"`
	// WhyNot is the rule that stands against it, in words; "" if it may be
	// recorded.
	WhyNot string `json:"why_not,omitempty"`
	// Respondents are those for whom it may follow; none for a kind that moves
	// nobody.
	Respondents []string `json:"respondents,omitempty"`
	// Hindered are the others.
	Hindered []Hindered `json:"hindered,omitempty"`
}

// Hindered is a respondent for whom a kind may not follow.
type Hindered struct {
	Respondent string `json:"respondent"`
	WhyNot     string `json:"why_not"`
}

// May says whether an event of a kind by an agency may follow in the case as it
// stands, and for whom: with the best data such an event could have. It covers
// what Check covers; mandates and their scope are judged elsewhere.
func (c Case) May(by AgencyID, info KindInfo, law Law) Possible {
	out := Possible{Kind: info.Kind, Version: info.Version}
	e := Event{Kind: info.Kind, Version: info.Version, Source: by}
	switch {
	case info.Stream != StreamCase:
		out.WhyNot = "the kind is not about a case"
		return out
	case info.Kind == CaseOpenedKind:
		if c.ID != "" {
			out.WhyNot = "the case is opened already"
		}
		return out
	case c.ID == "":
		out.WhyNot = "the case is not opened"
		return out
	}
	e.Payload = c.received(info.Kind)
	if taken, bad := c.takeover(e, law); taken || bad != nil {
		out.WhyNot = bad.words()
		return out
	}
	if bad := c.mayNot(e, law); bad != nil {
		out.WhyNot = bad.words()
		return out
	}
	if _, moves := steps[info.Kind]; !moves {
		return out
	}
	for i := range c.Respondents {
		r := &c.Respondents[i]
		e.Payload = best(info.Kind, r)
		if why := c.why(e, r, law); why != "" {
			out.Hindered = append(out.Hindered, Hindered{r.ID, why})
		} else {
			out.Respondents = append(out.Respondents, r.ID)
		}
	}
	if len(out.Respondents) == 0 {
		out.WhyNot = c.whyNobody(out.Hindered)
	}
	return out
}

func (c *Case) whyNobody(hindered []Hindered) string {
	if len(hindered) == 0 {
		return "the case has no respondents"
	}
	why := hindered[0].WhyNot
	if n := len(hindered) - 1; n > 0 {
		why = fmt.Sprintf("%s; nor for the other %d", why, n)
	}
	return why
}

// received is the payload by which an agency would take over a case.
func (c *Case) received(kind Kind) any {
	if kind != CaseReceivedKind {
		return nil
	}
	return &CaseReceived{From: c.due()}
}

// why is the first thing that stands against an event for a respondent.
func (c *Case) why(e Event, r *Respondent, law Law) string {
	if why := c.hinders(e, r); why != "" {
		return why
	}
	if bad := r.lacks(e); bad != nil {
		return bad.words()
	}
	return c.checkLaw(e, r, law).words()
}

// mayNot is why an agency may not record a kind, whatever the respondents.
func (c *Case) mayNot(e Event, law Law) *Refusal {
	if bad := c.checkParty(e, law); bad != nil {
		return bad
	}
	switch e.Kind {
	case RespondentAddedKind:
		return c.checkReferences(Event{Kind: e.Kind, Payload: &RespondentAdded{}})
	case EventCorrectedKind:
		// What it recorded, the case does not keep; but who recorded takes part.
		for _, a := range c.Participants {
			if law.sameHand(e.Source, a, c) == nil {
				return nil
			}
		}
		return Refuse(CodeNotRecorder, "/source", "")
	default:
		return nil
	}
}

// words is a refusal's detail, or its code's message; "" for none.
func (r *Refusal) words() string {
	switch {
	case r == nil:
		return ""
	case r.Detail != "":
		return r.Detail
	default:
		return reasons[r.Code].English
	}
}

// best is the payload of a kind that a respondent hinders least: it names the
// letters and decrees that the respondent has.
func best(kind Kind, r *Respondent) any {
	var decree Letter
	if r.Decision != nil {
		decree = r.Decision.Decree
	}
	var letter RecommendationRef
	var authority Authority
	if rec := r.Recommendation; rec != nil {
		letter, authority = RecommendationRef{rec.Agency, rec.Number}, rec.Authority
	}
	switch kind {
	case DecisionRecordedKind:
		return &DecisionRecorded{Decree: decree}
	case DecisionDeliveredKind:
		return &DecisionDelivered{Decree: decree}
	case DecisionReviewedKind:
		return &DecisionReviewed{Decree: decree}
	case DecisionAnnulledKind:
		return &DecisionAnnulled{Decree: decree}
	case RemedyFiledKind:
		return &RemedyFiled{Remedy: r.openRemedy(), Decree: decree}
	case RemedyDecidedKind:
		p := &RemedyDecided{Decree: decree, Remedy: RemedyObjection}
		if d := r.Decision; d != nil && d.pending() != nil {
			p.Remedy = d.pending().Kind
		}
		return p
	case PPKAdmonishedKind:
		return &PPKAdmonished{Recommendation: letter, Authority: authority}
	case PPKSanctionedKind:
		return &PPKSanctioned{Recommendation: letter, Authority: authority}
	default:
		return newCasePayload(kind)
	}
}

// openRemedy is the first remedy that may be filed.
func (r *Respondent) openRemedy() string {
	for _, remedy := range Remedies {
		if r.hindersFiling(remedy) == "" {
			return remedy
		}
	}
	return RemedyObjection
}
