package ledger

import (
	"slices"
	"time"
)

// Effective gives an ordered history with its corrections heeded: what was
// corrected is void, or has the payload of its last correction by position.
// Without corrections it is the history itself. Only an event that stood on the
// ledger before the correction is corrected.
func Effective(history []CaseEvent) []CaseEvent {
	out := history
	var places map[string]int
	for i := range history {
		if history[i].Kind != EventCorrectedKind {
			continue
		}
		if p, ok := history[i].Payload.(*EventCorrected); ok {
			if &out[0] == &history[0] {
				out, places = slices.Clone(history), placesOf(history)
			}
			p.correct(out, places, history[i].Position)
		}
	}
	return out
}

// longHistory is how many events make it worth while to note their places: many
// corrections of many events must not cost as much as both multiplied.
const longHistory = 100

// placesOf gives where each id stands first; nil for a history that is soon
// looked through.
func placesOf(history []CaseEvent) map[string]int {
	if len(history) < longHistory {
		return nil
	}
	places := make(map[string]int, len(history))
	for i := range history {
		if _, twice := places[history[i].ID]; !twice {
			places[history[i].ID] = i
		}
	}
	return places
}

// correct changes the event that a correction at a position names.
func (p *EventCorrected) correct(history []CaseEvent, places map[string]int, at Position) {
	i, ok := places[p.Event]
	if !ok || !p.names(&history[i], at) {
		i = p.find(history, at)
	}
	if i < 0 || history[i].Corrected > at {
		return
	}
	e := &history[i]
	e.Corrected, e.Void = at, p.Action == ActionVoid
	if !e.Void {
		e.Payload = p.payload
	}
}

// find gives the index of the event that the correction names, -1 if the
// history has none before that position.
func (p *EventCorrected) find(history []CaseEvent, at Position) int {
	for i := range history {
		if p.names(&history[i], at) {
			return i
		}
	}
	return -1
}

// names reports whether the correction, standing at a position, is of an event.
func (p *EventCorrected) names(e *CaseEvent, at Position) bool {
	return e.ID == p.Event && e.Kind == p.Kind && e.Version == p.Version && e.Position < at && e.Payload != nil &&
		Correctable(e.Kind, e.Version)
}

// placeCorrection judges a correction: with the event void or replaced, every
// record from that on has to follow as it did.
func placeCorrection(history []CaseEvent, draft CaseEvent, p *EventCorrected, lawAt func(time.Time) Law) (Case, *Refusal) {
	now := Fold(history)
	if len(history) == 0 {
		return now, Refuse(CodeCaseUnknown, "/subject", "")
	}
	i := slices.IndexFunc(history, func(e CaseEvent) bool { return e.ID == p.Event })
	if i < 0 {
		return now, Refuse(CodeReferenceUnknown, "/data/event", "the case has no such event")
	}
	old := history[i]
	if j := p.find(history, draft.Position); j != i {
		return now, Refuse(CodeReferenceUnknown, "/data/kind", "the event is of another kind, or of one that is not corrected")
	}
	if bad := p.sound(&now, old, draft, lawAt(draft.Time)); bad != nil {
		return now, bad
	}
	var c Case
	reached, was := false, Effective(history)
	for _, e := range Effective(Insert(slices.Clone(history), draft)) {
		here := e.Position == old.Position
		reached = reached || here
		if reached && e.binds() {
			if bad := follows(c, e, was, lawAt(e.Time)); bad != nil && here {
				return c, bad.Within("/data/data")
			} else if bad != nil {
				return c, breaks(e, bad)
			}
		}
		c = c.Apply(e)
	}
	return c, nil
}

// sound judges a correction by itself; now is the case as it stands.
func (p *EventCorrected) sound(now *Case, old, draft CaseEvent, law Law) *Refusal {
	if draft.Time.Before(old.Time) {
		return Refuse(CodeTransition, "/time", "a correction follows what it corrects")
	}
	if bad := law.sameHand(draft.Source, old.Source, now); bad != nil {
		return bad
	}
	info, _ := LookupKind(old.Kind, old.Version)
	if p.payload != nil && info.MandateFor(p.payload) != info.MandateFor(old.Payload) {
		return Refuse(CodeTransition, "/data/data/remedy", "another remedy is another event: void this one, and record that")
	}
	return nil
}

// binds reports whether an event can be made impossible by what comes before it:
// not what is void or says nothing of the case's course.
func (e *CaseEvent) binds() bool {
	if e.Payload == nil || e.Void {
		return false
	}
	switch e.Payload.(type) {
	case *EventCorrected, *Unsealed, *PersonalDataErased:
		return false
	default:
		return true
	}
}

// breaks refuses a draft for whose sake a later record would be refused.
func breaks(e CaseEvent, bad *Refusal) *Refusal {
	return Refuse(CodeBreaksLater, "", "position %d (%s) would be refused: %s", e.Position, e.Kind, bad.Code)
}
