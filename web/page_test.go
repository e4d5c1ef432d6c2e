package web

import (
	"context"
	"fmt"
	"html"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/simulate"
	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
	"github.com/berkas-ledger/berkas/roster"
	"github.com/berkas-ledger/berkas/schemas"

	"github.com/berkas-ledger/berkas/registrar"
)

// book is a ledger without its servers: records in memory, the history of 2020
// and the invented walks as they are told in a demo, and the read models of them
// in PostgreSQL. It is imported after all of it had happened.
type book struct {
	*testkit.World
	records []ledger.Record
	roster  *roster.Roster
	walks   []simulate.Walk
	strange string // a case that has a record of a kind nobody knows
}

// imported is when the history was recorded.
var imported = time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)

func newBook(t testing.TB) *book {
	t.Helper()
	return tellBook.copied(t)
}

// bookOnce tells a book once for all tests; signing some thousands of events takes
// seconds under the race detector.
type bookOnce func() (*book, error)

var tellBook = bookOnce(sync.OnceValues(toldBook))

// copied is a book of its own: what is added to it stands in no other.
func (once bookOnce) copied(t testing.TB) *book {
	t.Helper()
	told, err := once()
	if err != nil {
		t.Fatal(err)
	}
	own := *told
	own.World, own.records = told.Copy(), slices.Clip(told.records)
	return &own
}

func toldBook() (*book, error) {
	w := testkit.NewWorld()
	w.Start = imported
	b := &book{World: w, records: w.Founding(), walks: simulate.Walks(7)}
	for step, err := range b.history() {
		if err != nil {
			return nil, err
		}
		b.add(w.Sign(step.Submission.Agency, step.Submission.Body))
	}
	b.addStrange()
	var err error
	if b.roster, err = roster.Start(b.records[0]); err != nil {
		return nil, err
	}
	for _, r := range b.records[1:] {
		e, err := ledger.DecodeRecord(r)
		if err == nil && r.CaseID() == "" {
			b.roster, err = b.roster.Apply(r.Position, e)
		}
		if err != nil {
			return nil, fmt.Errorf("position %d: %w", r.Position, err)
		}
	}
	return b, nil
}

// history is what a book tells, but for the contest that its world has published.
func (b *book) history() iter.Seq2[simulate.Step, error] {
	config := simulate.Config{Origin: b.Origin, Seed: 7}
	return func(yield func(simulate.Step, error) bool) {
		for _, part := range []iter.Seq2[simulate.Step, error]{simulate.Pilkada2020(config), simulate.Steps(config, b.walks)} {
			for step, err := range part {
				known := step.Kind == ledger.ContestPublishedKind && step.Subject == testkit.Contest
				if !known && !yield(step, err) {
					return
				}
			}
		}
	}
}

func (b *book) add(s ledger.Submission) {
	at := b.Start.Add(time.Duration(len(b.records)) * time.Millisecond)
	b.records = append(b.records, b.Record(b.records, s, at))
}

// addStrange tells a case whose last record is of a kind of the future.
func (b *book) addStrange() {
	b.strange = b.NewID()
	for _, s := range b.Story(b.strange, time.Date(2020, 7, 1, 3, 0, 0, 0, time.UTC), 2)[:2] {
		b.add(s)
	}
	body := b.Event(ledger.BKN, ledger.CaseReopenedKind, b.strange, time.Date(2020, 8, 1, 3, 0, 0, 0, time.UTC),
		map[string]any{"reason": "<script>alert(1)</script>", "seal": strings.Repeat("a", 60) + ".." + strings.Repeat("b", 200) + ".c.d"})
	body = []byte(strings.NewReplacer("case.reopened.v1", "case.dreamt.v2").Replace(string(body)))
	b.add(b.Sign(ledger.BKN, body))
}

// rows are what the ledger's own fold says of everything.
func (b *book) rows(t testing.TB) []ledger.Row {
	t.Helper()
	histories := map[string][]ledger.CaseEvent{}
	for _, r := range b.records {
		id := r.CaseID()
		if id == "" {
			continue
		}
		e, err := ledger.DecodeRecord(r)
		if err != nil {
			t.Fatal(err)
		}
		histories[id] = ledger.Insert(histories[id], ledger.CaseEvent{Position: r.Position, Recorded: r.Recorded, Event: e})
	}
	var out []ledger.Row
	for _, h := range histories {
		out = append(out, ledger.History(h)...)
	}
	return out
}

