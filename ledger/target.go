package ledger

import "strconv"

// target is a respondent an event is about. index is -1 for one the case does
// not have; pointer is where the event names it ("" where it does not).
type target struct {
	index   int
	entry   int
	pointer string
}

// targets lists the respondents an event is about: those it names, or, where it
// names none, everyone from whose stage it may follow.
func (c *Case) targets(e Event) []target {
	ids, perEntry := named(e.Payload)
	var out []target
	if ids == nil {
		for i := range c.Respondents {
			if c.hinders(e, &c.Respondents[i]) == "" && c.Respondents[i].lacks(e) == nil {
				out = append(out, target{index: i})
			}
		}
		return out
	}
	for i, id := range ids {
		out = append(out, target{c.find(id), i, pointerTo(i, perEntry)})
	}
	return out
}

func pointerTo(i int, perEntry bool) string {
	p := "/data/respondents/" + strconv.Itoa(i)
	if perEntry {
		p += "/id"
	}
	return p
}

// named lists the respondents a payload names; perEntry says that it has an
// entry with an outcome for each.
func named(payload any) (ids []string, perEntry bool) {
	switch p := payload.(type) {
	case *CaseAssessed:
		return idsOf(p.Respondents, func(r AssessedRespondent) string { return r.ID }), true
	case *CaseClarified:
		return idsOf(p.Respondents, func(r ClarifiedRespondent) string { return r.ID }), true
	case *CaseRecommended:
		return idsOf(p.Respondents, func(r RecommendedRespondent) string { return r.ID }), true
	case *DecisionRecorded:
		return idsOf(p.Respondents, func(r DecidedRespondent) string { return r.ID }), true
	case *RemedyDecided:
		return idsOf(p.Respondents, func(r RemediedRespondent) string { return r.ID }), true
	case *CaseForwarded:
		return p.Respondents, false
	case *ExaminationBegun:
		return p.Respondents, false
	case *ControlStep:
		return p.Respondents, false
	case *CaseCancelled:
		return p.Respondents, false
	case *LeftService:
		return p.Respondents, false
	default:
		return namedLater(payload), false
	}
}

// namedLater is named for the kinds that follow a decree or an end.
func namedLater(payload any) []string {
	switch p := payload.(type) {
	case *DecisionDelivered:
		return p.Respondents
	case *DecisionReviewed:
		return p.Respondents
	case *DecisionAnnulled:
		return p.Respondents
	case *RemedyFiled:
		return p.Respondents
	case *CriminalReferred:
		return p.Respondents
	case *CriminalConcluded:
		return p.Respondents
	case *CaseReopened:
		return p.Respondents
	default:
		return nil
	}
}

func idsOf[T any](list []T, id func(T) string) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = id(v)
	}
	return out
}
