package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/roster"
)

// One case: where it stands and how it came there, every record with both its times
// and what is held of it, what is owed, what may follow, and what was known when.

type casePage struct {
	ID          string
	AsOf        time.Time // zero: everything
	KnownAt     ledger.Position
	Field       momentField
	Now         string         // address without the two times
	Zone        *time.Location // of the place of the act, where it is not Jakarta's
	Case        ledger.Case
	Respondents []respondentLine
	Steps       []caseStep
	Chart       caseChart
	Owed        []workLine
	Documents   []caseDocument
	Links       []caseLink
	LinksKnown  bool            // links from other cases could be asked for
	Head        ledger.Position // the ledger's last record
	LateDays    int
	Sealed      sealedState
	Covered     int // records shown that the checkpoint covers
	Next        []nextBy
	Bundles     bool   // there is a log to make bundles from
	PDF         string // "" if it cannot be had
	Since       caseSince
	Slider      slider // over what was known
}

// moment is when obligations are looked at.
func (p *casePage) moment(now time.Time) time.Time {
	if p.AsOf.IsZero() {
		return now
	}
	return p.AsOf
}

// Past says that the case is not shown as it stands now.
func (p *casePage) Past() bool { return p.KnownAt != 0 || !p.AsOf.IsZero() }

type respondentLine struct {
	ledger.Respondent
	Place    text
	Items    []text
	Standing string // level of the sanction that stands, "" if none does
}

func (s *Server) showCase(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	return s.answer(w, r, view{Template: "case", Title: text{"Kasus " + shortID(id), "Case " + shortID(id)}, Records: true}, func(values url.Values) (filling, error) {
		at, err := casePointOf(values)
		return func(context.Context) (any, error) { return s.casePage(r, at) }, err
	})
}

func (s *Server) casePage(r *http.Request, at casePoint) (*casePage, error) {
	id, ctx, now := r.PathValue("id"), r.Context(), s.Now()
	page := &casePage{
		ID: id, AsOf: at.asOf, Head: s.Head(), Now: casesPath + "/" + id,
		Field: fieldOf("as-of", at.asOf, string(ledger.DayOf(now))), Bundles: s.Files != nil && s.RosterRecords != nil,
	}
	if !caseID.MatchString(id) {
		return page, errNoCase
	}
	if s.CaseRecords == nil {
		return page, errUnavailable
	}
	records, err := s.CaseRecords(ctx, id)
	if err != nil {
		return page, err
	}
	if err := at.settle(records, now); err != nil {
		return page, err
	}
	page.KnownAt = at.knownAt
	steps, err := s.rosterStepsOf(ctx)
	if err != nil {
		return page, err
	}
	page.Sealed = s.sealedNow(ctx)
	reading := caseReading{page: page, at: at, current: s.Roster(), roster: steps}
	page.LateDays = reading.current.Genesis().LateAfterDays
	if err := reading.read(records, now); err != nil {
		return page, err
	}
	page.linksFrom(ctx, s)
	if zone := ledger.ZoneOf(page.Case.Act.Region); zone != ledger.Jakarta {
		page.Zone = zone
	}
	for i := range page.Case.Respondents {
		page.Respondents = append(page.Respondents, respondentOf(page.Case.Respondents[i]))
	}
	page.PDF = paperAddress(id, at)
	if at == (casePoint{}) {
		page.Next = nextOf(page.Case, reading.current, now)
	}
	return page, nil
}

// caseReading turns records into a page.
type caseReading struct {
	page    *casePage
	at      casePoint
	current *roster.Roster
	roster  []rosterStep
	of      map[ledger.Position]ledger.Record
	all     []ledger.CaseEvent                  // whatever the two times
	known   []ledger.CaseEvent                  // up to the position that is asked about
	later   map[ledger.Position]ledger.Position // the correction of each of all; nil: not looked at yet
}

