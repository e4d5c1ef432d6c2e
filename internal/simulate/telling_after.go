package simulate

import (
	"slices"
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
)

// What happens from the recommendation on, for each respondent on a line of time
// of its own.

// line is where a line of time stands.
type line struct{ now, known instant }

func (t *telling) here() line  { return line{t.now, t.known} }
func (t *telling) back(l line) { t.now, t.known = l.now, l.known }

func only(r *party) ledger.Named { return ledger.Named{Respondents: []string{r.ID}} }

// lawAt is the sanctions of a moment.
func lawAt(at instant) sanctionLaw {
	if at < on(disciplined, 0) {
		return law2010
	}
	return law2021
}

func (t *telling) recommend() {
	letter := t.letter(strings.ToUpper(string(t.supervisor)))
	p := ledger.CaseRecommended{Letter: letter, Sent: letter.Date, Authority: authority(t.at)}
	if t.supervisor != ledger.BKN {
		p.Copies = append(p.Copies, ledger.BKN)
	}
	if t.chance(30) && t.supervisor != ledger.KemenPANRB {
		p.Copies = append(p.Copies, ledger.KemenPANRB)
	}
	if p.Authority.Kind != "minister" && t.chance(50) {
		p.Copies = append(p.Copies, ledger.Kemendagri)
	}
	for _, r := range t.people {
		p.Respondents = append(p.Respondents, ledger.RecommendedRespondent{ID: r.ID, Family: r.family, Sanction: r.sanction})
	}
	s := t.say(t.supervisor, ledger.CaseRecommendedKind, p)
	for _, r := range t.people {
		s.marks = append(s.marks, r.count(counted{recommended: true, waiting: true, byKASN: t.supervisor == ledger.KASN}, s.at)...)
	}
	sent := t.here()
	slow := false
	for _, r := range t.people {
		t.back(sent)
		slow = t.follow(r) || slow
	}
	if slow {
		t.back(sent)
		t.admonish(p)
	}
}

// admonish tells what befalls an authority that lets a letter lie.
func (t *telling) admonish(p ledger.CaseRecommended) {
	ref := ledger.RecommendationRef{Agency: t.supervisor, Number: p.Letter.Number}
	regional := p.Authority.Kind != "minister"
	if regional && t.chance(35) {
		t.wait(26, 0.3)
		t.aside(ledger.Kemendagri, ledger.PPKAdmonishedKind, ledger.PPKAdmonished{Letter: t.letter("KEMENDAGRI"), Authority: p.Authority, Recommendation: ref})
	}
	if t.chance(3) {
		t.wait(60, 0.4)
		by := ledger.KemenPANRB
		if regional {
			by = ledger.Kemendagri
		}
		t.aside(by, ledger.PPKSanctionedKind, ledger.PPKSanctioned{Letter: t.letter("SANKSI"), Authority: p.Authority, Recommendation: ref, Basis: "UU 23/2014"})
	}
}

// follow tells what became of one respondent; slow says that it took the
// authority more than six weeks.
func (t *telling) follow(r *party) (slow bool) {
	sent := t.now
	takes := t.after(15*t.pace*seniority(r.Class), 0.85)
	lot := t.weighted(880, 85, 20, 15)
	if begun := t.atWork(sent + min(takes/3, t.after(12, 0.5))); begun < sent+takes && t.chance(75) {
		l := t.here()
		t.now = begun
		t.aside(ledger.BKN, ledger.ExaminationBegunKind, ledger.ExaminationBegun{Named: only(r)})
		t.back(l)
	}
	switch lot {
	case 1: // the authority never acts
		takes = 4000 * daily
	case 2:
		t.now = t.atWork(sent + takes)
		s := t.say(ledger.BKN, ledger.LeftServiceKind, ledger.LeftService{
			Reason: pick(t.draw, []string{"retired", "resigned", "died", "dismissed"}), Respondents: []string{r.ID},
		})
		s.marks = r.count(counted{recommended: true, byKASN: r.counted.byKASN}, s.at)
		return false
	case 3: // nothing was heard yet, and nobody asks
		return true
	}
	blocked := t.ladder(r, sent, takes)
	if lot == 1 {
		return true
	}
	t.now = max(t.now+hour, sent+takes)
	t.now = t.atWork(t.now)
	d := t.decide(r)
	if blocked {
		t.wait(3, 0.5)
		s := t.say(ledger.BKN, ledger.ControlUnblockedKind, ledger.ControlStep{Letter: t.letter("BKN"), Named: only(r)})
		now := r.counted
		now.blocked = false
		s.marks = r.count(now, s.at)
	}
	t.confirm(r, d)
	t.aftermath(r, d)
	return takes > 42*daily
}

