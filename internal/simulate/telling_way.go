package simulate

import (
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
)

// What happens until somebody recommends, by the three ways that cases go. How
// often and how fast things happen is invented; in which order they may, is not.

func (t *telling) goOn() {
	switch t.way {
	case wayReport:
		t.throughTaskForce()
	case wayFinding:
		if t.registered() {
			t.sometimes(ledger.Bawaslu)
			if t.assess(4); len(t.people) > 0 {
				t.supervisor = ledger.BKN
				t.wait(6, 0.6)
				t.recommend()
			}
		}
	default:
		t.throughBawaslu()
	}
}

// throughTaskForce: since September 2024 the task force verifies what reports the
// shared system has, and falls behind: of those that had come in by 4 December
// 2024 more than half were waiting (667 of 1,158 in the published figures).
func (t *telling) throughTaskForce() {
	if t.chance(3) {
		t.withdraw(ledger.BKN)
		return
	}
	median := 6.0
	switch day := t.opened.date(); {
	case day < endOfKASN:
		t.now, median = max(t.now, on(endOfKASN, hour)), 30
	case day < "2025-01-15":
		median = 60
	case day < "2025-07-01":
		median = 20
	}
	t.wait(median, 0.9)
	result := ledger.OutcomeAccepted
	if t.chance(14) {
		result = ledger.OutcomeRejected
	}
	members := []ledger.AgencyID{ledger.BKN, ledger.Bawaslu, ledger.KemenPANRB}
	if t.at.Kind != "central" {
		members = append(members, ledger.Kemendagri)
	}
	s := t.say(ledger.BKN, ledger.VerificationConcludedKind, ledger.VerificationConcluded{Result: result, Members: members})
	if result == ledger.OutcomeRejected {
		return
	}
	s.marks = t.seenOpening(ledger.Bawaslu)
	t.another(ledger.BKN)
	t.sometimes(ledger.BKN)
	if t.assess(4); len(t.people) == 0 {
		return
	}
	t.supervisor = ledger.BKN
	t.wait(9*t.pace, 0.7)
	t.recommend()
}

func (t *telling) withdraw(by ledger.AgencyID) {
	t.wait(2, 0.5)
	who := "reporter"
	if t.origin == ledger.OriginFinding {
		who = "agency"
	}
	s := t.say(by, ledger.CaseWithdrawnKind, ledger.CaseWithdrawn{By: who})
	s.marks = t.uncounted(t.now)
}

// registered tells the checks at Bawaslu's desk; it is false when they end there.
func (t *telling) registered() bool {
	if t.chance(2) {
		t.withdraw(ledger.Bawaslu)
		return false
	}
	t.wait(0.8, 0.5)
	complete := t.chance(95)
	result := "incomplete"
	if complete {
		result = "complete"
	}
	t.aside(ledger.Bawaslu, ledger.CompletenessCheckedKind, ledger.CompletenessChecked{Result: result})
	t.wait(0.8, 0.6)
	if !complete {
		reason := pick(t.draw, []string{"formal-incomplete", "material-incomplete", "not-election", "expired"})
		t.say(ledger.Bawaslu, ledger.CaseNotRegisteredKind, ledger.CaseNotRegistered{Reason: reason})
		if !t.chance(25) {
			return false
		}
		t.wait(7, 0.6)
		t.say(ledger.Bawaslu, ledger.CaseReopenedKind, ledger.CaseReopened{Reason: "new-evidence", Respondents: t.named()})
		t.wait(1, 0.5)
	}
	t.say(ledger.Bawaslu, ledger.CaseRegisteredKind, ledger.CaseRegistered{Register: t.letter("REG").Number})
	t.another(ledger.Bawaslu)
	return true
}

func (t *telling) throughBawaslu() {
	if !t.registered() {
		return
	}
	t.sometimes(ledger.Bawaslu)
	if t.assess(4); len(t.people) == 0 {
		return
	}
	t.criminal()
	t.wait(1.5, 0.5)
	t.forward(true)
	if t.chance(2) {
		t.wait(4, 0.5)
		if t.supervisor = t.addressee(t.supervisor); t.supervisor == ledger.KASN {
			t.say(ledger.KASN, ledger.CaseReturnedKind, ledger.CaseReturned{To: ledger.Bawaslu, Letter: t.letter("KASN"), Reason: "incomplete"})
			t.wait(5, 0.6)
			t.forward(false)
		}
	}
	t.wait(2.5, 0.5)
	t.receive(ledger.Bawaslu)
	t.clarified()
}

