package web

import (
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// obligations are what the ledger says of every case of the book at a moment.
func (b *book) obligations(t testing.TB, at time.Time) []ledger.Obligation {
	t.Helper()
	var payloads []any
	histories := map[string][]ledger.CaseEvent{}
	for _, r := range b.records {
		e, err := ledger.DecodeRecord(r)
		if err != nil {
			t.Fatal(err)
		}
		if id := r.CaseID(); id != "" {
			histories[id] = ledger.Insert(histories[id], ledger.CaseEvent{Position: r.Position, Recorded: r.Recorded, Event: e})
		} else {
			payloads = append(payloads, e.Payload)
		}
	}
	rules := ledger.Publish(payloads)
	var out []ledger.Obligation
	for _, id := range slices.Sorted(maps.Keys(histories)) {
		out = append(out, ledger.Obligations(histories[id], rules, at)...)
	}
	return out
}

var (
	backlogLink = regexp.MustCompile(`href="(/worklist\?[^"]+)"[^>]*>([0-9.,]+)<`)
	casesOf     = regexp.MustCompile(`<span class="big cases-of">([0-9.,]+)</span>`)
	dueLink     = regexp.MustCompile(`data-due="([0-9-]+)">([0-9.,]+)<`)
)

// TestBacklogPage: the numbers are what ledger.Obligations says, and those of the
// lists that they lead to.
func TestBacklogPage(t *testing.T) {
	s := newShelf(t)
	for name, look := range map[string]func(*testing.T, *shelf){
		"numbers": backlogIsTheLedgers, "lists": backlogLeadsToLists, "calendar": monthIsTheLedgers, "pages": workListHasPages, "hostile": hostileBacklog,
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			look(t, s)
		})
	}
}

func backlogIsTheLedgers(t *testing.T, s *shelf) {
	for _, day := range []ledger.Date{"2020-06-30", "2020-11-26", "2024-12-31"} {
		pending, overdue := 0, 0
		for _, o := range s.obligations(t, day.End()) {
			if o.State.Pending() && !o.Right {
				pending++
			}
			if o.State == ledger.ObligationOverdue {
				overdue++
			}
		}
		found := bigLink.FindAllStringSubmatch(s.shows("/backlog?as-of="+string(day)), -1)
		if len(found) != 2 || plain(t, found[0][1]) != uint64(pending) || plain(t, found[1][1]) != uint64(overdue) {
			t.Errorf("%s: the page says %q, the ledger %d and %d", day, found, pending, overdue)
		}
	}
	// Known before a regime was published, nothing has a due day.
	if body := s.shows("/backlog?as-of=2020-11-26&known-at=2"); !strings.Contains(body, "Tidak ada kewajiban yang menunggu") {
		t.Error("something waits before anything was recorded")
	}
}

var bigLink = regexp.MustCompile(`<span class="big[^"]*">(?:<a [^>]*>)?([0-9.,]+)`)

// backlogLeadsToLists: a number is that of the obligations, or of the cases, of the
// list behind it.
func backlogLeadsToLists(t *testing.T, s *shelf) {
	seen, looked := map[string]bool{}, 0
	for _, path := range []string{"/backlog?as-of=2020-11-26", "/backlog?as-of=2020-10-01&agency=bkn", "/backlog?as-of=2023-06-30"} {
		body := s.shows(path)
		links := backlogLink.FindAllStringSubmatch(body, -1)
		if len(links) < 20 {
			t.Fatalf("%s: only %d numbers lead to a list", path, len(links))
		}
		for _, l := range links {
			address := html.UnescapeString(l[1])
			looked++
			if seen[address] || looked%4 > 0 { // a part is enough, and each is a page
				continue
			}
			seen[address] = true
			list, of := s.shows(address), bigNumber
			if strings.Contains(address, "awaits=") {
				of = casesOf
			}
			if got, want := plain(t, of.FindStringSubmatch(list)[1]), plain(t, l[2]); got != want {
				t.Errorf("%s says %d, its list %s has %d", path, want, address, got)
			}
		}
	}
}

