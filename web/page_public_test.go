package web

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/berkas-ledger/berkas/ledger"
)

// TestPublic publishes the quarters of a ledger and looks at them from all
// sides.
func TestPublic(t *testing.T) {
	s := &publicShelf{newLiveShelf(t, "public", newLiveBook(t)), map[int][]ledger.Row{}}
	quarters, _ := publishedBetween(s.records[0].Recorded, s.records[len(s.records)-1].Recorded)
	if len(quarters) < 12 {
		t.Fatalf("only %d quarters are published", len(quarters))
	}
	for name, look := range map[string]func(*testing.T, *publicShelf, []quarter){
		"numbers": publicIsTheLedgers, "attack": publicWithstands, "for ever": publicNeverChanges, "restated": publicRestates, "files": publicFiles, "page": publicPageShows,
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			look(t, s, quarters)
		})
	}
}

// publicShelf keeps what the ledger's fold says as known at some positions.
type publicShelf struct {
	*shelf
	kept map[int][]ledger.Row
}

// publicLine is a line of a published file.
type publicLine struct{ Table, Code, Measure, Value, Mark, KnownAt, Root string }

func (s *shelf) publicFile(q quarter) []publicLine {
	s.t.Helper()
	lines, err := csv.NewReader(strings.NewReader(s.shows("/public/data/" + q.String() + ".csv"))).ReadAll()
	if err != nil {
		s.t.Fatal(err)
	}
	var out []publicLine
	for _, l := range lines[1:] {
		out = append(out, publicLine{Table: l[2], Code: l[3], Measure: l[6], KnownAt: l[10], Root: l[11], Value: l[13], Mark: l[14]})
	}
	return out
}

// publishedCounts gives the counts of a table by code, -1 where one is withheld.
func publishedCounts(t *testing.T, lines []publicLine, table string, m ledger.Measure) map[string]int {
	t.Helper()
	out := map[string]int{}
	for _, l := range lines {
		if l.Table != table || l.Measure != m.String() {
			continue
		}
		out[l.Code] = -1
		if l.Mark == "" {
			n, err := strconv.Atoi(l.Value)
			if err != nil {
				t.Fatal(err)
			}
			out[l.Code] = n
		}
	}
	return out
}

// knownRows are what the ledger's own fold says of the records up to a position.
func (s *publicShelf) knownRows(t *testing.T, known int) []ledger.Row {
	if _, kept := s.kept[known]; !kept {
		s.kept[known] = (&book{World: s.World, records: s.records[:known]}).rows(t)
	}
	return s.kept[known]
}

// inQuarter lists the rows that count for a measure in a quarter.
func inQuarter(rows []ledger.Row, q quarter, m ledger.Measure) []ledger.Row {
	var out []ledger.Row
	for _, r := range rows {
		if !r.From.After(q.asOf()) && (r.To.IsZero() || r.To.After(q.asOf())) && r.Began[m].After(q.since()) {
			out = append(out, r)
		}
	}
	return out
}

var dimensionOf = map[string]func(ledger.Row) string{
	"province": func(r ledger.Row) string { return r.Province }, "office": func(r ledger.Row) string { return r.Office },
	"family": func(r ledger.Row) string { return r.Family }, "sanction": func(r ledger.Row) string { return r.Sanction },
}

// publicIsTheLedgers: what is published is what the ledger's own fold counts
// from the records up to the position, and what is small is not.
func publicIsTheLedgers(t *testing.T, s *publicShelf, quarters []quarter) {
	for _, q := range quarters[len(quarters)-5:] {
		lines := s.publicFile(q)
		known, err := strconv.Atoi(lines[0].KnownAt)
		if err != nil {
			t.Fatal(err)
		}
		if at := s.records[known-1].Recorded; !at.Before(q.cut()) || s.records[known].Recorded.Before(q.cut()) {
			t.Errorf("%s is of position %d, recorded %s", q, known, at)
		}
		root, err := tlog.TreeHash(int64(known), hashesOf(s.records))
		if err != nil || lines[0].Root != "sha256:"+ledger.Hash(root).String() {
			t.Errorf("%s: root %s, not %s %v", q, lines[0].Root, ledger.Hash(root), err)
		}
		rows := s.knownRows(t, known)
		for _, m := range publicMeasures {
			counted := inQuarter(rows, q, m)
			national := publishedCounts(t, lines, "national", m)[""]
			query := ledger.Query{Measures: []ledger.Measure{m}, Unit: ledger.UnitRespondent, Since: q.since(), AsOf: q.asOf()}
			if want := int(ledger.Count(rows, query)); want != len(counted) || national != want && (national != -1 || want >= leastPublic || want == 0) {
				t.Errorf("%s %s: %d, the ledger says %d", q, m, national, want)
			}
			for table, of := range dimensionOf {
				truth := map[string]int{}
				for _, r := range counted {
					truth[of(r)]++
				}
				list := publishedCounts(t, lines, table, m)
				if len(list) == 0 && (table != "sanction" || m == sanctionOf) {
					t.Errorf("%s has no %s of %s", q, table, m)
				}
				for code, n := range list {
					if n != -1 && n != truth[code] || n > 0 && n < leastPublic {
						t.Errorf("%s %s %s %s: %d, the ledger says %d", q, m, table, code, n, truth[code])
					}
				}
			}
		}
	}
}