// forward hands the case over to whoever supervises on that day.
func (t *telling) forward(first bool) {
	if t.now >= on(endOfKASN, 0) {
		t.supervisor = ledger.BKN
	}
	p := ledger.CaseForwarded{To: t.supervisor, Letter: t.letter("BAWASLU")}
	if t.supervisor != ledger.BKN && t.chance(60) {
		p.Copies = []ledger.AgencyID{ledger.BKN}
	}
	s := t.say(ledger.Bawaslu, ledger.CaseForwardedKind, p)
	if first {
		s.marks = []mark{{forwardedByBawaslu, 1, s.at}}
	}
}

// addressee is who acts on a case that was forwarded to somebody, at the moment.
func (t *telling) addressee(to ledger.AgencyID) ledger.AgencyID {
	if to != ledger.KASN || t.now < on(endOfKASN, 0) {
		return to
	}
	return ledger.BKN
}

// receive tells that the supervisor has the case in hand, or its heir.
func (t *telling) receive(from ledger.AgencyID) {
	if t.addressee(t.supervisor) != t.supervisor {
		t.inherit()
		return
	}
	t.say(t.supervisor, ledger.CaseReceivedKind, ledger.CaseReceived{From: from})
}

// succeeded hands a case in flight over when KASN has ended meanwhile.
func (t *telling) succeeded() {
	if t.supervisor == ledger.KASN && t.now >= on(endOfKASN, 0) {
		t.inherit()
	}
}

// inherit: on 4 September 2024 the letters that KASN had processed passed to
// KemenPAN-RB, all others to BKN (SE MenPANRB 4/2024).
func (t *telling) inherit() {
	t.supervisor = ledger.BKN
	if t.processed {
		t.supervisor = ledger.KemenPANRB
	}
	t.now = t.atWork(max(t.now, on(endOfKASN, daily)) + t.after(25, 0.8))
	t.say(t.supervisor, ledger.CaseReceivedKind, ledger.CaseReceived{From: ledger.KASN})
	t.wait(10*t.pace, 0.6)
}

// clarified tells of a case that its supervisor has received.
func (t *telling) clarified() {
	if t.chance(3) {
		t.wait(9, 0.6)
		t.succeeded()
		t.say(t.supervisor, ledger.CaseCancelledKind, ledger.CaseCancelled{Reason: "no-jurisdiction"})
		return
	}
	t.wait(18*t.pace, 0.7)
	t.succeeded()
	if t.chance(9) {
		t.clarify(true)
		t.wait(20*t.pace, 0.6)
		t.succeeded()
	}
	if t.clarify(false); len(t.people) == 0 {
		return
	}
	t.wait(8*t.pace, 0.7)
	t.succeeded()
	t.recommend()
}

// clarify leaves in the case those against whom it was proven; pending leaves all.
func (t *telling) clarify(pending bool) {
	var p ledger.CaseClarified
	var left []*party
	for _, r := range t.people {
		outcome := ledger.OutcomePending
		if !pending {
			outcome = []string{ledger.OutcomeProven, ledger.OutcomeNotProven, ledger.OutcomeIncomplete}[t.weighted(84, 12, 4)]
		}
		if pending || outcome == ledger.OutcomeProven {
			left = append(left, r)
		}
		p.Respondents = append(p.Respondents, ledger.ClarifiedRespondent{ID: r.ID, Outcome: outcome})
	}
	t.people = left
	t.processed = t.processed || t.supervisor == ledger.KASN
	s := t.say(t.supervisor, ledger.CaseClarifiedKind, p)
	if pending || !t.chance(2) {
		return
	}
	id, by := s.id, s.by
	t.wait(1.5, 0.5)
	if t.addressee(by) == by {
		t.say(by, ledger.EventCorrectedKind, replaced{id, ledger.CaseClarifiedKind, p})
	}
}

