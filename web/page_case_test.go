package web

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
	"github.com/berkas-ledger/berkas/roster"
)

// newCaseShelf is a shelf whose cases also have documents, links and two
// respondents, and of whose log a checkpoint is published that does not cover the
// last records.
func newCaseShelf(t *testing.T) *shelf {
	t.Helper()
	b := newBook(t)
	first, second, third := b.walks[0].Case, b.walks[1].Case, b.walks[2].Case
	at := time.Date(2025, 1, 7, 2, 0, 0, 0, time.UTC)
	for i := 60; i < 8000; i += 60 { // more cases than a page names are tied to one
		if id := b.records[i].CaseID(); id != "" {
			b.add(b.Say(ledger.BKN, ledger.CaseLinkedKind, id, at, ledger.CaseLinked{Link: ledger.LinkRelated, Case: b.strange}))
		}
	}
	document := ledger.EvidenceAttached{Digest: strings.Repeat("9f86d081", 8), Size: 123456, MediaType: "application/pdf", Reference: "ARSIP-07/2025"}
	b.add(b.Say(ledger.BKN, ledger.EvidenceAttachedKind, first, at, document))
	wrong := b.Event(ledger.BKN, ledger.EvidenceAttachedKind, first, at.Add(time.Hour), ledger.EvidenceAttached{
		Digest: strings.Repeat("0", 64), Size: 12, MediaType: "text/plain", Reference: "ARSIP-08/2025",
	})
	b.add(b.Sign(ledger.BKN, wrong))
	e, err := ledger.DecodeRecord(b.records[len(b.records)-1])
	if err != nil {
		t.Fatal(err)
	}
	b.add(b.Say(ledger.BKN, ledger.EventCorrectedKind, first, at.Add(2*time.Hour), ledger.EventCorrected{
		Event: e.ID, Kind: e.Kind, Version: 1, Action: ledger.ActionVoid, Reason: "recorded-in-error",
	}))
	b.add(b.Say(ledger.BKN, ledger.CaseLinkedKind, second, at, ledger.CaseLinked{Link: ledger.LinkRelated, Case: first}))
	b.add(b.Say(ledger.BKN, ledger.CaseLinkedKind, first, at.Add(3*time.Hour), ledger.CaseLinked{Link: ledger.LinkRelated, Case: third}))
	return shelve(t, b, "case-pages", func(s *shelf, c *Config) {
		c.RosterRecords, c.Files = s.rosterRecords, s.sealedUpTo(ledger.Position(len(s.records)-3))
	})
}

func (s *shelf) rosterRecords(context.Context) ([]ledger.Record, error) {
	var out []ledger.Record
	for _, r := range s.records {
		if r.Subject == ledger.SubjectRoster {
			out = append(out, r)
		}
	}
	return out, nil
}

// sealedUpTo is a log that has published one checkpoint, whose root is invented:
// the page states and does not judge.
func (s *shelf) sealedUpTo(size ledger.Position) func(context.Context, string) ([]byte, error) {
	signer, _, _ := s.NoteKeys("")
	signed, err := ledger.SignCheckpoint(ledger.Checkpoint{Origin: s.Origin, Size: size, Root: ledger.Hash{7}}, signer)
	if err != nil {
		s.t.Fatal(err)
	}
	return func(_ context.Context, path string) ([]byte, error) {
		if path != "checkpoint" {
			return nil, fs.ErrNotExist
		}
		return signed, nil
	}
}

