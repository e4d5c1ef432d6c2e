package web

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// every number with an address: the list behind it says what is counted.
var (
	leadNumber  = regexp.MustCompile(`<a class="big" href="([^"]+)" data-headline="[a-z_]+"[^>]*>([0-9.,]+)</a>`)
	stepNumber  = regexp.MustCompile(`<a href="([^"]+)" data-(?:funnel|aside)="[a-z_]+"[^>]*>([0-9.,]+)</a>`)
	tileNumber  = regexp.MustCompile(`<a href="([^"]+)" data-province="[0-9]+"><span[^>]*>[^<]+</span><span[^>]*>[^<]+</span> <span class="n">([0-9.,]+)</span></a>`)
	emptyTile   = regexp.MustCompile(`<span class="cell">`)
	provinceRow = regexp.MustCompile(`<th scope="row" role="rowheader">([^<]+)</th><td class="number" role="cell">(?:<a href="([^"]+)">)?([0-9.,]+)`)
	centreTile  = regexp.MustCompile(`class="centre">[^<]*<a href="([^"]+)">([0-9.,]+)</a>`)
)

var nationalQuestions = []string{
	"as-of=2020-11-26&seen-by=bkn", "as-of=2020-10-04&unit=case&measure=blocked%2Bsanctioned", "unit=recommendation&filter=family%3Dethics",
	"as-of=2020-12-31&since=2020-06-30&known-at=4000&by=province", "measure=opened&unit=ppk&lang=en",
}

// TestNationalNumbers: headline, funnel, map and table beside it, chart and times
// say what the ledger's own fold says.
func TestNationalNumbers(t *testing.T) {
	s := newShelf(t)
	rows := s.rows(t)
	for _, raw := range nationalQuestions {
		body := s.shows("/national?" + raw)
		for what, links := range map[string]struct {
			found *regexp.Regexp
			least int
		}{"headline": {leadNumber, 5}, "funnel": {stepNumber, 6}, "map": {tileNumber, 10}, "centre": {centreTile, 0}} {
			all := links.found.FindAllStringSubmatch(body, -1)
			if len(all) < links.least {
				t.Errorf("%s: %d numbers of the %s", raw, len(all), what)
			}
			for _, l := range all {
				s.isCounted(t, rows, l[1], l[2])
			}
		}
		tiles := len(tileNumber.FindAllString(body, -1)) + len(emptyTile.FindAllString(body, -1))
		beside := provinceRow.FindAllStringSubmatch(body[strings.Index(body, `class="provinces"`):strings.Index(body, `id="rincian"`)], -1)
		if tiles != len(places) || len(beside) != len(places) {
			t.Fatalf("%s: %d tiles and %d lines beside them", raw, tiles, len(beside))
		}
		last := ^uint64(0)
		for _, l := range beside {
			n := plain(t, l[3])
			if n > last {
				t.Errorf("%s: %s with %d stands below %d", raw, l[1], n, last)
			}
			if last = n; n > 0 {
				s.isCounted(t, rows, l[2], l[3])
			}
		}
	}
}

// isCounted holds a number to the ledger's count of the question in its address.
func (s *shelf) isCounted(t *testing.T, rows []ledger.Row, address, number string) {
	t.Helper()
	u, err := url.Parse(html.UnescapeString(address))
	if err != nil {
		t.Fatal(err)
	}
	q, err := parseQuestion(u.RawQuery)
	if err != nil {
		t.Fatalf("%s: %v", u, err)
	}
	if want := ledger.Count(s.rowsKnown(t, rows, q.Known), s.settled(q.Query)); plain(t, number) != want {
		t.Errorf("%s: the page says %s, the ledger %d", u, number, want)
	}
}

func (s *shelf) settled(q ledger.Query) ledger.Query {
	if q.AsOf.IsZero() {
		q.AsOf = s.records[len(s.records)-1].Recorded
	}
	return q
}

// rowsKnown are the rows of what was recorded up to a position.
func (s *shelf) rowsKnown(t *testing.T, rows []ledger.Row, known string) []ledger.Row {
	t.Helper()
	if known == "" {
		return rows
	}
	p := plain(t, known)
	if s.known == nil {
		s.known = map[uint64][]ledger.Row{}
	}
	if s.known[p] == nil {
		earlier := *s.book
		earlier.records = earlier.records[:p]
		s.known[p] = earlier.rows(t)
	}
	return s.known[p]
}

