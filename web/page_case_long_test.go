package web

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// newLongShelf is a shelf with one long case, told backwards: of so many documents each
// was attached before the one recorded earlier, and every tenth was recorded in error.
// It has no tables: a case needs none.
func newLongShelf(t *testing.T, documents int) (*shelf, string) {
	t.Helper()
	b := newBook(t)
	id := b.NewID()
	begin := time.Date(2024, 1, 7, 2, 0, 0, 0, time.UTC)
	for _, told := range b.Story(id, begin, 2) {
		b.add(told)
	}
	last := begin.AddDate(1, 0, 0)
	for i := range documents {
		at := last.Add(-time.Duration(i) * time.Minute)
		body := b.Event(ledger.BKN, ledger.EvidenceAttachedKind, id, at, ledger.EvidenceAttached{
			Digest: strings.Repeat("9f86d081", 8), Size: 1 + uint64(i), MediaType: "application/pdf", Reference: "ARSIP-07/2025",
		})
		b.add(b.Sign(ledger.BKN, body))
		if i%10 != 9 {
			continue
		}
		e, err := ledger.DecodeRecord(b.records[len(b.records)-1])
		if err != nil {
			t.Fatal(err)
		}
		b.add(b.Say(ledger.BKN, ledger.EventCorrectedKind, id, last.Add(time.Duration(i)*time.Minute), ledger.EventCorrected{
			Event: e.ID, Kind: e.Kind, Version: 1, Action: ledger.ActionVoid, Reason: "recorded-in-error",
		}))
	}
	return shelve(t, b, "", func(s *shelf, c *Config) {
		c.RosterRecords, c.Files = s.rosterRecords, s.sealedUpTo(ledger.Position(len(s.records)-3))
	}), id
}

// TestLongCase: a case of many records is shown in parts, each of which is bounded, and
// every record is on one that links lead to.
func TestLongCase(t *testing.T) {
	s, id := newLongShelf(t, 500)
	history := ledger.Effective(s.history(t, id, 0))
	t.Run("page", func(t *testing.T) { partsOfThePage(t, s, id, history) })
	t.Run("anchors", func(t *testing.T) { anchorsLeadToTheirPart(t, s, id, history) })
	t.Run("then", func(t *testing.T) { longCaseOfThen(t, s, id) })
	t.Run("operation", func(t *testing.T) { partsOfTheTimeline(t, s, id, history) })
	t.Run("replay", func(t *testing.T) { partsOfTheReplay(t, s, id, history) })
	for query, want := range map[string]int{"at=x": 400, "at=0": 400, "at=7&at=8": 400, "at=999999": 200, "step=1": 400} {
		if got, _ := s.page("/cases/" + id + "?" + query); got != want {
			t.Errorf("%s: %d, not %d", query, got, want)
		}
	}
	if body := s.shows("/cases/" + s.walks[1].Case); strings.Contains(body, "Bagian daftar peristiwa") || strings.Contains(body, "Kasus ini panjang") || strings.Contains(body, "?at=") {
		t.Error("a short case is shown in parts")
	}
}

var (
	stepOnPage = regexp.MustCompile(`<li id="p(\d+)"`)
	stepLinks  = regexp.MustCompile(`href="([^"]*)#peristiwa">← `)
	stepAnchor = regexp.MustCompile(`<a href="([^"]*)#p(\d+)">`)
)

// stepsOn are the records that a page has.
func stepsOn(t *testing.T, body string) (out []ledger.Position) {
	t.Helper()
	for _, m := range stepOnPage.FindAllStringSubmatch(body, -1) {
		n, err := strconv.ParseUint(m[1], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, ledger.Position(n))
	}
	if len(out) > mostShown {
		t.Errorf("%d records on a page", len(out))
	}
	return out
}

func positionsOf(history []ledger.CaseEvent) (out []ledger.Position) {
	for _, e := range history {
		out = append(out, e.Position)
	}
	return out
}

// partsOfThePage: the newest records come first; from there links go back to the
// beginning, past every record in its order.
func partsOfThePage(t *testing.T, s *shelf, id string, history []ledger.CaseEvent) {
	all := positionsOf(history)
	path, parts := "/cases/"+id, 0
	for first := len(all); ; parts++ {
		body := s.shows(path)
		on := stepsOn(t, body)
		at := slices.Index(all, on[0])
		if at < 0 || !slices.Equal(on, all[at:at+len(on)]) || at+len(on) < first {
			t.Fatalf("%s shows %d records from the %dth on, after a page from the %dth", path, len(on), at, first)
		}
		if first == len(all) && at+len(on) != len(all) {
			t.Error("the last record is not on the first page")
		}
		want := fmt.Sprintf("<strong>%d–%d</strong> dari %d", at+1, at+len(on), len(all))
		if !strings.Contains(body, want) || !strings.Contains(body, fmt.Sprintf("<strong>%d dari %d</strong>", coveredOf(s, all), len(all))) {
			t.Errorf("%s does not say %s of how many", path, want)
		}
		if n := strings.Count(body, ">ARSIP-07/2025</h3>"); n > mostShown {
			t.Errorf("%d documents on a page", n)
		}
		first = at
		link := stepLinks.FindStringSubmatch(body)
		if link == nil {
			break
		}
		path = html.UnescapeString(link[1])
	}
	if on := stepsOn(t, s.shows(path)); on[0] != all[0] || parts < len(all)/mostShown {
		t.Errorf("after %d parts the first record is not reached", parts)
	}
}

func coveredOf(s *shelf, all []ledger.Position) (n int) {
	for _, p := range all {
		if p <= ledger.Position(len(s.records)-3) {
			n++
		}
	}
	return n
}

// anchorsLeadToTheirPart: a correction and what it corrects may lie far apart.
func anchorsLeadToTheirPart(t *testing.T, s *shelf, id string, history []ledger.CaseEvent) {
	elsewhere := 0
	for _, e := range history {
		if e.Corrected == 0 {
			continue
		}
		for _, m := range stepAnchor.FindAllStringSubmatch(s.shows(fmt.Sprintf("/cases/%s?at=%d", id, e.Position)), -1) {
			if m[1] == "" {
				continue
			}
			if elsewhere++; !strings.Contains(s.shows(html.UnescapeString(m[1])), `<li id="p`+m[2]+`"`) {
				t.Errorf("%s has no record %s", m[1], m[2])
			}
		}
		break
	}
	if elsewhere == 0 {
		t.Error("no anchor leads to another part")
	}
}

// longCaseOfThen: what was not known is named up to the same bound, and its number.
func longCaseOfThen(t *testing.T, s *shelf, id string) {
	positions := positionsOf(s.history(t, id, 0))
	slices.Sort(positions)
	known := positions[9]
	body := s.shows(fmt.Sprintf("/cases/%s?known-at=%d&at=%d", id, known, positions[len(positions)-1]))
	if on := stepsOn(t, body); len(on) != 10 {
		t.Errorf("%d records were known", len(on))
	}
	if n := strings.Count(body, "<li><span aria-hidden=\"true\">◌</span>"); n != mostShown {
		t.Errorf("%d of what was not known", n)
	}
	if want := fmt.Sprintf("dari %d. <a", len(positions)-10); !strings.Contains(body, want) {
		t.Errorf("the page does not say %s", want)
	}
	page := s.casePageAt(t, id, casePoint{knownAt: known})
	want := ledger.Fold(s.history(t, id, known))
	if !reflect.DeepEqual(page.Case.Respondents, want.Respondents) || page.Case.Evidence != want.Evidence {
		t.Error("the case stood otherwise")
	}
}

