package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// The whole ledger replayed: the national figures as they were known at each
// position, and the record that made them so.

type replayPage struct {
	At       ledger.Position
	Head     ledger.Position // the last that can be asked for
	AsOf     time.Time       // zero: when the record was recorded
	Settled  projections.Settled
	Record   *replayRecord
	Known    time.Time // when the record was recorded
	Moment   time.Time // as-of as it was answered
	Sections []replaySection
	Changed  int // measures that this record moved
	Steps    []sliderStep
	Field    momentField
	Unit     ledger.Unit
	Speeds   []int
	Example  string // a case to replay by itself
}

type replaySection struct {
	Title text
	Lines []replayLine
}

// replayLine is a measure before the record and with it.
type replayLine struct {
	Name          string
	Before, After uint64
	Href          string
}

// Moved is for templates.
func (l replayLine) Moved() int64 { return int64(l.After) - int64(l.Before) }

// replayRecord is a record as a replay shows it.
type replayRecord struct {
	projections.Entry
	Facts []fact
	Days  int // between happening and recording, if it is late
	Open  string
	Case  string // address of the case's own replay at this record
}

// replaySpeeds are how many records a step of the player takes.
var replaySpeeds = []int{1, 10, 100, 1000}

func (s *Server) showReplay(w http.ResponseWriter, r *http.Request) error {
	return s.answer(w, r, view{Template: "desk-replay", Title: text{"Putar ulang buku besar", "Replay of the ledger"}}, func(values url.Values) (filling, error) {
		if err := checkValues(values, "at", "as-of", "lang"); err != nil {
			return nil, err
		}
		at := ledger.Position(1)
		if values.Get("at") != "" {
			var err error
			if at, err = sizeIn(values, "at"); err != nil {
				return nil, badQuery("at", "it is a position, counted from 1")
			}
		}
		asOf, err := momentIn(values, "as-of")
		return func(ctx context.Context) (any, error) { return s.replayPage(ctx, at, asOf) }, err
	})
}

func (s *Server) replayPage(ctx context.Context, at ledger.Position, asOf time.Time) (replayPage, error) {
	page := replayPage{At: at, AsOf: asOf, Field: fieldOf("as-of", asOf, string(ledger.DayOf(s.Now()))), Unit: ledger.UnitRespondent, Speeds: replaySpeeds}
	p, err := s.Figures.Progress(ctx)
	if err != nil {
		return page, figureError(err)
	}
	page.Head, page.Settled = p.Position, projections.Settled{Position: p.Position, Recorded: p.Recorded}
	page.steps()
	if at > p.Position {
		return page, figureError(&projections.ErrNotSettled{What: "known-at", Position: p.Position, Recorded: p.Recorded})
	}
	records, err := s.Figures.Records(ctx, at, at)
	if err != nil {
		return page, figureError(err)
	}
	if len(records) != 1 {
		return page, errNoRecord
	}
	page.Record = s.replayRecord(records[0])
	page.Known, page.Moment = records[0].Recorded, asOf
	if asOf.IsZero() {
		page.Moment = records[0].Recorded
	}
	return page, s.replayFigures(ctx, &page)
}

// replayFigures asks for every measure before the record and with it, as of the
// same moment, so that what differs is the record's doing.
func (s *Server) replayFigures(ctx context.Context, page *replayPage) error {
	var queries []ledger.Query
	for _, known := range []ledger.Position{max(1, page.At-1), page.At} {
		for _, m := range ledger.MeasureTable {
			queries = append(queries, ledger.Query{Measures: []ledger.Measure{m.Measure}, Unit: page.Unit, AsOf: page.Moment, KnownAt: known})
		}
	}
	answers, err := s.Figures.Figures(ctx, queries)
	if err != nil {
		return figureError(err)
	}
	q := question{Known: strconv.FormatUint(uint64(page.At), 10), Query: ledger.Query{Unit: page.Unit, AsOf: page.Moment}}
	n := len(ledger.MeasureTable)
	for _, sec := range sections {
		one := replaySection{Title: sec.Title}
		for _, m := range sec.Measures {
			line := replayLine{m.String(), answers[m].Value, answers[n+int(m)].Value, q.address(casesPath, "measure", m.String())}
			if line.Moved() != 0 {
				page.Changed++
			}
			one.Lines = append(one.Lines, line)
		}
		page.Sections = append(page.Sections, one)
	}
	return nil
}

func (s *Server) replayRecord(e projections.Entry) *replayRecord {
	out := &replayRecord{Entry: e, Facts: factsOf(e.Data)}
	if e.Late {
		out.Days = int(e.Recorded.Sub(e.Happened) / (24 * time.Hour))
	}
	if e.Case != "" {
		out.Open = casesPath + "/" + e.Case + "?known-at=" + strconv.FormatUint(uint64(e.Position), 10)
		out.Case = replayPath + "/" + e.Case + "?at=" + strconv.FormatUint(uint64(e.Position), 10)
	}
	return out
}

// steps are the ways on and back without a script. The player goes the same way.
func (p *replayPage) steps() {
	add := func(label text, at ledger.Position) {
		if at != p.At && at >= 1 && at <= p.Head {
			p.Steps = append(p.Steps, sliderStep{label, p.address(at)})
		}
	}
	add(text{"pertama", "first"}, 1)
	for _, n := range []ledger.Position{1000, 100, 10, 1} {
		if p.At > n {
			l := "− " + indonesian.number(uint64(n))
			add(text{l, "− " + english.number(uint64(n))}, p.At-n)
		}
	}
	for _, n := range []ledger.Position{1, 10, 100, 1000} {
		add(text{"+ " + indonesian.number(uint64(n)), "+ " + english.number(uint64(n))}, p.At+n)
	}
	add(text{"terakhir", "last"}, p.Head)
}

func (p *replayPage) address(at ledger.Position) string {
	v := url.Values{"at": {strconv.FormatUint(uint64(at), 10)}}
	if !p.AsOf.IsZero() {
		v.Set("as-of", writeMoment(p.AsOf))
	}
	return replayPath + "?" + v.Encode()
}

// Before and After are the neighbours, for arrow keys; "" at the ends.
func (p replayPage) Before() string {
	if p.At <= 1 {
		return ""
	}
	return p.address(min(p.At-1, max(1, p.Head)))
}

// After is the next record.
func (p replayPage) After() string {
	if p.At >= p.Head {
		return ""
	}
	return p.address(p.At + 1)
}