func hashesOf(records []ledger.Record) tlog.HashReader {
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, at := range indexes {
			out[i] = stored[at]
		}
		return out, nil
	})
	for i, r := range records {
		more, err := tlog.StoredHashes(int64(i), r.Leaf(), read)
		if err != nil {
			return nil
		}
		stored = append(stored, more...)
	}
	return read
}

// publicWithstands: an attacker who has every published table and knows which
// pairs of values occur cannot pin a small count, of a row or of a pair.
func publicWithstands(t *testing.T, s *publicShelf, quarters []quarter) {
	withheld, attacked := 0, 0
	for _, q := range quarters {
		lines := s.publicFile(q)
		known, err := strconv.Atoi(lines[0].KnownAt)
		if err != nil {
			t.Fatal(err)
		}
		rows := s.knownRows(t, known)
		for _, m := range publicMeasures {
			for _, pair := range publicPairs {
				a := newAttack(inQuarter(rows, q, m), dimensionOf[pair[0]], dimensionOf[pair[1]])
				tables := [2]map[string]int{publishedCounts(t, lines, pair[0], m), publishedCounts(t, lines, pair[1], m)}
				total := publishedCounts(t, lines, "national", m)[""]
				for _, list := range tables {
					for _, n := range list {
						if n == -1 {
							withheld++
						}
					}
				}
				attacked++
				for _, found := range a.pinned(t, tables, total) {
					t.Errorf("%s %s by %v: %s", q, m, pair, found)
				}
			}
		}
	}
	if withheld == 0 || attacked == 0 {
		t.Errorf("%d tables, %d counts withheld: there was nothing to attack", attacked, withheld)
	}
	nobodyTwice(t, s, quarters)
	// What he would find if only small counts were withheld.
	q := quarters[len(quarters)-3]
	lines := s.publicFile(q)
	known, _ := strconv.Atoi(lines[0].KnownAt)
	a := newAttack(inQuarter(s.knownRows(t, known), q, ledger.Opened), dimensionOf["province"], dimensionOf["office"])
	var naive [2]map[string]int
	total := 0
	for i := range naive {
		naive[i], total = map[string]int{}, 0
		for code, cells := range a.sums[i] {
			n := 0
			for _, c := range cells {
				n += a.truth[c]
			}
			total += n
			if naive[i][code] = n; n < leastPublic {
				naive[i][code] = -1
			}
		}
	}
	if len(a.pinned(t, naive, total)) == 0 {
		t.Error("the attacker finds nothing where only small counts are withheld: he is no attacker")
	}
}

// nobodyTwice: tables of different quarters count different respondents, so
// there is nothing to subtract.
func nobodyTwice(t *testing.T, s *publicShelf, quarters []quarter) {
	for _, m := range publicMeasures {
		seen, twice := map[string]quarter{}, 0
		for _, q := range quarters {
			known := slices.IndexFunc(s.records, func(r ledger.Record) bool { return r.Recorded.After(q.cut()) })
			for _, r := range inQuarter(s.knownRows(t, known), q, m) {
				if _, before := seen[r.Case+r.Respondent]; before {
					twice++
				}
				seen[r.Case+r.Respondent] = q
			}
		}
		if twice > 0 {
			t.Errorf("%s: %d respondents count in two quarters", m, twice)
		}
	}
}

// attack is what somebody knows who knows which pairs of values occur.
type attack struct {
	pairs map[[2]string]int // the unknowns
	names [][2]string
	truth []int
	sums  [2]map[string][]int // unknowns by value
}