// TestTrendIsCounted: the table behind the chart says what the ledger's fold says
// of each moment, and the chart's points are those of the table.
func TestTrendIsCounted(t *testing.T) {
	s := newShelf(t)
	rows := s.rows(t)
	for _, raw := range nationalQuestions[:4] {
		q, err := parseQuestion(raw)
		if err != nil {
			t.Fatal(err)
		}
		page, err := s.server.nationalPage(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		trend := page.Trend
		if len(trend.Rows) < 20 || len(trend.Rows) > trendPoints+1 {
			t.Errorf("%s: %d moments", raw, len(trend.Rows))
		}
		for n, row := range trend.Rows {
			if n%9 != 0 && n != len(trend.Rows)-1 {
				continue
			}
			for i, m := range trendMeasures {
				one := q.Query
				one.Measures, one.AsOf = []ledger.Measure{m}, row.At
				if want := ledger.Count(s.rowsKnown(t, rows, q.Known), one); row.Counts[i] != want {
					t.Errorf("%s, %s of %s: the chart says %d, the ledger %d", raw, m, row.At, row.Counts[i], want)
				}
			}
		}
		for _, d := range []drawing{trend.Wide, trend.Narrow} {
			for _, line := range d.Lines {
				if got := len(strings.Fields(line.Points)); got != len(trend.Rows) {
					t.Errorf("%s: a line has %d points of %d", raw, got, len(trend.Rows))
				}
			}
			if (d.AsOf == nil) != q.Query.AsOf.IsZero() {
				t.Errorf("%s: the line of as-of", raw)
			}
		}
		for i := 1; i < len(trend.Wide.Lines); i++ {
			for j := range i {
				if gap := trend.Wide.Lines[i].LabelY - trend.Wide.Lines[j].LabelY; gap > -labelRoom+.01 && gap < labelRoom-.01 {
					t.Errorf("%s: two labels %.1f apart", raw, gap)
				}
			}
		}
	}
}

// TestLabelsOfDays: no label of a marked day stands on that of another, or outside
// the picture.
func TestLabelsOfDays(t *testing.T) {
	const width, top = 340, 30
	marks := []mark{{X: 48}, {X: 120}, {X: 205}, {X: 300}}
	placeLabels(marks, width, top)
	want := []mark{{X: 48, After: true, Y: top}, {X: 120, Y: top - markHigh}, {X: 205, After: true, Y: top}, {X: 300, Y: top - markHigh}}
	if !slices.Equal(marks, want) {
		t.Errorf("%+v", marks)
	}
}

// TestTimesAreCounted: how many have taken a step and how many wait is what the
// milestones of the ledger's rows say.
func TestTimesAreCounted(t *testing.T) {
	s := newShelf(t)
	q, err := parseQuestion("as-of=2020-11-26&seen-by=bkn")
	if err != nil {
		t.Fatal(err)
	}
	page, err := s.server.nationalPage(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	at := q.Query.AsOf
	want := map[string][2]uint64{}
	for _, r := range s.rows(t) {
		held := !r.From.After(at) && (r.To.IsZero() || r.To.After(at))
		if !held || r.DuplicateOf != "" || !slices.Contains(r.SeenBy, ledger.BKN) {
			continue
		}
		for _, stage := range stages {
			from, to := r.Reached.At(stage.Step.From), r.Reached.At(stage.Step.To)
			if from.IsZero() {
				continue
			}
			n := want[stage.Name.EN]
			if !to.IsZero() && !to.Before(from) {
				n[0]++
			} else {
				n[1]++
			}
			want[stage.Name.EN] = n
		}
	}
	if len(page.Spans) < 4 {
		t.Fatalf("%d steps", len(page.Spans))
	}
	for _, span := range page.Spans {
		if got := [2]uint64{span.Done, span.Open}; got != want[span.Name.EN] {
			t.Errorf("%s: the page says %v, the ledger %v", span.Name.EN, got, want[span.Name.EN])
		}
	}
}

// TestPlaces: every province has its own tile, in the table's order, and no two
// lie on each other.
func TestPlaces(t *testing.T) {
	taken := map[[2]int]string{}
	for i, p := range ledger.Provinces() {
		if i >= len(places) || places[i].Code != p.Code {
			t.Fatalf("tile %d is not of %s", i, p.Name)
		}
		at := [2]int{places[i].Col, places[i].Row}
		if other, ok := taken[at]; ok || at[0] < 1 || at[0] > 18 || at[1] < 1 || at[1] > 7 {
			t.Errorf("%s lies on %s, or outside", p.Name, other)
		}
		taken[at] = p.Name
	}
}

// TestShades: every number has a step of the legend that says so.
func TestShades(t *testing.T) {
	for most := uint64(0); most < 300; most++ {
		ends := scaleOf(most)
		if most > 0 && ends[len(ends)-1] != most {
			t.Fatalf("the scale up to %d ends at %v", most, ends)
		}
		for n := uint64(1); n <= most; n++ {
			shade := shadeOf(ends, n) - (1 + shades - len(ends))
			if shade < 0 || n > ends[shade] || shade > 0 && n <= ends[shade-1] {
				t.Fatalf("%d of %v has step %d", n, ends, shade)
			}
		}
	}
}

// TestSliders: each place of a slider is a moment that may be asked for, and the
// second one moves by days once records span some.
func TestSliders(t *testing.T) {
	s := newShelf(t)
	extent, err := s.server.Figures.Extent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.server.Figures.Progress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	q := question{Query: ledger.Query{Unit: ledger.UnitRespondent}}
	short := q.times(extent, p, p.Position, p.Recorded)
	if k := short.Known; !k.Position || k.Stops < 100 || k.Stops > positionPlaces || k.At != k.Stops {
		t.Errorf("of a few days: %+v", k)
	}
	if body := s.shows404("/national?known-at=2020-01-01"); !strings.Contains(body, "<output id=\"said-known-at\" for=\"slide-known-at\">2020-01-01</output>") {
		t.Error("the slider of a moment before the first record says something else")
	}
	long := p
	long.Recorded = extent.Recorded.AddDate(0, 2, 3)
	q.Known, q.Query.AsOf = string(ledger.DayOf(extent.Recorded.AddDate(0, 1, 0))), ledger.DayOf(extent.Recorded.AddDate(0, 1, 0)).End()
	both := q.times(extent, long, p.Position, q.Query.AsOf)
	if k := both.Known; k.Position || k.Stops != 64 || k.At != 30 || !both.Shown || len(k.Steps) != 5 {
		t.Errorf("of two months: %+v", both)
	}
	q.Known = ""
	if href := q.times(extent, long, p.Position, long.Recorded).AsShown.Href; !strings.Contains(href, "known-at="+string(ledger.DayOf(q.Query.AsOf))) {
		t.Errorf("what was shown then: %s", href)
	}
	for _, step := range slices.Concat(short.AsOf.Steps, short.Known.Steps) {
		s.shows(step.Href)
	}
}

// shows404 is a page that says why it has no figures.
func (s *shelf) shows404(path string) string {
	s.t.Helper()
	status, body := s.page(path)
	if status != http.StatusNotFound {
		s.t.Fatalf("%s: %d", path, status)
	}
	return body
}

// TestSpanOf: the picture stands still while as-of moves through a year.
func TestSpanOf(t *testing.T) {
	s := newShelf(t)
	extent, err := s.server.Figures.Extent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	settled := s.records[len(s.records)-1].Recorded
	day := func(d ledger.Date) time.Time { return d.End() }
	june, july := spanOf(extent, settled, day("2020-06-01"), time.Time{}), spanOf(extent, settled, day("2020-07-15"), time.Time{})
	if june.From != july.From || june.To != july.To || june.To != "2020-12-31" {
		t.Errorf("%v and %v", june, july)
	}
	for _, asOf := range []time.Time{{}, settled, extent.First, extent.First.Add(time.Second), day("2019-01-01"), day("2024-02-29")} {
		for _, since := range []time.Time{{}, day("2020-06-30"), settled} {
			span := spanOf(extent, settled, asOf, since)
			if len(span.At) == 0 || len(span.At) > trendPoints+1 || span.At[len(span.At)-1].After(settled) || span.From > span.To {
				t.Errorf("as of %s since %s: %s to %s, %d moments", asOf, since, span.From, span.To, len(span.At))
			}
		}
	}
}
