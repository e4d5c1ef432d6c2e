package web

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/berkas-ledger/berkas/exports"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// The lists that are to be had as files.

func (s *Server) describeExports() {
	question := []*huma.Param{
		inQuery("measure", "A measure or a sum a+b", "opened"),
		inQuery("unit", "What is counted: case, respondent (default), recommendation or ppk", nil),
		{Name: "filter", In: "query", Description: "name=value; may be repeated, each name once", Schema: &huma.Schema{Type: "array", Items: &huma.Schema{Type: "string"}}},
		inQuery("seen-by", "Only cases that this agency opened, was sent or acted on", nil),
		inQuery("since", "Only what began after then", nil),
		inQuery("as-of", "A date or a time with its zone; without: when the last record was recorded", nil),
		inQuery("known-at", "A position, date or time; without: the last record", nil),
	}
	s.export("national", "National figures as a file", needFigures, append(slices.Clone(question), inQuery("by", "Break down by a filter", "office")), s.listNational)
	s.export("cases", "The list behind a number as a file", needCases, question, s.listCases)
	s.export("worklist", "Who has to act on what since when, as a file", needCases, workParams(), s.listWork)
	by := inQuery("by", "The dimension of the groups; without: province", nil)
	s.export("trend", "The course of the national figures over time as a file", needFigures, append(slices.Clone(question[1:]),
		inQuery(wholeCourse, "true: from the beginning to as-of; without: as-of's year, or everything where no as-of is asked for", nil)), s.listTrend)
	s.export("treatment-shares", "Shares of equal treatment by a dimension, as a file", needFigures, append(slices.Clone(question[2:]), by), s.listShares)
	s.export("treatment-times", "Waiting times of equal treatment by a dimension, as a file", needFigures, append(slices.Clone(question[2:]), by), s.listTimes)
	backlog := workParams()[:3]
	s.export("backlog", "The backlog by deadline and party, as a file", needFigures, backlog, s.listBacklog)
	s.export("backlog-authorities", "Decisions that authorities owe, as a file", needFigures, backlog, s.listAuthorities)
	s.export("backlog-trend", "The backlog over time, as a file", needFigures, backlog, s.listBacklogTrend)
	s.export("published", "Published figures beside the ledger's, as a file", needFigures, []*huma.Param{
		inQuery("publisher", "Only figures that this agency published", "bkn"),
		inQuery("table", "Only this publication, by its short code", nil),
		inQuery("reason", "Only differences of one reason, such as late-recording", nil),
		inQuery("known-at", "A position, date or time, or published: what the ledger held where each figure was published; without: the last record", nil),
	}, s.listPublished)
	s.operation(operation{
		Operation: huma.Operation{
			OperationID: "export-case", Method: http.MethodGet, Path: exportPath + "/cases/{id}", Tags: []string{"read"},
			Summary:     "A case on paper",
			Description: "PDF, A4: where the case stands, every record with both its times, keys and leaf hash, corrections marked, and how to check it. The same case and checkpoint give the same bytes.",
			Parameters: []*huma.Param{
				inPath("id", "The case's id", exampleCase()),
				inQuery("as-of", "Only what had happened by then: a date or a time with its zone", nil),
				inQuery("known-at", "Only records up to this position, or made by this date or time", nil),
			},
		},
		Needs:   needCases,
		Answers: map[int]answerKind{200: {Says: "The paper", Media: pdfType, Body: ""}},
	}, s.getCasePaper)
}

// Columns that several lists have.
var (
	columnAsOf  = listColumn{"as_of", text{"apa yang sudah terjadi sampai saat itu", "what had happened by then"}}
	columnKnown = listColumn{"known_at", text{"catatan terakhir (posisi) yang dipakai", "the last record (position) that is used"}}
	columnCase  = listColumn{"case", text{"id kasus", "the case's id"}}
)