// monthIsTheLedgers: each day of the calendar has what falls due on it.
func monthIsTheLedgers(t *testing.T, s *shelf) {
	want := map[string]uint64{}
	for _, o := range s.obligations(t, ledger.Date("2020-10-15").End()) {
		if o.State.Pending() && !o.Right && strings.HasPrefix(string(o.Due), "2020-10") {
			want[string(o.Due)]++
		}
	}
	body := s.shows("/backlog?as-of=2020-10-15&lang=en")
	got := map[string]uint64{}
	for _, m := range dueLink.FindAllStringSubmatch(body, -1) {
		got[m[1]] = plain(t, m[2])
	}
	if len(want) < 5 || !maps.Equal(got, want) {
		t.Errorf("the calendar says %v, the ledger %v", got, want)
	}
	for _, says := range []string{`aria-current="date"`, "28 October 2020; 29 October 2020", "as of", `title="Monday"`} {
		if !strings.Contains(body, says) {
			t.Errorf("the month does not say %s", says)
		}
	}
	if body := s.shows("/backlog?as-of=2020-10-15&month=2021-03"); !strings.Contains(body, "belum diumumkan di buku besar") || !strings.Contains(body, "Maret 2021") {
		t.Error("a year without holidays is not said to be one")
	}
	if body := s.shows("/backlog"); !strings.Contains(body, "bulan terdekat") {
		t.Error("the month of the import has something due")
	}
}

// workListHasPages: the pages of a list add up to it, in one order.
func workListHasPages(t *testing.T, s *shelf) {
	next := regexp.MustCompile(`rel="next" href="([^"]+)"`)
	line := regexp.MustCompile(`<a class="code" href="/cases/([0-9a-f-]+)`)
	path, lines := "/worklist?as-of=2020-11-26&state=overdue&owed-by=appointing-authority", []string{}
	total := plain(t, bigNumber.FindStringSubmatch(s.shows(path))[1])
	for path != "" {
		body := s.shows(path)
		for _, m := range line.FindAllStringSubmatch(body, -1) {
			lines = append(lines, m[1])
		}
		path = ""
		if m := next.FindStringSubmatch(body); m != nil {
			path = html.UnescapeString(m[1])
		}
	}
	var want []string
	for _, o := range ledger.MergeObligations(s.obligations(t, ledger.Date("2020-11-26").End())) {
		if o.State == ledger.ObligationOverdue && o.OwedBy == ledger.OwedByAuthority {
			want = append(want, o.Case)
		}
	}
	if total != uint64(len(want)) || total < 100 || !slices.Equal(lines, want) {
		t.Errorf("%d lines of %d, the ledger says %d", len(lines), total, len(want))
	}
}

func hostileBacklog(t *testing.T, s *shelf) {
	for _, query := range []string{
		"month=2020-13", "month=x", "month=2020-1", "authorities=none", "agency=BKN", "as-of=kemarin", "known-at=0", "known-at=x", "unit=case", "month=2020-11&month=2020-12",
	} {
		if status, body := s.page("/backlog?" + query); status != http.StatusBadRequest || !strings.Contains(body, "bad-query") && !strings.Contains(body, "known-at") {
			t.Errorf("%s: %d", query, status)
		}
	}
	for name, value := range map[string]string{
		"state": "late", "owed-by": "<b>", "authority": "a'b", "code": "A", "awaits": "x", "regime": "%", "doubt": "some", "kind": "right", "due": "soon",
		"due-from": "2020-02-30", "due-to": "x", "age-from": "-1", "age-to": "0", "all": "yes", "page": "0",
	} {
		if status, _ := s.page("/worklist?" + url.Values{name: {value}}.Encode()); status != http.StatusBadRequest {
			t.Errorf("%s=%s: %d", name, value, status)
		}
	}
	if status, _ := s.page("/worklist?due=2020-11-26&due-to=2020-11-27"); status != http.StatusBadRequest {
		t.Errorf("a day and a span: %d", status)
	}
	for path, status := range map[string]int{"/backlog?as-of=2030-01-01": 409, "/worklist?page=900": 404, "/backlog?month=0001-01": 200, "/backlog?month=9999-12": 200, "/backlog?known-at=2020-01-01": 404} {
		if got, _ := s.page(path); got != status {
			t.Errorf("%s: %d, not %d", path, got, status)
		}
	}
}

// FuzzBacklog: whatever stands in an address is read without panic, and written
// again as it was.
func FuzzBacklog(f *testing.F) {
	for _, seed := range []string{"", "agency=bkn&as-of=2020-11-26&month=2020-11", "state=overdue&due=none&age-from=8&all=true", "due-from=2020-01-01&due-to=2020-02-01&kind=duty", "authority=%ff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		values, _, err := tidy(raw)
		if err != nil {
			return
		}
		_, _ = parseBacklogQuestion(maps.Clone(values))
		q, err := parseWorkPageQuestion(values)
		if err != nil {
			return
		}
		address, err := url.Parse(q.pageAddress(q.page))
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseWorkPageQuestion(address.Query())
		if err != nil || again.query.Filter != q.query.Filter || again.pageAddress(again.page) != address.String() {
			t.Fatalf("%q became %q: %v", raw, address, err)
		}
	})
}
