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
	Steps       []caseStep // of the part that is shown
	Part        part
	Parts       partLinks
	Chart       caseChart
	Owed        []workLine
	Documents   []caseDocument
	Links       []caseLink
	LinksKnown  bool            // links from other cases could be asked for
	LinksMost   int             // there may be more of these; 0: there are none
	Head        ledger.Position // the ledger's last record
	LateDays    int
	Sealed      sealedState
	Covered     int // records, of all parts, that the checkpoint covers
	Next        []nextBy
	Bundles     bool   // there is a log to make bundles from
	PDF         string // "" if it cannot be had
	Since       caseSince
	Slider      slider // over what was known

	places map[ledger.Position]int // of the records of all parts
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
		// Before the rest: it is known to no other address of a case.
		own, err := takeOwn(values, "at")
		if err != nil {
			return nil, err
		}
		var record ledger.Position
		if own["at"] != "" {
			if record, err = sizeIn(url.Values{"at": {own["at"]}}, "at"); err != nil {
				return nil, badQuery("at", "it is the position of a record of the case")
			}
		}
		at, err := casePointOf(values)
		return func(context.Context) (any, error) { return s.casePage(r, at, record) }, err
	})
}

// casePage shows a case, of a long one the part with a record: the last without one,
// or where the record is not to be seen from those times.
func (s *Server) casePage(r *http.Request, at casePoint, record ledger.Position) (*casePage, error) {
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
	if err := reading.read(records, record, now); err != nil {
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

// read folds the records that are asked for, corrections heeded, and tells the part
// of them that one is in.
func (c *caseReading) read(records []ledger.Record, record ledger.Position, now time.Time) error {
	p := c.page
	events, err := decodeEvents(records)
	if err != nil {
		return err
	}
	c.of = map[ledger.Position]ledger.Record{}
	for _, r := range records {
		c.of[r.Position] = r
	}
	c.all = inOrder(events)
	c.known = upTo(c.at.knownAt, c.all)
	shown := c.at.shown(c.all)
	if len(shown) == 0 {
		return errNoCase
	}
	p.divide(shown, record)
	strips := newCaseStrips()
	for i, e := range shown {
		next := p.Case.Apply(e)
		if p.Part.has(i) {
			step := c.step(e)
			step.Moves = movesOf(&p.Case, &next)
			p.Steps = append(p.Steps, step)
			p.note(e)
		}
		p.Case = next
		strips.tell(&p.Case, e.Time)
		if e.Position <= p.Sealed.Size {
			p.Covered++
		}
	}
	pending := slices.ContainsFunc(p.Case.Respondents, func(r ledger.Respondent) bool { return !r.Stage.End() && r.Stage != ledger.StageDecided })
	p.Chart = strips.chart(shown[0].Time, shown[len(shown)-1].Time, p.moment(now), pending)
	p.owe(c, now)
	p.Since = c.since()
	p.Slider = c.slider()
	return nil
}

// divide finds the part to show.
func (p *casePage) divide(shown []ledger.CaseEvent, record ledger.Position) {
	p.places = make(map[ledger.Position]int, len(shown))
	for i, e := range shown {
		p.places[e.Position] = i
	}
	at, ok := p.places[record]
	if !ok {
		at = len(shown) - 1
	}
	p.Part = partAround(at, len(shown))
	p.Parts = p.Part.links(func(i int) string { return p.partAt(shown[i].Position) + "#peristiwa" })
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
