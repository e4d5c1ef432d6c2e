package web

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/berkas-ledger/berkas/exports"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// fetch asks for a file as a browser does that follows a link.
func (s *shelf) fetch(path string) (*httptest.ResponseRecorder, []byte) {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	w := httptest.NewRecorder()
	s.server.ServeHTTP(w, r)
	return w, w.Body.Bytes()
}

// rowsOf reads a list as CSV, row by row and by the names of its columns.
func (s *shelf) rowsOf(path string) []map[string]string {
	s.t.Helper()
	w, body := s.fetch(path)
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != csvType || w.Header().Get("X-Content-Type-Options") != "nosniff" {
		s.t.Fatalf("%s: %d %s %s", path, w.Code, w.Header().Get("Content-Type"), body)
	}
	name := w.Header().Get("Content-Disposition")
	if !strings.HasPrefix(name, `attachment; filename="berkas-`) || !strings.HasSuffix(name, `.csv"`) {
		s.t.Errorf("%s: %s", path, name)
	}
	lines, err := csv.NewReader(bytes.NewReader(body)).ReadAll()
	if err != nil {
		s.t.Fatal(err)
	}
	var out []map[string]string
	for _, l := range lines[1:] {
		row := map[string]string{}
		for i, column := range lines[0] {
			row[column] = strings.TrimPrefix(l[i], "'") // what Neutral does
		}
		out = append(out, row)
	}
	return out
}

// TestExports: the numbers in files are the ledger's own, in both forms; a workbook
// says what it is of.
func TestExports(t *testing.T) {
	s := newShelf(t)
	t.Run("national", func(t *testing.T) { nationalFile(t, s) })
	t.Run("cases", func(t *testing.T) { casesFile(t, s) })
	t.Run("worklist", func(t *testing.T) { workFile(t, s) })
	t.Run("published", func(t *testing.T) { publishedFile(t, s) })
	t.Run("workbook", func(t *testing.T) { workbookIsWhole(t, s) })
	t.Run("semicolons", func(t *testing.T) {
		_, body := s.fetch("/v1/exports/national?format=csv&separator=semicolon")
		if !bytes.HasPrefix(body, []byte("\xef\xbb\xbfmeasure;name;by;")) {
			t.Errorf("%.60q", body)
		}
	})
	t.Run("refused", func(t *testing.T) {
		for path, want := range map[string]int{
			"national?format=pdf": 400, "national?format=csv&format=csv": 400, "national?separator=tab": 400, "national?format=xlsx&separator=comma": 400, "national?bom=true": 400,
			"national?measure=semua": 400, "cases?by=office": 400, "worklist?agency=BKN": 400, "published?x=1": 400, "national?as-of=2099-01-01": 409, "nothing": 404,
			"national?" + strings.Repeat("x", maxQuery): 400, "cases/x": 404, "cases/" + s.NewID(): 404, "cases/" + s.strange + "?as-of=x": 400,
		} {
			w, body := s.fetch("/v1/exports/" + path)
			if w.Code != want || w.Header().Get("Content-Disposition") != "" || w.Header().Get("Content-Type") == csvType {
				t.Errorf("%.60s: %d %s", path, w.Code, body)
			}
		}
	})
	t.Run("paper", func(t *testing.T) { paperIsWhole(t, s) })
	t.Run("links", func(t *testing.T) {
		q := question{Measure: "opened", Query: ledger.Query{Unit: ledger.UnitCase}}
		links := exportsOf(q.address(exportPath + "/national"))
		for _, href := range []string{links.CSV, links.Semicolon, links.XLSX, exportsOf(exportPath + "/published").XLSX} {
			if w, _ := s.fetch(href); w.Code != http.StatusOK {
				t.Errorf("%s: %d", href, w.Code)
			}
		}
	})
}

