package simulate

import (
	"strconv"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// story is one case as it is told: who is in it and what happened.
type story struct {
	id      string
	group   *group
	opening ledger.CaseOpened
	people  []*person
	opened  time.Time
	acts    []act

	reporter int // number of the invented reporter, 0 for none
}

// person is a respondent.
type person struct {
	id     string // r1, r2, ...
	number int    // of the invented person
	fate   fate
	at     ledger.Institution

	family, sanction string // as recommended
	letter           *paper // of the recommendation
}

// act is one event of a story. Its payload is written when all letters have
// their numbers.
type act struct {
	at          time.Time
	by          ledger.AgencyID
	kind        ledger.Kind
	payload     func() any
	correlation string
	careful     bool // states the case's version
	// told, if set, is told the event's id when it is written.
	told func(id string)
}

// track is a line of events of which each follows the one before; the parts of
// several respondents go on side by side.
type track struct {
	story *story
	last  time.Time
	draw  draw
}

// add puts an event on a day, or later on the day of the one before.
func (t *track) add(on time.Time, by ledger.AgencyID, kind ledger.Kind, payload func() any) *act {
	on = latest(on, day(dateOf(t.last)))
	t.last = t.draw.later(on, t.last)
	t.story.acts = append(t.story.acts, act{at: t.last, by: by, kind: kind, payload: payload})
	return &t.story.acts[len(t.story.acts)-1]
}

// with lists the respondents whose fate fits.
func (s *story) with(fits func(fate) bool) []*person {
	var out []*person
	for _, p := range s.people {
		if fits(p.fate) {
			out = append(out, p)
		}
	}
	return out
}

// names lists ids for an event; nil when they are all of the case, so that the
// event speaks of everybody whose part is open.
func (s *story) names(people []*person) []string {
	if len(people) == len(s.people) {
		return nil
	}
	ids := make([]string, len(people))
	for i, p := range people {
		ids[i] = p.id
	}
	return ids
}

// atBawaslu tells the part of a case until it leaves Bawaslu.
func (h *historian) atBawaslu(s *story, left time.Time) *track {
	first := latest(day(s.group.opened), left.AddDate(0, 0, -9))
	opened := h.workday(first, latest(first, left.AddDate(0, 0, -3)))
	if s.group.opened == inProcess {
		opened = h.workday(day(inProcess), day("2020-10-02"))
	}
	t := &track{story: s, draw: h.draw, last: opened}
	t.add(opened, ledger.Bawaslu, ledger.CaseOpenedKind, func() any { return s.opening })
	s.opened = t.last
	if s.people[0].fate == withdrawn {
		t.add(h.workday(opened, left), ledger.Bawaslu, ledger.CaseWithdrawnKind, func() any { return ledger.CaseWithdrawn{By: "reporter"} })
		return t
	}
	checked := h.workday(opened, earliest(opened.AddDate(0, 0, 2), left))
	result := "complete"
	if s.people[0].fate == notRegistered {
		result = "incomplete"
	}
	t.add(checked, ledger.Bawaslu, ledger.CompletenessCheckedKind, func() any { return ledger.CompletenessChecked{Result: result} })
	registered := h.workday(checked, earliest(checked.AddDate(0, 0, 2), left))
	if s.people[0].fate == notRegistered {
		reason := pick(h.draw, []string{"formal-incomplete", "material-incomplete", "expired"})
		t.add(registered, ledger.Bawaslu, ledger.CaseNotRegisteredKind, func() any { return ledger.CaseNotRegistered{Reason: reason} })
		return t
	}
	entry := h.papers.register.on(registered)
	t.add(registered, ledger.Bawaslu, ledger.CaseRegisteredKind, func() any { return ledger.CaseRegistered{Register: entry.number} })
	assessed := h.workday(latest(registered, left.AddDate(0, 0, -2)), left)
	t.add(assessed, ledger.Bawaslu, ledger.CaseAssessedKind, func() any { return assessment(s) })
	return t
}

func assessment(s *story) ledger.CaseAssessed {
	p := ledger.CaseAssessed{Catalogue: ledger.CatalogueSKB2020}
	for _, r := range s.people {
		a := ledger.AssessedRespondent{ID: r.id, Outcome: ledger.OutcomeViolation, Items: s.opening.Items}
		if r.fate == notViolation {
			a.Outcome, a.Items = ledger.OutcomeNotAViolation, nil
		}
		p.Respondents = append(p.Respondents, a)
	}
	return p
}

// forward tells the hand-over to KASN.
func (h *historian) forward(t *track, left time.Time) {
	s := t.story
	gone := s.with(fate.forwarded)
	// Of cases in which KASN recommends, BKN may hear by a copy of that letter
	// only.
	copied := s.group.copied && (len(s.with(fate.recommended)) == 0 || h.chance(50))
	letter := h.papers.forwarding.on(left)
	t.add(left, ledger.Bawaslu, ledger.CaseForwardedKind, func() any {
		p := ledger.CaseForwarded{To: ledger.KASN, Letter: letter.letter(), Named: ledger.Named{Respondents: s.names(gone)}}
		if copied {
			p.Copies = []ledger.AgencyID{ledger.BKN}
		}
		return p
	})
	if gone[0].fate == waiting && len(s.people) == 1 && h.chance(20) {
		return // not received yet
	}
	t.add(h.within(span{}, left, 1, 4), ledger.KASN, ledger.CaseReceivedKind, func() any { return ledger.CaseReceived{From: ledger.Bawaslu} })
}

// clarify tells what KASN found, on a day before its letter or, where there is
// none, some weeks after the forwarding.
func (h *historian) clarify(t *track, left, recommended time.Time) {
	s := t.story
	heard := s.with(fate.forwarded)
	on := h.within(span{}, left, 8, 35)
	if !recommended.IsZero() {
		on = h.workday(left.AddDate(0, 0, 5), recommended.AddDate(0, 0, -2))
	}
	if len(s.with(func(f fate) bool { return f.forwarded() && f != waiting })) == 0 && h.chance(70) {
		return // nothing to say yet
	}
	t.add(on, ledger.KASN, ledger.CaseClarifiedKind, func() any {
		var p ledger.CaseClarified
		for _, r := range heard {
			p.Respondents = append(p.Respondents, ledger.ClarifiedRespondent{ID: r.id, Outcome: r.fate.clarified()})
		}
		return p
	})
}

// recommend tells KASN's letters, one to each appointing authority. letter is
// given where it speaks of more than this case.
func (h *historian) recommend(t *track, on time.Time, letter *paper, correlation string) {
	s := t.story
	var order []string
	byAuthority := map[string][]*person{}
	for _, p := range s.with(fate.recommended) {
		key := authority(p.at).Key()
		if byAuthority[key] == nil {
			order = append(order, key)
		}
		byAuthority[key] = append(byAuthority[key], p)
	}
	for _, key := range order {
		people, sent := byAuthority[key], letter
		if sent == nil {
			sent = h.papers.recommendation.on(on)
		}
		copies := []ledger.AgencyID{ledger.BKN}
		if h.chance(30) {
			copies = append(copies, ledger.KemenPANRB)
		}
		for _, p := range people {
			p.letter = sent
			p.family, p.sanction = severity(h.draw, s.opening.Items)
		}
		a := t.add(on, ledger.KASN, ledger.CaseRecommendedKind, func() any {
			p := ledger.CaseRecommended{Letter: sent.letter(), Sent: dateOf(on), Authority: authority(people[0].at), Copies: copies}
			for _, r := range people {
				p.Respondents = append(p.Respondents, ledger.RecommendedRespondent{ID: r.id, Family: r.family, Sanction: r.sanction})
			}
			return p
		})
		a.correlation = correlation
	}
}

// newStory makes a case and its people, who work where the first of them does
// but for a few.
func (h *historian) newStory(g *group, fates string, at ledger.Institution, where region) *story {
	s := &story{group: g}
	items := alleged(h.draw)
	for i := range fates {
		h.persons++
		p := &person{id: "r" + strconv.Itoa(i+1), number: h.persons, fate: fate(fates[i]), at: at}
		if i > 0 && !g.admonished && !g.central && at.Kind != "province" && h.chance(15) {
			p.at = h.atlas.provinceOf(where).institution()
		}
		s.people = append(s.people, p)
	}
	s.opening = ledger.CaseOpened{
		Channel: ledger.ChannelOffice, Origin: ledger.OriginFinding, Contest: "pilkada-2020",
		Act: ledger.Act{Region: where.code}, Catalogue: ledger.CatalogueSKB2020, Items: items,
	}
	for _, p := range s.people {
		s.opening.Respondents = append(s.opening.Respondents, ledger.NewRespondent{
			ID: p.id, Employment: employment(h.draw), Class: position(h.draw), Institution: p.at,
		})
	}
	return s
}