func (s *Server) listNational(r *http.Request, raw string) (*list, error) {
	q, err := parseQuestion(raw)
	if err != nil {
		return nil, err
	}
	a, err := s.national(r.Context(), q)
	if err != nil {
		return nil, err
	}
	l := langOf(r.Context())
	out := &list{
		name: "national", title: text{"Angka nasional", "National figures"}, known: ledger.Position(a.Question.KnownAt), asOf: a.Question.AsOf,
		about: aboutQuestion(l, a.Question),
		columns: append([]listColumn{
			{"measure", text{"ukuran; definisinya di lembar kedua", "the measure; the second sheet defines it"}},
			{"name", text{"ukuran dengan kata-kata", "the measure in words"}},
			{"by", text{"dirinci menurut", "broken down by"}},
			{"value", text{"kode nilai rincian; kosong: yang tidak punya nilai, atau seluruhnya", "code of the group; empty: what has none, or the whole"}},
			{"value_name", text{"nilai rincian dengan kata-kata", "the group in words"}},
			{"count", text{"berapa", "how many"}},
		}, questionColumns...),
	}
	for _, m := range ledger.MeasureTable {
		out.about = append(out.about, exports.Line{Name: m.Name, Text: text{m.Indonesian, m.English}.in(l)})
	}
	cells := a.Question.cells()
	out.rows = func(_ context.Context, add func(exports.Row) error) error {
		for _, f := range a.Figures {
			groups := f.Groups
			if q.By == "" {
				groups = []group{{Count: f.Value}}
			}
			for _, g := range groups {
				name := ""
				if q.By != "" {
					name = valueWord(q.By, g.Value).in(l)
				}
				row := exports.Row{f.Measure, measureWords(f.Measure).in(l), q.By, g.Value, name, g.Count}
				if err := add(append(row, cells...)); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return out, nil
}

func (s *Server) listCases(r *http.Request, raw string) (*list, error) {
	q, err := parseQuestion(raw)
	if err != nil {
		return nil, err
	}
	if q.By != "" {
		return nil, badQuery("by", "a list of cases is not broken down")
	}
	if q.Measure == "" {
		q.Measure = ledger.Opened.String()
	}
	ctx := r.Context()
	if err := s.settle(ctx, &q); err != nil {
		return nil, err
	}
	a, err := s.Figures.Figure(ctx, q.Query)
	if err != nil {
		return nil, figureError(err)
	}
	l, query := langOf(ctx), a.Query
	out := &list{
		name: "cases", title: text{"Kasus di balik angka", "Cases behind the number"}, known: query.KnownAt, asOf: query.AsOf, about: aboutQuestion(l, q.askedAs(a)),
		columns: []listColumn{
			columnCase,
			{"respondent", text{"terlapor dalam kasus itu", "the respondent within the case"}},
			{"measure", text{"ukuran", "the measure"}},
			{"key", text{"apa yang dihitung", "what is counted"}},
			{"since", text{"sejak kapan", "since when"}},
			{"stage", text{"tahap", "stage"}},
			{"control", text{"pengendalian BKN", "BKN's ladder"}},
			{"holder", text{"lembaga yang memegang kasus", "the agency that holds the case"}},
			{"institution", text{"instansi terlapor", "the respondent's institution"}},
			{"institution_name", text{"dengan kata-kata", "in words"}},
			{"office", text{"kantor regional BKN", "BKN's regional office"}},
			{"last_position", text{"posisi catatan terakhir", "position of the last record"}},
			{"last_kind", text{"jenisnya", "its kind"}},
			{"last_agency", text{"lembaganya", "its agency"}},
			{"last_happened", text{"kapan terjadi (WIB)", "when it happened (WIB)"}},
			{"last_recorded", text{"kapan dicatat (WIB)", "when it was recorded (WIB)"}},
			columnAsOf, columnKnown,
		},
	}
	out.rows = func(ctx context.Context, add func(exports.Row) error) error {
		for offset := 0; ; offset += exportStretch {
			lines, total, err := s.Figures.List(ctx, query, offset, exportStretch)
			if err != nil {
				return figureError(err)
			}
			for i := range lines {
				if err := add(caseRow(l, &lines[i], query)); err != nil {
					return err
				}
			}
			if offset+len(lines) >= total || len(lines) == 0 {
				return nil
			}
		}
	}
	return out, nil
}

func caseRow(l lang, c *projections.Listed, q ledger.Query) exports.Row {
	return exports.Row{
		c.Case, c.Respondent, c.Measure, c.Key, c.Since, string(c.Stage), string(c.Control), string(c.Holder),
		c.Institution, regionWord(c.Institution).in(l), c.Office, uint64(c.Last.Position), string(c.Last.Kind), string(c.Last.Agency), c.Last.Happened, c.Last.Recorded,
		q.AsOf, uint64(q.KnownAt),
	}
}

func (s *Server) listWork(r *http.Request, raw string) (*list, error) {
	q, err := parseWork(raw)
	if err != nil {
		return nil, err
	}
	q.Query.Offset, q.Query.Limit = 0, 4*exportStretch
	ctx := r.Context()
	first, err := s.work(ctx, q)
	if err != nil {
		return nil, err
	}
	l := langOf(ctx)
	who := text{"semua lembaga", "every agency"}
	if q.Query.Agency != "" {
		who = word("agency", string(q.Query.Agency))
	}
	out := &list{
		name: "worklist", title: text{"Daftar kerja", "Work list"}, known: first.Query.KnownAt, asOf: first.Query.AsOf,
		about: []exports.Line{
			{Name: text{"Lembaga", "Agency"}.in(l), Text: who.in(l)},
			{Name: text{"Keadaan per", "As of"}.in(l), Text: l.moment(first.Query.AsOf)},
			{Name: text{"Jumlah", "In all"}.in(l), Text: l.number(first.Total)},
			{Name: text{"Lewat tenggat", "Overdue"}.in(l), Text: l.number(first.Overdue)},
		},
		columns: []listColumn{
			{"uid", text{"nama tetap kewajiban", "names the obligation for ever"}},
			columnCase,
			{"respondents", text{"terlapor", "respondents"}},
			{"code", text{"kode tenggat", "code of the deadline"}},
			{"name", text{"dengan kata-kata", "in words"}},
			{"stage", text{"tahap", "stage"}},
			{"owed_by", text{"yang perlu bertindak", "who has to act"}},
			{"authority", text{"PPK yang perlu bertindak", "the appointing authority that owes"}},
			{"watched_by", text{"yang mengawasi", "who looks after it"}},
			{"to", text{"yang ditunggu: salah satu", "what is awaited: one of these"}},
			{"since", text{"awal tenggat", "when the period began"}},
			{"due", text{"hari terakhir; kosong: lamanya tidak terbit", "the last day; empty: no length is published"}},
			{"at_most", text{"hari terakhir bila diperpanjang", "the last day if extended"}},
			{"days_over", text{"hari kalender lewat; negatif: sisa", "calendar days over; negative: left"}},
			{"provisional", text{"libur yang terbit kemudian dapat menggesernya", "holidays published later may move it"}},
			{"right", text{"boleh, tidak wajib", "may be done and need not"}},
			{"state", text{"keadaan", "state"}},
			{"met", text{"kapan dipenuhi", "when it was done"}},
			{"regime", text{"ketentuan", "regime"}},
			{"basis", text{"dasar", "basis"}},
			{"doubt", text{"keraguan sumber", "how firm the sources are"}},
			columnAsOf, columnKnown,
		},
	}
	out.rows = func(ctx context.Context, add func(exports.Row) error) error {
		at := q
		// The two times of the first stretch, whatever came since.
		at.Query.AsOf, at.Query.KnownAt = first.Query.AsOf, first.Query.KnownAt
		for page := first; ; {
			for i := range page.Obligations {
				if err := add(workRow(l, &page.Obligations[i], page.Query)); err != nil {
					return err
				}
			}
			at.Query.Offset += len(page.Obligations)
			if len(page.Obligations) == 0 || at.Query.Offset >= page.Total {
				return nil
			}
			var err error
			if page, err = s.Figures.WorkList(ctx, at.Query); err != nil {
				return figureError(err)
			}
		}
	}
	return out, nil
}

func workRow(l lang, o *ledger.Obligation, q projections.WorkQuery) exports.Row {
	var over any
	if days, ok := o.DaysOver(q.AsOf); ok {
		over = days
	}
	to := make([]string, len(o.To))
	for i, m := range o.To {
		to[i] = string(m)
	}
	return exports.Row{
		o.UID(), o.Case, strings.Join(o.Respondents, " "), o.Code, word("deadline", o.Code).in(l), string(o.Stage), o.OwedBy, o.Authority, string(o.WatchedBy), strings.Join(to, " "),
		o.Since, o.Due, o.AtMost, over, o.Provisional, o.Right, string(o.State), o.Met, o.Regime, o.Basis, string(o.Doubt), q.AsOf, uint64(q.KnownAt),
	}
}

// lastOf is the newest of the times at which a case was recorded.
func lastOf(steps []stepAnswer) (p ledger.Position, at time.Time) {
	for _, s := range steps {
		if ledger.Position(s.Position) > p {
			p, at = ledger.Position(s.Position), s.Recorded
		}
	}
	return p, at
}
