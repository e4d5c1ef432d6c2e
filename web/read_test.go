package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// TestCase: a case with both times of every record, and as it was at other
// points of the two times.
func TestCase(t *testing.T) {
	n := newNode(t)
	id, opened := n.open()
	first := n.admit(opened)
	n.admit(n.register(id))
	read := func(query string) caseAnswer {
		t.Helper()
		r := n.get("/v1/cases/" + id + query)
		if r.status != http.StatusOK {
			t.Fatalf("%d %s", r.status, r.body)
		}
		var a caseAnswer
		n.check(json.Unmarshal([]byte(r.body), &a))
		return a
	}
	a := read("")
	if a.Case != id || a.Version != 2 || a.Holder != ledger.Bawaslu || len(a.Timeline) != 2 || len(a.Respondents) != 1 || !slices.Equal(a.SeenBy, []ledger.AgencyID{ledger.Bawaslu}) {
		t.Fatalf("%+v", a)
	}
	step := a.Timeline[0]
	if step.Position != uint64(first.Position) || !step.Happened.Equal(today.Add(-time.Hour)) || !step.Recorded.Equal(today) || step.Late || step.Leaf != first.Leaf.String() ||
		!slices.Equal(step.Keys, []ledger.KeyID{testkit.EventKey(ledger.Bawaslu)}) || len(step.Stages) != 1 || step.Stages[0].Stage != ledger.StageReceived {
		t.Errorf("%+v", step)
	}
	if e, bad := ledger.Decode(opened.Body); bad != nil || string(step.Data) != string(e.Data) {
		t.Errorf("data %s", step.Data)
	}
	for _, query := range []string{"?as-of=" + url.QueryEscape(today.Add(-30*time.Minute).Format(time.RFC3339)), "?known-at=" + position(first.Position)} {
		if a := read(query); len(a.Timeline) != 1 || a.Version != 1 || a.Respondents[0].Stage != ledger.StageReceived || (a.AsOf == nil) == (a.KnownAt == nil) {
			t.Errorf("%s: %+v", query, a)
		}
	}
	n.wants(n.get("/v1/cases/"+id+"?known-at=1"), 404, "no-such-case")
	n.wants(n.get("/v1/cases/"+n.NewID()), 404, "no-such-case")
	n.wants(n.get("/v1/cases/..%2f..%2fetc"), 404, "no-such-case")
	n.wants(n.get("/v1/cases/*"), 404, "no-such-case")
	n.wants(n.get("/v1/cases/"+id+"?as-of=kemarin"), 400, "bad-query")
	n.wants(n.get("/v1/cases/"+id+"?known-at=0"), 400, "bad-query")
	n.wants(n.get("/v1/cases/"+id+"?asof=2020-01-01"), 400, "bad-query")
}

// TestNational: a figure comes with the whole question; two times, breakdown and
// filters are those of the ledger's own count.
func TestNational(t *testing.T) {
	n := newNode(t)
	_, one := n.open()
	_, two := n.open()
	n.admit(one)
	known := n.admit(two).Position
	n.settled()
	ask := func(query string) figureAnswer {
		t.Helper()
		r := n.get("/v1/national?" + query)
		if r.status != http.StatusOK {
			t.Fatalf("%d %s", r.status, r.body)
		}
		var a figureAnswer
		n.check(json.Unmarshal([]byte(r.body), &a))
		return a
	}
	all := ask("unit=case")
	if len(all.Figures) != len(ledger.MeasureTable) || all.Figures[0].Measure != "opened" || all.Figures[0].Value != 2 {
		t.Errorf("%+v", all)
	}
	if q := all.Question; q.Unit != "case" || q.Filter == nil || q.KnownAt != uint64(known) || !q.AsOf.Equal(today) || !q.Recorded.Equal(today) || q.Since != nil || all.Settled.Position != uint64(known) {
		t.Errorf("%+v", q)
	}
	a := ask("unit=case&measure=opened&filter=origin%3Dfinding&filter=province%3D73&seen-by=bawaslu&since=2020-06-01&as-of=2020-06-15T02:59:00Z&known-at=" + position(known-1) + "&by=office")
	if len(a.Figures) != 1 || a.Figures[0].Value != 1 || !slices.Equal(a.Figures[0].Groups, []group{{"IV", 1}}) {
		t.Errorf("%+v", a.Figures)
	}
	if q := a.Question; q.Measure != "opened" || len(q.Filter) != 2 || q.SeenBy != "bawaslu" || q.Since == nil || q.By != "office" || q.KnownAt != uint64(known-1) {
		t.Errorf("%+v", q)
	}
	if a := ask("measure=opened&known-at=" + url.QueryEscape(today.Add(-time.Second).Format(time.RFC3339))); a.Question.KnownAt != 1 {
		t.Errorf("known a second before all else: position %d", a.Question.KnownAt)
	}
	n.wants(n.get("/v1/national?as-of=2020-06-16"), 409, "not-settled")
	n.wants(n.get("/v1/national?known-at=99999"), 409, "not-settled")
	n.wants(n.get("/v1/national?known-at=2020-05-01"), 404, "nothing-recorded")
	for _, bad := range []string{
		"unit=orang", "measure=semua", "measure=opened%2Bopened", "filter=origin", "filter=origin%3Dx", "filter=origin%3Dfinding&filter=origin%3Dreport",
		"by=nama", "seen-by=BKN", "as-of=2020-02-30", "since=x", "known-at=0", "known-at=x", "unit=case&unit=case", "asof=2020-01-01", "%zz", "a;b",
		"filter=" + strings.Repeat("x", maxQuery),
	} {
		p := n.wants(n.get("/v1/national?"+bad), 400, "bad-query")
		if strings.Contains(p.Detail, "semua") || strings.Contains(p.Detail, "orang") {
			t.Errorf("%s is repeated: %s", bad, p.Detail)
		}
	}
}