// caseAt is what a page would show.
func (s *shelf) casePageAt(t *testing.T, id string, at casePoint) *casePage {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/cases/"+id, nil)
	r.SetPathValue("id", id)
	p, err := s.server.casePage(r, at, 0)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// history is a case as the ledger's own fold has it.
func (s *shelf) history(t *testing.T, id string, known ledger.Position) []ledger.CaseEvent {
	t.Helper()
	var out []ledger.CaseEvent
	for _, r := range s.records {
		if r.CaseID() != id || known != 0 && r.Position > known {
			continue
		}
		e, err := ledger.DecodeRecord(r)
		if err != nil {
			t.Fatal(err)
		}
		out = ledger.Insert(out, ledger.CaseEvent{Position: r.Position, Recorded: r.Recorded, Event: e})
	}
	return out
}

// TestCasePage tells cases and holds what the page says against the ledger.
func TestCasePage(t *testing.T) {
	s := newCaseShelf(t)
	ids := []string{s.strange}
	for _, w := range s.walks {
		ids = append(ids, w.Case)
	}
	for i := 200; i < len(s.records); i += 397 {
		if id := s.records[i].CaseID(); id != "" {
			ids = append(ids, id)
		}
	}
	for name, look := range map[string]func(*testing.T, *shelf, string){
		"records": recordsAreHeld, "lanes": lanesAreTheHistory, "owed": owedIsTheLedgers, "known": knownIsWhatWasRecorded,
	} {
		t.Run(name, func(t *testing.T) {
			for _, id := range ids {
				look(t, s, id)
			}
		})
	}
	t.Run("corrected", func(t *testing.T) { correctionsShow(t, s) })
	t.Run("time", func(t *testing.T) { caseOfATime(t, s) })
	t.Run("documents", func(t *testing.T) { documentsAndLinks(t, s) })
	t.Run("keys", func(t *testing.T) { keysAsListed(t, s) })
}

// recordsAreHeld: every record with both its times, its key, and whether the
// checkpoint covers it; nothing is called by a judge's words.
func recordsAreHeld(t *testing.T, s *shelf, id string) {
	body := s.shows("/cases/" + id)
	covered, out := 0, 0
	for _, e := range s.history(t, id, 0) {
		item := regexp.MustCompile(fmt.Sprintf(`(?s)<li id="p%d".*?</ul>\s*</li>`, e.Position)).FindString(body)
		for _, want := range []string{
			e.Time.UTC().Format(time.RFC3339Nano), e.Recorded.UTC().Format(time.RFC3339Nano), string(testkit.EventKey(e.Source)), "terdaftar sejak posisi",
		} {
			if !strings.Contains(item, want) {
				t.Errorf("%s, position %d: the page does not say %s", id, e.Position, want)
			}
		}
		in := strings.Contains(item, "tercakup titik periksa berukuran") && strings.Contains(item, fmt.Sprintf(`/v1/events/%d/proof`, e.Position))
		if want := e.Position <= ledger.Position(len(s.records)-3); in != want || in == strings.Contains(item, "belum tercakup titik periksa") {
			t.Errorf("%s, position %d: covered %v, not %v", id, e.Position, in, want)
		}
		if in {
			covered++
		} else {
			out++
		}
	}
	if want := fmt.Sprintf("<strong>%d dari %d</strong>", covered, covered+out); !strings.Contains(body, want) {
		t.Errorf("%s does not say %s", id, want)
	}
}

// lanesAreTheHistory: the bands say the stages and holders of the ledger's rows, in
// their order and from the same moments.
func lanesAreTheHistory(t *testing.T, s *shelf, id string) {
	page := s.casePageAt(t, id, casePoint{})
	got := map[string][]string{}
	for _, l := range page.Chart.Lanes {
		for _, seg := range l.Bars[0].Segments {
			got[l.ID] = append(got[l.ID], seg.Says.EN+" "+seg.From.UTC().Format(time.RFC3339))
		}
	}
	for _, seg := range page.Chart.Holder.Segments {
		got["holder"] = append(got["holder"], seg.Says.EN+" "+seg.From.UTC().Format(time.RFC3339))
	}
	want, last := map[string][]string{}, map[string]string{}
	say := func(lane, value string, says text, at time.Time) {
		if last[lane] != value {
			last[lane] = value
			want[lane] = append(want[lane], says.EN+" "+at.UTC().Format(time.RFC3339))
		}
	}
	rows := ledger.History(s.history(t, id, 0))
	slices.SortStableFunc(rows, func(a, b ledger.Row) int { return a.From.Compare(b.From) })
	for _, r := range rows {
		say(r.Respondent, string(r.Stage), word("stage", string(r.Stage)), r.From)
		if r.Respondent == "r1" {
			say("holder", string(r.Holder), word("agency", string(r.Holder)), r.From)
		}
	}
	for lane, list := range want {
		if !slices.Equal(got[lane], list) {
			t.Errorf("%s, %s:\nthe page  %v\nthe ledger %v", id, lane, got[lane], list)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: lanes %v, not %v", id, got, want)
	}
}

// owedIsTheLedgers: obligations are those of ledger.Obligations under the rules that
// are published.
func owedIsTheLedgers(t *testing.T, s *shelf, id string) {
	for _, at := range []casePoint{{}, {asOf: time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC)}} {
		history := s.history(t, id, 0)
		if !at.asOf.IsZero() && history[0].Time.After(at.asOf) {
			continue
		}
		var payloads []any
		for _, r := range s.records {
			if e, err := ledger.DecodeRecord(r); err == nil && r.Subject == ledger.SubjectRoster {
				payloads = append(payloads, e.Payload)
			}
		}
		moment := imported.Add(time.Hour)
		if !at.asOf.IsZero() {
			moment = at.asOf
		}
		var got []ledger.Obligation
		for _, l := range s.casePageAt(t, id, at).Owed {
			got = append(got, l.Obligation)
		}
		want := ledger.Obligations(history, ledger.Publish(payloads), moment)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s at %v:\nthe page  %v\nthe ledger %v", id, at, got, want)
		}
	}
}