func (b *book) caseRecords(_ context.Context, id string) ([]ledger.Record, error) {
	var out []ledger.Record
	for _, r := range b.records {
		if r.CaseID() == id {
			out = append(out, r)
		}
	}
	return out, nil
}

// shelf is a server that shows a book.
type shelf struct {
	*book
	t      *testing.T
	url    string // of the database
	server *Server
	http   *httptest.Server
	known  map[uint64][]ledger.Row // by position, for those who ask again
}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	return shelve(t, newBook(t), "pages", func(*shelf, *Config) {})
}

// shelve serves a book of which the read models have a name; "": it has none. It is open to
// everybody, unless change says otherwise.
func shelve(t *testing.T, b *book, name string, change func(*shelf, *Config)) *shelf {
	t.Helper()
	s := &shelf{book: b, t: t}
	c := Config{
		Demo: "test", Open: true, Roster: func() *roster.Roster { return s.roster },
		Head:        func() ledger.Position { return ledger.Position(len(s.records)) },
		CaseRecords: s.caseRecords, Now: func() time.Time { return imported.Add(time.Hour) }, Log: testkit.Log(t), Limits: Limits{Prepared: time.Minute},
	}
	if name != "" {
		s.url = testkit.Template(t, name, func(url string) error {
			return projections.NewProjector(projections.Config{URL: url}).Run(t.Context(), testkit.Feed(s.records))
		})
		reader, err := projections.OpenReader(t.Context(), s.url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(reader.Close)
		c.Figures = reader
	}
	change(s, &c)
	var err error
	if s.server, err = New(c); err != nil {
		t.Fatal(err)
	}
	s.http = httptest.NewServer(s.server)
	t.Cleanup(s.http.Close)
	return s
}

// page asks as a browser does.
func (s *shelf) page(path string) (int, string) {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Accept", "text/html")
	w := httptest.NewRecorder()
	s.server.ServeHTTP(w, r)
	if to := w.Header().Get("Location"); to != "" {
		return w.Code, to
	}
	return w.Code, w.Body.String()
}

func (s *shelf) shows(path string) string {
	s.t.Helper()
	status, body := s.page(path)
	if status != http.StatusOK {
		s.t.Fatalf("%s: %d", path, status)
	}
	return body
}

var (
	figureLink  = regexp.MustCompile(`<a href="([^"]+)" data-measure="([a-z_]+)"[^>]*>([0-9.,]+)</a>`)
	anyLink     = regexp.MustCompile(`(?:href|src|action)="([^"]*)"`)
	bigNumber   = regexp.MustCompile(`<(?:span|a) class="big"[^>]*>([0-9.,]+)</`)
	tableNumber = regexp.MustCompile(`</span> (?:<a href="([^"]+)">)?([0-9.]+)(?:</a>)?</td>`)
)

func plain(t *testing.T, number string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(strings.NewReplacer(".", "", ",", "").Replace(number), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestPages tells one book and looks at it from all sides.
func TestPages(t *testing.T) {
	s := newShelf(t)
	for name, look := range map[string]func(*testing.T, *shelf){
		"numbers": numbersAreTheLedgers, "tables": tablesAreTheLists, "lists": listsAreWhole, "links": linksLead,
		"published": publishedStandsBeside, "cases": casesAreTold, "hostile": hostileAddresses, "forms": formsLeadToTidyAddresses,
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			look(t, s)
		})
	}
}

// numbersAreTheLedgers: every number of the national page is what
// ledger.Count says, and so is the number over the list that it links to.
func numbersAreTheLedgers(t *testing.T, s *shelf) {
	rows := s.rows(t)
	for _, query := range []string{
		"", "as-of=2020-11-26&seen-by=bkn", "unit=case&as-of=2020-10-04&seen-by=bawaslu", "unit=ppk&as-of=2020-10-27",
		"unit=recommendation&since=2020-06-30&filter=family%3Ddiscipline&lang=en", "filter=office%3DIV&filter=origin%3Dreport&by=province",
	} {
		q, err := parseQuestion(query)
		if err != nil {
			t.Fatal(err)
		}
		if q.Query.AsOf.IsZero() {
			q.Query.AsOf = s.records[len(s.records)-1].Recorded
		}
		links := figureLink.FindAllStringSubmatch(s.shows("/national?"+query), -1)
		if len(links) != len(ledger.MeasureTable) {
			t.Fatalf("%s: %d numbers for %d measures", query, len(links), len(ledger.MeasureTable))
		}
		for i, l := range links {
			measures, err := ledger.ParseMeasures(l[2])
			if err != nil {
				t.Fatal(err)
			}
			one := q.Query
			one.Measures = measures
			want := ledger.Count(rows, one)
			if got := plain(t, l[3]); got != want {
				t.Errorf("%s %s: the page says %d, the ledger %d", query, l[2], got, want)
			}
			if i%5 == 0 {
				list := s.shows(html.UnescapeString(l[1]))
				if got := plain(t, bigNumber.FindStringSubmatch(list)[1]); got != want {
					t.Errorf("%s: the list says %d, the ledger %d", l[1], got, want)
				}
			}
		}
	}
}

// tablesAreTheLists: the numbers of a breakdown are those of the lists that they
// link to.
func tablesAreTheLists(t *testing.T, s *shelf) {
	rows := s.rows(t)
	for _, by := range ledger.Filters {
		body := s.shows("/national?as-of=2020-11-26&by=" + by)
		cells := tableNumber.FindAllStringSubmatch(body, -1)
		if len(cells) < len(tableMeasures) {
			t.Fatalf("by %s: %d numbers", by, len(cells))
		}
		for _, c := range cells {
			if c[1] == "" {
				continue
			}
			address, err := url.Parse(html.UnescapeString(c[1]))
			if err != nil {
				t.Fatal(err)
			}
			q, err := parseQuestion(address.RawQuery)
			if err != nil {
				t.Fatalf("%s: %v", address, err)
			}
			if want := ledger.Count(rows, q.Query); plain(t, c[2]) != want {
				t.Errorf("%s: the page says %s, the ledger %d", address, c[2], want)
			}
		}
	}
}

// listsAreWhole: a list has as many lines as it says, over all its pages, and
// each line's case opens.
func listsAreWhole(t *testing.T, s *shelf) {
	next := regexp.MustCompile(`rel="next" href="([^"]+)"`)
	line := regexp.MustCompile(`<a class="code" href="(/cases/[^"]+)">`)
	path, lines := "/cases?measure=not_followed_up&seen-by=bkn&as-of=2020-11-26&known-at="+strconv.Itoa(len(s.records)), 0
	for path != "" {
		body := s.shows(path)
		found := line.FindAllStringSubmatch(body, -1)
		lines += len(found)
		s.shows(html.UnescapeString(found[0][1]))
		path = ""
		if m := next.FindStringSubmatch(body); m != nil {
			path = html.UnescapeString(m[1])
		}
	}
	if lines != 147 {
		t.Errorf("%d lines behind 147", lines)
	}
	if status, _ := s.page("/cases?measure=blocked&page=900"); status != http.StatusNotFound {
		t.Errorf("a page beyond the list: %d", status)
	}
	for _, unit := range ledger.Units {
		s.shows("/cases?measure=admonished%2Bsanctioned&unit=" + string(unit))
	}
}

// linksLead: every link of every page leads somewhere, and nothing points to
// another site.
func linksLead(t *testing.T, s *shelf) {
	seen := map[string]bool{}
	for _, path := range append(s.everyPage(), "/login", "/nothing") {
		for _, language := range []string{"", "lang=en"} {
			address := path
			if language != "" {
				address += map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")] + language
			}
			_, body := s.page(address)
			for _, m := range anyLink.FindAllStringSubmatch(body, -1) {
				link := html.UnescapeString(m[1])
				if !strings.HasPrefix(link, "/") && !strings.HasPrefix(link, "#") || strings.HasPrefix(link, "//") {
					t.Errorf("%s leads to %s", address, link)
				}
				if id, here := strings.CutPrefix(link, "#"); here && !strings.Contains(body, `id="`+id+`"`) {
					t.Errorf("%s: there is no %s", address, link)
				}
				kind := regexp.MustCompile(`[0-9a-f-]{36}|=[^&]*`).ReplaceAllString(link, "")
				if seen[kind] || !strings.HasPrefix(link, "/") || link == "/logout" {
					continue
				}
				seen[kind] = true
				if status, _ := s.page(link); status >= 400 && !strings.HasPrefix(link, path) {
					t.Errorf("%s leads to %s: %d", address, link, status)
				}
			}
			for _, bad := range []string{" style=", "<style", "onclick", "javascript:", "<script>"} {
				if strings.Contains(body, bad) {
					t.Errorf("%s has %s", address, bad)
				}
			}
		}
	}
}

// everyPage lists addresses of every kind of page.
func (s *shelf) everyPage() []string {
	out := []string{
		"/", "/national", "/national?as-of=2020-11-26&seen-by=bkn", "/national?as-of=2030-01-01", "/published",
		"/cases?measure=recommended&as-of=2020-11-26", "/cases?measure=admonished&unit=ppk", "/worklist", "/worklist?agency=bkn&as-of=2020-11-26",
		"/cases/" + s.strange, "/search", "/search?q=makassar", "/search?q=CONTOH-9001&lang=id",
	}
	for _, w := range s.walks {
		out = append(out, "/cases/"+w.Case)
	}
	return out
}

// publishedStandsBeside: published figures stand beside the ledger's. The strange case
// is one that no publisher knew of, for it was recorded later: three figures differ by it, visibly.
func publishedStandsBeside(t *testing.T, s *shelf) {
	body := s.shows("/published?lang=en")
	if got := plain(t, bigNumber.FindStringSubmatch(body)[1]); got != 29 {
		t.Errorf("%d figures are equal", got)
	}
	if got := strings.Count(body, `class="differs"`); got != 3 || strings.Count(body, "&#43;1 <small>equal with what was recorded by then") != 3 {
		t.Errorf("%d figures differ", got)
	}
	for _, want := range []string{"bkn20lakip", "kompas.tv/127122", "Kemendagri", "sources are unsure", "1,005"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %s", want)
		}
	}
}