// read folds the records that are asked for, corrections heeded.
func (c *caseReading) read(records []ledger.Record, now time.Time) error {
	p := c.page
	c.of = map[ledger.Position]ledger.Record{}
	for _, r := range records {
		e, err := ledger.DecodeRecord(r)
		if err != nil {
			return err
		}
		c.of[r.Position] = r
		placed := ledger.CaseEvent{Position: r.Position, Recorded: r.Recorded, Event: e}
		c.all = ledger.Insert(c.all, placed)
		if c.at.knownAt == 0 || r.Position <= c.at.knownAt {
			c.known = ledger.Insert(c.known, placed)
		}
	}
	var state ledger.Case
	strips := newCaseStrips()
	// A correction that is known is heeded, whenever it happened.
	for _, e := range ledger.Effective(c.known) {
		if !c.at.asOf.IsZero() && e.Time.After(c.at.asOf) {
			break
		}
		next := state.Apply(e)
		step := c.step(e)
		step.Moves = movesOf(&state, &next)
		p.Steps = append(p.Steps, step)
		p.note(e)
		state = next
		strips.tell(&state, e.Time)
		if e.Position <= p.Sealed.Size {
			p.Covered++
		}
	}
	if len(p.Steps) == 0 {
		return errNoCase
	}
	p.Case = state
	pending := slices.ContainsFunc(state.Respondents, func(r ledger.Respondent) bool { return !r.Stage.End() && r.Stage != ledger.StageDecided })
	p.Chart = strips.chart(p.Steps[0].Happened, p.Steps[len(p.Steps)-1].Happened, p.moment(now), pending)
	p.owe(c, now)
	p.Since = c.since()
	p.Slider = c.slider()
	return nil
}

// owe lists what is, and was, owed in the case.
func (p *casePage) owe(c *caseReading, now time.Time) {
	at := p.moment(now)
	for _, o := range ledger.Obligations(c.known, rulesAt(c.roster, c.at.knownAt, c.current), at) {
		p.Owed = append(p.Owed, workLineOf(o, at, ""))
	}
}

func respondentOf(r ledger.Respondent) respondentLine {
	out := respondentLine{Respondent: r, Place: regionWord(r.Institution.Key())}
	for _, item := range r.Items {
		out.Items = append(out.Items, itemWord(item))
	}
	if r.Decision != nil && r.Stage == ledger.StageDecided {
		if standing, ok := r.Decision.Standing(); ok {
			out.Standing = standing.Level
		}
	}
	return out
}

// nextBy is what an agency may record about a case now.
type nextBy struct {
	Agency ledger.AgencyID
	Moves  []nextKind // what moves the case
	Always []nextKind // what takes part at any time: links, evidence, corrections
}

type nextKind struct {
	Kind        ledger.Kind
	Respondents []string // for whom; none where it is about the case
}

// nextOf says of each institution what it may record about a case at a moment.
// It asks what the registrar asks: mandate, its scope, and the rules of the case.
func nextOf(c ledger.Case, r *roster.Roster, at time.Time) []nextBy {
	var out []nextBy
	law := r.LawAt(at)
	for _, i := range r.Institutions() {
		if i.Kind != ledger.KindInstitution {
			continue
		}
		next := nextBy{Agency: i.ID}
		for _, info := range ledger.Kinds {
			if info.Stream != ledger.StreamCase || info.NoVersion || r.Entitled(c, info, i.ID, at) != nil {
				continue
			}
			may := c.May(i.ID, info, law)
			if may.WhyNot != "" {
				continue
			}
			kind := nextKind{info.Kind, may.Respondents}
			if info.Kind == ledger.CaseLinkedKind || info.Kind == ledger.EvidenceAttachedKind || info.Kind == ledger.EventCorrectedKind {
				next.Always = append(next.Always, kind)
			} else {
				next.Moves = append(next.Moves, kind)
			}
		}
		if len(next.Moves)+len(next.Always) > 0 {
			out = append(out, next)
		}
	}
	slices.SortStableFunc(out, func(a, b nextBy) int { return len(b.Moves) - len(a.Moves) })
	return out
}
