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
func (c Case) May(by AgencyID, info KindInfo, regime Regime) Possible {
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
	if bad := c.checkParty(e); bad != nil {
		out.WhyNot = bad.Detail
		return out
	}
	if _, moves := steps[info.Kind]; !moves {
		return out
	}
	for i := range c.Respondents {
		r := &c.Respondents[i]
		e.Payload = best(info.Kind, r)
		why := c.hinders(e, r)
		if bad := checkRegime(e, r, regime); why == "" && bad != nil {
			why = bad.Detail
		}
		if why != "" {
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

// best is the payload of a kind that a respondent hinders least: it names the
// letters and decrees that the respondent has.
func best(kind Kind, r *Respondent) any {
	if d := r.Decision; d != nil && kind == DecisionRecordedKind {
		return &DecisionRecorded{Decree: d.Decree}
	}
	if rec := r.Recommendation; rec != nil && kind == PPKAdmonishedKind {
		return &PPKAdmonished{Recommendation: RecommendationRef{rec.Agency, rec.Number}, Authority: rec.Authority}
	}
	return newCasePayload(kind)
}
