package web

import (
	"cmp"
	"context"
	"slices"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// What stands beside the timeline: documents, links both ways, and how what is
// shown differs from what is known now.

// caseDocument is a document that the ledger knows by its digest only.
type caseDocument struct {
	ledger.EvidenceAttached
	Position  ledger.Position
	Agency    ledger.AgencyID
	Corrected ledger.Position
	Void      bool
}

// caseLink ties a case to another one.
type caseLink struct {
	Case     string
	Link     string          // LinkDuplicate, LinkRelated; "" from the other case
	Position ledger.Position // of the record that says so
	Inward   bool            // the other case says so
	Void     bool
}

// note takes documents and links out of an event.
func (p *casePage) note(e ledger.CaseEvent) {
	switch v := e.Payload.(type) {
	case *ledger.EvidenceAttached:
		p.Documents = append(p.Documents, caseDocument{*v, e.Position, e.Source, e.Corrected, e.Void})
	case *ledger.CaseLinked:
		p.Links = append(p.Links, caseLink{Case: v.Case, Link: v.Link, Position: e.Position, Void: e.Void})
	}
}

// linksFrom asks which other cases name this one. The read models may be away; the
// case is shown without them.
func (p *casePage) linksFrom(ctx context.Context, s *Server) {
	if s.Figures == nil {
		return
	}
	list, err := s.Figures.LinkedTo(ctx, p.ID, p.KnownAt)
	if err != nil {
		s.Log.Warn("a case is shown without links from others", "request", trailOf(ctx).id, "error", err)
		return
	}
	p.LinksKnown = true
	if len(list) == projections.MostLinks {
		p.LinksMost = projections.MostLinks
	}
	for _, l := range list {
		if l.Case != p.ID {
			p.Links = append(p.Links, caseLink{Case: l.Case, Position: l.Position, Inward: true})
		}
	}
}

// caseSince is how what is known now differs from what is shown.
type caseSince struct {
	Before, After string // addresses of the case one record earlier and later
	BeforeAt      ledger.Position
	AfterAt       ledger.Position
	Unknown       []caseStep // records that had not been made, or had not happened: the first of them
	Missing       int        // how many those are
	Changes       []text     // states that are others now
}

// since compares the case as it is shown with all that is known.
func (c *caseReading) since() caseSince {
	var out caseSince
	p := c.page
	c.neighbours(&out)
	if !p.Past() {
		return out
	}
	for _, e := range c.all {
		if _, shown := p.places[e.Position]; shown {
			continue
		}
		if out.Missing++; out.Missing <= mostShown {
			out.Unknown = append(out.Unknown, caseStep{
				Position: e.Position, Happened: e.Time, Recorded: e.Recorded, Kind: e.Kind, Version: e.Version, Agency: e.Source,
			})
		}
	}
	now := ledger.Fold(c.all)
	for i := range now.Respondents {
		j := slices.IndexFunc(p.Case.Respondents, func(r ledger.Respondent) bool { return r.ID == now.Respondents[i].ID })
		if j < 0 {
			out.Changes = append(out.Changes, text{now.Respondents[i].ID + ": belum menjadi terlapor", now.Respondents[i].ID + ": not yet a respondent"})
		}
	}
	out.Changes = append(out.Changes, movesOf(&p.Case, &now)...)
	return out
}

// casePlaces bounds the places of a slider over a case's records.
const casePlaces = 400

// slider moves known-at over the case's records. Its last place is the latest.
func (c *caseReading) slider() slider {
	records := slices.Clone(c.all)
	slices.SortFunc(records, func(a, b ledger.CaseEvent) int { return cmp.Compare(a.Position, b.Position) })
	step := 1 + len(records)/casePlaces
	out := slider{Name: "known-at", To: theLatest, Now: theLatest}
	words := func(e ledger.CaseEvent) text {
		at := positionText(e.Position)
		return text{at.ID + ", " + indonesian.date(e.Recorded), at.EN + ", " + english.date(e.Recorded)}
	}
	for i := 0; i+1 < len(records); i += step {
		if c.at.knownAt >= records[i].Position {
			out.At = out.Stops
		}
		out.Stops++
		out.Places = append(out.Places, sliderPlace{uint64(records[i].Position), words(records[i])})
	}
	if len(out.Places) == 0 {
		return out
	}
	out.From = out.Places[0].Says
	if c.at.knownAt == 0 {
		out.At = out.Stops
	} else if out.Now = positionText(c.at.knownAt); c.at.knownAt >= records[len(records)-1].Position {
		out.At = out.Stops
	} else if i := slices.IndexFunc(records, func(e ledger.CaseEvent) bool { return e.Position == c.at.knownAt }); i >= 0 {
		out.Now = words(records[i])
	}
	add := func(label text, href string) {
		if href != "" {
			out.Steps = append(out.Steps, sliderStep{label, href})
		}
	}
	add(text{"− 1 catatan", "− 1 record"}, c.page.Since.Before)
	add(text{"+ 1 catatan", "+ 1 record"}, c.page.Since.After)
	if c.at.knownAt != 0 {
		add(theLatest, c.uptoAddress(0))
	}
	return out
}

// neighbours are the positions of the case's records around the one that is shown.
func (c *caseReading) neighbours(out *caseSince) {
	var positions []ledger.Position
	for _, e := range c.all {
		positions = append(positions, e.Position)
	}
	slices.Sort(positions)
	upto := c.at.knownAt
	if upto == 0 {
		upto = positions[len(positions)-1]
	}
	i, found := slices.BinarySearch(positions, upto)
	if !found {
		i-- // the last one that was known
	}
	if i > 0 {
		out.BeforeAt, out.Before = positions[i-1], c.uptoAddress(positions[i-1])
	}
	if i+1 < len(positions) {
		out.AfterAt, out.After = positions[i+1], c.uptoAddress(positions[i+1])
	}
}
