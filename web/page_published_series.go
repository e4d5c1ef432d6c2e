package web

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// Published figures over time, and of several agencies.

// seriesShown is how many values of a series, and figures of a group, a page
// shows: the last. All of them stand in their publications and in the file.
const seriesShown = 12

// figureSeries is what one publisher has said of one question over time.
type figureSeries struct {
	publishedLine // the question: that of the last value
	Values        []seriesValue
	Most          uint64
	Restated      int // of all
	Of            int // how many values there are
}

// seriesValue is one value as it was published, with the ledger's of the same day.
type seriesValue struct {
	publishedLine
	// Before is what had been said of the same day, Changed that it was another
	// number.
	Before      uint64
	Again       bool
	Changed     bool
	BeforeTable string
	Width       string // of the bars
	LedgerWidth string
}

// seriesKey names a question without its day.
func seriesKey(f projections.PublishedFigure) string {
	key, err := json.Marshal([]any{f.Publisher, f.SeenBy, f.Unit, f.Measure, f.Since, f.Filter}) // encoding/json sorts the names
	if err != nil {
		return ""
	}
	return string(key)
}

// groupKey names a question without its day, unit and observer.
func groupKey(f projections.PublishedFigure) string {
	key, err := json.Marshal([]any{f.Measure, f.Filter})
	if err != nil {
		return ""
	}
	return string(key)
}

// alsoAsked keeps of lines those of which the shown ones have the question, so
// that a page of publications has their series and no others.
func alsoAsked(lines, shown []projections.Line) []projections.Line {
	asked := map[string]bool{}
	for _, l := range shown {
		asked[groupKey(l.Figure)] = true
	}
	return slices.DeleteFunc(slices.Clone(lines), func(l projections.Line) bool { return !asked[groupKey(l.Figure)] })
}

// seriesOf gathers what was published more than once of one question, by the day
// that it is of, then in the order of publication.
func seriesOf(q *publishedQuestion, lines []projections.Line) []figureSeries {
	groups, order := map[string][]projections.Line{}, []string{}
	for _, l := range lines {
		key := seriesKey(l.Figure)
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], l)
	}
	var out []figureSeries
	for _, key := range order {
		if len(groups[key]) > 1 {
			out = append(out, q.series(groups[key]))
		}
	}
	return out
}

func (q *publishedQuestion) series(list []projections.Line) figureSeries {
	slices.SortStableFunc(list, func(a, b projections.Line) int {
		return cmp.Or(cmp.Compare(a.Figure.AsOf, b.Figure.AsOf), cmp.Compare(a.Figure.Position, b.Figure.Position), cmp.Compare(a.Figure.Ordinal, b.Figure.Ordinal))
	})
	s := figureSeries{publishedLine: q.lineOf(list[len(list)-1]), Most: 1}
	said := map[ledger.Date]seriesValue{}
	for _, l := range list {
		v := seriesValue{publishedLine: q.lineOf(l)}
		if before, again := said[l.Figure.AsOf]; again {
			v.Again, v.Before, v.BeforeTable = true, before.Figure.Value, before.Figure.Table
			if v.Changed = v.Before != l.Figure.Value; v.Changed {
				s.Restated++
			}
		}
		said[l.Figure.AsOf] = v
		s.Values = append(s.Values, v)
		s.Most = max(s.Most, l.Figure.Value, v.Ledger)
	}
	s.Of, s.Values = len(s.Values), s.Values[max(0, len(s.Values)-seriesShown):]
	for i := range s.Values {
		v := &s.Values[i]
		v.Width, v.LedgerWidth = percent(float64(v.Figure.Value), float64(s.Most)), percent(float64(v.Ledger), float64(s.Most))
	}
	return s
}

// besideGroup is one measure as several agencies have published it.
type besideGroup struct {
	Name    text
	Filters []askedFilter
	Lines   []besideLine
	Same    bool // some asked the very same question
	Of      int  // how many lines there are
}

// besideLine is one agency's figure beside those of others who asked the same.
type besideLine struct {
	publishedLine
	// Twin is another agency that asked the very same question before; Apart is how
	// far its number is from this one.
	Twin  ledger.AgencyID
	Apart int64
	// Differs names what tells this question from the first one of the group.
	Differs []text
}

// besideOf gathers figures of one measure and filter by several publishers.
func besideOf(q *publishedQuestion, lines []projections.Line) []besideGroup {
	groups, order := map[string][]projections.Line{}, []string{}
	for _, l := range lines {
		key := groupKey(l.Figure)
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], l)
	}
	var out []besideGroup
	for _, key := range order {
		list := groups[key]
		if !slices.ContainsFunc(list, func(l projections.Line) bool { return l.Figure.Publisher != list[0].Figure.Publisher }) {
			continue
		}
		g := besideGroup{Name: measureWords(list[0].Figure.Measure), Filters: q.lineOf(list[0]).Filters}
		g.Of = len(list)
		for i, l := range list {
			if i < len(list)-seriesShown {
				continue
			}
			line := besideLine{publishedLine: q.lineOf(l), Differs: questionsDiffer(list[0].Figure, l.Figure)}
			for _, other := range list[:i] {
				if other.Figure.Publisher != l.Figure.Publisher && sameQuestion(other.Figure, l.Figure) {
					line.Twin, line.Apart, g.Same = other.Figure.Publisher, apart(l.Figure.Value, other.Figure.Value), true
				}
			}
			g.Lines = append(g.Lines, line)
		}
		out = append(out, g)
	}
	return out
}

// sameQuestion reports whether two figures of one measure and filter ask the same
// but for who saw it.
func sameQuestion(a, b projections.PublishedFigure) bool {
	return a.AsOf == b.AsOf && a.Since == b.Since && a.Unit == b.Unit
}

// apart is one number less another, as far as a page shows it.
func apart(one, other uint64) int64 {
	const most = 1 << 62
	return int64(min(one, most)) - int64(min(other, most))
}

func questionsDiffer(a, b projections.PublishedFigure) []text {
	var out []text
	for _, d := range []struct {
		differ bool
		says   text
	}{
		{a.AsOf != b.AsOf, text{"hari lain", "another day"}},
		{a.Since != b.Since, text{"awal lain", "another beginning"}},
		{a.Unit != b.Unit, text{"satuan lain", "another unit"}},
		{a.SeenBy != b.SeenBy, text{"pengamat lain", "another observer"}},
	} {
		if d.differ {
			out = append(out, d.says)
		}
	}
	return out
}
