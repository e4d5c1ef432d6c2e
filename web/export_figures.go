package web

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/berkas-ledger/berkas/exports"
	"github.com/berkas-ledger/berkas/projections"
	"github.com/berkas-ledger/berkas/rates"
)

// The pictures of the pages on figures as files: the course over time, and the
// shares and waiting times of equal treatment, all of them by one dimension.

// questionColumns say in each row what was asked.
var questionColumns = []listColumn{
	{"unit", text{"satuan yang dihitung", "what is counted"}},
	{"filter", text{"penyaring", "filters"}},
	{"seen_by", text{"lembaga yang melihat kasusnya; kosong: semua kasus", "the agency that sees the case; empty: every case"}},
	{"since", text{"hanya yang mulai sesudahnya; kosong: sejak awal", "only what began after then; empty: from the beginning"}},
	columnAsOf, columnKnown,
}

// cells are those of questionColumns.
func (a questionAnswer) cells() exports.Row {
	var since any
	if a.Since != nil {
		since = *a.Since
	}
	return exports.Row{string(a.Unit), filterText(a.Filter), string(a.SeenBy), since, a.AsOf, a.KnownAt}
}

// orEmpty is an empty cell for no time.
func orEmpty(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}

// askedAs is a question as it was answered.
func (q *question) askedAs(a projections.Answer) questionAnswer {
	out := questionAnswer{
		Measure: q.Measure, Unit: a.Query.Unit, Filter: a.Query.Filter, SeenBy: a.Query.SeenBy,
		AsOf: a.Query.AsOf, KnownAt: uint64(a.Query.KnownAt), Recorded: a.Known, By: q.By,
	}
	if !a.Query.Since.IsZero() {
		out.Since = &a.Query.Since
	}
	return out
}

// wholeCourse asks for the course from the beginning to as-of; without it a course
// is that of as-of's year, as the page has it.
const wholeCourse = "whole"

// course is the address of the file of the course that a page shows.
func (q *question) course() string {
	whole := ""
	if q.Query.AsOf.IsZero() {
		whole = "true"
	}
	return q.pinned().address(exportPath+"/trend", "measure", "", "by", "", wholeCourse, whole)
}