// knownIsWhatWasRecorded: known at the position of each record the page has the
// records up to it and names the others, and leads from one to the next.
func knownIsWhatWasRecorded(t *testing.T, s *shelf, id string) {
	all := s.history(t, id, 0)
	var positions []ledger.Position
	for _, e := range all {
		positions = append(positions, e.Position)
	}
	slices.Sort(positions)
	for i, k := range positions {
		page := s.casePageAt(t, id, casePoint{knownAt: k})
		at := s.casePageAt(t, id, casePoint{known: s.records[k-1].Recorded.Add(time.Microsecond)})
		if at.KnownAt != k || len(at.Steps) != len(page.Steps) {
			t.Errorf("%s known when %d had been recorded is known at %d", id, k, at.KnownAt)
		}
		if bar := page.Slider; bar.Stops != len(positions)-1 || bar.At != i || i < bar.Stops && bar.Places[i].Value != uint64(k) {
			t.Errorf("%s known at %d is place %d of %d", id, k, bar.At, bar.Stops)
		}
		if len(page.Steps) != i+1 || len(page.Since.Unknown) != len(positions)-i-1 {
			t.Errorf("%s known at %d: %d records and %d that were not known, of %d", id, k, len(page.Steps), len(page.Since.Unknown), len(positions))
		}
		if i > 0 && page.Since.BeforeAt != positions[i-1] || i+1 < len(positions) && page.Since.AfterAt != positions[i+1] {
			t.Errorf("%s known at %d lies between %d and %d", id, k, page.Since.BeforeAt, page.Since.AfterAt)
		}
		want := ledger.Fold(s.history(t, id, k))
		if !reflect.DeepEqual(page.Case.Respondents, want.Respondents) || page.Case.Holder != want.Holder {
			t.Errorf("%s known at %d stands otherwise", id, k)
		}
		now := ledger.Fold(all)
		if same := len(movesOf(&want, &now)) == 0 && len(want.Respondents) == len(now.Respondents); same != (len(page.Since.Changes) == 0) {
			t.Errorf("%s known at %d: changes %v", id, k, page.Since.Changes)
		}
	}
}

// caseOfATime: a case is asked for by a time as the figures are; of a time
// that is not over, or before its first record, there is no answer.
func caseOfATime(t *testing.T, s *shelf) {
	id := s.walks[1].Case
	for known, want := range map[string]int{
		"2026-11-22T01:30:00Z": 200, "2026-11-21": 404, "2026-11-22": 409, "2030-01-01": 409, "0": 400, "kemarin": 400,
	} {
		if status, _ := s.page("/cases/" + id + "?known-at=" + known); status != want {
			t.Errorf("known at %s: %d, not %d", known, status, want)
		}
		if w, _ := s.fetch("/v1/cases/" + id + "?known-at=" + known); w.Code != want {
			t.Errorf("the operation, known at %s: %d, not %d", known, w.Code, want)
		}
	}
}

// correctionsShow: what was recorded first stays, struck through, beside what
// replaced it and since when that is known; before that it is not struck.
func correctionsShow(t *testing.T, s *shelf) {
	id := s.walks[1].Case
	body := s.shows("/cases/" + id)
	for _, want := range []string{"<del>", "pemotongan tunjangan kinerja 12 bulan</del>", "pemotongan tunjangan kinerja 6 bulan</ins>", "diketahui sejak"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %s", want)
		}
	}
	var wrong, correction ledger.Position
	for _, e := range ledger.Effective(s.history(t, id, 0)) {
		if e.Corrected != 0 && e.Kind == ledger.DecisionRecordedKind {
			wrong, correction = e.Position, e.Corrected
		}
	}
	before := s.shows(fmt.Sprintf("/cases/%s?known-at=%d", id, correction-1))
	if strings.Contains(before, "<del>") || !strings.Contains(before, "Kemudian dikoreksi pada posisi "+indonesian.number(correction)) {
		t.Errorf("before the correction of %d was known it shows otherwise", wrong)
	}
	if !strings.Contains(before, "Bukan keadaan sekarang") || strings.Contains(body, "Bukan keadaan sekarang") {
		t.Error("it is not said whether this is the present")
	}
}

