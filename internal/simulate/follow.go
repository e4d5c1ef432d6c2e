package simulate

import (
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// The days between which the two tables of BKN lie.
const (
	bknNovember ledger.Date = "2020-11-25" // the last day before the table bkn20 was drawn up
	afterBKN    ledger.Date = "2020-11-30"
	yearEnd     ledger.Date = "2020-12-29"
)

// follow tells what became of the respondents of one fate after a letter was
// sent on a day.
func (h *historian) follow(s *story, f fate, people []*person, sent time.Time, from track) {
	t := &from
	switch f {
	case sanctioned:
		h.sanctionInTime(t, people, sent)
	case lifted:
		h.warn(t, people, h.within(span{}, sent, 18, 25))
		on := h.within(span{}, t.last, 14, 24)
		h.block(t, people, on)
		h.decide(t, people, h.within(span{}, on, 10, 30))
		h.unblock(t, people, h.within(span{}, t.last, 1, 6))
	case examined:
		h.examineBefore26(t, people, sent)
		h.decide(t, people, h.workday(day(afterBKN), day(yearEnd)))
	case late:
		h.examineBefore26(t, people, sent)
		h.warn(t, people, h.workday(day("2020-11-30"), day("2020-12-04")))
		h.block(t, people, h.workday(day("2020-12-10"), day(yearEnd)))
		h.stuck = append(h.stuck, stuck{t, people})
	case blocked, december:
		if s.group.admonished {
			h.warn(t, people, h.workday(day("2020-10-29"), day("2020-11-05")))
			h.block(t, people, h.workday(day("2020-11-12"), day("2020-11-24")))
		} else {
			h.warn(t, people, h.within(span{}, sent, 20, 35))
			h.block(t, people, h.within(span{"2020-07-01", "2020-11-20"}, t.last, 14, 200))
		}
		if f == blocked {
			h.stuck = append(h.stuck, stuck{t, people})
			return
		}
		h.decide(t, people, h.workday(day("2020-12-01"), day("2020-12-18")))
		h.unblock(t, people, h.within(span{"", yearEnd}, t.last, 1, 7))
	default: // not recommended: nothing follows
	}
}

// stuck is a block that stands at the end of 2020.
type stuck struct {
	track  *track
	people []*person
}

func (h *historian) sanctionInTime(t *track, people []*person, sent time.Time) {
	if t.story.group.admonished {
		if h.chance(60) {
			h.examine(t, people, h.workday(day("2020-10-28"), day("2020-11-10")))
		}
		h.decide(t, people, h.workday(day("2020-11-03"), day(bknNovember)))
		return
	}
	if h.chance(70) {
		h.examine(t, people, h.within(span{}, sent, 2, 7))
	}
	h.decide(t, people, h.within(span{"", bknNovember}, sent, 8, 38))
	if h.confirmed < confirmed && h.chance(8) {
		h.confirm(t, people[0])
	}
}

func (h *historian) examineBefore26(t *track, people []*person, sent time.Time) {
	if t.story.group.admonished {
		h.examine(t, people, h.workday(day("2020-10-28"), day("2020-11-20")))
		return
	}
	h.examine(t, people, h.within(span{"", bknNovember}, sent, 2, 9))
}

func (h *historian) examine(t *track, people []*person, on time.Time) {
	names := t.story.names(people)
	t.add(on, ledger.BKN, ledger.ExaminationBegunKind, func() any {
		return ledger.ExaminationBegun{Named: ledger.Named{Respondents: names}}
	})
}

// decide tells that BKN recorded the authority's decrees, one for each; a decree
// is some days older than BKN's knowledge of it.
func (h *historian) decide(t *track, people []*person, on time.Time) {
	for _, p := range people {
		since := latest(day(dateOf(t.last)), on.AddDate(0, 0, -4))
		decree := h.papers.decree.on(h.workday(earliest(since, on), on))
		level, kind := law2010.decreed(h.draw, p.sanction)
		t.add(on, ledger.BKN, ledger.DecisionRecordedKind, func() any {
			return ledger.DecisionRecorded{Decree: decree.letter(), Respondents: []ledger.DecidedRespondent{{
				ID: p.id, Outcome: ledger.OutcomeSanctioned, Family: p.family, Level: level, Kind: kind,
			}}}
		})
		h.decided = decided{decree, level, kind}
	}
}

// decided is the decree that was told last.
type decided struct {
	decree      *paper
	level, kind string
}

// confirm tells that KASN recorded the decree too, a few times with another
// sanction than BKN did.
func (h *historian) confirm(t *track, p *person) {
	if t.story.names([]*person{p}) != nil {
		return // the last decree would be another's
	}
	d := h.decided
	if h.confirmed < disputed {
		if p.family == ledger.FamilyEthics {
			d.level, d.kind = "moral-open", "moral-statement-open"
		} else {
			d.level, d.kind = "light", "written-dissatisfaction"
		}
		if d.level == h.decided.level {
			return
		}
	}
	h.confirmed++
	t.add(h.within(span{}, t.last, 3, 12), ledger.KASN, ledger.DecisionRecordedKind, func() any {
		return ledger.DecisionRecorded{Decree: d.decree.letter(), Respondents: []ledger.DecidedRespondent{{
			ID: p.id, Outcome: ledger.OutcomeSanctioned, Family: p.family, Level: d.level, Kind: d.kind,
		}}}
	})
}

// warn tells BKN's warning, and at times the reprimand after it, which was not
// yet required before a block.
func (h *historian) warn(t *track, people []*person, on time.Time) {
	h.control(t, people, on, ledger.ControlWarnedKind)
	if h.chance(30) {
		h.control(t, people, h.within(span{}, t.last, 3, 5), ledger.ControlReprimandedKind)
	}
}

func (h *historian) block(t *track, people []*person, on time.Time) {
	h.control(t, people, on, ledger.ControlBlockedKind).careful = true
}

func (h *historian) unblock(t *track, people []*person, on time.Time) {
	h.control(t, people, on, ledger.ControlUnblockedKind).careful = true
}

func (h *historian) control(t *track, people []*person, on time.Time, kind ledger.Kind) *act {
	letter := h.papers.control.on(latest(on, day(dateOf(t.last))))
	names := t.story.names(people)
	return t.add(on, ledger.BKN, kind, func() any {
		return ledger.ControlStep{Letter: letter.letter(), Named: ledger.Named{Respondents: names}}
	})
}
