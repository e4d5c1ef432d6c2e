package web

import (
	"bytes"
	"html"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/rates"
)

// TestFilesOfPictures: what pages draw is to be had as files: the links of the
// pages lead to them, and every number is the ledger's own.
func TestFilesOfPictures(t *testing.T) {
	s := newShelf(t)
	rows := s.rows(t)
	t.Run("trend", func(t *testing.T) { trendFile(t, s, rows) })
	t.Run("shares", func(t *testing.T) { sharesFile(t, s, rows) })
	t.Run("times", func(t *testing.T) { timesFile(t, s) })
	t.Run("backlog", func(t *testing.T) { backlogFiles(t, s) })
	t.Run("workbooks", func(t *testing.T) {
		for _, name := range []string{"trend", "treatment-shares", "treatment-times", "backlog", "backlog-authorities", "backlog-trend"} {
			if w, body := s.fetch("/v1/exports/" + name + "?format=xlsx&as-of=2020-11-26&lang=en"); w.Code != 200 || !bytes.HasPrefix(body, []byte("PK")) {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
	})
	t.Run("refused", func(t *testing.T) {
		for path, want := range map[string]int{
			"trend?by=office": 400, "trend?measure=opened": 400, "trend?whole=1": 400, "trend?as-of=2099-01-01": 409, "treatment-shares?unit=case": 400, "treatment-shares?by=sanction": 400,
			"treatment-times?measure=opened": 400, "backlog?month=2020-11": 400, "backlog?state=overdue": 400, "backlog-trend?known-at=0": 400, "backlog-authorities?agency=x%00": 400,
		} {
			if w, body := s.fetch("/v1/exports/" + path); w.Code != want {
				t.Errorf("%s: %d %s", path, w.Code, body)
			}
		}
	})
}

// fileOf is the file of comma-separated values that a page links to.
func (s *shelf) fileOf(t *testing.T, page, name string) []map[string]string {
	t.Helper()
	link := regexp.MustCompile(`href="(/v1/exports/` + name + `\?[^"]*format=csv)"`).FindStringSubmatch(s.shows(page))
	if link == nil {
		t.Fatalf("%s has no file %s", page, name)
	}
	address := html.UnescapeString(link[1])
	if !strings.Contains(address, "known-at="+strconv.Itoa(len(s.records))) {
		t.Errorf("%s: %s is not of one position", page, address)
	}
	return s.rowsOf(address)
}

func moment(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// trendFile: each number is what the ledger counts at that moment; where the page
// draws everything, so does the file.
func trendFile(t *testing.T, s *shelf, rows []ledger.Row) {
	series := regexp.MustCompile(`(?s)<table class="series">.*?</table>`)
	for _, path := range []string{"/national", "/national?as-of=2020-11-26&seen-by=bkn&filter=origin%3Dfinding", "/national?as-of=2020-11-26&since=2020-06-30&unit=case"} {
		file := s.fileOf(t, path, "trend")
		if drawn := strings.Count(series.FindString(s.shows(path)), "<tr>") - 1; len(file) != drawn*len(trendMeasures) {
			t.Errorf("%s: %d rows of %d moments", path, len(file), drawn)
		}
		_, raw, _ := strings.Cut(path, "?")
		q, err := parseQuestion(raw)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range file {
			if i%7 > 0 {
				continue
			}
			one := q.Query
			if one.Measures, err = ledger.ParseMeasures(r["measure"]); err != nil {
				t.Fatal(err)
			}
			one.AsOf = moment(t, r["at"])
			if one.AsOf.Equal(s.records[len(s.records)-1].Recorded.Truncate(time.Second)) {
				one.AsOf = s.records[len(s.records)-1].Recorded // the file has whole seconds
			}
			if want := ledger.Count(rows, one); r["count"] != strconv.FormatUint(want, 10) {
				t.Errorf("%s: %v, the ledger says %d", path, r, want)
			}
		}
	}
}

// sharesFile: counts are the ledger's, and shares follow from them.
func sharesFile(t *testing.T, s *shelf, rows []ledger.Row) {
	file := s.fileOf(t, "/treatment/"+treatmentRates[1].Slug+"?as-of=2020-11-26&by=class", "treatment-shares")
	whole, groups, marked := 0, 0, 0
	for _, r := range file {
		info := treatmentRates[findRate(r["share"])]
		q := ledger.Query{Unit: ledger.UnitRespondent, AsOf: ledger.Date("2020-11-26").End()}
		switch r["by"] {
		case "":
			whole++
		case "class":
			if groups++; r["value"] == "" {
				continue // no filter says it
			}
			q.Filter = map[string]string{"class": r["value"]}
		}
		if r["marked"] != "" {
			marked++
		}
		of, all := q, q
		of.Measures, all.Measures = []ledger.Measure{info.Of}, info.all()
		k, n := ledger.Count(rows, of), ledger.Count(rows, all)
		if r["count"] != strconv.FormatUint(k, 10) || r["of"] != strconv.FormatUint(n, 10) {
			t.Errorf("%v: the ledger says %d of %d", r, k, n)
		}
		if n < tinyGroup {
			if r["rate"] != "" || r["low"] != "" {
				t.Errorf("%v: a share of too few", r)
			}
			continue
		}
		rate, _ := strconv.ParseFloat(r["rate"], 64)
		low, _ := strconv.ParseFloat(r["low"], 64)
		if i := rates.Wilson(k, n, sureness); math.Abs(rate-float64(k)/float64(n)) > 1e-9 || math.Abs(low-i.Low) > 1e-9 {
			t.Errorf("%v: not %d of %d", r, k, n)
		}
	}
	if whole != len(treatmentRates) || groups < 2*whole {
		t.Errorf("%d shares and %d groups", whole, groups)
	}
}

// timesFile: what is marked, and how many waited, is what the page says.
func timesFile(t *testing.T, s *shelf) {
	path := "/treatment/wait-decided?as-of=2020-11-26&by=province"
	file := s.fileOf(t, path, "treatment-times")
	q, _, err := listQuestion(map[string][]string{"as-of": {"2020-11-26"}, "by": {"province"}})
	if err != nil {
		t.Fatal(err)
	}
	want, err := s.server.treatment(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for i, info := range treatmentWaits {
		for j, g := range append([]waitGroup{want.waits[i].All}, want.waits[i].Groups...) {
			r := file[n]
			n++
			median := ""
			if e := g.estimated(); !g.Tiny() && e.Median.Known {
				median = strconv.Itoa(e.Median.Days)
			}
			if r["time"] != info.Slug || r["value"] != g.Value || (r["by"] == "") != (j == 0) || r["done"] != strconv.FormatUint(g.Done, 10) || r["open"] != strconv.FormatUint(g.Open, 10) ||
				r["median"] != median || (r["marked"] != "") != (g.Mark != 0) || (r["p"] != "") != g.Looked {
				t.Errorf("%v\n%+v", r, g.comparison)
			}
		}
	}
	if n != len(file) || n < 3*len(treatmentWaits) {
		t.Errorf("%d rows of %d", len(file), n)
	}
}

// backlogFiles: they add up to what the ledger says is owed.
func backlogFiles(t *testing.T, s *shelf) {
	const path = "/backlog?as-of=2020-11-26"
	pending, overdue := 0, 0
	for _, o := range s.obligations(t, ledger.Date("2020-11-26").End()) {
		if o.State.Pending() && !o.Right {
			pending++
		}
		if o.State == ledger.ObligationOverdue && !o.Right {
			overdue++
		}
	}
	sum := func(rows []map[string]string, column string) (n int) {
		for _, r := range rows {
			if r["right"] == "true" {
				continue
			}
			one, err := strconv.Atoi(r[column])
			if err != nil {
				t.Fatal(err)
			}
			n += one
		}
		return n
	}
	if file := s.fileOf(t, path, "backlog"); sum(file, "pending") != pending || sum(file, "overdue") != overdue || pending == 0 {
		t.Errorf("%d and %d, the ledger says %d and %d", sum(file, "pending"), sum(file, "overdue"), pending, overdue)
	}
	trend := s.fileOf(t, path, "backlog-trend")
	if last := trend[len(trend)-1]; last["pending"] != strconv.Itoa(pending) || last["overdue"] != strconv.Itoa(overdue) || len(trend) < 5 {
		t.Errorf("%v of %d", last, len(trend))
	}
	authorities := s.fileOf(t, path, "backlog-authorities")
	for _, r := range authorities {
		of := func(column string) int {
			n, err := strconv.Atoi(r[column])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if rate, _ := strconv.ParseFloat(r["rate"], 64); of("owed") != of("overdue")+of("open")+of("decided")+of("ended") || math.Abs(rate-float64(of("overdue"))/float64(of("owed"))) > 1e-9 {
			t.Errorf("%v", r)
		}
	}
	if len(authorities) <= shownAuthorities {
		t.Errorf("%d authorities: no more than the page lists", len(authorities))
	}
}
