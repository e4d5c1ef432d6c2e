package simulate

import (
	"fmt"
	"strings"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// What happens to few cases: more respondents, cases sent back, ends taken back,
// links, documents, the criminal branch, mistakes.

// sometimes tells what any case may meet while its holder is at work on it.
func (t *teller) sometimes(holder ledger.AgencyID) {
	if t.chance(2) {
		digest := strings.Repeat(fmt.Sprintf("%08x", t.begun), 8)
		t.say(1, holder, ledger.EvidenceAttachedKind, ledger.EvidenceAttached{
			Digest: digest, Size: uint64(1 + t.IntN(1<<20)), MediaType: "application/pdf", Reference: t.letter("LOAD-E").Number,
		})
	}
	if t.chance(1) && t.finished != "" {
		link := pick(t.draw, []string{ledger.LinkRelated, ledger.LinkDuplicate})
		t.duplicate = link == ledger.LinkDuplicate
		t.say(1, holder, ledger.CaseLinkedKind, ledger.CaseLinked{Link: link, Case: t.finished})
	}
}

// criminal sends a case to the criminal branch, which comes to nothing.
func (t *teller) criminal() {
	if !t.chance(1) {
		return
	}
	t.say(1, ledger.Bawaslu, ledger.CriminalReferredKind, ledger.CriminalReferred{Letter: t.letter("LOAD-G")})
	t.say(3, ledger.Bawaslu, ledger.CriminalConcludedKind, ledger.CriminalConcluded{Outcome: "not-pursued"})
}

// another adds a respondent who was forgotten.
func (t *teller) another(holder ledger.AgencyID) {
	if !t.chance(2) {
		return
	}
	r := &person{id: fmt.Sprintf("r%d", t.numbered+1), at: t.people[0].at, family: t.people[0].family, sanction: t.people[0].sanction}
	t.numbered++
	t.people = append(t.people, r)
	t.say(1, holder, ledger.RespondentAddedKind, ledger.RespondentAdded{
		Catalogue: t.era.catalogue, Items: t.items, Respondents: []ledger.NewRespondent{{
			ID: r.id, Employment: employment(t.draw), Class: position(t.draw), Institution: r.at,
		}},
	})
}

// reconsidered takes an end back that was wrong.
func (t *teller) reconsidered(by ledger.AgencyID, kind ledger.Kind, end any) {
	if !t.chance(30) {
		return
	}
	t.say(1, by, ledger.CaseReopenedKind, ledger.CaseReopened{Reason: "recorded-in-error", Respondents: []string{t.people[0].id}})
	t.say(1, by, kind, end)
}

// aftermath tells what became of a decree that imposed a sanction. Its bodies did
// not exist at all times.
func (t *teller) aftermath(r *person, decree ledger.Letter, d ledger.DecidedRespondent) {
	only := ledger.Named{Respondents: []string{r.id}}
	if t.chance(15) {
		t.say(2, ledger.BKN, ledger.DecisionDeliveredKind, ledger.DecisionDelivered{Decree: decree, Named: only})
	}
	checked := !t.now.Before(day("2022-09-14"))
	if checked && t.chance(5) {
		t.say(2, ledger.BKN, ledger.DecisionReviewedKind, ledger.DecisionReviewed{Decree: decree, Result: "conforming", Named: only})
	}
	if d.Outcome == ledger.OutcomeSanctioned && t.chance(4) {
		remedy := ledger.RemedyObjection
		if !t.now.Before(day("2021-08-10")) && t.chance(50) {
			remedy = ledger.RemedyBPASN
		}
		t.say(2, ledger.BKN, ledger.RemedyFiledKind, ledger.RemedyFiled{Remedy: remedy, Decree: decree, Named: only})
		t.say(2, ledger.BKN, ledger.RemedyDecidedKind, ledger.RemedyDecided{
			Remedy: remedy, Decree: decree, Ruling: t.letter("LOAD-B"), Respondents: []ledger.RemediedRespondent{
				{ID: r.id, Outcome: pick(t.draw, []string{ledger.OutcomeUpheld, ledger.OutcomeAnnulled})},
			},
		})
	}
	if checked && t.chance(2) {
		t.say(2, ledger.BKN, ledger.DecisionAnnulledKind, ledger.DecisionAnnulled{Decree: decree, Letter: t.letter("LOAD-N"), Named: only})
		t.say(2, ledger.BKN, ledger.DecisionRecordedKind, ledger.DecisionRecorded{
			Decree: t.letter("LOAD-D"), Respondents: []ledger.DecidedRespondent{d},
		})
	}
}

// mistaken corrects the event that was told last: it says again what it said, or
// it was one too many.
func (t *teller) mistaken() {
	last := len(t.acts) - 1
	wrong := t.acts[last]
	var id string
	t.acts[last].told = func(event string) { id = event }
	t.now = t.now.Add(time.Hour)
	t.acts = append(t.acts, act{at: t.now, by: wrong.by, kind: ledger.EventCorrectedKind, payload: func() any {
		return replacing(id, wrong.kind, wrong.payload())
	}})
}