func newAttack(rows []ledger.Row, first, second func(ledger.Row) string) *attack {
	a := &attack{pairs: map[[2]string]int{}, sums: [2]map[string][]int{{}, {}}}
	for _, r := range rows {
		pair := [2]string{first(r), second(r)}
		i, seen := a.pairs[pair]
		if !seen {
			i = len(a.truth)
			a.pairs[pair] = i
			a.truth, a.names = append(a.truth, 0), append(a.names, pair)
			for side, value := range pair {
				a.sums[side][value] = append(a.sums[side][value], i)
			}
		}
		a.truth[i]++
	}
	return a
}

// pinned lists the small counts of which the published ones tell too much. A
// total of -1 is not published.
func (a *attack) pinned(t *testing.T, tables [2]map[string]int, total int) []string {
	t.Helper()
	if len(a.truth) == 0 || total == -1 {
		return nil
	}
	all := make([]int, len(a.truth))
	for i := range all {
		all[i] = i
	}
	known := []equation{{sum: all, is: float64(total)}}
	unknowns := len(a.truth)
	for side, table := range tables {
		some := slices.ContainsFunc(slices.Collect(maps.Values(table)), func(n int) bool { return n >= 0 })
		for value, n := range table {
			cells := a.sums[side][value]
			switch {
			case n >= 0 && len(cells) > 0:
				known = append(known, equation{sum: cells, is: float64(n)})
			case n < 0 && some && len(cells) > 0: // at least 1: what is above that is an unknown, too
				known = append(known, equation{sum: cells, less: []int{unknowns}, is: 1})
				unknowns++
			case n < 0 && some:
				t.Errorf("%s is 0 and withheld beside counts that are shown", value)
			}
		}
	}
	p, ok := start(unknowns, known)
	if !ok {
		t.Fatal("what is published contradicts itself")
	}
	var out []string
	look := func(what string, cells []int) {
		truth := 0
		for _, c := range cells {
			truth += a.truth[c]
		}
		if truth == 0 || truth >= leastPublic {
			return
		}
		if low, high := p.span(cells); high-low < leastPublic-tiny {
			out = append(out, fmt.Sprintf("%s is %d, and known to lie from %.0f to %.0f", what, truth, low, high))
		}
	}
	for i, name := range a.names {
		look(fmt.Sprint(name), []int{i})
	}
	for side, values := range a.sums {
		if len(tables[side]) == 0 {
			continue // not a table
		}
		for value, cells := range values {
			look("the sum of "+value, cells)
		}
	}
	return out
}

// publicNeverChanges: a ledger that ends just after the day of a table has the
// same bytes at its address as one that went on for years.
func publicNeverChanges(t *testing.T, s *publicShelf, quarters []quarter) {
	q := quarters[len(quarters)-4]
	end := slices.IndexFunc(s.records, func(r ledger.Record) bool { return r.Recorded.After(q.cut()) })
	young := newLiveShelf(t, "public-young", &book{World: s.World, records: s.records[:end+1], roster: s.roster})
	for _, name := range []string{q.String() + ".csv", q.String() + ".json", (q - 1).String() + ".json"} {
		if then, now := young.shows("/public/data/"+name), s.shows("/public/data/"+name); then != now {
			t.Errorf("%s changed:\n%s\n%s", name, then, now)
		}
	}
	if status, _ := young.page("/public/" + (q + 1).String()); status != http.StatusNotFound {
		t.Errorf("the next table is there before its day: %d", status)
	}
	var index publicIndex
	if err := json.Unmarshal([]byte(young.shows("/public/data/index.json")), &index); err != nil {
		t.Fatal(err)
	}
	if index.Next.Quarter != (q+1).String() || index.Published[0].Quarter != q.String() {
		t.Errorf("%+v", index)
	}
	// One record less, and the table could still change: it is not there.
	last := newLiveShelf(t, "public-younger", &book{World: s.World, records: s.records[:end], roster: s.roster})
	if status, _ := last.page("/public/" + q.String()); status != http.StatusNotFound {
		t.Errorf("a table that could still change: %d", status)
	}
}

// publicRestates: late records show in later tables, and no change that is
// published is a small one.
func publicRestates(t *testing.T, s *publicShelf, quarters []quarter) {
	stated := map[string]int{} // quarter and measure
	restated := 0
	for _, q := range slices.Backward(quarters) {
		lines := s.publicFile(q)
		for _, l := range lines {
			if l.Table != "restated" && l.Table != "national" || l.Mark != "" {
				continue
			}
			n, err := strconv.Atoi(l.Value)
			if err != nil {
				t.Fatal(err)
			}
			key := cmp.Or(l.Code, q.String()) + " " + l.Measure
			if was, seen := stated[key]; seen {
				restated++
				if change := math.Abs(float64(n - was)); change > 0 && change < leastPublic {
					t.Errorf("%s: from %d to %d in %s", key, was, n, q)
				}
			}
			stated[key] = n
		}
	}
	if restated == 0 {
		t.Error("nothing was stated anew")
	}
}