// ladder tells how BKN climbs its ladder while the authority does not act.
func (t *telling) ladder(r *party, sent, takes instant) (blocked bool) {
	steps := []struct {
		kind   ledger.Kind
		median float64
		chance int
	}{{ledger.ControlWarnedKind, 24, 70}, {ledger.ControlReprimandedKind, 18, 75}, {ledger.ControlBlockedKind, 25, 60}}
	for i, step := range steps {
		at := t.now + t.after(step.median, 0.35)
		if !t.chance(step.chance) || t.atWork(at) >= sent+takes {
			return false
		}
		t.now = t.atWork(at)
		if i == 1 && t.now < on(reprimanded, 0) && t.chance(40) {
			continue // it was not required before a block
		}
		if i == 2 && t.now >= on(reprimanded, 0) && !t.said(r, ledger.ControlReprimandedKind) {
			return false
		}
		s := t.say(ledger.BKN, step.kind, ledger.ControlStep{Letter: t.letter("BKN"), Named: only(r)})
		if i == 2 {
			now := r.counted
			now.blocked = true
			s.marks = r.count(now, s.at)
			return true
		}
	}
	return false
}

// said reports whether a step of the ladder was told of a respondent.
func (t *telling) said(r *party, kind ledger.Kind) bool {
	return slices.ContainsFunc(t.says, func(s saying) bool {
		p, ok := s.payload.(ledger.ControlStep)
		return ok && s.kind == kind && p.Respondents[0] == r.ID
	})
}

// imposes draws what the authority imposes: mostly what was recommended, at times
// a step less, and less again for the highest classes.
func (t *telling) imposes(r *party) (level, kind string) {
	if r.sanction == "dismissal" {
		if r.Employment == "pns" {
			return "dismissal", "dishonourable-dismissal"
		}
		return "dismissal", "end-of-contract"
	}
	sanction := r.sanction
	if seniority(r.Class) > 1 && sanction == "heavy" && t.chance(30) {
		sanction = "medium"
	}
	return lawAt(t.now).decreed(t.draw, sanction)
}

// decide tells a decree that BKN recorded, and what it had to correct of it. It
// gives what stands in the end.
func (t *telling) decide(r *party) ledger.DecidedRespondent {
	d := ledger.DecidedRespondent{ID: r.ID, Outcome: ledger.OutcomeNotProven}
	if t.chance(93) {
		d.Outcome, d.Family = ledger.OutcomeSanctioned, r.family
		d.Level, d.Kind = t.imposes(r)
	}
	if t.chance(1) { // of another person, as turned out
		wrong := t.decreed(r, d)
		t.wait(3, 0.5)
		s := t.say(ledger.BKN, ledger.EventCorrectedKind, ledger.EventCorrected{
			Event: wrong.id, Kind: ledger.DecisionRecordedKind, Version: 1, Action: ledger.ActionVoid, Reason: "wrong-respondent",
		})
		s.marks = reversed(wrong.marks)
		r.counted = wrong.before
		t.wait(9, 0.6)
	}
	told := t.decreed(r, d)
	r.decree, r.level = told.decree, d.Level
	if t.chance(2) && d.Outcome == ledger.OutcomeSanctioned {
		right := d
		right.Level, right.Kind = t.imposes(r)
		t.wait(4, 0.6)
		t.say(ledger.BKN, ledger.EventCorrectedKind, replaced{told.id, ledger.DecisionRecordedKind, ledger.DecisionRecorded{
			Decree: told.decree, Respondents: []ledger.DecidedRespondent{right},
		}})
		r.level, d = right.Level, right
	}
	return d
}

// decree is what was told of one.
type decree struct {
	id     string
	decree ledger.Letter
	marks  []mark
	before counted
}

func (t *telling) decreed(r *party, d ledger.DecidedRespondent) decree {
	out := decree{decree: t.letter("SK"), before: r.counted}
	s := t.say(ledger.BKN, ledger.DecisionRecordedKind, ledger.DecisionRecorded{Decree: out.decree, Respondents: []ledger.DecidedRespondent{d}})
	now := r.counted
	now.waiting, now.sanctioned = false, d.Outcome == ledger.OutcomeSanctioned
	s.marks = r.count(now, s.at)
	out.id, out.marks = s.id, s.marks
	return out
}