// assess leaves in the case those who are assessed as having broken a rule.
func (t *telling) assess(median float64) {
	t.wait(median, 0.5)
	p := ledger.CaseAssessed{Catalogue: catalogueOf(t.items)}
	var left, gone []*party
	for _, r := range t.people {
		a := ledger.AssessedRespondent{ID: r.ID, Outcome: ledger.OutcomeNotAViolation}
		if t.chance(88) {
			a.Outcome, a.Items = ledger.OutcomeViolation, t.items
			left = append(left, r)
		} else {
			gone = append(gone, r)
		}
		p.Respondents = append(p.Respondents, a)
	}
	t.people = left
	t.say(ledger.Bawaslu, ledger.CaseAssessedKind, p)
	if len(gone) == 0 || !t.chance(4) {
		return
	}
	t.wait(3, 0.6)
	r := gone[0]
	t.say(ledger.Bawaslu, ledger.CaseReopenedKind, ledger.CaseReopened{Reason: "recorded-in-error", Respondents: []string{r.ID}})
	t.wait(1, 0.5)
	t.people = append(t.people, r)
	t.say(ledger.Bawaslu, ledger.CaseAssessedKind, ledger.CaseAssessed{
		Catalogue: p.Catalogue, Respondents: []ledger.AssessedRespondent{{ID: r.ID, Outcome: ledger.OutcomeViolation, Items: t.items}},
	})
}

// another adds a respondent who was forgotten.
func (t *telling) another(holder ledger.AgencyID) {
	if !t.chance(3) {
		return
	}
	t.wait(1, 0.5)
	r := t.joins()
	t.say(holder, ledger.RespondentAddedKind, ledger.RespondentAdded{
		Catalogue: catalogueOf(t.items), Items: t.items, Respondents: []ledger.NewRespondent{r.NewRespondent},
	})
}

// sometimes tells what any case may meet while its holder is at work on it.
func (t *telling) sometimes(holder ledger.AgencyID) {
	if t.chance(18) {
		s := t.attach(holder)
		if t.chance(3) { // the wrong file
			id := s.id
			was := t.now
			t.wait(0.5, 0.3)
			t.known = max(t.known, s.recorded)
			t.say(holder, ledger.EventCorrectedKind, ledger.EventCorrected{
				Event: id, Kind: ledger.EvidenceAttachedKind, Version: 1, Action: ledger.ActionVoid, Reason: "wrong-case",
			})
			t.now = max(was, t.now)
		}
	}
	if t.chance(2) {
		if o, ok := t.other(t.draw, t.number, t.known); ok {
			t.aside(holder, ledger.CaseLinkedKind, ledger.CaseLinked{Link: ledger.LinkRelated, Case: o.id})
		}
	}
}

func (t *telling) attach(by ledger.AgencyID) *saying {
	media := pick(t.draw, []string{"application/pdf", "image/jpeg", "image/png", "video/mp4"})
	return t.aside(by, ledger.EvidenceAttachedKind, ledger.EvidenceAttached{
		Digest: strings.Repeat(hex16(t.Uint64()), 4), Size: uint64(1 + t.IntN(8<<20)), MediaType: media, Reference: t.letter("BUKTI").Number,
	})
}

const hexDigits = "0123456789abcdef"

func hex16(v uint64) string {
	var out [16]byte
	for i := range out {
		out[i] = hexDigits[v>>(60-4*i)&15]
	}
	return string(out[:])
}

// criminal sends a case to the criminal branch, which mostly comes to nothing.
func (t *telling) criminal() {
	if !t.chance(1) {
		return
	}
	was, known := t.now, t.known
	t.wait(1, 0.5)
	t.say(ledger.Bawaslu, ledger.CriminalReferredKind, ledger.CriminalReferred{Letter: t.letter("GAKKUMDU")})
	t.wait(30, 0.7)
	outcome := []string{"not-pursued", "acquitted", "convicted"}[t.weighted(80, 10, 10)]
	t.say(ledger.Bawaslu, ledger.CriminalConcludedKind, ledger.CriminalConcluded{Outcome: outcome})
	t.now, t.known = was, known
}

func (t *telling) named() []string {
	out := make([]string, len(t.people))
	for i, r := range t.people {
		out[i] = r.ID
	}
	return out
}
