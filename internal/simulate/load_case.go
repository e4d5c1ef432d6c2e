package simulate

import (
	"strconv"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// era is a way that cases went for some time.
type era struct {
	opened    span
	contest   string
	catalogue string
	shared    bool // through the shared system to BKN, no longer by way of KASN
}

var eras = []era{
	{span{"2020-01-06", "2020-12-31"}, "pilkada-2020", ledger.CatalogueSKB2020, false},
	{span{"2023-01-16", "2024-02-29"}, "pemilu-2024", ledger.CatalogueSKB2022, false},
	{span{"2024-10-01", "2025-03-31"}, "pilkada-2024", ledger.CatalogueSKB2022, true},
}

// teller tells one case of a load. Everybody in it shares the steps up to the
// letters; then each goes on alone.
type teller struct {
	*load
	era        era
	now        time.Time
	supervisor ledger.AgencyID
	items      []string // as alleged
	people     []*person
	acts       []act
	numbers    int
	duplicate  bool
	numbered   int // respondents, with those who have come to an end
}

func (l *load) newCase() *loadCase {
	t := &teller{load: l, era: eras[l.weighted(40, 35, 25)], supervisor: ledger.KASN}
	t.now = l.moment(l.workday(day(t.era.opened.from), day(t.era.opened.until)))
	if t.era.shared {
		t.supervisor = ledger.BKN
	}
	id := l.id(t.now)
	t.open()
	switch {
	case t.era.shared:
		t.throughSharedSystem()
	default:
		t.throughKASN()
	}
	return &loadCase{id: id, acts: t.acts, duplicate: t.duplicate}
}

// say tells an event some days after the one before, at most.
func (t *teller) say(days int, by ledger.AgencyID, kind ledger.Kind, payload any) {
	if len(t.acts) > 0 {
		t.now = t.now.Add(time.Duration(1+t.IntN(days*24*3600)) * time.Second)
	}
	t.acts = append(t.acts, act{at: t.now, by: by, kind: kind, payload: func() any { return payload }})
}

func (t *teller) letter(prefix string) ledger.Letter {
	t.numbers++
	return ledger.Letter{Number: prefix + strconv.Itoa(t.begun) + "." + strconv.Itoa(t.numbers), Date: dateOf(t.now)}
}

func (t *teller) open() {
	where := t.atlas.anywhere(t.draw)
	at := where.institution()
	if t.chance(7) {
		at = central(t.draw)
	}
	p := ledger.CaseOpened{
		Channel: ledger.ChannelOffice, Origin: pick(t.draw, []string{ledger.OriginFinding, ledger.OriginReport}), Contest: t.era.contest,
		Act: ledger.Act{Date: dateOf(t.now.AddDate(0, 0, -t.between(1, 14))), Region: where.code}, Catalogue: t.era.catalogue,
		Items: alleged(t.draw),
	}
	if t.era.catalogue == ledger.CatalogueSKB2022 {
		p.Items = []string{pick(t.draw, []string{"ethics-2", "ethics-4", "ethics-6", "discipline-2", "discipline-4", "discipline-6", "discipline-8"})}
	}
	t.items = p.Items
	by := ledger.Bawaslu
	if t.era.shared {
		p.Channel, by = ledger.ChannelSharedSystem, ledger.BKN
	}
	for i := range 1 + t.weighted(70, 18, 8, 4) {
		r := &person{id: "r" + strconv.Itoa(i+1), at: at}
		r.family, r.sanction = severity(t.draw, p.Items)
		t.numbered++
		t.people = append(t.people, r)
		p.Respondents = append(p.Respondents, ledger.NewRespondent{
			ID: r.id, Employment: employment(t.draw), Class: position(t.draw), Institution: at,
		})
	}
	t.say(1, by, ledger.CaseOpenedKind, p)
}

func (t *teller) throughKASN() {
	if t.chance(3) {
		t.say(2, ledger.Bawaslu, ledger.CaseWithdrawnKind, ledger.CaseWithdrawn{By: "reporter"})
		return
	}
	if t.chance(4) {
		t.say(2, ledger.Bawaslu, ledger.CompletenessCheckedKind, ledger.CompletenessChecked{Result: "incomplete"})
		end := ledger.CaseNotRegistered{Reason: "material-incomplete"}
		t.say(2, ledger.Bawaslu, ledger.CaseNotRegisteredKind, end)
		if len(t.people) == 1 {
			t.reconsidered(ledger.Bawaslu, ledger.CaseNotRegisteredKind, end)
		}
		return
	}
	t.say(2, ledger.Bawaslu, ledger.CompletenessCheckedKind, ledger.CompletenessChecked{Result: "complete"})
	t.say(1, ledger.Bawaslu, ledger.CaseRegisteredKind, ledger.CaseRegistered{Register: t.letter("LOAD/").Number})
	t.another(ledger.Bawaslu)
	t.sometimes(ledger.Bawaslu)
	if t.assess(); len(t.people) == 0 {
		return
	}
	t.criminal()
	if t.chance(2) {
		t.say(2, ledger.Bawaslu, ledger.CaseForwardedKind, ledger.CaseForwarded{To: ledger.KASN, Letter: t.letter("LOAD-F")})
		t.say(2, ledger.KASN, ledger.CaseReturnedKind, ledger.CaseReturned{To: ledger.Bawaslu, Letter: t.letter("LOAD-Z"), Reason: "incomplete"})
	}
	t.say(2, ledger.Bawaslu, ledger.CaseForwardedKind, ledger.CaseForwarded{
		To: ledger.KASN, Letter: t.letter("LOAD-F"), Copies: []ledger.AgencyID{ledger.BKN},
	})
	t.say(3, ledger.KASN, ledger.CaseReceivedKind, ledger.CaseReceived{From: ledger.Bawaslu})
	if t.chance(3) {
		t.say(9, ledger.KASN, ledger.CaseCancelledKind, ledger.CaseCancelled{Reason: "no-jurisdiction"})
		return
	}
	t.clarify()
	t.recommend()
}

func (t *teller) throughSharedSystem() {
	result := ledger.OutcomeAccepted
	if t.chance(12) {
		result = ledger.OutcomeRejected
	}
	t.say(7, ledger.BKN, ledger.VerificationConcludedKind, ledger.VerificationConcluded{
		Result: result, Members: []ledger.AgencyID{ledger.BKN, ledger.Bawaslu, ledger.KemenPANRB},
	})
	if result == ledger.OutcomeRejected {
		return
	}
	t.assess()
	t.recommend()
}

// assess leaves in the case those who are assessed as having broken a rule.
func (t *teller) assess() {
	p := ledger.CaseAssessed{Catalogue: t.era.catalogue}
	var left []*person
	for _, r := range t.people {
		a := ledger.AssessedRespondent{ID: r.id, Outcome: ledger.OutcomeNotAViolation}
		if t.chance(88) {
			a.Outcome, a.Items = ledger.OutcomeViolation, t.items
			left = append(left, r)
		}
		p.Respondents = append(p.Respondents, a)
	}
	t.people = left
	t.say(4, ledger.Bawaslu, ledger.CaseAssessedKind, p)
}

// clarify leaves in the case those against whom it was proven.
func (t *teller) clarify() {
	var p ledger.CaseClarified
	var left []*person
	for _, r := range t.people {
		outcome := []string{ledger.OutcomeProven, ledger.OutcomeNotProven, ledger.OutcomeIncomplete, ledger.OutcomePending}[t.weighted(80, 12, 3, 5)]
		if outcome == ledger.OutcomeProven {
			left = append(left, r)
		}
		p.Respondents = append(p.Respondents, ledger.ClarifiedRespondent{ID: r.id, Outcome: outcome})
	}
	t.people = left
	t.say(20, t.supervisor, ledger.CaseClarifiedKind, p)
	if t.chance(2) {
		t.mistaken()
	}
}

func (t *teller) recommend() {
	if len(t.people) == 0 {
		return
	}
	at := t.people[0].at
	letter := t.letter("LOAD-R")
	p := ledger.CaseRecommended{Letter: letter, Sent: letter.Date, Authority: authority(at), Copies: []ledger.AgencyID{ledger.BKN}}
	for _, r := range t.people {
		p.Respondents = append(p.Respondents, ledger.RecommendedRespondent{ID: r.id, Family: r.family, Sanction: r.sanction})
	}
	if t.supervisor == ledger.BKN {
		p.Copies = []ledger.AgencyID{ledger.KemenPANRB}
	}
	t.say(5, t.supervisor, ledger.CaseRecommendedKind, p)
	if at.Kind != "central" && t.chance(15) {
		t.say(20, ledger.Kemendagri, ledger.PPKAdmonishedKind, ledger.PPKAdmonished{
			Letter: t.letter("LOAD-T"), Authority: p.Authority,
			Recommendation: ledger.RecommendationRef{Agency: t.supervisor, Number: letter.Number},
		})
	}
	if t.chance(1) {
		t.say(5, ledger.KemenPANRB, ledger.PPKSanctionedKind, ledger.PPKSanctioned{
			Letter: t.letter("LOAD-P"), Authority: p.Authority, Basis: "UU 23/2014",
			Recommendation: ledger.RecommendationRef{Agency: t.supervisor, Number: letter.Number},
		})
	}
	for _, r := range t.people {
		t.follow(r)
	}
}

// follow tells what became of one respondent.
func (t *teller) follow(r *person) {
	only := ledger.Named{Respondents: []string{r.id}}
	if t.chance(75) {
		t.say(5, ledger.BKN, ledger.ExaminationBegunKind, ledger.ExaminationBegun{Named: only})
	}
	switch t.weighted(70, 20, 7, 3) {
	case 0:
		t.decide(r)
	case 1:
		for _, kind := range []ledger.Kind{ledger.ControlWarnedKind, ledger.ControlReprimandedKind, ledger.ControlBlockedKind} {
			t.say(8, ledger.BKN, kind, ledger.ControlStep{Letter: t.letter("LOAD-C"), Named: only})
		}
		if t.chance(70) {
			t.decide(r)
			t.say(3, ledger.BKN, ledger.ControlUnblockedKind, ledger.ControlStep{Letter: t.letter("LOAD-C"), Named: only})
		}
	case 2: // nothing yet
	default:
		t.say(9, ledger.BKN, ledger.LeftServiceKind, ledger.LeftService{Reason: "retired", Respondents: only.Respondents})
	}
}

func (t *teller) decide(r *person) {
	d := ledger.DecidedRespondent{ID: r.id, Outcome: ledger.OutcomeNotProven}
	if t.chance(92) {
		d.Outcome, d.Family = ledger.OutcomeSanctioned, r.family
		law := law2021
		if t.now.Before(day("2021-08-31")) {
			law = law2010
		}
		d.Level, d.Kind = law.decreed(t.draw, r.sanction)
	}
	decree := t.letter("LOAD-D")
	t.say(10, ledger.BKN, ledger.DecisionRecordedKind, ledger.DecisionRecorded{Decree: decree, Respondents: []ledger.DecidedRespondent{d}})
	t.aftermath(r, decree, d)
}
