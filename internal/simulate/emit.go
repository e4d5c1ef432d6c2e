package simulate

import (
	"fmt"
	"slices"
	"time"

	"github.com/berkas-ledger/berkas/agencies"
	"github.com/berkas-ledger/berkas/ledger"
)

// event is an act ready to be written.
type event struct {
	act
	subject string
	story   *story // nil for roster events and figures
}

// emit yields the roster events, then everything else in order of time.
func (h *historian) emit(c *Config, yield func(Step, error) bool) {
	events, err := h.events()
	if err != nil {
		yield(Step{}, err)
		return
	}
	ids := newDraw(c.Seed, 7)
	versions := map[string]uint64{}
	for _, e := range events {
		s, err := h.step(c, ids, e, versions[e.subject])
		versions[e.subject]++
		if !yield(s, err) || err != nil {
			return
		}
	}
}

func (h *historian) events() ([]event, error) {
	var out []event
	for _, s := range h.stories {
		for _, a := range s.acts {
			out = append(out, event{a, s.id, s})
		}
	}
	for _, p := range publications {
		figures, err := Published(p.table)
		if err != nil {
			return nil, err
		}
		a := act{at: day(p.on).Add(10 * time.Hour), by: figures.Publisher, kind: ledger.FiguresPublishedKind, payload: func() any { return figures }}
		out = append(out, event{act: a, subject: p.table})
	}
	slices.SortStableFunc(out, func(a, b event) int { return a.at.Compare(b.at) })
	return append(rosterEvents(), out...), nil
}

// rosterEvents are the rules and days that the cases need.
func rosterEvents() []event {
	say := func(on ledger.Date, by ledger.AgencyID, kind ledger.Kind, subject string, payload any) event {
		return event{act: act{at: day(on).Add(9 * time.Hour), by: by, kind: kind, payload: func() any { return payload }}, subject: subject}
	}
	return append(rules(),
		say("2020-06-12", ledger.Bawaslu, ledger.ContestPublishedKind, "pilkada-2020", ledger.Contest{
			ID: "pilkada-2020", Kind: "pilkada", Voting: "2020-12-09", Determination: "2020-09-23", Doubt: ledger.DoubtUnsure,
		}),
	)
}

func (h *historian) step(c *Config, ids draw, e event, version uint64) (Step, error) {
	id := ids.id(e.at)
	payload := e.payload()
	if p, ok := payload.(ledger.CaseOpened); ok && c.Seal != nil {
		if err := h.seal(c, e.story, id, &p); err != nil {
			return Step{}, err
		}
		payload = p
	}
	options := []agencies.Option{agencies.WithID(id)}
	if e.correlation != "" {
		options = append(options, agencies.WithCorrelation(e.correlation))
	}
	if e.careful {
		options = append(options, agencies.WithCaseVersion(version))
	}
	d, err := agencies.Compose(c.Origin, e.by, e.kind, e.subject, e.at, payload, options...)
	if err != nil {
		return Step{}, fmt.Errorf("simulate: %w", err)
	}
	return c.say(e.by, d)
}

// seal puts the invented identities into an opening, which keeps its own copy of
// the respondents.
func (h *historian) seal(c *Config, s *story, eventID string, p *ledger.CaseOpened) error {
	var persons agencies.Persons
	for _, r := range s.people {
		persons.Respondents = append(persons.Respondents, identity(r.number))
	}
	if s.reporter > 0 {
		persons.Reporter = reporter(s.reporter)
	}
	p.Respondents = slices.Clone(p.Respondents)
	if err := (agencies.Office{Origin: c.Origin}).SealInto(p, s.id, eventID, persons, c.Seal); err != nil {
		return fmt.Errorf("simulate: %w", err)
	}
	return nil
}