// documentsAndLinks: documents by their digests, those that are void too, and links
// in both directions.
func documentsAndLinks(t *testing.T, s *shelf) {
	first, second, third := s.walks[0].Case, s.walks[1].Case, s.walks[2].Case
	body := s.shows("/cases/" + first)
	for _, want := range []string{"ARSIP-07/2025", strings.Repeat("9f86d081", 8), "123,5 kB", "ARSIP-08/2025", "batal oleh koreksi", "ditautkan ke kasus ini", "/cases/" + second, "/cases/" + third} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %s", want)
		}
	}
	if body := s.shows("/cases/" + second); strings.Contains(body, "ditautkan ke kasus ini") || !strings.Contains(body, "/cases/"+first) {
		t.Error("the other case's link points the wrong way")
	}
	if body := s.shows("/cases/" + first + "?known-at=" + strconv.Itoa(len(s.records)-5)); strings.Contains(body, "ditautkan ke kasus ini") || strings.Contains(body, "ARSIP-07") {
		t.Error("what was not known yet shows")
	}
	if body := s.shows("/cases/" + s.walks[0].Case); !strings.Contains(body, "WITA)") || !strings.Contains(body, html.EscapeString(exportPath+"/cases/"+first)) {
		t.Error("no local time, or no way to paper")
	}
	many := s.shows("/cases/" + s.strange)
	if strings.Count(many, "ditautkan ke kasus ini oleh catatan") != projections.MostLinks || !strings.Contains(many, "hanya 100 tautan yang pertama") || strings.Contains(body, "tautan yang pertama") {
		t.Error("it is not said that there are more links than are named")
	}
	s.server.Figures = nil
	if body := s.shows("/cases/" + first); !strings.Contains(body, "sedang tidak dapat ditanyakan") {
		t.Error("links that cannot be asked for are not said to be missing")
	}
}

// keysAsListed: what the roster says of a key at a position, at both ends of its
// time, and grants by the record that made them.
func keysAsListed(t *testing.T, s *shelf) {
	w := testkit.NewWorld()
	records := w.Founding()
	add := func(sub ledger.Submission) ledger.Position {
		records = append(records, w.Record(records, sub, w.Start.Add(time.Hour)))
		return ledger.Position(len(records))
	}
	const key = "bkn/b"
	added := add(w.AddKey(ledger.BKN, key, w.Start))
	revoked := add(w.RevokeKey(ledger.BKN, key, w.Start))
	r, err := roster.Start(records[0])
	for _, rec := range records[1:] {
		e, bad := ledger.DecodeRecord(rec)
		if err == nil && bad == nil && rec.CaseID() == "" {
			r, err = r.Apply(rec.Position, e)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	for p, want := range map[ledger.Position]bool{added: false, added + 1: true, revoked: true, revoked + 1: false} {
		if got := keyNoteOf(r, key, p); got.Listed != want || got.Revoked != revoked {
			t.Errorf("at %d: %+v", p, got)
		}
	}
	if got := keyNoteOf(r, "bkn/unknown", 5); got.Listed || got.Added != 0 {
		t.Errorf("%+v", got)
	}
	steps, err := s.server.rosterStepsOf(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	grants := grantsBefore(steps, ledger.Position(len(s.records)), s.roster)
	if len(grants) != len(s.roster.Grants()) || grants[0].Position != 1 {
		t.Errorf("%d grants, of which the first was made at %d", len(grants), grants[0].Position)
	}
	if got := grantsBefore(steps, 1, s.roster); len(got) > 0 {
		t.Errorf("%d grants before the first record", len(got))
	}
}

// TestCasePageWithoutLog: a log that cannot be read is said to be so, and logged
// without the case's id.
func TestCasePageWithoutLog(t *testing.T) {
	s := newShelf(t)
	id := s.walks[0].Case
	if body := s.shows("/cases/" + id); !strings.Contains(body, "Log tidak dapat ditanya di sini") {
		t.Error("it is not said that there is no log")
	}
	var log bytes.Buffer
	s.server.Log = testLog(&log)
	s.server.Files = func(context.Context, string) ([]byte, error) { return nil, fs.ErrPermission }
	s.shows("/cases/" + id)
	if !strings.Contains(log.String(), "without its checkpoint") || strings.Contains(log.String(), id) {
		t.Error(log.String())
	}
}

// TestCorrectedLaterLooksOnce: a case of thousands of records is gone through once for a
// page, not once for each of them.
func TestCorrectedLaterLooksOnce(t *testing.T) {
	c := caseReading{}
	one := ledger.CaseEvent{Position: 3}
	c.all = []ledger.CaseEvent{one}
	if got := c.correctedLater(one); got != 0 {
		t.Errorf("corrected at %d", got)
	}
	c.later[3], c.all = 9, nil
	if got := c.correctedLater(one); got != 9 {
		t.Error("it was looked for again")
	}
}