// TestContract: codes and schemas are for everybody, and are not sent again to
// whoever has them.
func TestContract(t *testing.T) {
	s := newSilent(t, func(c *Config) { c.Open, c.Tokens = false, &Tokens{} })
	n := &node{t: t, server: s}
	n.listen()
	for path, media := range map[string]string{
		"/v1/codes": "application/json", "/v1/codes/reasons": "application/json", "/v1/schemas": "application/json",
		"/v1/schemas/case.opened.v1": "application/schema+json", "/openapi.json": openAPIType,
		"/static/berkas.css": "text/css; charset=utf-8",
	} {
		r := n.get(path)
		tag := r.header.Get("ETag")
		if r.status != 200 || r.header.Get("Content-Type") != media || tag == "" || r.body == "" {
			t.Errorf("%s: %d %s %s", path, r.status, r.header.Get("Content-Type"), tag)
		}
		for _, have := range []string{tag, `"x", W/` + tag, "*"} {
			if again := n.do(http.MethodGet, path, http.Header{"If-None-Match": {have}}, nil); again.status != http.StatusNotModified || again.body != "" {
				t.Errorf("%s again with %s: %d", path, have, again.status)
			}
		}
		if other := n.do(http.MethodGet, path, http.Header{"If-None-Match": {`"other"`}}, nil); other.status != 200 {
			t.Errorf("%s with another tag: %d", path, other.status)
		}
	}
	n.wants(n.get("/v1/codes/nothing"), 404, "no-such-table")
	n.wants(n.get("/v1/schemas/openapi"), 404, "no-such-schema")
	n.wants(n.get("/v1/schemas/..%2fschemas"), 404, "no-such-schema")
	n.wants(n.get("/static/../server.go"), 404, "not-found")
	n.wants(n.get("/v1/nothing"), 404, "not-found")
	if r := n.do(http.MethodPut, "/v1/codes", nil, nil); n.wants(r, 405, "method-not-allowed").Retry || r.header.Get("Allow") != "GET" {
		t.Errorf("%+v", r)
	}
	// What is not running says so.
	n.wants(n.do(http.MethodPost, "/v1/events", nil, []byte("{}")), 415, "content-type")
}

// FuzzQuestion: whatever stands behind the question mark is read without panic,
// and what is read is a valid question.
func FuzzQuestion(f *testing.F) {
	for _, q := range []string{
		"", "unit=case&measure=opened%2Bregistered", "filter=origin%3Dfinding&by=office&lang=en", "as-of=2020-11-26&known-at=3000&since=2020-01-01",
		"a;b=%zz", "filter==", "known-at=18446744073709551616",
	} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := parseQuestion(raw)
		if err == nil {
			if err := q.Query.Validate(); err != nil {
				t.Fatalf("%q is read as no question: %v", raw, err)
			}
		}
		if _, err := parseCasePoint(raw); err == nil && len(raw) > maxQuery {
			t.Fatal("a query that is too long was read")
		}
	})
}

func position(p ledger.Position) string { return strconv.FormatUint(uint64(p), 10) }

// TestCorrectedCase: a correction that is known changes what the case is, and the
// record it corrects stays as it was recorded, with the correction named.
func TestCorrectedCase(t *testing.T) {
	n := newNode(t)
	id, opened := n.open()
	n.admit(opened)
	registered := n.register(id)
	at := n.admit(registered).Position
	n.admit(n.Say(ledger.Bawaslu, ledger.EventCorrectedKind, id, today.Add(-time.Second), ledger.EventCorrected{
		Event: eventID(t, registered), Kind: ledger.CaseRegisteredKind, Version: 1, Action: ledger.ActionVoid, Reason: "recorded-twice",
	}))
	for query, want := range map[string]struct {
		steps int
		stage ledger.Stage
		by    uint64
	}{
		"":                          {3, ledger.StageReceived, uint64(at) + 1},
		"?known-at=" + position(at): {2, ledger.StageRegistered, 0},
		"?as-of=" + url.QueryEscape(today.Add(-30*time.Second).Format(time.RFC3339)): {2, ledger.StageReceived, uint64(at) + 1},
	} {
		r := n.get("/v1/cases/" + id + query)
		var a caseAnswer
		n.check(json.Unmarshal([]byte(r.body), &a))
		if r.status != 200 || len(a.Timeline) != want.steps || a.Respondents[0].Stage != want.stage {
			t.Fatalf("%q: %s", query, r.body)
		}
		if step := a.Timeline[1]; step.Corrected != want.by || step.Void != (want.by != 0) || !strings.Contains(string(step.Data), "CONTOH-REG") {
			t.Errorf("%q: %+v", query, step)
		}
	}
}