func (s *Server) listTrend(r *http.Request, raw string) (*list, error) {
	values, err := parseValues(raw, append([]string{wholeCourse}, questionNames...)...)
	if err != nil {
		return nil, err
	}
	whole := values.Get(wholeCourse)
	if whole != "" && whole != "true" {
		return nil, badQuery(wholeCourse, "it is true, or is left out")
	}
	values.Del(wholeCourse)
	q, err := parseQuestion(values.Encode())
	switch {
	case err != nil:
		return nil, err
	case q.By != "":
		return nil, badQuery("by", "a course over time is not broken down")
	case q.Measure != "":
		return nil, badQuery("measure", "a course over time is of the measures of its chart")
	}
	ctx := r.Context()
	if err := s.settle(ctx, &q); err != nil {
		return nil, err
	}
	extent, err := s.extent(ctx)
	if err != nil {
		return nil, err
	}
	a, err := s.Figures.Figure(ctx, q.Query)
	if err != nil {
		return nil, figureError(err)
	}
	span := spanOf(extent, a.Settled.Recorded, q.Query.AsOf, a.Query.Since)
	if whole != "" {
		span = spanOf(extent, a.Query.AsOf, time.Time{}, a.Query.Since)
	}
	trend, err := s.Figures.Trend(ctx, a.Query, trendMeasures, span.At)
	if err != nil {
		return nil, figureError(err)
	}
	l := langOf(ctx)
	out := &list{
		name: "trend", title: text{"Perjalanan waktu", "Over time"}, known: a.Query.KnownAt, asOf: a.Query.AsOf, about: aboutQuestion(l, q.askedAs(a)),
		columns: append([]listColumn{
			{"at", text{"keadaan pada saat itu", "as it stood then"}},
			{"measure", text{"ukuran", "the measure"}},
			{"name", text{"ukuran dengan kata-kata", "the measure in words"}},
			{"count", text{"berapa", "how many"}},
		}, questionColumns...),
	}
	cells := q.askedAs(a).cells()
	out.rows = func(_ context.Context, add func(exports.Row) error) error {
		for n, at := range trend.At {
			for i, m := range trendMeasures {
				if err := add(append(exports.Row{at, m.String(), word("measure", m.String()).in(l), trend.Counts[i][n]}, cells...)); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return out, nil
}

// treatmentList answers a question of equal treatment for a file.
func (s *Server) treatmentList(ctx context.Context, raw string) (question, treatment, error) {
	q, err := parseQuestion(raw)
	if err == nil {
		err = q.asksTreatment(treatmentRates[defaultRate].Slug)
	}
	if err != nil {
		return q, treatment{}, err
	}
	if q.By == "" {
		q.By = treatmentBy[0]
	}
	asked := q
	if err := s.settle(ctx, &asked); err != nil {
		return q, treatment{}, err
	}
	t, err := s.treatment(ctx, asked)
	return q, t, err
}

// Columns of a comparison, and of the group that is compared.
var (
	groupColumns = []listColumn{
		{"name", text{"dengan kata-kata", "in words"}},
		{"by", text{"dikelompokkan menurut; kosong: seluruhnya", "grouped by; empty: all of them"}},
		{"value", text{"kode kelompok; kosong: yang tidak punya nilai, atau seluruhnya", "code of the group; empty: what has none, or all of them"}},
		{"value_name", text{"kelompok dengan kata-kata", "the group in words"}},
	}
	comparedColumns = []listColumn{
		{"p", text{"peluang selisih sebesar ini karena kebetulan; kosong: tidak dibandingkan", "probability of such a difference by chance; empty: not compared"}},
		{"marked", text{"above atau below: selisihnya bertahan sesudah koreksi Holm; kosong: tidak", "above or below: the difference withstands Holm's correction; empty: it does not"}},
	}
)

func groupCells(l lang, what text, by, value string) exports.Row {
	if by == "" {
		return exports.Row{what.in(l), "", "", text{"seluruhnya", "all"}.in(l)}
	}
	return exports.Row{what.in(l), by, value, groupWord(by, value).in(l)}
}

func (c comparison) cells() exports.Row {
	if !c.Looked {
		return exports.Row{nil, nil}
	}
	return exports.Row{c.P, map[int]string{1: "above", -1: "below"}[c.Mark]}
}

// aboutTreatment says in words what was asked and how it was compared.
func (t *treatment) about(l lang, q *question) []exports.Line {
	return append(aboutQuestion(l, q.askedAs(t.answer)), exports.Line{
		Name: text{"Perbandingan", "Comparisons"}.in(l),
		Text: text{
			"tiap kelompok dengan semua yang lain; bagian dengan uji Fisher, waktu dengan uji log-rank; dikoreksi menurut Holm untuk " + l.number(t.judged.Looked) + " perbandingan, bagian dan waktu bersama-sama",
			"each group with all others; shares by Fisher's exact test, times by the log-rank test; corrected as Holm says for " + l.number(t.judged.Looked) + " comparisons of shares and times together",
		}.in(l),
	})
}

func (s *Server) listShares(r *http.Request, raw string) (*list, error) {
	q, t, err := s.treatmentList(r.Context(), raw)
	if err != nil {
		return nil, err
	}
	l := langOf(r.Context())
	out := &list{
		name: "treatment-shares", title: text{"Perlakuan setara: bagian", "Equal treatment: shares"}, known: t.answer.Query.KnownAt, asOf: t.answer.Query.AsOf, about: t.about(l, &q),
		columns: slices.Concat([]listColumn{{"share", text{"bagian yang mana", "which share"}}}, groupColumns, []listColumn{
			{"count", text{"berapa di antaranya", "how many of them"}},
			{"of", text{"dari berapa", "of how many"}},
			{"rate", text{"bagian, 0 sampai 1; kosong: terlalu sedikit", "the share, from 0 to 1; empty: too few"}},
			{"low", text{"ujung bawah rentang 95% (Wilson)", "lower end of the 95% interval (Wilson)"}},
			{"high", text{"ujung atasnya", "its upper end"}},
		}, comparedColumns, questionColumns),
	}
	cells := q.askedAs(t.answer).cells()
	out.rows = func(_ context.Context, add func(exports.Row) error) error {
		for i, info := range treatmentRates {
			one := func(by string, g rateGroup) error {
				share := exports.Row{nil, nil, nil}
				if !g.Tiny() {
					share = exports.Row{g.Rate, g.Low, g.High}
				}
				return add(slices.Concat(exports.Row{info.Slug}, groupCells(l, info.Title, by, g.Value), exports.Row{g.K, g.N}, share, g.cells(), cells))
			}
			if err := one("", t.rates[i].All); err != nil {
				return err
			}
			for _, g := range t.rates[i].Groups {
				if err := one(q.By, g); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return out, nil
}

func (s *Server) listTimes(r *http.Request, raw string) (*list, error) {
	q, t, err := s.treatmentList(r.Context(), raw)
	if err != nil {
		return nil, err
	}
	l := langOf(r.Context())
	out := &list{
		name: "treatment-times", title: text{"Perlakuan setara: waktu", "Equal treatment: times"}, known: t.answer.Query.KnownAt, asOf: t.answer.Query.AsOf, about: t.about(l, &q),
		columns: slices.Concat([]listColumn{{"time", text{"waktu yang mana", "which time"}}}, groupColumns, []listColumn{
			{"done", text{"yang selesai menunggu", "who have waited"}},
			{"open", text{"yang masih menunggu", "who still wait"}},
			{"quarter", text{"hari sampai seperempatnya selesai (Kaplan-Meier); kosong: belum, atau terlalu sedikit", "days until a quarter was done (Kaplan-Meier); empty: not yet, or too few"}},
			{"median", text{"hari sampai separuhnya selesai", "days until half was done"}},
			{"median_low", text{"ujung bawah rentang 95%-nya", "lower end of its 95% interval"}},
			{"median_high", text{"ujung atasnya", "its upper end"}},
			{"three_quarters", text{"hari sampai tiga perempatnya selesai", "days until three quarters were done"}},
		}, comparedColumns, questionColumns),
	}
	cells := q.askedAs(t.answer).cells()
	out.rows = func(_ context.Context, add func(exports.Row) error) error {
		for i, info := range treatmentWaits {
			one := func(by string, g waitGroup) error {
				days := exports.Row{nil, nil, nil, nil, nil}
				if !g.Tiny() {
					days = daysCells(g.estimated())
				}
				return add(slices.Concat(exports.Row{info.Slug}, groupCells(l, info.Title, by, g.Value), exports.Row{g.Done, g.Open}, days, g.cells(), cells))
			}
			if err := one("", t.waits[i].All); err != nil {
				return err
			}
			for _, g := range t.waits[i].Groups {
				if err := one(q.By, g); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return out, nil
}

func daysCells(g waitGroup) exports.Row {
	days := func(n int, known bool) any {
		if !known {
			return nil
		}
		return n
	}
	of := func(v rates.Quantile) any { return days(v.Days, v.Known) }
	return exports.Row{of(g.Quarter), of(g.Median), days(g.Median.Low, g.Median.LowKnown), days(g.Median.High, g.Median.HighKnown), of(g.Most)}
}
