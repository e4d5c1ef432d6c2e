package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// unfold checks the lines of a calendar (RFC 5545 section 3.1) and joins them.
func unfold(t *testing.T, calendar string) []string {
	t.Helper()
	if !strings.HasSuffix(calendar, "\r\n") || strings.Contains(strings.ReplaceAll(calendar, "\r\n", ""), "\n") {
		t.Fatal("lines do not end with CRLF")
	}
	var out []string
	for _, line := range strings.Split(strings.TrimSuffix(calendar, "\r\n"), "\r\n") {
		if len(line) > 75 || !utf8.ValidString(line) {
			t.Errorf("%d octets: %q", len(line), line)
		}
		if rest, folded := strings.CutPrefix(line, " "); folded && len(out) > 0 {
			out[len(out)-1] += rest
			continue
		}
		out = append(out, line)
	}
	return out
}

// entries are the events of a calendar, by UID: its properties.
func entries(t *testing.T, calendar string) map[string]map[string]string {
	t.Helper()
	out := map[string]map[string]string{}
	var one map[string]string
	for _, line := range unfold(t, calendar) {
		name, value, ok := strings.Cut(line, ":")
		switch {
		case !ok:
			t.Errorf("no property: %q", line)
		case line == "BEGIN:VEVENT":
			one = map[string]string{}
		case line == "END:VEVENT":
			if out[one["UID"]] != nil {
				t.Errorf("%s stands twice", one["UID"])
			}
			out[one["UID"]], one = one, nil
		case one != nil:
			one[name] = value
		}
	}
	return out
}

// TestCalendar: all days in Jakarta, stable UIDs, folding, what is over cancelled,
// nothing of persons and places.
func TestCalendar(t *testing.T) {
	due := func(code string, day ledger.Date, state ledger.ObligationState) ledger.Obligation {
		return ledger.Obligation{
			Case: "01726df4-2380-7000-8000-000000000009", Respondents: []string{"r1"}, Code: code, OwedBy: ledger.OwedByAuthority, Authority: "regent-73.01",
			Since: ledger.Date("2020-10-12").Start(), Due: day, State: state, Regime: "contoh", Basis: strings.Repeat("Peraturan “penanganan”; pasal, 3–5 ", 5), Doubt: ledger.DoubtConflict,
		}
	}
	list := projections.WorkList{
		Query: projections.WorkQuery{Agency: ledger.BKN, KnownAt: 4711, AsOf: ledger.Date("2020-10-20").End()}, Known: time.Date(2026, 11, 22, 1, 2, 3, 0, time.UTC), Total: 9,
		Obligations: []ledger.Obligation{
			due("decision", "2020-10-22", ledger.ObligationOpen), due("admonition", "2020-12-31", ledger.ObligationMet), due("delivery", "", ledger.ObligationOpen), due("x", "2020-02-31", ledger.ObligationOpen),
		},
	}
	text := Calendar(list, false)
	all := entries(t, text)
	if len(all) != 2 {
		t.Fatalf("%d entries\n%s", len(all), text)
	}
	open, met := all[list.Obligations[0].UID()], all[list.Obligations[1].UID()]
	for name, want := range map[string]string{
		"DTSTART;VALUE=DATE": "20201022", "DTEND;VALUE=DATE": "20201023", "DTSTAMP": "20261122T010203Z", "SEQUENCE": "4711", "STATUS": "CONFIRMED",
		"TRANSP": "TRANSPARENT", "CLASS": "CONFIDENTIAL", "SUMMARY": `keputusan PPK: PPK\, 01726df4-2380-7000-8000-000000000009`,
	} {
		if open[name] != want {
			t.Errorf("%s is %q, not %q", name, open[name], want)
		}
	}
	if met["STATUS"] != "CANCELLED" || met["DTEND;VALUE=DATE"] != "20210101" || !strings.Contains(open["DESCRIPTION"], `sumber bertentangan`) || !strings.Contains(open["DESCRIPTION"], `\;`) {
		t.Errorf("%v\n%v", open, met)
	}
	joined := strings.Join(unfold(t, text), "\n")
	for _, want := range []string{"REFRESH-INTERVAL;VALUE=DURATION:PT6H", "METHOD:PUBLISH", "NAME:Berkas: tenggat BKN", "5 hal lain tidak dimuat"} {
		if !strings.Contains(joined, want) {
			t.Errorf("the calendar does not say %s:\n%s", want, joined)
		}
	}
	for _, never := range []string{"regent", "73.01", "Bone", "r1"} {
		if strings.Contains(joined, never) {
			t.Errorf("the calendar says %s", never)
		}
	}
	list.Obligations[0].Due = "2020-10-29" // holidays moved it
	if moved := entries(t, Calendar(list, true))[list.Obligations[0].UID()]; moved["DTSTART;VALUE=DATE"] != "20201029" || !strings.HasPrefix(moved["SUMMARY"], "decree of the authority") {
		t.Errorf("%v", moved)
	}
}