// casesAreTold: both times, corrections, links, hand-overs, unknown kinds, and
// nothing of what is sealed or hostile.
func casesAreTold(t *testing.T, s *shelf) {
	wants := map[string][]string{
		s.walks[0].Case: {"Upaya administratif diputus", "Data kepegawaian diblokir", "terlambat", "bkn/a"},
		s.walks[1].Case: {"Koreksi atas catatan", "Mengoreksi catatan pada posisi", "oleh koreksi pada posisi", "Verifikasi selesai"},
		s.walks[2].Case: {"pemegang: KASN → KemenPAN-RB", "Kasus diterima", "mandat rekomendasi"},
		s.strange:       {"Jenis yang tidak dikenal", "case.dreamt.v2", "&lt;script&gt;", "tersegel"},
	}
	for id, list := range wants {
		body := s.shows("/cases/" + id)
		for _, want := range list {
			if !strings.Contains(body, want) {
				t.Errorf("the page of %s does not say %s", id, want)
			}
		}
	}
	if body := s.shows("/cases/" + s.walks[0].Case + "?as-of=2024-01-01T00:00:00Z&known-at=99999"); !strings.Contains(body, "Ditampilkan hanya untuk keadaan sekarang") {
		t.Error("what may follow is shown of the past")
	}
	for path, status := range map[string]int{
		"/cases/" + s.NewID(): 404, "/cases/x": 404, "/cases/" + s.strange + "?known-at=1": 404, "/cases/" + s.strange + "?known-at=x": 400,
	} {
		if got, _ := s.page(path); got != status {
			t.Errorf("%s: %d, not %d", path, got, status)
		}
	}
}

