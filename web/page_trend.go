package web

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// The chart of a trend, drawn on the server as SVG: it needs no script and prints.

// trendMeasures are its lines. The second lies on or above the third: the room
// between them is what is not followed up.
var trendMeasures = []ledger.Measure{ledger.Opened, ledger.Recommended, ledger.FollowedUp, ledger.Blocked}

// trendPoints bounds the moments of a trend.
const trendPoints = 120

// trendSpan is the span of time that is drawn.
type trendSpan struct {
	From, To ledger.Date
	At       []time.Time
}

// spanOf chooses what is drawn: the year of as-of, so that the picture stands
// still while the slider moves through it, or everything for the latest.
func spanOf(e projections.Extent, settled, asOf, since time.Time) trendSpan {
	first, last := e.First, settled
	if !asOf.IsZero() {
		year := asOf.In(ledger.Jakarta).Year()
		first = later(first, time.Date(year, 1, 1, 0, 0, 0, 0, ledger.Jakarta))
		last = earlier(last, time.Date(year+1, 1, 1, 0, 0, 0, 0, ledger.Jakarta).Add(-time.Microsecond))
		last = later(last, asOf)
		first = earlier(first, asOf.AddDate(0, -1, 0))
	}
	if !since.IsZero() && since.Before(last) {
		first = later(first, since)
	}
	span := trendSpan{From: ledger.DayOf(first), To: ledger.DayOf(last)}
	all := ledger.DaysBetween(span.From, span.To)
	step := max(1, (all+trendPoints-1)/trendPoints)
	for n := 0; n < all; n += step {
		span.At = append(span.At, ledger.DayOf(span.From.Start().AddDate(0, 0, n)).End())
	}
	end := earlier(span.To.End(), settled)
	span.At = append(span.At, end)
	return span
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// trendView is a trend as the page shows it, drawn twice: wide, and for narrow
// screens, where the letters of the wide one would be too small.
type trendView struct {
	From, To ledger.Date
	Wide     drawing
	Narrow   drawing
	Lines    []trendLine
	Rows     []trendRow // the same as a table
	Contests []mark
	Export   exportLinks
}

type trendLine struct {
	Name  text
	Class string // of the line's look
	Last  uint64
}

type trendRow struct {
	At     time.Time
	Counts []uint64
}

// mark is a day that is marked on the chart.
type mark struct {
	Label text
	Day   ledger.Date
	X     float64
	After bool // the label stands after the line, for there is no room before it
	Y     int  // on which the label stands
}

// drawing is a chart in the units of its own box.
type drawing struct {
	Class         string
	Width, Height int
	Left, Right   int // where the lines begin and end
	Top, Bottom   int
	Ticks         []tick // of the numbers, from below
	Times         []tick // of the days
	Lines         []drawnLine
	Gap           string // points of the area of what is not followed up
	Marks         []mark
	AsOf          *mark
}

type tick struct {
	At    float64
	Label text
}

type drawnLine struct {
	trendLine
	Points string
	EndX   float64
	EndY   float64
	LabelY float64
}

func (q *question) trendOf(t projections.Trend, span trendSpan, contests []ledger.Contest) trendView {
	out := trendView{From: span.From, To: span.To}
	for i, m := range trendMeasures {
		out.Lines = append(out.Lines, trendLine{word("measure", m.String()), "line-" + m.String(), t.Counts[i][len(t.At)-1]})
	}
	for n, at := range t.At {
		row := trendRow{At: at}
		for i := range trendMeasures {
			row.Counts = append(row.Counts, t.Counts[i][n])
		}
		out.Rows = append(out.Rows, row)
	}
	for _, c := range votingDays(contests, span.From, span.To) {
		out.Contests = append(out.Contests, mark{Label: contestWord(c), Day: c.Voting})
	}
	out.Wide = q.draw(drawing{Class: "wide", Width: 960, Height: 380, Left: 52, Right: 796, Top: 30, Bottom: 346}, &out, t)
	out.Narrow = q.draw(drawing{Class: "narrow", Width: 340, Height: 290, Left: 40, Right: 332, Top: 30, Bottom: 262}, &out, t)
	return out
}

// votingDays lists the contests with voting between two days, the oldest first.
func votingDays(contests []ledger.Contest, from, to ledger.Date) []ledger.Contest {
	out := slices.DeleteFunc(slices.Clone(contests), func(c ledger.Contest) bool { return c.Voting < from || c.Voting > to })
	slices.SortFunc(out, func(a, b ledger.Contest) int { return strings.Compare(string(a.Voting), string(b.Voting)) })
	return out
}

// contestNamed is what the name of a contest says of it, such as "pilkada-2020".
func contestNamed(id string) ledger.Contest {
	kind, _, _ := strings.Cut(id, "-")
	return ledger.Contest{ID: id, Kind: kind}
}

func contestWord(c ledger.Contest) text {
	year := c.ID
	if i := strings.LastIndexByte(c.ID, '-'); i >= 0 {
		year = c.ID[i+1:]
	}
	switch c.Kind {
	case "pilkada":
		return text{"Pilkada " + year, "Pilkada " + year}
	case "pemilu":
		return text{"Pemilu " + year, "Pemilu " + year}
	}
	return text{c.ID, c.ID}
}

// draw puts a trend into a box.
func (q *question) draw(d drawing, v *trendView, t projections.Trend) drawing {
	var most uint64 = 1
	for _, counts := range t.Counts {
		for _, n := range counts {
			most = max(most, n)
		}
	}
	step := niceStep(most)
	top := float64((most + step - 1) / step * step)
	begin, end := v.From.Start(), t.At[len(t.At)-1]
	wide := max(end.Sub(begin).Seconds(), 1)
	x := func(at time.Time) float64 {
		return float64(d.Left) + float64(d.Right-d.Left)*min(1, max(0, at.Sub(begin).Seconds()/wide))
	}
	y := func(n uint64) float64 { return float64(d.Bottom) - float64(d.Bottom-d.Top)*float64(n)/top }
	for n := uint64(0); float64(n) <= top; n += step {
		d.Ticks = append(d.Ticks, tick{y(n), text{indonesian.number(n), english.number(n)}})
	}
	d.Times = timeTicks(begin, end, x, (d.Right-d.Left)/52)
	points := func(counts []uint64) []string {
		var out []string
		for i, at := range t.At {
			out = append(out, fmt.Sprintf("%s,%s", coordinate(x(at)), coordinate(y(counts[i]))))
		}
		return out
	}
	for i, line := range v.Lines {
		d.Lines = append(d.Lines, drawnLine{line, strings.Join(points(t.Counts[i]), " "), x(end), y(line.Last), y(line.Last)})
	}
	spread(d.Lines, float64(d.Top), float64(d.Bottom))
	upper, lower := points(t.Counts[1]), points(t.Counts[2])
	for i := len(lower) - 1; i >= 0; i-- {
		upper = append(upper, lower[i])
	}
	d.Gap = strings.Join(upper, " ")
	for _, c := range v.Contests {
		c.X = x(c.Day.Start().Add(12 * time.Hour))
		d.Marks = append(d.Marks, c)
	}
	placeLabels(d.Marks, float64(d.Width), d.Top)
	if !q.Query.AsOf.IsZero() {
		day := ledger.DayOf(q.Query.AsOf)
		d.AsOf = &mark{Day: day, X: x(q.Query.AsOf), Label: text{indonesian.date(q.Query.AsOf), english.date(q.Query.AsOf)}}
	}
	return d
}

// placeLabels puts the label of each mark before its line or, where the labels of
// earlier ones leave no room in either row, after it.
func placeLabels(marks []mark, width float64, top int) {
	taken := [2]float64{} // by row, the lower first
	for i := range marks {
		m := &marks[i]
		m.Y = top
		switch {
		case m.X-markRoom >= taken[0]:
			taken[0] = m.X
		case m.X-markRoom >= taken[1]:
			taken[1] = m.X
			m.Y = top - markHigh
		default:
			m.After = m.X+markRoom <= width
			taken[0] = m.X + markRoom
		}
	}
}

// markHigh is how far apart two rows of labels are.
const markHigh = 13

// markRoom is the length of the label of a marked day.
const markRoom = 92

// labelRoom is the height of a label at the end of a line: a name and a number.
const labelRoom = 34

// spread moves the labels at the ends of lines apart, from the top down, then up
// again from the bottom.
func spread(lines []drawnLine, top, bottom float64) {
	order := make([]int, len(lines))
	for i := range order {
		order[i] = i
	}
	for i := 1; i < len(order); i++ {
		for j := i; j > 0 && lines[order[j]].LabelY < lines[order[j-1]].LabelY; j-- {
			order[j], order[j-1] = order[j-1], order[j]
		}
	}
	least := top
	for _, i := range order {
		lines[i].LabelY = max(lines[i].LabelY, least)
		least = lines[i].LabelY + labelRoom
	}
	most := bottom
	for n := len(order) - 1; n >= 0; n-- {
		lines[order[n]].LabelY = min(lines[order[n]].LabelY, most)
		most = lines[order[n]].LabelY - labelRoom
	}
}

// niceStep is a round distance between numbers of an axis: some five of them.
func niceStep(most uint64) uint64 {
	rough := float64(most) / 5
	unit := math.Pow(10, math.Floor(math.Log10(max(rough, 1))))
	for _, factor := range []float64{1, 2, 2.5, 5, 10} {
		if s := factor * unit; s >= rough && s == math.Trunc(s) {
			return uint64(s)
		}
	}
	return uint64(10 * unit)
}

// timeTicks names months, or years where there is no room for months; room is how
// many labels fit.
func timeTicks(begin, end time.Time, x func(time.Time) float64, room int) []tick {
	first := begin.In(ledger.Jakarta)
	month := time.Date(first.Year(), first.Month(), 1, 0, 0, 0, 0, ledger.Jakarta)
	if month.Before(begin) {
		month = month.AddDate(0, 1, 0)
	}
	months := int(end.Sub(begin).Hours()/24/30.4) + 1
	every := 1
	for _, every = range []int{1, 2, 3, 6, 12, 24, 60} {
		if months/every <= room {
			break
		}
	}
	var out []tick
	for at := month; at.Before(end); at = at.AddDate(0, 1, 0) {
		m := int(at.Month()) - 1
		if every > 12 && at.Year()%(every/12) != 0 || m%min(every, 12) != 0 {
			continue
		}
		label := text{short[indonesian][m], short[english][m]}
		if every >= 12 || m == 0 {
			year := strconv.Itoa(at.Year())
			label = text{year, year}
		}
		out = append(out, tick{x(at), label})
	}
	return out
}

// coordinate writes a number as SVG wants it, to a tenth.
func coordinate(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }
