package ledger_test

import (
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// country is three cases: one recommended and decided, one that ended in three
// ways, one that is still open. Each is told in steps.
var country = [][]string{
	{
		"2020-09-01 bawaslu case.opened: report of r1, r2",
		"2020-09-02 bawaslu case.registered: 1",
		"2020-09-03 bawaslu case.assessed: r1 discipline-1, r2 ethics-1",
		"2020-09-04 bawaslu case.forwarded: to kasn copying kemendagri",
		"2020-09-05 kasn case.received: from bawaslu",
		"2020-09-10 kasn case.recommended: letter R-1 to regent 73.01: r1 medium, r2 moral-open",
		"2020-09-20 kemendagri ppk.admonished: letter T-1 to regent 73.01 about kasn R-1",
		"2020-09-25 bkn control.blocked: letter W-1 about r1",
		"2020-10-01 bkn decision.recorded: decree SK-1: r1 heavy",
		"2020-10-05 bkn control.unblocked: letter W-2 about r1",
	},
	{
		"2020-09-01 bawaslu case.opened: finding of r1, r2, r3",
		"2020-09-02 bawaslu case.registered: 2",
		"2020-09-03 bawaslu case.assessed: r1 not-a-violation",
		"2020-09-04 bawaslu case.assessed: r2 not-a-violation",
		"2020-09-06 bawaslu case.assessed: r3 not-a-violation",
	},
	{
		"2020-09-01 bawaslu case.opened: finding of r1",
		"2020-09-02 bawaslu case.registered: 3",
		"2020-09-03 bawaslu case.assessed: r1 discipline-1",
		"2020-09-04 bawaslu case.forwarded: to kasn",
		"2020-09-05 kasn case.received: from bawaslu",
		"2020-09-12 kasn case.recommended: letter R-1 to regent 73.01: r1 medium",
	},
}

func countryRows(t *testing.T) []ledger.Row {
	t.Helper()
	var rows []ledger.Row
	for n, steps := range country {
		var history []ledger.CaseEvent
		for i, text := range steps {
			step, err := parseStep(i, text)
			if err != nil {
				t.Fatal(err)
			}
			step.event.Subject = eventID(n)
			draft := ledger.CaseEvent{Position: ledger.Position(i + 1), Event: step.event}
			if _, bad := ledger.Place(history, draft, func(time.Time) ledger.Law { return ledger.Law{} }); bad != nil {
				t.Fatalf("%s: %v", text, bad)
			}
			history = ledger.Insert(history, draft)
		}
		rows = append(rows, ledger.History(history)...)
	}
	return rows
}

// figures are asked for as a person would: measure, unit, as-of, then since,
// seen-by and filters.
var figures = []struct {
	measure, unit, asOf string
	more                string // since=, seen-by=, or filters
	want                uint64
}{
	{"opened", "case", "2020-08-31", "", 0},
	{"opened", "case", "2020-09-01", "", 3},
	{"opened", "respondent", "2020-09-01", "", 6},
	// Bare dates are the ends of days; a moment counts from itself on.
	{"registered", "case", "2020-09-02T09:59:59.999999+07:00", "", 0},
	{"registered", "case", "2020-09-02T10:00:00+07:00", "", 3},
	{"registered", "case", "2020-09-02T10:00:00+07:00", "since=2020-09-02T09:59:59.999999+07:00", 3},
	{"registered", "case", "2020-09-02T10:00:00+07:00", "since=2020-09-02T10:00:00+07:00", 0},
	// A case is no violation when all its respondents are.
	{"not_violation", "respondent", "2020-09-04", "", 2},
	{"not_violation", "case", "2020-09-05", "", 0},
	{"not_violation", "case", "2020-09-06", "", 1},
	{"not_violation", "case", "2020-12-31", "since=2020-09-05", 1},
	{"not_violation", "case", "2020-12-31", "since=2020-09-06", 0},
	{"concluded", "case", "2020-09-05", "", 0},
	{"in_process", "case", "2020-09-05", "", 3},
	{"concluded", "case", "2020-12-31", "", 3},
	// A case that is concluded stays so since then, whatever follows.
	{"concluded", "case", "2020-12-31", "since=2020-09-09", 2},
	{"concluded", "case", "2020-12-31", "since=2020-09-10", 1},
	{"concluded", "case", "2020-12-31", "since=2020-09-12", 0},
	{"concluded", "respondent", "2020-12-31", "since=2020-09-10", 1},
	{"violation", "case", "2020-12-31", "", 2},
	{"violation+not_violation", "case", "2020-12-31", "", 3},
	{"violation+not_violation", "respondent", "2020-12-31", "", 6},
	{"forwarded", "case", "2020-12-31", "origin=finding", 1},
	{"forwarded", "respondent", "2020-12-31", "forwarded-to=kasn", 3},
	{"forwarded", "respondent", "2020-12-31", "forwarded-to=bkn", 0},
	// One letter number of one agency is one recommendation.
	{"recommended", "recommendation", "2020-12-31", "", 1},
	{"recommended", "respondent", "2020-12-31", "", 3},
	{"recommended", "ppk", "2020-12-31", "", 1},
	{"recommended", "respondent", "2020-12-31", "since=2020-09-10", 1},
	{"registered", "recommendation", "2020-09-05", "", 0},
	{"admonished", "ppk", "2020-12-31", "", 1},
	{"admonished", "recommendation", "2020-12-31", "", 1},
	{"admonished", "case", "2020-12-31", "", 1},
	{"blocked", "respondent", "2020-09-24", "", 0},
	{"blocked", "respondent", "2020-09-25", "", 1},
	{"blocked", "respondent", "2020-10-04", "", 1},
	{"blocked", "respondent", "2020-10-05", "", 0},
	{"unblocked", "respondent", "2020-10-05", "since=2020-10-04", 1},
	{"unblocked", "respondent", "2020-10-05", "since=2020-10-05", 0},
	{"sanctioned", "respondent", "2020-10-01", "", 1},
	{"followed_up", "respondent", "2020-10-01", "", 1},
	{"not_followed_up", "respondent", "2020-10-01", "", 2},
	{"sanctioned+not_followed_up", "respondent", "2020-10-01", "", 3},
	// What was recommended, until it is decided.
	{"recommended", "respondent", "2020-09-30", "sanction=medium", 2},
	{"recommended", "respondent", "2020-10-01", "sanction=medium", 1},
	{"recommended", "respondent", "2020-10-01", "sanction=heavy", 1},
	{"recommended", "respondent", "2020-12-31", "family=ethics", 1},
	{"recommended", "respondent", "2020-12-31", "family=discipline", 2},
	{"recommended", "respondent", "2020-12-31", "ppk-kind=regent", 3},
	{"recommended", "respondent", "2020-12-31", "holder=kasn", 3},
	{"opened", "respondent", "2020-12-31", "holder=kasn", 3},
	{"opened", "respondent", "2020-12-31", "holder=bawaslu", 3},
	{"opened", "respondent", "2020-12-31", "office=IV", 6},
	{"opened", "respondent", "2020-12-31", "office=V", 0},
	{"opened", "respondent", "2020-12-31", "province=73 province-of-act=73 class=pelaksana institution-kind=province institution=73 contest=pilkada-2020", 6},
	{"opened", "respondent", "2020-12-31", "item=discipline-1", 2},
	{"opened", "respondent", "2020-09-02", "item=discipline-1", 0},
	{"opened", "respondent", "2020-09-02", "item=social-media", 6},
	// Who had seen what by then.
	{"opened", "case", "2020-12-31", "seen-by=bawaslu", 3},
	{"opened", "case", "2020-12-31", "seen-by=kasn", 2},
	{"opened", "case", "2020-09-03", "seen-by=kasn", 0},
	{"opened", "case", "2020-12-31", "seen-by=kemendagri", 1},
	{"opened", "case", "2020-09-24", "seen-by=bkn", 0},
	{"opened", "case", "2020-09-25", "seen-by=bkn", 1},
}

func TestFigures(t *testing.T) {
	rows := countryRows(t)
	for _, tt := range figures {
		q := query(t, tt.measure, tt.unit, tt.asOf, tt.more)
		if got := ledger.Count(rows, q); got != tt.want {
			t.Errorf("%s of %s as of %s %s: %d, want %d", tt.unit, tt.measure, tt.asOf, tt.more, got, tt.want)
		}
	}
}

func query(t *testing.T, measure, unit, asOf, more string) ledger.Query {
	t.Helper()
	measures, err := ledger.ParseMeasures(measure)
	if err != nil {
		t.Fatal(err)
	}
	at, err := ledger.ParseMoment(asOf)
	if err != nil {
		t.Fatal(err)
	}
	q := ledger.Query{Measures: measures, Unit: ledger.Unit(unit), AsOf: at, Filter: map[string]string{}}
	for _, part := range strings.Fields(more) {
		name, value, _ := strings.Cut(part, "=")
		switch name {
		case "since":
			if q.Since, err = ledger.ParseMoment(value); err != nil {
				t.Fatal(err)
			}
		case "seen-by":
			q.SeenBy = ledger.AgencyID(value)
		default:
			q.Filter[name] = value
		}
	}
	if err := q.Validate(); err != nil {
		t.Fatal(err)
	}
	return q
}

func TestQueriesThatMakeNoSense(t *testing.T) {
	good := ledger.Query{Measures: []ledger.Measure{ledger.Opened}, Unit: ledger.UnitCase}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(q *ledger.Query){
		"a measure":       func(q *ledger.Query) { q.Measures = nil },
		"no such measure": func(q *ledger.Query) { q.Measures = []ledger.Measure{-1} },
		"no such":         func(q *ledger.Query) { q.Measures = []ledger.Measure{ledger.Measure(ledger.MeasureCount)} },
		"unknown unit":    func(q *ledger.Query) { q.Unit = "person" },
		"unknown agency":  func(q *ledger.Query) { q.SeenBy = "BKN" },
		"unknown filter":  func(q *ledger.Query) { q.Filter = map[string]string{"name": "x"} },
		"filter office":   func(q *ledger.Query) { q.Filter = map[string]string{"office": "XV"} },
		"filter origin":   func(q *ledger.Query) { q.Filter = map[string]string{"origin": ""} },
		"filter item":     func(q *ledger.Query) { q.Filter = map[string]string{"item": ""} },
		"filter contest":  func(q *ledger.Query) { q.Filter = map[string]string{"contest": strings.Repeat("x", 65)} },
	} {
		q := good
		change(&q)
		if err := q.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// TestEveryFilterHasADimension: none makes Count panic, and each closed list is
// held to.
func TestEveryFilterHasADimension(t *testing.T) {
	rows := countryRows(t)
	closed := map[string]string{
		"origin": "report", "family": "ethics", "sanction": "light", "office": "IV", "ppk-kind": "mayor", "institution-kind": "city", "class": "pelaksana",
	}
	for _, name := range ledger.Filters {
		value, ok := closed[name]
		if !ok {
			value = "x"
		}
		q := ledger.Query{Measures: []ledger.Measure{ledger.Opened}, Unit: ledger.UnitCase, AsOf: ledger.Date("2020-12-31").End(), Filter: map[string]string{name: value}}
		if err := q.Validate(); err != nil {
			t.Errorf("%s=%s: %v", name, value, err)
		}
		ledger.Count(rows, q)
		q.Filter[name] = strings.Repeat("x", 64)
		if err := q.Validate(); (err == nil) == ok {
			t.Errorf("%s with 64 characters: %v", name, err)
		}
		q.Filter[name] = "no such value\n"
		if err := q.Validate(); ok && err == nil {
			t.Errorf("%s takes any value", name)
		}
	}
}

func TestParseMeasures(t *testing.T) {
	for s, want := range map[string]string{
		"": "unknown measure", "Opened": "unknown measure", "opened+": "unknown measure", "opened + rejected": "unknown measure",
		"opened+opened": "twice", "sanctioned+not_followed_up+sanctioned": "twice",
	} {
		if _, err := ledger.ParseMeasures(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", s, err, want)
		}
	}
	got, err := ledger.ParseMeasures("sanctioned+not_followed_up")
	if err != nil || len(got) != 2 || got[0] != ledger.Sanctioned || got[1] != ledger.NotFollowedUp {
		t.Errorf("a sum reads as %v, %v", got, err)
	}
}

func TestKeysOfInstitutions(t *testing.T) {
	for want, got := range map[string]string{
		"central-4011":  ledger.Institution{Kind: "central", Code: "4011"}.Key(),
		"73.71":         ledger.Institution{Kind: "city", Region: "73.71", Code: "7371"}.Key(),
		"minister-4011": ledger.Authority{Kind: "minister", Code: "4011"}.Key(),
		"governor-73":   ledger.Authority{Kind: "governor", Region: "73"}.Key(),
		"kasn R-1":      (&ledger.Recommendation{Agency: ledger.KASN, Number: "R-1"}).Key(),
	} {
		if got != want {
			t.Errorf("key %s, want %s", got, want)
		}
	}
}