// TestNextIsTheRegistrars: what the page says may follow is what the registrar
// would say, for every agency and many cases.
func TestNextIsTheRegistrars(t *testing.T) {
	b := newBook(t)
	validator, err := schemas.New()
	if err != nil {
		t.Fatal(err)
	}
	judge := registrar.NewJudge(validator, func(ledger.Kind, int) bool { return true }, func(p ledger.Position) (ledger.Record, error) { return b.records[p-1], nil })
	if err := judge.Replay(t.Context(), testkit.Feed(b.records)); err != nil {
		t.Fatal(err)
	}
	at := imported.Add(time.Hour)
	cases := []string{b.strange}
	for _, w := range b.walks {
		cases = append(cases, w.Case)
	}
	for i := 100; i < len(b.records); i += 97 {
		if id := b.records[i].CaseID(); id != "" {
			cases = append(cases, id)
		}
	}
	for _, id := range cases {
		c, _ := judge.Case(id)
		got := map[string]bool{}
		for _, n := range nextOf(c, b.roster, at) {
			for _, k := range slices.Concat(n.Moves, n.Always) {
				got[fmt.Sprint(n.Agency, k.Kind, k.Respondents)] = true
			}
		}
		for _, a := range testkit.Institutions {
			for _, p := range judge.Next(id, a, at) {
				info, _ := ledger.LookupKind(p.Kind, p.Version)
				key := fmt.Sprint(a, p.Kind, p.Respondents)
				if want := p.WhyNot == "" && !info.NoVersion; got[key] != want {
					t.Errorf("%s: %s: the page says %v, the registrar %v", id, key, got[key], want)
				}
				delete(got, key)
			}
		}
		if len(got) > 0 {
			t.Errorf("%s: the page says also %v", id, got)
		}
	}
}