// confirm tells that KASN recorded the decree on its own recommendation too, at
// times with another sanction than BKN did.
func (t *telling) confirm(r *party, d ledger.DecidedRespondent) {
	if t.supervisor != ledger.KASN || !t.chance(5) {
		return
	}
	l := t.here()
	t.wait(9, 0.5)
	if t.now < on(endOfKASN, 0) {
		if d.Outcome == ledger.OutcomeSanctioned && t.chance(10) {
			d.Level, d.Kind = "light", "written-dissatisfaction"
			if d.Family == ledger.FamilyEthics {
				d.Level, d.Kind = "moral-open", "moral-statement-open"
			}
		}
		t.aside(ledger.KASN, ledger.DecisionRecordedKind, ledger.DecisionRecorded{Decree: r.decree, Respondents: []ledger.DecidedRespondent{d}})
	}
	t.back(l)
}

// aftermath tells what became of a decree: its delivery and check, its annulment,
// and the respondent's remedies.
func (t *telling) aftermath(r *party, d ledger.DecidedRespondent) {
	if t.chance(65) {
		t.wait(6, 0.6)
		t.say(ledger.BKN, ledger.DecisionDeliveredKind, ledger.DecisionDelivered{Decree: r.decree, Named: only(r)})
	}
	if t.now >= on(annulments, 0) && t.chance(14) {
		t.wait(12, 0.5)
		if t.reviewed(r, d) {
			return
		}
	}
	if d.Outcome == ledger.OutcomeSanctioned && t.chance(5) {
		t.remedies(r, d)
	}
}

// reviewed tells the check of a decree; it is true when that ended in an annulment,
// after which the authority decides anew, mostly.
func (t *telling) reviewed(r *party, d ledger.DecidedRespondent) (annulled bool) {
	result := "conforming"
	if t.chance(15) {
		result = "not-conforming"
	}
	t.say(ledger.BKN, ledger.DecisionReviewedKind, ledger.DecisionReviewed{Decree: r.decree, Result: result, Named: only(r)})
	if result == "conforming" || !t.chance(60) {
		return false
	}
	t.wait(10, 0.5)
	s := t.say(ledger.BKN, ledger.DecisionAnnulledKind, ledger.DecisionAnnulled{Decree: r.decree, Letter: t.letter("BATAL"), Named: only(r)})
	now := r.counted
	now.waiting, now.sanctioned = true, false
	s.marks = r.count(now, s.at)
	if t.chance(80) {
		t.wait(20*t.pace, 0.6)
		r.decree = t.decreed(r, d).decree
	}
	return true
}

// remedies tells how a respondent turns against the decree, one remedy after the
// other.
func (t *telling) remedies(r *party, d ledger.DecidedRespondent) {
	for i, remedy := range ledger.Remedies {
		by := ledger.BKN
		if i > 0 {
			if t.now < on(appealBoard, 0) || !t.chance(40) {
				return
			}
			by = pick(t.draw, []ledger.AgencyID{ledger.BKN, ledger.KemenPANRB})
		}
		t.wait(8, 0.5)
		t.say(by, ledger.RemedyFiledKind, ledger.RemedyFiled{Remedy: remedy, Decree: r.decree, Named: only(r)})
		t.wait(25, 0.6)
		a := ledger.RemediedRespondent{ID: r.ID, Outcome: ledger.RemedyOutcomes[t.weighted(60, 16, 4, 6, 14)]}
		switch a.Outcome {
		case ledger.OutcomeLightened, ledger.OutcomeIncreased, ledger.OutcomeChanged:
			a.Family, a.Level, a.Kind = t.instead(r, d, a.Outcome)
		}
		s := t.say(by, ledger.RemedyDecidedKind, ledger.RemedyDecided{
			Remedy: remedy, Decree: r.decree, Ruling: t.letter("PUTUSAN"), Respondents: []ledger.RemediedRespondent{a},
		})
		if a.Outcome == ledger.OutcomeAnnulled {
			now := r.counted
			now.sanctioned = false
			s.marks = r.count(now, s.at)
			return
		}
		if a.Level != "" {
			r.level = a.Level
		}
	}
}

// instead draws the sanction that a remedy puts in the place of the one that
// stands.
func (t *telling) instead(r *party, d ledger.DecidedRespondent, outcome string) (family, level, kind string) {
	rank := slices.Index(ledger.Sanctions, r.level)
	switch {
	case outcome == ledger.OutcomeLightened && rank > 0 && r.level != "light":
		rank--
	case outcome == ledger.OutcomeIncreased && r.level != "heavy" && r.level != "moral-open" && rank < len(ledger.Sanctions)-1:
		rank++
	}
	level = ledger.Sanctions[rank]
	if level == "dismissal" {
		return d.Family, level, "dishonourable-dismissal"
	}
	return d.Family, level, pick(t.draw, lawAt(t.now)[level])
}