// TestCalendarsAreServed: the list of the page as a calendar, and the latest one
// at an address of its own that opens nothing else.
func TestCalendarsAreServed(t *testing.T) {
	s := newShelf(t)
	get := func(path string, header ...string) *httptest.ResponseRecorder {
		t.Helper()
		r := httptest.NewRequest(http.MethodGet, path, nil)
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		s.server.ServeHTTP(w, r)
		return w
	}
	want := map[string]ledger.Date{}
	for _, o := range s.obligations(t, ledger.Date("2020-11-26").End()) {
		if o.State == ledger.ObligationOverdue && o.Concerns(ledger.BKN) {
			want[o.UID()] = o.Due
		}
	}
	w := get("/v1/worklist.ics?agency=bkn&as-of=2020-11-26&state=overdue")
	got := entries(t, w.Body.String())
	if w.Header().Get("Content-Type") != calendarMedia || w.Header().Get("Cache-Control") != keepPrivate || !strings.Contains(w.Header().Get("Content-Disposition"), `"berkas-tenggat-bkn.ics"`) || len(got) != len(want) || len(want) < 100 {
		t.Fatalf("%d entries, want %d; %v", len(got), len(want), w.Header())
	}
	for uid, day := range want {
		if got[uid]["DTSTART;VALUE=DATE"] != strings.ReplaceAll(string(day), "-", "") {
			t.Errorf("%s is due %s, the calendar says %v", uid, day, got[uid])
		}
	}
	if again := get("/v1/worklist.ics?agency=bkn&as-of=2020-11-26&state=overdue", "If-None-Match", w.Header().Get("ETag")); again.Code != http.StatusNotModified {
		t.Errorf("asked again: %d", again.Code)
	}
	for _, bad := range []string{"offset=3", "state=x", "agency=B"} {
		if w := get("/v1/worklist.ics?" + bad); w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d", bad, w.Code)
		}
	}
	if w := get("/v1/worklist.ics?as-of=2030-01-01"); w.Code != http.StatusConflict || w.Header().Get("Content-Disposition") != "" {
		t.Errorf("what is wrong is saved as a file: %d %v", w.Code, w.Header())
	}
}

// TestCalendarAddress: a token of role calendar opens its calendar and nothing
// else, no other token opens one, and no address comes into the log.
func TestCalendarAddress(t *testing.T) {
	var file string
	secrets := map[Reader]string{}
	for _, r := range []Reader{ReaderCalendar, ReaderAuditor, ReaderAgency} {
		agency := ledger.BKN
		if r == ReaderAuditor {
			agency = ""
		}
		secret, token, err := NewToken(string(r)+"-1", r, agency)
		if err != nil {
			t.Fatal(err)
		}
		secrets[r], file = secret, file+token.Line()+"\n"
	}
	tokens, err := ParseTokens(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	s := newShelf(t)
	c := s.server.Config
	c.Open, c.Tokens = false, tokens
	if s.server, err = New(c); err != nil {
		t.Fatal(err)
	}
	get := func(path, bearer string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		if bearer != "" {
			r.Header.Set("Authorization", "Bearer "+bearer)
		}
		w := httptest.NewRecorder()
		s.server.ServeHTTP(w, r)
		return w
	}
	w := get("/v1/calendars/"+secrets[ReaderCalendar]+"?lang=en", "")
	got := slices.Collect(func(yield func(string) bool) {
		for uid := range entries(t, w.Body.String()) {
			yield(uid)
		}
	})
	var want []string
	for _, o := range s.obligations(t, s.records[len(s.records)-1].Recorded) {
		if o.State.Pending() && o.Due != "" && o.Concerns(ledger.BKN) {
			want = append(want, o.UID())
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if w.Code != http.StatusOK || len(want) == 0 || !slices.Equal(got, want) || !strings.Contains(w.Body.String(), "NAME:Berkas: deadlines BKN") {
		t.Errorf("%d: %d entries, want %d", w.Code, len(got), len(want))
	}
	for path, status := range map[string]int{
		"/v1/calendars/" + secrets[ReaderAuditor]: 403, "/v1/calendars/" + secrets[ReaderAgency]: 403, "/v1/calendars/berkas-x": 404, "/v1/worklist.ics": 401,
		"/v1/calendars/" + secrets[ReaderCalendar] + "?agency=bawaslu": 400,
	} {
		if w := get(path, ""); w.Code != status {
			t.Errorf("%d, not %d: %s", w.Code, status, regexp.MustCompile(`berkas-[a-z0-9]{10,}`).ReplaceAllString(path, "TOKEN"))
		}
	}
	for _, path := range []string{"/national", "/backlog", "/worklist", "/v1/worklist", "/v1/worklist.ics", "/v1/national"} {
		if w := get(path, secrets[ReaderCalendar]); w.Code != http.StatusForbidden {
			t.Errorf("%s opens to a token of a calendar: %d", path, w.Code)
		}
	}
	if w := get("/v1/worklist.ics?agency=bkn", secrets[ReaderAgency]); w.Code != http.StatusOK {
		t.Errorf("an agency's calendar: %d", w.Code)
	}
	for _, line := range []string{"kal calendar - sha256:" + strings.Repeat("a", 64), "kal calendar bkn sha256:" + strings.Repeat("a", 64)} {
		if _, err := parseToken(line); err != nil {
			t.Error(err)
		}
	}
	if _, err := parseToken(fmt.Sprintf("kal calendar BKN! sha256:%s", strings.Repeat("a", 64))); err == nil {
		t.Error("a calendar of nobody's")
	}
}
