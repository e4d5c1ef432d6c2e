package web

import (
	"fmt"
	"html"
	"math"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
	"github.com/berkas-ledger/berkas/rates"
)

// TestTreatment tells one book and compares what the page says of it with the
// ledger's own fold.
func TestTreatment(t *testing.T) {
	s := newShelf(t)
	for name, look := range map[string]func(*testing.T, *shelf){
		"shares": sharesAreTheLedgers, "waits": waitsAreTheLedgers, "marks": marksAreSaid, "hostile": treatmentIsAsked, "links": treatmentLeads,
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			look(t, s)
		})
	}
}

var (
	pairOfLists = regexp.MustCompile(`<a href="(/cases[^"]+)">([0-9.]+)</a> dari <a href="(/cases[^"]+)">([0-9.]+)</a>`)
	dotsRow     = regexp.MustCompile(`(?s)<tr role="row"[^>]*>\s*<th scope="row" role="rowheader">(.*?)</th>(.*?)</tr>`)
	waited      = regexp.MustCompile(`count">([0-9.]+) \+ ([0-9.]+)`)
	anyPercent  = regexp.MustCompile(`([0-9]+,[0-9])%`)
)

// sharesAreTheLedgers: every pair of numbers is what ledger.Count says of the
// lists that they open, and the shares follow from them.
func sharesAreTheLedgers(t *testing.T, s *shelf) {
	rows := s.rows(t)
	latest := s.records[len(s.records)-1].Recorded
	seen := 0
	for i, info := range treatmentRates {
		by := treatmentBy[i%len(treatmentBy)]
		body := s.shows("/treatment/" + info.Slug + "?as-of=2020-11-26&by=" + by)
		for _, pair := range pairOfLists.FindAllStringSubmatch(body, -1) {
			seen++
			counts := [2]uint64{}
			for j, at := range []int{1, 3} {
				address, err := url.Parse(html.UnescapeString(pair[at]))
				if err != nil {
					t.Fatal(err)
				}
				q, err := parseQuestion(address.RawQuery)
				if err != nil {
					t.Fatalf("%s: %v", address, err)
				}
				if q.Query.AsOf.IsZero() {
					q.Query.AsOf = latest
				}
				if counts[j] = ledger.Count(rows, q.Query); plain(t, pair[at+1]) != counts[j] {
					t.Errorf("%s: the page says %s, the ledger %d", address, pair[at+1], counts[j])
				}
			}
			if counts[0] > counts[1] {
				t.Errorf("%s: %d of %d", pair[1], counts[0], counts[1])
			}
		}
		for _, row := range dotsRow.FindAllStringSubmatch(body, -1) {
			pair, shares := pairOfLists.FindStringSubmatch(row[2]), anyPercent.FindAllStringSubmatch(row[2], -1)
			if pair == nil || len(shares) == 0 {
				continue
			}
			k, n := plain(t, pair[2]), plain(t, pair[4])
			i := rates.Wilson(k, n, .95)
			for j, want := range []float64{float64(k) / float64(n), i.Low, i.High} {
				// Places in the picture have a point, what is said has a comma.
				if got := shares[len(shares)-3+j][0]; got != indonesian.percent(want) {
					t.Errorf("%s: %s, not %s", row[1], got, indonesian.percent(want))
				}
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d shares were looked at", seen)
	}
}

// waitsAreTheLedgers: how many waited and wait is what the rows say, and the
// median is that of their days.
func waitsAreTheLedgers(t *testing.T, s *shelf) {
	asOf := ledger.Date("2020-11-26").End()
	for _, info := range treatmentWaits[1:4] {
		body := s.shows("/treatment/" + info.Slug + "?as-of=2020-11-26&by=office")
		var done, open uint64
		for _, r := range s.rows(t) {
			from, to := r.Reached.At(info.Step.From), r.Reached.At(info.Step.To)
			if r.From.After(asOf) || !r.To.IsZero() && !r.To.After(asOf) || r.DuplicateOf != "" || from.IsZero() {
				continue
			}
			if !to.IsZero() && ledger.DayOf(to) >= ledger.DayOf(from) {
				done++
			} else {
				open++
			}
		}
		list := waited.FindAllStringSubmatch(body, -1)
		if len(list) < 10 {
			t.Fatalf("%s: %d rows", info.Slug, len(list))
		}
		if plain(t, list[0][1]) != done || plain(t, list[0][2]) != open {
			t.Errorf("%s: %v, but %d did and %d wait", info.Slug, list[0], done, open)
		}
		var sum uint64
		for _, l := range list[1:] {
			sum += plain(t, l[1]) + plain(t, l[2])
		}
		if sum != done+open {
			t.Errorf("%s: the offices add up to %d, not %d", info.Slug, sum, done+open)
		}
	}
	d := projections.Duration{Done: []uint32{0, 3, 1, 0, 2}, Open: []uint32{0, 0, 4}}
	if g := waitOf(d).estimated(); g.Done != 6 || g.Open != 4 || g.Median.Days != 4 || !g.Small() {
		t.Errorf("%+v", g)
	}
}

// marksAreSaid: of the 26 blocked 17 are in central institutions, which chance
// does not explain; the page says so in words and shape, and accuses nobody.
func marksAreSaid(t *testing.T, s *shelf) {
	body := s.shows("/treatment/blocked?as-of=2020-11-26")
	for _, want := range []string{
		"▲ lebih tinggi dari yang dijelaskan kebetulan", "tanpa provinsi (instansi pusat)", `<path class="up"`, "17 dari 20", "Holm, 5%",
		"Selisih adalah pertanyaan, bukan putusan", "Susunan kasus", "jumlah kecil", "Terlalu sedikit untuk dibandingkan",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if got := strings.Count(body, "lebih tinggi dari yang dijelaskan kebetulan</small>"); got != 1 {
		t.Errorf("%d groups are marked", got)
	}
	for _, bad := range []string{"pilih kasih", "diskriminasi", "melanggar hukum", "favour", "guilty"} {
		if strings.Contains(strings.ToLower(body), bad) {
			t.Errorf("the page accuses: %s", bad)
		}
	}
	for _, row := range dotsRow.FindAllStringSubmatch(body, -1) {
		if pair := pairOfLists.FindStringSubmatch(row[2]); pair != nil && plain(t, pair[4]) < tinyGroup {
			t.Errorf("a tiny group has a picture: %s", row[1])
		}
	}
	if body := s.shows("/treatment/violation?by=item&lang=en"); !strings.Contains(body, "may stand in several groups") {
		t.Error("that somebody counts in several groups is not said")
	}
	s.page("/?lang=id")
}

// TestJudge: the correction is over everything compared, and the limits that are
// drawn part what is marked from what is not.
func TestJudge(t *testing.T) {
	answers := make([]projections.Answer, 2*len(treatmentRates))
	rows := make([]projections.Row, 60)
	for i := range rows {
		rows[i] = projections.Row{Value: fmt.Sprint(i), Counts: make([]uint64, len(answers))}
	}
	add := func(row, rate int, k, n uint64) {
		rows[row].Counts[2*rate] += k
		rows[row].Counts[2*rate+1] += n
		answers[2*rate].Value += k
		answers[2*rate+1].Value += n
	}
	for i := range rows {
		add(i, 0, uint64(10+i%7), 40)
		add(i, 1, uint64(i%3), 4) // all of them tiny
	}
	add(7, 0, 160, 160)
	add(8, 0, 0, 160)
	tr := treatment{rates: ratesOf(answers, rows)}
	tr.judge()
	if tr.judged.Looked != 60 || tr.judged.Marked != 2 || tr.judged.Expected <= 0 || tr.judged.Expected > 3 {
		t.Errorf("%+v", tr.judged)
	}
	for i, g := range tr.rates[0].Groups {
		if want := map[int]int{7: 1, 8: -1}[i]; g.Mark != want {
			t.Errorf("group %d is marked %d", i, g.Mark)
		}
		all := tr.rates[0].All
		limits := rates.Dealt(g.N, all.K, all.N)
		if outside := limits.P(g.K) <= tr.alpha; outside != (g.Mark != 0) {
			t.Errorf("group %d: marked %d, outside the drawn limits %v", i, g.Mark, outside)
		}
	}
	for _, g := range tr.rates[1].Groups {
		if g.Looked || !g.Tiny() {
			t.Errorf("a tiny group is compared: %+v", g)
		}
	}
	f := tr.funnel(tr.rates[0])
	if len(f.Dots) != 60 || f.Groups != 60 || f.One == "" || strings.Contains(f.All, "NaN") {
		t.Errorf("funnel: %d dots", len(f.Dots))
	}
	if f := tr.funnel(tr.rates[1]); len(f.Dots) != 0 {
		t.Errorf("a funnel of tiny groups: %+v", f.Dots)
	}
	if none := tr.funnel(ratesBy{}); len(none.Dots) != 0 || none.One != "" {
		t.Errorf("a funnel of nothing: %+v", none)
	}
}

// BenchmarkTreatment is everything but the counts: 600 groups of a million.
func BenchmarkTreatment(b *testing.B) {
	answers := make([]projections.Answer, 2*len(treatmentRates))
	var rows []projections.Row
	var groups []projections.Duration
	whole := projections.Duration{Done: make([]uint32, 2000), Open: make([]uint32, 2000)}
	for i := range 600 {
		row := projections.Row{Value: fmt.Sprint(i)}
		for j := range answers {
			n := uint64(500 + i*4)
			if j%2 == 0 {
				n = n/3 + uint64(i*j%9)
			}
			row.Counts = append(row.Counts, n)
			answers[j].Value += n
		}
		rows = append(rows, row)
		d := projections.Duration{Value: row.Value, Done: make([]uint32, 2000), Open: make([]uint32, 2000)}
		for day := 0; day < 2000; day += 1 + i%7 {
			d.Done[day]++
			whole.Done[day]++
		}
		groups = append(groups, d)
	}
	for b.Loop() {
		t := treatment{rates: ratesOf(answers, rows)}
		for range treatmentWaits {
			t.waits = append(t.waits, waitsOf([]projections.Duration{whole}, groups))
		}
		t.judge()
		q := question{By: "institution"}
		t.ratePicture(&q, 3)
		t.waitPicture(&q, 3)
	}
}

// TestDotScales: whatever is drawn lies on the scale.
func TestDotScales(t *testing.T) {
	for _, most := range []uint64{1, 5, 7, 99, 12_345, math.MaxUint64} {
		last := -1.0
		for _, n := range sizeTicks(most) {
			at := math.Sqrt(float64(n) / float64(most))
			if at <= last || n > most {
				t.Errorf("ticks up to %d: %v", most, sizeTicks(most))
			}
			last = at
		}
	}
	never := waitOf(projections.Duration{Open: append(make([]uint32, projections.MaxDays), 9)}).estimated()
	quick := waitOf(projections.Duration{Done: []uint32{9}}).estimated()
	sc := waitScale([]waitGroup{never, quick}, quick)
	for _, g := range []waitGroup{never, quick} {
		r := sc.row(g)
		for _, at := range []float64{r.Low, r.At, r.High, r.From, r.To} {
			if at < 0 || at > 100 {
				t.Errorf("%+v", r)
			}
		}
	}
	list := []waitGroup{quick, never}
	if slices.SortFunc(list, longestFirst); list[0].Median.Known {
		t.Error("who waits on does not come first")
	}
}

// treatmentIsAsked: what is no question of this page is refused in words.
func treatmentIsAsked(t *testing.T, s *shelf) {
	evil := url.QueryEscape(`"><script>alert(1)</script>`)
	for address, want := range map[string]int{
		"/treatment/nothing": 404, "/treatment/" + evil: 404, "/treatment?unit=case": 400, "/treatment?measure=blocked": 400, "/treatment?by=origin": 400,
		"/treatment?by=" + evil: 400, "/treatment?as-of=x": 400, "/treatment?known-at=0": 400, "/treatment?as-of=2999-01-01": 409, "/treatment?known-at=99999999": 409,
		"/treatment?filter=office%3DIV&f-class=pelaksana": 303, "/treatment/violation?filter=institution%3D" + evil: 200, "/treatment?since=2030-01-01": 200,
		"/treatment?as-of=1999-01-01": 200, "/treatment/wait-decided?since=2020-10-01&seen-by=bkn&known-at=2000": 200, "/treatment/wait-decided?filter=item%3Dnone": 200,
	} {
		status, body := s.page(address)
		if status != want || strings.Contains(body, "<script>alert") {
			t.Errorf("%s: %d, not %d", address, status, want)
		}
	}
}

// treatmentLeads: every picture is shown by every dimension, and its links lead
// somewhere.
func treatmentLeads(t *testing.T, s *shelf) {
	var slugs []string
	for _, r := range treatmentRates {
		slugs = append(slugs, r.Slug)
	}
	for _, w := range treatmentWaits {
		slugs = append(slugs, w.Slug)
	}
	for i := range max(len(slugs), len(treatmentBy)) {
		body := s.shows("/treatment/" + slugs[i%len(slugs)] + "?as-of=2020-11-26&lang=en&by=" + treatmentBy[i%len(treatmentBy)])
		for j, m := range anyLink.FindAllStringSubmatch(body, -1) {
			link := html.UnescapeString(m[1])
			if j%23 != 0 || !strings.HasPrefix(link, "/") || link == "/logout" {
				continue
			}
			if status, _ := s.page(link); status != http.StatusOK {
				t.Errorf("%s: %d", link, status)
			}
		}
		if strings.Contains(body, "NaN") || strings.Contains(body, "%!") || strings.Contains(body, " style=") {
			t.Errorf("%s: the page holds what is no number", slugs[i%len(slugs)])
		}
	}
	s.page("/?lang=id")
}

// TestTogether: what is counted of all is the sum of its groups, and leaves them
// as they are.
func TestTogether(t *testing.T) {
	first, second := []uint32{1, 0, 2}, []uint32{3}
	steps := [][]projections.Duration{{{Value: "a", Done: first}, {Value: "b", Done: second, Open: []uint32{0, 5}}}, nil}
	want := [][]projections.Duration{{{Done: []uint32{4, 0, 2}, Open: []uint32{0, 5}}}, {{}}}
	if got := together(steps); !reflect.DeepEqual(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
	if !slices.Equal(first, []uint32{1, 0, 2}) {
		t.Errorf("a group was changed to %v", first)
	}
}
