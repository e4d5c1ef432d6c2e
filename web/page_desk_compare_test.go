package web

import (
	"fmt"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// knownBy are the rows of the book at a position.
func (d *deskShelf) knownBy(t testing.TB, p ledger.Position) []ledger.Row {
	t.Helper()
	if rows, ok := d.rowsAt[p]; ok {
		return rows
	}
	part := book{World: d.World, records: d.records[:p]}
	d.rowsAt[p] = part.rows(t)
	return d.rowsAt[p]
}

var comparedNumber = regexp.MustCompile(`data-(first|second)="([a-z_]+)">([0-9.]+)</a>`)

// deskCompares: both values of every measure are the ledger's, and the lists of what
// came in and went out are as long as they say and make up the difference.
func deskCompares(t *testing.T, d *deskShelf) {
	last := ledger.Position(len(d.records))
	middle := last / 2
	for _, query := range []string{
		"as-of=2020-10-04&then-as-of=2020-11-26",
		fmt.Sprintf("as-of=2020-11-26&known-at=%d&then-as-of=2020-11-26&unit=case", middle),
		fmt.Sprintf("as-of=2020-10-04&known-at=%d&then-as-of=2020-12-31&then-known-at=%d&filter=origin%%3Dfinding", middle, last),
		fmt.Sprintf("as-of=2020-12-31&then-as-of=2020-10-04&then-known-at=%d&unit=ppk&seen-by=bkn", middle),
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		c, err := parseCompare(values)
		if err != nil {
			t.Fatal(err)
		}
		first, second := c.Query, c.second().Query
		for _, x := range []struct {
			q     *ledger.Query
			known string
		}{{&first, c.Known}, {&second, c.then.known}} {
			x.q.KnownAt = last
			if x.known != "" {
				n, err := strconv.Atoi(x.known)
				if err != nil {
					t.Fatal(err)
				}
				x.q.KnownAt = ledger.Position(n)
			}
		}
		rows := map[string][]ledger.Row{"first": d.knownBy(t, first.KnownAt), "second": d.knownBy(t, second.KnownAt)}
		body := html.UnescapeString(d.shows("/desk/compare?" + query))
		numbers := comparedNumber.FindAllStringSubmatch(body, -1)
		if len(numbers) != 2*len(ledger.MeasureTable) {
			t.Fatalf("%s: %d numbers", query, len(numbers))
		}
		for _, n := range numbers {
			q := first
			if n[1] == "second" {
				q = second
			}
			if q.Measures, err = ledger.ParseMeasures(n[2]); err != nil {
				t.Fatal(err)
			}
			if want := ledger.Count(rows[n[1]], q); plain(t, n[3]) != want {
				t.Errorf("%s: %s, %s: the page says %s, the ledger %d", query, n[1], n[2], n[3], want)
			}
		}
		d.listsChanges(query, first, second, rows)
	}
	d.says("/desk/compare?lang=en&as-of=2020-10-04&then-as-of=2020-11-26", "came in: happened between the two moments", "swap the two moments")
	d.says(fmt.Sprintf("/desk/compare?lang=en&as-of=2020-11-26&known-at=%d&then-as-of=2020-11-26", middle), "came in: recorded later, or corrected")
	for path, want := range map[string]int{
		"then-as-of=x": 400, "then-as-of=2020-01-01&then-as-of=2020-01-02": 400, "then-known-at=0": 400, "then-known-at=x": 400, "by=office": 400,
		"measure=opened%2Brecommended": 400, "page=0": 400, "measure=opened&page=900": 404, "then-known-at=99999999": 409, "then-as-of=2090-01-01": 409,
		"then-known-at=%00": 400, "then-known-at=" + strings.Repeat("1", 50): 400,
	} {
		if got, _ := d.page("/desk/compare?" + path); got != want {
			t.Errorf("%s: %d, not %d", path, got, want)
		}
	}
}

// listsChanges walks through the lists of a measure and holds them against the
// ledger's counts.
func (d *deskShelf) listsChanges(query string, first, second ledger.Query, rows map[string][]ledger.Row) {
	d.t.Helper()
	measures := []ledger.Measure{ledger.Recommended}
	first.Measures, second.Measures = measures, measures
	sign := regexp.MustCompile(`class="(plus|minus)"`)
	next := regexp.MustCompile(`rel="next" href="([^"]+)"`)
	did := regexp.MustCompile(`<a href="/desk/replay\?at=(\d+)">`)
	count := map[string]int{}
	path := "/desk/compare?measure=recommended&" + query
	for path != "" {
		body := d.shows(path)
		for _, m := range sign.FindAllStringSubmatch(body, -1) {
			count[m[1]]++
		}
		count["did"] += len(did.FindAllString(body, -1))
		m := next.FindStringSubmatch(body)
		path = ""
		if m != nil {
			path, _, _ = strings.Cut(html.UnescapeString(m[1]), "#")
		}
	}
	want := int(ledger.Count(rows["second"], second)) - int(ledger.Count(rows["first"], first))
	if count["plus"]-count["minus"] != want || count["did"] != count["plus"]+count["minus"] {
		d.t.Errorf("%s: %v for a difference of %d", query, count, want)
	}
}

// deskReplays: the figures at each position are the ledger's of the records up to
// there, and what a record is said to have moved is what it moved.
func deskReplays(t *testing.T, d *deskShelf) {
	last := len(d.records)
	move := regexp.MustCompile(`<td class="number move">([^<]*)</td><td class="number"><a href="[^"]*" data-measure="([a-z_]+)">([0-9.]+)</a>`)
	for _, at := range []int{1, 2, 777, last} {
		for _, asOf := range []string{"", "2020-11-26"} {
			q := ledger.Query{Unit: ledger.UnitRespondent, AsOf: d.records[at-1].Recorded}
			path := fmt.Sprintf("/desk/replay?at=%d", at)
			if asOf != "" {
				q.AsOf = ledger.Date(asOf).End()
				path += "&as-of=" + asOf
			}
			body := html.UnescapeString(d.shows(path))
			before, after := d.knownBy(t, ledger.Position(max(1, at-1))), d.knownBy(t, ledger.Position(at))
			lines := move.FindAllStringSubmatch(body, -1)
			if len(lines) != len(ledger.MeasureTable) {
				t.Fatalf("%s: %d numbers", path, len(lines))
			}
			for _, l := range lines {
				var err error
				if q.Measures, err = ledger.ParseMeasures(l[2]); err != nil {
					t.Fatal(err)
				}
				was, is := ledger.Count(before, q), ledger.Count(after, q)
				want := ""
				if is != was {
					want = indonesian.signed(int64(is) - int64(was))
				}
				if plain(t, l[3]) != is || l[1] != want {
					t.Errorf("%s %s: the page says %s (%s), the ledger %d (%s)", path, l[2], l[3], l[1], is, want)
				}
			}
			e, err := ledger.DecodeRecord(d.records[at-1])
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(body, d.records[at-1].LeafHash().String()) || !strings.Contains(body, word("agency", string(e.Source)).ID) {
				t.Errorf("%s does not show its record", path)
			}
		}
	}
	for path, want := range map[string]int{
		"at=0": 400, "at=x": 400, "at=1&at=2": 400, "as-of=x": 400, "by=office": 400, "at=-1": 400, fmt.Sprintf("at=%d", last+1): 409, "at=9223372036854775807": 409, "at=99999999999999999999": 400,
	} {
		if got, _ := d.page("/desk/replay?" + path); got != want {
			t.Errorf("%s: %d, not %d", path, got, want)
		}
	}
}

// deskReplaysCases: step by step in both orders, each state is what folding the
// records up to there gives.
func deskReplaysCases(t *testing.T, d *deskShelf) {
	ids := []string{d.strange}
	for _, w := range d.walks {
		ids = append(ids, w.Case)
	}
	stage := regexp.MustCompile(`(?s)<caption>Respondent (r\d+)</caption>.*?>Stage</th><td role="cell"><span[^>]*>Before</span> ([^<]*)</td><td role="cell"><span[^>]*>With it</span> (?:<strong>→ )?([^<]*)`)
	for _, id := range ids {
		records, err := d.caseRecords(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		for _, order := range []string{orderRecorded, orderHappened} {
			for step := 1; step <= len(records); step++ {
				path := fmt.Sprintf("/desk/replay/%s?order=%s&step=%d", id, order, step)
				body := html.UnescapeString(d.shows(path + "&lang=en"))
				before, after := foldedTo(t, records, order, step-1), foldedTo(t, records, order, step)
				told := stage.FindAllStringSubmatch(body, -1)
				if len(told) != len(after.Respondents) {
					t.Fatalf("%s tells of %d respondents", path, len(told))
				}
				for i, r := range after.Respondents {
					was := "not there yet"
					if i < len(before.Respondents) {
						was = word("stage", string(before.Respondents[i].Stage)).EN
					}
					if is := word("stage", string(r.Stage)).EN; told[i][1] != r.ID || told[i][2] != was || told[i][3] != is {
						t.Errorf("%s: %v, not %s, %s, %s", path, told[i][1:], r.ID, was, is)
					}
				}
			}
		}
	}
	first, err := d.caseRecords(t.Context(), ids[1])
	if err != nil {
		t.Fatal(err)
	}
	d.says(fmt.Sprintf("/desk/replay/%s?at=%d&lang=en", ids[1], first[len(first)-1].Position), "step <strong data-step>"+strconv.Itoa(len(first)))
	for path, want := range map[string]int{
		"x": 404, d.NewID(): 404, ids[0] + "?step=0": 400, ids[0] + "?step=900": 404, ids[0] + "?step=01": 400, ids[0] + "?at=1": 404, ids[0] + "?order=x": 400,
		ids[0] + "?at=1&step=1": 400, ids[0] + "?page=1": 400,
	} {
		if got, _ := d.page("/desk/replay/" + path); got != want {
			t.Errorf("%s: %d, not %d", path, got, want)
		}
	}
}

// foldedTo folds a case by hand: the first records, or the first that happened of
// all.
func foldedTo(t *testing.T, records []ledger.Record, order string, step int) ledger.Case {
	t.Helper()
	if order == orderRecorded {
		records = records[:step]
	}
	var history []ledger.CaseEvent
	for _, r := range records {
		e, err := ledger.DecodeRecord(r)
		if err != nil {
			t.Fatal(err)
		}
		history = append(history, ledger.CaseEvent{Position: r.Position, Recorded: r.Recorded, Event: e})
	}
	slices.SortStableFunc(history, func(a, b ledger.CaseEvent) int {
		if c := a.Time.Compare(b.Time); c != 0 {
			return c
		}
		return int(a.Position) - int(b.Position)
	})
	history = ledger.Effective(history)
	if order == orderHappened {
		history = history[:step]
	}
	var c ledger.Case
	for _, e := range history {
		c = c.Apply(e)
	}
	return c
}

// TestChangeWords: there are words for every turn of a change.
func TestChangeWords(t *testing.T) {
	for _, entered := range []bool{true, false} {
		for _, turn := range []projections.Turn{projections.TurnHappened, projections.TurnRecorded} {
			if w := changeWords[entered][turn]; w.ID == "" || w.EN == "" {
				t.Errorf("%v %s has no words", entered, turn)
			}
		}
	}
}
