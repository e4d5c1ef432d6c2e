package simulate

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/berkas-ledger/berkas/agencies"
	"github.com/berkas-ledger/berkas/ledger"
)

// inProcess is the first day on which the cases were opened that Bawaslu had in
// hand on 4 October.
const inProcess ledger.Date = "2020-09-30"

// historian writes the stories of a plan.
type historian struct {
	draw
	atlas   atlas
	papers  library
	stories []*story

	persons, reporters int
	confirmed          int
	decided            decided
	stuck              []stuck
}

// Pilkada2020 yields the history whose totals are the published tables bws20,
// mdn20, bkn20 and bkn20lakip: first what the roster has to know, then all
// events in order of time.
//
// It happened in 2020 and 2021; whoever records it today needs the mandates for
// late recording.
func Pilkada2020(c Config) iter.Seq2[Step, error] {
	return func(yield func(Step, error) bool) {
		h := &historian{draw: newDraw(c.Seed, 2020), atlas: newAtlas(), papers: newLibrary()}
		h.write()
		if c.Seal != nil && c.Holders != nil {
			if err := c.Holders(h.holders()); err != nil {
				yield(Step{}, fmt.Errorf("simulate: keys: %w", err))
				return
			}
		}
		h.emit(&c, yield)
	}
}

// write makes all stories of the plan.
func (h *historian) write() {
	for i := range plan {
		g := &plan[i]
		if g.admonished {
			h.writeAdmonished(g)
			continue
		}
		for _, m := range g.mixes {
			for range m.cases {
				h.writeCase(g, m.fates)
			}
		}
	}
	h.liftBlocks()
	h.endSome()
	h.reported()
	h.papers.number()
	h.name()
}

func (h *historian) writeCase(g *group, fates string) {
	where := h.atlas.anywhere(h.draw)
	at := where.institution()
	if g.central || h.chance(7) && fate(fates[0]) != blocked {
		at = central(h.draw)
	}
	s := h.newStory(g, fates, at, where)
	left := h.busy(g.left)
	var sent time.Time
	if len(s.with(fate.recommended)) > 0 {
		sent = h.within(g.recommended, left, 10, 32)
	}
	h.tell(s, left, sent, nil, "")
}

// tell writes the events of a case that left Bawaslu on a day and, where sent is
// not zero, was recommended on another.
func (h *historian) tell(s *story, left, sent time.Time, letter *paper, correlation string) {
	h.stories = append(h.stories, s)
	t := h.atBawaslu(s, left)
	s.opening.Act.Date = dateOf(s.opened.AddDate(0, 0, -h.between(1, 14)))
	if len(s.with(fate.forwarded)) == 0 {
		return
	}
	h.forward(t, left)
	if len(s.acts) == 5 {
		return // not received: opened, checked, registered, assessed, forwarded
	}
	h.clarify(t, left, sent)
	if sent.IsZero() {
		return
	}
	h.recommend(t, sent, letter, correlation)
	for _, f := range []fate{sanctioned, lifted, examined, late, blocked, december} {
		if people := s.with(func(o fate) bool { return o == f }); len(people) > 0 {
			h.follow(s, f, people, sent, *t)
		}
	}
}

// liftBlocks tells which blocks were lifted in 2021.
func (h *historian) liftBlocks() {
	h.Shuffle(len(h.stuck), func(i, j int) { h.stuck[i], h.stuck[j] = h.stuck[j], h.stuck[i] })
	left := unblocked21
	for _, s := range h.stuck {
		if len(s.people) > left {
			continue
		}
		left -= len(s.people)
		h.decide(s.track, s.people, h.workday(day("2021-01-05"), day("2021-07-28")))
		h.unblock(s.track, s.people, h.within(span{"", "2021-08-06"}, s.track.last, 1, 9))
	}
	if left != 0 {
		panic("simulate: the plan has no blocks that add up")
	}
}

// endSome tells of respondents who left the service and of cases that KASN
// cancelled, in 2021.
func (h *historian) endSome() {
	var open []*story
	for _, s := range h.stories {
		// BKN speaks only of cases that it sees anyhow, or its totals would grow.
		if s.group.copied && len(s.people) == 1 && s.people[0].fate == waiting && s.acts[len(s.acts)-1].by == ledger.KASN {
			open = append(open, s)
		}
	}
	h.Shuffle(len(open), func(i, j int) { open[i], open[j] = open[j], open[i] })
	for i, s := range open[:leftService+cancelled] {
		t := &track{story: s, draw: h.draw, last: s.acts[len(s.acts)-1].at}
		if i < leftService {
			reason := pick(h.draw, []string{"retired", "died", "resigned"})
			t.add(h.workday(day("2021-02-01"), day("2021-02-26")), ledger.BKN, ledger.LeftServiceKind, func() any {
				return ledger.LeftService{Reason: reason, Respondents: []string{"r1"}}
			})
			continue
		}
		t.add(h.workday(day("2021-01-11"), day("2021-01-29")), ledger.KASN, ledger.CaseCancelledKind, func() any {
			return ledger.CaseCancelled{Reason: "no-jurisdiction"}
		})
	}
}

// reported makes some cases reports: as many of those counted on 4 October as
// were published, all that were withdrawn, and one in ten of the rest.
func (h *historian) reported() {
	var counted []*story
	for _, s := range h.stories {
		switch {
		case s.group.countedByBawaslu():
			counted = append(counted, s)
		case s.people[0].fate == withdrawn || h.chance(10):
			h.report(s)
		}
	}
	h.Shuffle(len(counted), func(i, j int) { counted[i], counted[j] = counted[j], counted[i] })
	for _, s := range counted[:reports] {
		h.report(s)
	}
}

func (h *historian) report(s *story) {
	h.reporters++
	s.opening.Origin, s.reporter = ledger.OriginReport, h.reporters
}

// name gives the cases their ids.
func (h *historian) name() {
	slices.SortStableFunc(h.stories, func(a, b *story) int { return a.opened.Compare(b.opened) })
	for _, s := range h.stories {
		s.id = h.id(s.opened)
	}
}

func (h *historian) holders() []Holder {
	var out []Holder
	for _, s := range h.stories {
		for _, p := range s.people {
			out = append(out, Holder{s.id, p.id})
		}
		if s.reporter > 0 {
			out = append(out, Holder{s.id, agencies.Reporter})
		}
	}
	return out
}
