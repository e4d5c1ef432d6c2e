package simulate

import (
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/berkas-ledger/berkas/agencies"
	"github.com/berkas-ledger/berkas/ledger"
)

// LoadConfig says how large a generated history is.
type LoadConfig struct {
	Config
	Cases int
	// Abreast is how many cases go on at a time; zero is 500. Their events come
	// mixed, those of one case in their order.
	Abreast int
	// Bare leaves out the roster events that come first: regimes and contests.
	// A ledger takes them once.
	Bare bool
}

// Load yields a valid history of any number of cases with one to four
// respondents and every outcome, for measurements; some eight events a case, and
// at times a table of figures. Cases of 2020 to the beginning of 2024 go by way
// of KASN, later ones through the shared system.
//
// Events are in order of time within a case only. All lie before 2026 and need
// the mandates for late recording.
func Load(c LoadConfig) iter.Seq2[Step, error] {
	return func(yield func(Step, error) bool) {
		l := &load{config: c, draw: newDraw(c.Seed, 1), atlas: newAtlas(), ids: newDraw(c.Seed, 2)}
		if c.Abreast < 1 {
			l.config.Abreast = 500
		}
		if !c.Bare {
			for _, e := range loadRoster() {
				if s, err := l.write(e.act, e.subject); !yield(s, err) || err != nil {
					return
				}
			}
		}
		l.run(yield)
	}
}

func loadRoster() []event {
	out := rosterEvents()
	for _, x := range []ledger.Contest{
		{ID: "pemilu-2024", Kind: "pemilu", Voting: "2024-02-14", Determination: "2023-11-13", Doubt: ledger.DoubtUnsure},
		{ID: "pilkada-2024", Kind: "pilkada", Voting: "2024-11-27", Determination: "2024-09-22", Doubt: ledger.DoubtNone},
	} {
		out = append(out, event{
			act:     act{at: day("2022-06-09").Add(9 * time.Hour), by: ledger.Bawaslu, kind: ledger.ContestPublishedKind, payload: func() any { return x }},
			subject: x.ID,
		})
	}
	return out
}

// load makes cases as they are needed, so that a history of millions takes no
// more memory than what goes on at a time.
type load struct {
	config LoadConfig
	draw
	ids    draw
	atlas  atlas
	begun  int
	active []*loadCase
	// finished is a case all of whose events are told, for others to be linked to.
	finished string
}

// loadCase is a case of which some events are still to be told.
type loadCase struct {
	id   string
	told int
	acts []act
	// duplicate: nothing is a duplicate of it.
	duplicate bool
}

const casesPerTable = 500

func (l *load) run(yield func(Step, error) bool) {
	for {
		for len(l.active) < l.config.Abreast && l.begun < l.config.Cases {
			l.begun++
			l.active = append(l.active, l.newCase())
			if l.begun%casesPerTable == 0 {
				if s, err := l.write(l.figures(), "load-"+strconv.Itoa(l.begun/casesPerTable)); !yield(s, err) || err != nil {
					return
				}
			}
		}
		if len(l.active) == 0 {
			return
		}
		i := l.IntN(len(l.active))
		c := l.active[i]
		s, err := l.write(c.acts[c.told], c.id)
		if !yield(s, err) || err != nil {
			return
		}
		if c.told++; c.told == len(c.acts) {
			if !c.duplicate {
				l.finished = c.id
			}
			l.active[i] = l.active[len(l.active)-1]
			l.active = l.active[:len(l.active)-1]
		}
	}
}

func (l *load) write(a act, subject string) (Step, error) {
	id := l.ids.id(a.at)
	if a.told != nil {
		a.told(id)
	}
	payload := a.payload()
	if p, ok := payload.(ledger.CaseOpened); ok && l.config.Seal != nil {
		var persons agencies.Persons
		for range p.Respondents {
			persons.Respondents = append(persons.Respondents, identity(1+l.ids.IntN(99_999)))
		}
		if err := (agencies.Office{Origin: l.config.Origin}).SealInto(&p, subject, id, persons, l.config.Seal); err != nil {
			return Step{}, fmt.Errorf("simulate: %w", err)
		}
		payload = p
	}
	d, err := agencies.Compose(l.config.Origin, a.by, a.kind, subject, a.at, payload, agencies.WithID(id))
	if err != nil {
		return Step{}, fmt.Errorf("simulate: %w", err)
	}
	return l.config.say(a.by, d)
}

// figures is a table that nobody published.
func (l *load) figures() act {
	n := l.begun / casesPerTable
	p := ledger.FiguresPublished{
		Table: "load-" + strconv.Itoa(n), Publisher: ledger.BKN, Doubt: ledger.DoubtUnsure, Sources: []string{"nowhere.example/" + strconv.Itoa(n)},
		Figures: []ledger.FigureV1{
			{AsOf: "2025-06-30", Unit: ledger.UnitRespondent, Measure: "sanctioned+not_followed_up", Value: uint64(l.begun)},
			{AsOf: "2025-06-30", Unit: ledger.UnitRespondent, Measure: "blocked", Filter: map[string]string{"office": "IV"}, Value: uint64(n)},
		},
	}
	return act{at: day("2025-07-01").Add(opens), by: ledger.BKN, kind: ledger.FiguresPublishedKind, payload: func() any { return p }}
}