// TestPublicPreview: a demonstration, whose ledger began after what it tells,
// shows the fullest quarter, says that it is a preview, and lists no file.
func TestPublicPreview(t *testing.T) {
	s := newShelf(t)
	body := s.shows("/public")
	for _, want := range []string{"Pratinjau peragaan", "triwulan III 2020", "akan terbit 15 Februari 2027", `href="/public/2020-q4"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %s", want)
		}
	}
	if list := s.shows("/public/data/index.json"); strings.Contains(list, "2020-q3") {
		t.Errorf("a preview is listed: %s", list)
	}
	if lines := s.publicFile(quarter(2020*4 + 2)); lines[0].Root != "" || lines[0].KnownAt != strconv.Itoa(len(s.records)) {
		t.Errorf("%+v", lines[0])
	}
	if status, _ := s.page("/public/2018-q1"); status != http.StatusNotFound {
		t.Errorf("a quarter before all: %d", status)
	}
}

func TestRestate(t *testing.T) {
	for name, c := range map[string]struct {
		counts []uint64
		now    int // -1: not restated
		shown  bool
	}{
		"the same": {[]uint64{10, 10}, -1, true}, "a little": {[]uint64{10, 12, 14, 9}, -1, true}, "enough": {[]uint64{10, 15, 17}, 15, true},
		"in two steps": {[]uint64{10, 14, 16}, 16, true}, "less": {[]uint64{30, 20, 24}, 20, true}, "back": {[]uint64{10, 20, 10}, -1, true},
		"withheld, still small": {[]uint64{3, 6, 9}, -1, false}, "withheld, now large": {[]uint64{3, 12}, 12, false}, "from nothing": {[]uint64{0, 3, 6}, 6, true},
		"to few": {[]uint64{20, 3}, -1, true}, "to nothing": {[]uint64{20, 0}, 0, true},
	} {
		totals := make([][]uint64, len(c.counts))
		for i, n := range c.counts {
			totals[i] = []uint64{n, 50, 50}
		}
		got := restate(8080, totals)
		if c.now < 0 {
			if len(got) != 0 {
				t.Errorf("%s: %+v", name, got)
			}
			continue
		}
		if len(got) != 1 || got[0].Now != uint64(c.now) || got[0].Was.Shown != c.shown {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := restate(8080, nil); got != nil {
		t.Errorf("%+v", got)
	}
}

// publicFiles: the addresses of data, their tags, and what is no address.
func publicFiles(t *testing.T, s *publicShelf, quarters []quarter) {
	path := "/public/data/" + quarters[2].String()
	ask := func(method, path, tag string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, nil)
		if tag != "" {
			r.Header.Set("If-None-Match", tag)
		}
		w := httptest.NewRecorder()
		s.server.ServeHTTP(w, r)
		return w
	}
	for _, kind := range []string{".csv", ".json"} {
		first := ask(http.MethodGet, path+kind, "")
		tag := first.Header().Get("ETag")
		if first.Code != 200 || tag == "" || first.Header().Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(first.Header().Get("Content-Disposition"), quarters[2].String()+kind) {
			t.Errorf("%s: %d %v", kind, first.Code, first.Header())
		}
		if again := ask(http.MethodGet, path+kind, tag); again.Code != http.StatusNotModified || again.Body.Len() != 0 {
			t.Errorf("%s again: %d, %d bytes", kind, again.Code, again.Body.Len())
		}
		if head := ask(http.MethodHead, path+kind, ""); head.Code != 200 || head.Body.Len() != 0 || head.Header().Get("ETag") != tag {
			t.Errorf("%s: HEAD %d", kind, head.Code)
		}
	}
	var d publicData
	decoder := json.NewDecoder(bytes.NewReader(ask(http.MethodGet, path+".json", "").Body.Bytes()))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil || d.Licence != publicLicence || d.KnownAt.Root == nil || d.Preview || len(d.Tables) != 4 || len(d.Measures) != 3 || d.Ledger != s.Origin {
		t.Errorf("%v %+v", err, d)
	}
	for address, want := range map[string]int{
		"/public/data/2020-q5.csv": 404, "/public/data/2020-q1.xlsx": 404, "/public/data/2020-q1": 404, "/public/data/..%2f2020-q1.csv": 404, "/public/data/9999-q1.csv": 404,
		"/public/data/2099-q1.json": 404, "/public/2019-q1": 404, "/public/x": 404, "/public?by=institution": 400, path + ".csv?filter=institution%3D73.71": 400, "/public/": 404,
		"/public/policy": 503,
	} {
		if got := ask(http.MethodGet, address, ""); got.Code != want {
			t.Errorf("%s: %d, not %d", address, got.Code, want)
		}
	}
}

// publicPageShows: everybody may see the page, all of it is in the files, and
// nothing of a case or an institution is.
func publicPageShows(t *testing.T, s *publicShelf, quarters []quarter) {
	if status, _ := s.page("/national"); status != http.StatusUnauthorized {
		t.Errorf("the server is open to everybody: %d", status)
	}
	for _, q := range []string{"", "/" + quarters[len(quarters)-3].String(), "/" + quarters[0].String()} {
		body := s.shows("/public" + q)
		for _, r := range s.records {
			if id := r.CaseID(); id != "" && strings.Contains(body, id) {
				t.Fatalf("/public%s names a case", q)
			}
		}
		for _, bad := range []string{"73.71", "Kota ", "Kabupaten ", "/cases", "NaN"} {
			if strings.Contains(strings.SplitN(body, "<main", 2)[1], bad) && bad != "/cases" {
				t.Errorf("/public%s says %q", q, bad)
			}
		}
	}
	q := quarters[len(quarters)-3]
	body := s.shows("/public/" + q.String())
	for _, l := range s.publicFile(q) {
		if l.Mark == "" && l.Table != "medians" && l.Value != "" && !strings.Contains(body, ">"+l.Value+"<") {
			t.Errorf("the page does not show %+v", l)
		}
	}
	for _, want := range []string{"ditahan", "/verify", "/checkpoint", "/public/policy", "CC BY 4.0", "Kaplan", "berkas national --measure opened"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %s", want)
		}
	}
}

// TestPublicCalendar: quarters, their days, and which are published.
func TestPublicCalendar(t *testing.T) {
	for name, want := range map[string][4]string{
		"2026-q3": {"2026-07-01", "2026-09-30", "2026-11-15", "Triwulan III 2026"}, "2020-q4": {"2020-10-01", "2020-12-31", "2021-02-15", "Triwulan IV 2020"},
		"2024-q1": {"2024-01-01", "2024-03-31", "2024-05-15", "Triwulan I 2024"},
	} {
		q, ok := parseQuarter(name)
		if got := [4]string{string(q.From()), string(q.To()), string(q.Published()), q.Name().ID}; !ok || got != want || q.String() != name {
			t.Errorf("%s: %v %s", name, got, q)
		}
		if !q.asOf().Equal((q + 1).since()) || !q.cut().Before(q.Published().Start()) || quarterAt(q.asOf()) != q || quarterAt(q.since()) != q-1 {
			t.Errorf("%s: %s to %s", name, q.since(), q.asOf())
		}
	}
	for _, bad := range []string{"", "2020", "2020-q0", "2020-q5", "1999-q1", "2020-Q1", "2020-q1 ", "20200-q1", "2020-q11"} {
		if _, ok := parseQuarter(bad); ok {
			t.Errorf("%q is a quarter", bad)
		}
	}
	first := time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
	for last, want := range map[string]string{"2026-11-22": "[] 2026-q4", "2027-02-14": "[] 2026-q4", "2027-02-15": "[2026-q4] 2027-q1", "2027-08-20": "[2027-q2 2027-q1 2026-q4] 2027-q3"} {
		list, next := publishedBetween(first, ledger.Date(last).End())
		if got := fmt.Sprint(list, next); got != want {
			t.Errorf("by %s: %s", last, got)
		}
	}
}

// FuzzQuarter: what is read is written the same.
func FuzzQuarter(f *testing.F) {
	f.Add("2020-q4")
	f.Add("x")
	f.Fuzz(func(t *testing.T, name string) {
		if q, ok := parseQuarter(name); ok && (q.String() != name || q.From() > q.To() || q.To() >= q.Published()) {
			t.Errorf("%s: %s", name, q)
		}
	})
}

// TestPublicFileHasNoFormula: whatever a group is called.
func TestPublicFileHasNoFormula(t *testing.T) {
	raw, err := newSilent(t).csv(&release{Tables: []publicTable{{By: "province", Rows: []publicRow{{Value: "=1+1", Cells: []publicCell{{}}}}}}})
	if err != nil || !strings.Contains(string(raw), ",'=1+1,") || strings.Contains(string(raw), ",=1+1,") {
		t.Errorf("%s, %v", raw, err)
	}
}