func workbookIsWhole(t *testing.T, s *shelf) {
	w, body := s.fetch("/v1/exports/national?format=xlsx&as-of=2020-11-26&by=office&measure=recommended&lang=id")
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != xlsxType || w.Header().Get("Content-Disposition") != `attachment; filename="berkas-national-20201126.xlsx"` {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	f, err := excelize.OpenReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sheet, err := f.GetRows("data")
	if err != nil {
		t.Fatal(err)
	}
	same := s.rowsOf("/v1/exports/national?as-of=2020-11-26&by=office&measure=recommended&lang=id")
	if len(sheet) != len(same)+1 {
		t.Fatalf("%d rows, %d in CSV", len(sheet)-1, len(same))
	}
	for i, r := range same {
		if row := sheet[i+1]; row[0] != r["measure"] || row[3] != r["value"] || row[5] != r["count"] {
			t.Errorf("%v, in CSV %v", row, r)
		}
	}
	about, err := f.GetRows("about")
	if err != nil {
		t.Fatal(err)
	}
	said := fmt.Sprint(about)
	for _, want := range []string{"Angka nasional", "Direkomendasikan", "kantor BKN", "2020", s.Origin, fmt.Sprint(len(s.records)), "/v1/exports/national", ledger.MeasureTable[ledger.Recommended].Indonesian, "belum ada yang mencakup"} {
		if !strings.Contains(strings.ToLower(said), strings.ToLower(want)) {
			t.Errorf("the second sheet does not say %q: %s", want, said)
		}
	}
}

// paperIsWhole: every walk of the book, and a case with a kind nobody knows, is to be
// had on paper, which is the same twice.
func paperIsWhole(t *testing.T, s *shelf) {
	for _, id := range []string{s.walks[0].Case, s.walks[1].Case, s.strange} {
		for _, lang := range []string{"id", "en"} {
			path := "/v1/exports/cases/" + url.PathEscape(id) + "?lang=" + lang
			w, one := s.fetch(path)
			_, two := s.fetch(path)
			if w.Code != http.StatusOK || w.Header().Get("Content-Type") != pdfType || w.Header().Get("Content-Disposition") != `attachment; filename="berkas-kasus.pdf"` || !bytes.HasPrefix(one, []byte("%PDF-1.")) || !bytes.Equal(one, two) {
				t.Errorf("%s: %d %v", path, w.Code, w.Header())
			}
			if bytes.Contains(one, []byte("<script>")) {
				t.Error("it is not compressed, or worse")
			}
		}
	}
}

// TestExportThatBreaks: a list that cannot be finished is cut, not ended; one that
// cannot be begun is a problem.
func TestExportThatBreaks(t *testing.T) {
	broken := errors.New("gone")
	rows := 0
	s := newSilent(t)
	s.serve("GET /pecah", needNothing, func(w http.ResponseWriter, r *http.Request) error {
		form, _, err := splitExport(r.URL.RawQuery)
		if err != nil {
			return err
		}
		return s.sendList(w, r, form, &list{
			name: "x", asOf: time.Now(), columns: []listColumn{{"a", text{"a", "a"}}},
			rows: func(_ context.Context, add func(exports.Row) error) error {
				for range rows {
					if err := add(exports.Row{strings.Repeat("x", 100)}); err != nil {
						return err
					}
				}
				return broken
			},
		})
	})
	n := &node{t: t, server: s}
	n.listen()
	for _, form := range []string{"csv", "xlsx"} {
		r := n.get("/pecah?format=" + form)
		n.wants(r, 500, "internal")
		if r.header.Get("Content-Disposition") != "" {
			t.Error("a problem is saved as a file")
		}
	}
	rows = 10_000
	answer, err := http.Get(n.http.URL + "/pecah")
	if err == nil {
		defer answer.Body.Close()
		_, err = bytes.NewBuffer(nil).ReadFrom(answer.Body)
	}
	if err == nil {
		t.Error("half a list passes for a whole one")
	}
}

// FuzzSplitExport: the form is taken out, and the question left as it was.
func FuzzSplitExport(f *testing.F) {
	f.Add("format=csv&measure=opened&filter=a%3Db&filter=c")
	f.Add("format=xlsx&separator=comma")
	f.Add("%zz&a;b")
	f.Fuzz(func(t *testing.T, raw string) {
		_, rest, err := splitExport(raw)
		if err != nil {
			return
		}
		values, err := url.ParseQuery(rest)
		if err != nil {
			t.Fatalf("%q is left", rest)
		}
		for _, name := range exportForms {
			if values.Has(name) {
				t.Errorf("%s is left", name)
			}
		}
	})
}

// TestExportIsProven: a file names the checkpoint that covers what it was made from.
func TestExportIsProven(t *testing.T) {
	n := newNode(t)
	id, opened := n.open()
	n.admit(opened)
	n.settled()
	r := n.get("/v1/exports/national?format=xlsx")
	f, err := excelize.OpenReader(strings.NewReader(r.body))
	n.check(err)
	defer f.Close()
	about, err := f.GetRows("about")
	n.check(err)
	_, c, err := n.server.newest(t.Context())
	n.check(err)
	if said := fmt.Sprint(about); c.Size < n.length() || !strings.Contains(said, c.Root.String()) || !strings.Contains(said, n.http.URL) {
		t.Errorf("%+v: %s", c, said)
	}
	if r := n.get("/v1/exports/cases/" + id); r.status != http.StatusOK || r.header.Get("Content-Type") != pdfType {
		t.Errorf("%d %s", r.status, r.body)
	}
	tokens, secrets := bearers(t)
	n = &node{t: t}
	n.server = newSilent(t, func(c *Config) { c.Open, c.Tokens = false, tokens })
	n.listen()
	as := func(path string, role Reader) reply {
		return n.do(http.MethodGet, exportPath+path, http.Header{"Authorization": {"Bearer " + secrets[role]}}, nil)
	}
	for path, status := range map[string]int{"/national": 503, "/published": 503, "/cases": 403, "/worklist": 403, "/cases/" + id: 403} {
		if r := as(path, ReaderDashboard); r.status != status {
			t.Errorf("%s for a dashboard: %d", path, r.status)
		}
		n.wants(n.get(exportPath+path), 401, "credential-missing")
	}
	n.server.Figures = new(projections.Reader)
	auditor, err := n.server.callerOf(&http.Request{Header: http.Header{"Authorization": {"Bearer " + secrets[ReaderAuditor]}}})
	n.check(err)
	for range n.server.Limits.ExportsEach {
		_, err := n.server.exports.take(auditor, errExports)
		n.check(err)
	}
	n.wants(as("/cases/"+id, ReaderAuditor), 429, "credential-crowded")
	if r := as("/national", ReaderAuditor); n.wants(r, 429, "credential-crowded").Retry != true || r.header.Get("Retry-After") == "" {
		t.Errorf("%+v", r)
	}
	for n.server.exports.taken < n.server.Limits.Exports {
		_, err := n.server.exports.take(caller{open: true}, errExports)
		n.check(err)
	}
	n.wants(as("/national", ReaderDashboard), 503, "crowded")
}

// nationalFile: every measure is the ledger's own count, and groups add up.
func nationalFile(t *testing.T, s *shelf) {
	rows := s.rows(t)
	q := ledger.Query{Unit: ledger.UnitRespondent, AsOf: ledger.Date("2020-11-26").End(), KnownAt: ledger.Position(len(s.records)), SeenBy: ledger.BKN}
	got := s.rowsOf("/v1/exports/national?as-of=2020-11-26&seen-by=bkn")
	if len(got) != len(ledger.MeasureTable) {
		t.Fatalf("%d rows", len(got))
	}
	for i, m := range ledger.MeasureTable {
		q.Measures = []ledger.Measure{m.Measure}
		want := strconv.FormatUint(ledger.Count(rows, q), 10)
		if r := got[i]; r["measure"] != m.Name || r["count"] != want || r["unit"] != "respondent" || r["seen_by"] != "bkn" || r["known_at"] != fmt.Sprint(len(s.records)) || r["as_of"] != "2020-11-27T00:00:00+07:00" && r["as_of"] != "2020-11-26T23:59:59+07:00" {
			t.Errorf("%s: %v, want %s", m.Name, r, want)
		}
	}
	var sum uint64
	for _, r := range s.rowsOf("/v1/exports/national?measure=recommended&by=office&lang=en") {
		n, err := strconv.ParseUint(r["count"], 10, 64)
		if err != nil || r["by"] != "office" || r["value"] == "" || r["value_name"] == "" {
			t.Errorf("%v %v", r, err)
		}
		sum += n
	}
	whole := s.rowsOf("/v1/exports/national?measure=recommended")
	if len(whole) != 1 || whole[0]["count"] != strconv.FormatUint(sum, 10) || sum == 0 {
		t.Errorf("%v, the groups add up to %d", whole, sum)
	}
}

// casesFile: the list is as long as the number, and nothing is in it twice.
func casesFile(t *testing.T, s *shelf) {
	const question = "measure=recommended&as-of=2020-11-26&filter=office%3DIV"
	got, whole := s.rowsOf("/v1/exports/cases?"+question), s.rowsOf("/v1/exports/national?"+question)
	if strconv.Itoa(len(got)) != whole[0]["count"] || len(got) < 20 {
		t.Fatalf("%d rows, the number is %s", len(got), whole[0]["count"])
	}
	seen := map[string]bool{}
	for _, r := range got {
		key := r["case"] + r["respondent"]
		if seen[key] || !caseID.MatchString(r["case"]) || r["measure"] != "recommended" || r["office"] != "IV" || r["last_position"] == "" || r["institution_name"] == "" {
			t.Errorf("%v", r)
		}
		seen[key] = true
	}
}

// workFile: all of the work list, in its order.
func workFile(t *testing.T, s *shelf) {
	list, err := s.server.work(t.Context(), workRequest{})
	if err != nil {
		t.Fatal(err)
	}
	got := s.rowsOf("/v1/exports/worklist")
	if len(got) != list.Total || len(got) == 0 {
		t.Fatalf("%d rows of %d", len(got), list.Total)
	}
	for i, o := range list.Obligations {
		if r := got[i]; r["uid"] != o.UID() || r["case"] != o.Case || r["due"] != string(o.Due) || r["state"] != string(o.State) || r["owed_by"] != o.OwedBy {
			t.Errorf("%v", r)
		}
	}
}

// publishedFile: every published figure, and the difference is one.
func publishedFile(t *testing.T, s *shelf) {
	figures, err := s.server.Figures.PublishedFigures(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := s.rowsOf("/v1/exports/published")
	if len(got) != len(figures) || len(got) == 0 {
		t.Fatalf("%d rows of %d", len(got), len(figures))
	}
	for _, r := range got {
		a, _ := strconv.Atoi(r["published"])
		b, _ := strconv.Atoi(r["ledger"])
		d, _ := strconv.Atoi(r["difference"])
		if r["ledger"] != "" && b-a != d || r["reason"] == "" {
			t.Errorf("%v", r)
		}
	}
}