// partsOfTheTimeline: whoever goes on from what the answer names has every record once.
func partsOfTheTimeline(t *testing.T, s *shelf, id string, history []ledger.CaseEvent) {
	whole, err := s.server.caseAt(t.Context(), id, casePoint{}, stepsAsked{})
	if err != nil {
		t.Fatal(err)
	}
	if len(whole.Timeline) != len(history) || whole.Records != 0 || whole.Next != 0 {
		t.Fatalf("%d of %d records", len(whole.Timeline), len(history))
	}
	var steps []stepAnswer
	for next := "&lang=en"; ; {
		var a caseAnswer
		w, body := s.fetch("/v1/cases/" + id + "?limit=70" + next)
		if err := json.Unmarshal(body, &a); w.Code != http.StatusOK || err != nil {
			t.Fatalf("%s: %d %v", next, w.Code, err)
		}
		if steps = append(steps, a.Timeline...); a.Records != len(history) || len(a.Timeline) > 70 || !reflect.DeepEqual(a.Respondents, whole.Respondents) {
			t.Fatalf("%s: %d records of %d", next, len(a.Timeline), a.Records)
		}
		if a.Next == 0 {
			break
		}
		next = fmt.Sprintf("&from=%d", a.Next)
	}
	if len(steps) != len(whole.Timeline) {
		t.Fatalf("%d of %d records", len(steps), len(whole.Timeline))
	}
	for i, step := range steps {
		if want := whole.Timeline[i]; step.Position != want.Position || step.Leaf != want.Leaf || step.Void != want.Void || step.Position != uint64(history[i].Position) {
			t.Errorf("%d: %d, not %d", i, step.Position, want.Position)
		}
	}
	for query, want := range map[string]int{"limit=0": 400, "limit=1001": 400, "limit=x": 400, "from=0": 400, "from=x": 400, "from=1": 404, "from=1&from=2": 400, "limit=1000": 200, "at=5": 400} {
		if w, _ := s.fetch("/v1/cases/" + id + "?" + query); w.Code != want {
			t.Errorf("%s: %d, not %d", query, w.Code, want)
		}
	}
	if w, _ := s.fetch(exportPath + "/cases/" + id + "?limit=1"); w.Code != http.StatusBadRequest {
		t.Errorf("a paper of a part: %d", w.Code)
	}
}

// partsOfTheReplay: every step in both orders is what folding the records gives; the
// list beside it has the step, and no more than a part.
func partsOfTheReplay(t *testing.T, s *shelf, id string, history []ledger.CaseEvent) {
	records, err := s.caseRecords(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, order := range []string{orderRecorded, orderHappened} {
		shown := map[ledger.Position]bool{}
		for step := 1; step <= len(records); step += 37 {
			page, err := newCaseReplay(id, order, records, url.Values{"step": {strconv.Itoa(step)}}, s.roster.Genesis())
			if err != nil {
				t.Fatal(err)
			}
			before, after := foldedTo(t, records, order, step-1), foldedTo(t, records, order, step)
			if got := statesOf(&before, &after); !reflect.DeepEqual(page.States, got) || !slices.Equal(page.Moves, movesOf(&before, &after)) {
				t.Errorf("%s, step %d: %v, not %v", order, step, page.States, got)
			}
			list := ledger.Effective(history)
			if order == orderRecorded {
				list = nil
				for _, r := range records {
					list = append(list, ledger.CaseEvent{Position: r.Position})
				}
			}
			here := slices.IndexFunc(page.All, func(s replayStop) bool { return s.Here })
			if len(page.All) != mostShown || here < 0 || page.All[here].Position != list[step-1].Position || page.Record.Position != list[step-1].Position {
				t.Errorf("%s, step %d: %d stops, here at %d", order, step, len(page.All), here)
			}
			for _, stop := range page.All {
				shown[stop.Position] = true
			}
		}
		if len(shown) != len(records) {
			t.Errorf("%s: %d of %d records are on a list", order, len(shown), len(records))
		}
	}
	body := s.shows("/desk/replay/" + id + "?step=250")
	for _, want := range []string{`start="201"`, "<strong>201–400</strong>", `step=200#all"`, `step=401#all"`, `step=1#all"`, fmt.Sprintf(`step=%d#all"`, len(records))} {
		if !strings.Contains(body, want) {
			t.Errorf("the replay does not say %s", want)
		}
	}
}

// TestPartAround: parts begin at the same places, but for the last.
func TestPartAround(t *testing.T) {
	for _, one := range []struct{ i, of, from, to int }{
		{0, 1, 0, 1}, {199, 200, 0, 200}, {0, 201, 0, 200}, {199, 201, 0, 200}, {200, 201, 1, 201}, {399, 600, 200, 400}, {599, 600, 400, 600}, {401, 450, 250, 450},
	} {
		if p := partAround(one.i, one.of); p != (part{one.from, one.to, one.of}) || !p.has(one.i) {
			t.Errorf("%d of %d: %+v", one.i, one.of, p)
		}
	}
}
