package ledger_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

func milestones(names ...ledger.Milestone) []ledger.Milestone { return names }

// procedure is a regime of the tests with all deadlines of the domain's table.
func procedure(id string, from, until ledger.Date, change ...func(*ledger.Deadline)) ledger.Regime {
	days := func(n int) *ledger.Length { return &ledger.Length{Days: n} }
	working := func(n int) *ledger.Length { return &ledger.Length{Days: n, Working: true} }
	g := ledger.Regime{ID: id, From: from, Until: until, Basis: id, Doubt: ledger.DoubtNone, Deadlines: []ledger.Deadline{
		{Code: "completeness", From: "opened", To: milestones("checked", "registered", "verified"), OwedBy: "bawaslu", Length: days(2)},
		{Code: "handling", From: "registered", To: milestones("assessed"), OwedBy: "bawaslu", Contest: "pemilu", Length: working(7), AtMost: working(14)},
		{Code: "handling", From: "registered", To: milestones("assessed"), OwedBy: "bawaslu", Contest: "pilkada", Length: days(3), AtMost: days(5)},
		{Code: "verification", From: "reported", To: milestones("verified"), OwedBy: "task-force", WatchedBy: ledger.BKN, Length: days(7), Doubt: ledger.DoubtUnsure},
		{Code: "validation", From: "verified", To: milestones("assessed"), OwedBy: "bawaslu", Length: working(3)},
		{Code: "recommendation", From: "received", To: milestones("recommended"), OwedBy: "holder", Doubt: ledger.DoubtUnsure},
		{Code: "decision", From: "sent", To: milestones("decided"), OwedBy: "appointing-authority", WatchedBy: ledger.BKN, Length: days(10), Doubt: ledger.DoubtConflict},
		{Code: "new-decision", From: "annulled", To: milestones("decided"), OwedBy: "appointing-authority", WatchedBy: ledger.BKN, Doubt: ledger.DoubtUnsure},
		{Code: "admonition", From: "admonished", To: milestones("decided"), OwedBy: "appointing-authority", WatchedBy: ledger.Kemendagri, Length: days(3)},
		{Code: "delivery", From: "decreed", To: milestones("delivered"), OwedBy: "appointing-authority", WatchedBy: ledger.BKN, Length: working(14), InForce: working(15)},
		{Code: "objection", From: "sanction-delivered", To: milestones("objection-filed", "appeal-filed"), OwedBy: "respondent", Length: days(14), Right: true},
		{Code: "objection-decision", From: "objection-filed", To: milestones("objection-decided"), OwedBy: "appointing-authority", Length: days(21)},
		{Code: "appeal", From: "sanction-delivered", To: milestones("appeal-filed"), OwedBy: "respondent", Length: working(14), Right: true},
		{Code: "appeal-decision", From: "appeal-filed", To: milestones("appeal-decided"), OwedBy: "bpasn", WatchedBy: ledger.BKN, Length: working(65)},
	}}
	for i := range g.Deadlines {
		g.Deadlines[i].Basis = "basis of " + id
		for _, f := range change {
			f(&g.Deadlines[i])
		}
	}
	return g
}

var procedureOf2020 = []any{
	new(procedure("r2020", "", "")),
	&ledger.Contest{ID: "pilkada-2020", Kind: "pilkada"},
	new(holidays(2020, "2020-10-28", "2020-10-29", "2020-10-30")),
}

// toldCase folds the text of a case into its ordered events.
func toldCase(t *testing.T, text string) []ledger.CaseEvent {
	t.Helper()
	var history []ledger.CaseEvent
	var s story
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		step, err := parseStep(i, strings.TrimSpace(line))
		if err != nil {
			t.Fatal(err)
		}
		if p, ok := step.event.Payload.(*ledger.EventCorrected); ok {
			if err := s.name(p); err != nil {
				t.Fatal(err)
			}
		}
		if p, ok := step.event.Payload.(*ledger.CaseRecommended); ok {
			p.Sent = ledger.DayOf(step.event.Time)
		}
		s.steps = append(s.steps, step)
		history = ledger.Insert(history, ledger.CaseEvent{Position: ledger.Position(i + 1), Event: step.event})
	}
	return history
}

// line writes an obligation as the tests expect it.
func line(o ledger.Obligation, at time.Time) string {
	who := o.OwedBy
	if o.Authority != "" {
		who += "(" + o.Authority + ")"
	}
	if o.WatchedBy != "" {
		who += "<" + string(o.WatchedBy)
	}
	out := fmt.Sprintf("%s %s %s of %s since %s", o.State, strings.Join(append([]string{o.Code}, o.Also...), "+"), who, strings.Join(o.Respondents, ","), ledger.DayOf(o.Since))
	if o.Due != "" {
		days, _ := o.DaysOver(at)
		out += fmt.Sprintf(" due %s (%+d)", o.Due, days)
	}
	if o.AtMost != "" {
		out += " at most " + string(o.AtMost)
	}
	if o.InForce != "" {
		out += " in force " + string(o.InForce)
	}
	if o.Provisional {
		out += " provisional"
	}
	if !o.Met.IsZero() {
		out += " met " + string(ledger.DayOf(o.Met))
	}
	if o.Doubt != "" {
		out += " doubt " + string(o.Doubt)
	}
	return out
}

const reported = `
2020-10-01 bawaslu case.opened: finding of r1, r2
2020-10-02 bawaslu case.registered: 1
2020-10-05 bawaslu case.assessed: r1 discipline-1, r2 not-a-violation
2020-10-06 bawaslu case.forwarded: to kasn`

const letters = reported + `
2020-10-07 kasn case.received: from bawaslu
2020-10-12 kasn case.recommended: letter R-1 to regent 73.01: r1 medium`

const decreed = letters + `
2020-10-20 bkn decision.recorded: decree SK-1: r1 medium`

const deliveredDecree = decreed + `
2020-10-26 bkn decision.delivered: decree SK-1`

// obligations are what is pending at the end of a day, and some of what is not.
var obligations = []struct {
	name, text string
	at         ledger.Date
	want       []string
}{
	{"a new case", "2020-10-01 bawaslu case.opened: finding of r1, r2", "2020-10-01", []string{
		"open completeness bawaslu of r1,r2 since 2020-10-01 due 2020-10-03 (-2)",
	}},
	{"on the last day it is not late", "2020-10-01 bawaslu case.opened: finding of r1", "2020-10-03", []string{
		"open completeness bawaslu of r1 since 2020-10-01 due 2020-10-03 (+0)",
	}},
	{"the day after it is", "2020-10-01 bawaslu case.opened: finding of r1", "2020-10-04", []string{
		"overdue completeness bawaslu of r1 since 2020-10-01 due 2020-10-03 (+1)",
	}},
	{
		"a report of the shared system: the one that falls due first comes first",
		"2020-10-01 bkn case.opened: report through the shared system of r1", "2020-10-01",
		[]string{
			"open completeness bawaslu of r1 since 2020-10-01 due 2020-10-03 (-2)",
			"open verification task-force<bkn of r1 since 2020-10-01 due 2020-10-08 (-7) doubt unsure",
		},
	},
	{"what was done in time, and what may be extended", reported, "2020-10-03", []string{
		"open handling bawaslu of r1,r2 since 2020-10-02 due 2020-10-05 (-2) at most 2020-10-07",
		"met completeness bawaslu of r1,r2 since 2020-10-01 due 2020-10-03 (-1) met 2020-10-02",
	}},
	{"without a published length there is no due day; whom the case does not concern any more owes nothing", reported, "2020-10-06", []string{
		"open next-step kasn of r1 since 2020-10-06 doubt unsure",
		"met completeness bawaslu of r1 since 2020-10-01 due 2020-10-03 (-1) met 2020-10-02",
		"met completeness bawaslu of r2 since 2020-10-01 due 2020-10-03 (-1) met 2020-10-02",
		"met handling bawaslu of r1 since 2020-10-02 due 2020-10-05 (+0) at most 2020-10-07 met 2020-10-05",
		"met handling bawaslu of r2 since 2020-10-02 due 2020-10-05 (+0) at most 2020-10-07 met 2020-10-05",
	}},
	{"the supervisor", letters, "2020-10-11", []string{
		"open recommendation kasn of r1 since 2020-10-07 doubt unsure",
	}},
	{"the authority has ten days from the letter", letters, "2020-10-12", []string{
		"open decision appointing-authority(regent-73.01)<bkn of r1 since 2020-10-12 due 2020-10-22 (-10) doubt conflict",
		"met recommendation kasn of r1 since 2020-10-07 met 2020-10-12 doubt unsure",
	}},
	{"of several the earliest applies", letters + "\n2020-10-15 kemendagri ppk.admonished: letter T-1 to regent 73.01 about kasn R-1", "2020-10-16", []string{
		"open admonition+decision appointing-authority(regent-73.01)<kemendagri of r1 since 2020-10-15 due 2020-10-18 (-2)",
	}},
	{"a later one does not extend", letters + "\n2020-10-27 kemendagri ppk.admonished: letter T-1 to regent 73.01 about kasn R-1", "2020-10-28", []string{
		"overdue decision+admonition appointing-authority(regent-73.01)<bkn of r1 since 2020-10-12 due 2020-10-22 (+6) doubt conflict",
	}},
	{"who left owes nothing, and nobody owes for him", letters + "\n2020-10-25 bkn respondent.left-service: retired about r1", "2020-11-30", []string{
		"ended decision appointing-authority(regent-73.01)<bkn of r1 since 2020-10-12 due 2020-10-22 (+39) doubt conflict",
	}},
	{"after a reopening the period begins anew, and says so", letters + `
			2020-10-25 bkn respondent.left-service: retired about r1
			2020-11-02 bkn case.reopened: recorded-in-error about r1`, "2020-11-30", []string{
		"overdue decision appointing-authority(regent-73.01)<bkn of r1 since 2020-11-02 due 2020-11-12 (+18) doubt unsure",
	}},
	{"delivery runs from the day of the decree", decreed, "2020-10-20", []string{
		"open delivery appointing-authority(regent-73.01)<bkn of r1 since 2020-10-01 due 2020-10-21 (-1) in force 2020-10-22",
		"met decision appointing-authority(regent-73.01)<bkn of r1 since 2020-10-12 due 2020-10-22 (-2) met 2020-10-20 doubt conflict",
	}},
	{"remedies are a right", deliveredDecree, "2020-10-26", []string{
		"open objection respondent of r1 since 2020-10-26 due 2020-11-09 (-14)",
		"open appeal respondent of r1 since 2020-10-26 due 2020-11-18 (-23)",
	}},
	{"that lapses", deliveredDecree, "2020-11-10", []string{
		"open appeal respondent of r1 since 2020-10-26 due 2020-11-18 (-8)",
		"lapsed objection respondent of r1 since 2020-10-26 due 2020-11-09 (+1)",
	}},
	{"filed", deliveredDecree + "\n2020-11-02 bkn remedy.filed: objection against SK-1 about r1", "2020-11-03", []string{
		"open appeal respondent of r1 since 2020-10-26 due 2020-11-18 (-15)",
		"open objection-decision appointing-authority(regent-73.01) of r1 since 2020-11-02 due 2020-11-23 (-20)",
		"met objection respondent of r1 since 2020-10-26 due 2020-11-09 (-7) met 2020-11-02",
	}},
	{"an annulled decree", deliveredDecree + "\n2020-11-02 bkn decision.annulled: decree SK-1 by letter B-1", "2020-11-03", []string{
		"open new-decision appointing-authority(regent-73.01)<bkn of r1 since 2020-11-02 doubt unsure",
	}},
	{"a duplicate owes nothing", letters + "\n2020-10-14 bawaslu case.linked: duplicate of case 1", "2020-10-30", nil},
	{"a void letter binds nobody", letters + "\n2020-10-14 kasn event.corrected: case.recommended of 2020-10-12 is void", "2020-10-30", []string{
		"open recommendation kasn of r1 since 2020-10-07 doubt unsure",
	}},
	{"a void step was never taken", reported + "\n2020-10-07 bawaslu event.corrected: case.forwarded of 2020-10-06 is void", "2020-10-08", []string{
		"open next-step bawaslu of r1 since 2020-10-05 doubt unsure",
	}},
}

func TestObligations(t *testing.T) {
	for _, tt := range obligations {
		t.Run(tt.name, func(t *testing.T) {
			rules := ledger.Publish(procedureOf2020)
			var got []string
			for _, o := range ledger.Obligations(toldCase(t, tt.text), rules, tt.at.End()) {
				if o.Regime == "" != (o.Code == ledger.NextStep) || o.Regime != "" && o.Basis != "basis of r2020" {
					t.Errorf("%s of regime %q has the basis %q", o.Code, o.Regime, o.Basis)
				}
				got = append(got, line(o, tt.at.End()))
			}
			for _, want := range tt.want {
				if !slices.Contains(got, want) {
					t.Errorf("missing %q", want)
				}
			}
			pending := func(s string) bool { return strings.HasPrefix(s, "open") || strings.HasPrefix(s, "overdue") }
			if a, b := len(slices.DeleteFunc(slices.Clone(got), func(s string) bool { return !pending(s) })),
				len(slices.DeleteFunc(slices.Clone(tt.want), func(s string) bool { return !pending(s) })); a != b {
				t.Errorf("%d are pending, want %d", a, b)
			}
			if t.Failed() {
				t.Logf("got:\n%s", strings.Join(got, "\n"))
			}
		})
	}
}

// TestRegimeOfThePeriod: the regime in force when a period began is the one that
// counts for it, and nothing without one.
func TestRegimeOfThePeriod(t *testing.T) {
	short := func(d *ledger.Deadline) {
		if d.Code == "decision" {
			d.Length = &ledger.Length{Days: 14, Working: true}
		}
	}
	unknown := func(d *ledger.Deadline) { d.Length, d.AtMost = nil, nil }
	for _, tt := range []struct {
		name    string
		regimes []any
		want    string
	}{
		{"none", nil, "open next-step appointing-authority(regent-73.01) of r1 since 2020-10-12 doubt unsure"},
		{"none yet", []any{new(procedure("b", "2020-10-13", ""))}, "open next-step appointing-authority(regent-73.01) of r1 since 2020-10-12 doubt unsure"},
		{"ended before", []any{new(procedure("a", "", "2020-10-12"))}, "open next-step appointing-authority(regent-73.01) of r1 since 2020-10-12 doubt unsure"},
		{
			"ends on the day after",
			[]any{new(procedure("a", "", "2020-10-13")), new(procedure("b", "2020-10-13", "", short))},
			"overdue decision appointing-authority(regent-73.01)<bkn of r1 since 2020-10-12 due 2020-10-22 (+18) doubt conflict",
		},
		{
			"begins on the day",
			[]any{new(procedure("a", "", "")), new(procedure("b", "2020-10-12", "", short))},
			"overdue decision appointing-authority(regent-73.01)<bkn of r1 since 2020-10-12 due 2020-10-30 (+10) provisional doubt conflict",
		},
		{
			"mended by another from the same day",
			[]any{new(procedure("a", "", "")), new(procedure("b", "", "", short))},
			"overdue decision appointing-authority(regent-73.01)<bkn of r1 since 2020-10-12 due 2020-10-30 (+10) provisional doubt conflict",
		},
		{
			"no length",
			[]any{new(procedure("a", "", "", unknown))},
			"open decision appointing-authority(regent-73.01)<bkn of r1 since 2020-10-12 doubt conflict",
		},
		{
			"holidays published later",
			[]any{new(procedure("b", "", "", short)), new(holidays(2020, "2020-10-28", "2020-10-29", "2020-10-30"))},
			"overdue decision appointing-authority(regent-73.01)<bkn of r1 since 2020-10-12 due 2020-11-04 (+5) doubt conflict",
		},
		{
			"and again",
			[]any{new(procedure("b", "", "", short)), new(holidays(2020, "2020-10-28", "2020-10-29", "2020-10-30")), new(holidays(2020, "2020-10-29"))},
			"overdue decision appointing-authority(regent-73.01)<bkn of r1 since 2020-10-12 due 2020-11-02 (+7) doubt conflict",
		},
	} {
		at := ledger.Date("2020-11-09").End()
		var got []string
		for _, o := range ledger.Obligations(toldCase(t, letters), ledger.Publish(tt.regimes), at) {
			if o.State.Pending() {
				got = append(got, line(o, at))
			}
		}
		if !slices.Equal(got, []string{tt.want}) {
			t.Errorf("%s:\n%s\nwant %s", tt.name, strings.Join(got, "\n"), tt.want)
		}
	}
}

// TestMilestones: the list, the count and the names of the schema are one.
func TestMilestones(t *testing.T) {
	if len(ledger.Milestones) != ledger.MilestoneCount {
		t.Fatalf("%d milestones, %d counted", len(ledger.Milestones), ledger.MilestoneCount)
	}
	seen := map[ledger.Milestone]bool{}
	for i, m := range ledger.Milestones {
		var r ledger.Reached
		r[i] = time.Unix(1, 0)
		if seen[m] || !r.At(m).Equal(time.Unix(1, 0)) {
			t.Errorf("milestone %s stands twice or elsewhere", m)
		}
		seen[m] = true
	}
	if at := (*ledger.Reached)(nil).At(ledger.MilestoneOpened); !at.IsZero() {
		t.Errorf("nobody reached it, at %v", at)
	}
}

// TestOrder: what is overdue first, then by the day, then what has none, then
// what is over; the same of several respondents is one.
func TestOrder(t *testing.T) {
	o := func(c, r, code string, due ledger.Date, state ledger.ObligationState) ledger.Obligation {
		return ledger.Obligation{Case: c, Respondents: []string{r}, Code: code, Due: due, State: state}
	}
	got := ledger.MergeObligations([]ledger.Obligation{
		o("c1", "r1", "met", "2020-01-01", ledger.ObligationMet),
		o("c1", "r1", "none", "", ledger.ObligationOpen),
		o("c2", "r10", "soon", "2020-03-01", ledger.ObligationOpen),
		o("c2", "r2", "soon", "2020-03-01", ledger.ObligationOpen),
		o("c2", "r1", "soon", "2020-03-01", ledger.ObligationOpen),
		o("c1", "r1", "soon", "2020-03-01", ledger.ObligationOpen),
		o("c1", "r1", "late", "2020-02-02", ledger.ObligationOverdue),
		o("c3", "r1", "late", "2020-02-01", ledger.ObligationOverdue),
	})
	var words []string
	for _, o := range got {
		words = append(words, o.Case+" "+strings.Join(o.Respondents, ",")+" "+o.Code)
	}
	want := []string{"c3 r1 late", "c1 r1 late", "c1 r1 soon", "c2 r1,r2,r10 soon", "c1 r1 none", "c1 r1 met"}
	if !slices.Equal(words, want) {
		t.Errorf("%q, want %q", words, want)
	}
}

// TestUID: it stays when holidays move the day or another respondent leaves, and
// no two pending obligations share one.
func TestUID(t *testing.T) {
	at := ledger.Date("2020-10-14").End()
	before := ledger.Obligations(toldCase(t, letters), ledger.Publish(procedureOf2020), at)
	after := ledger.Obligations(toldCase(t, letters), ledger.Publish(append([]any{new(procedure("x", "", "", func(d *ledger.Deadline) {
		d.Length = &ledger.Length{Days: 14, Working: true}
	}))}, procedureOf2020[1])), at)
	if a, b := before[0].UID(), after[0].UID(); a != b || before[0].Due == after[0].Due {
		t.Errorf("%s due %s, then %s due %s", a, before[0].Due, b, after[0].Due)
	}
	seen := map[string]bool{}
	for _, o := range before {
		if o.Met.IsZero() && seen[o.UID()] {
			t.Errorf("%+v has the id of another", o)
		}
		seen[o.UID()] = true
	}
}

// TestSuccessors: what an agency owed that has come to its end, its successors
// owe, each in its part, and theirs after them.
func TestSuccessors(t *testing.T) {
	grant := func(a, after ledger.AgencyID, from ledger.Date, scope ledger.Scope) any {
		return &ledger.MandateGranted{Grant: ledger.Grant{Agency: a, Mandate: ledger.MandateRecommendation, From: from, Scope: scope, Predecessor: after}}
	}
	forwarded, received := reported, reported+"\n2020-10-07 kasn case.received: from bawaslu"
	heard := received + "\n2020-10-08 kasn case.clarified: r1 pending"
	for _, tt := range []struct {
		name, text string
		at         ledger.Date
		want       string
	}{
		{"before the end", received, "2020-10-31", "kasn"},
		{"forwarded and not received", forwarded, "2020-11-01", "bkn for kasn"},
		{"not processed", received, "2020-11-01", "bkn for kasn"},
		{"processed", heard, "2020-11-01", "kemenpanrb for kasn"},
		{"processed, and its successor's end", heard, "2020-12-01", "baru for kasn"},
		{"not processed, later", received, "2020-12-01", "bkn for kasn"},
		{"taken over", heard + "\n2020-11-03 kemenpanrb case.received: from kasn", "2020-11-04", "kemenpanrb"},
	} {
		rules := ledger.Publish(append(slices.Clone(procedureOf2020),
			&ledger.Genesis{Mandates: []ledger.Grant{{Agency: ledger.KASN, Mandate: ledger.MandateRecommendation, Until: "2020-11-01", Scope: ledger.ScopeAll}}},
			grant(ledger.KemenPANRB, ledger.KASN, "2020-11-01", ledger.ScopePredecessor),
			grant(ledger.BKN, ledger.KASN, "2020-11-01", ledger.ScopeNotPredecessor),
			grant("baru", ledger.KemenPANRB, "2020-12-01", ledger.ScopeAll),
		))
		var got []string
		for _, o := range ledger.Obligations(toldCase(t, tt.text), rules, tt.at.End()) {
			if !o.State.Pending() {
				continue
			}
			who := o.OwedBy
			if o.InsteadOf != "" {
				who += " for " + string(o.InsteadOf)
			}
			if !o.Concerns(ledger.AgencyID(o.OwedBy)) {
				t.Errorf("%s does not concern %s", tt.name, o.OwedBy)
			}
			got = append(got, who)
		}
		if !slices.Equal(got, []string{tt.want}) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestMergeManyRespondents: what many respondents owe together is made one without
// copying the list of them for each, and what was given is left as it was.
func TestMergeManyRespondents(t *testing.T) {
	const n = 2000
	given := make([]ledger.Obligation, n)
	names := make([]string, 2*n)
	for i := range given {
		names[2*i] = fmt.Sprintf("r%d", i+1)
		given[i] = ledger.Obligation{Case: "c", Code: "decision", State: ledger.ObligationOpen, Respondents: names[2*i : 2*i+1]} // with room after it
	}
	var got []ledger.Obligation
	if allocations := testing.AllocsPerRun(1, func() { got = ledger.MergeObligations(given) }); allocations > n/10 {
		t.Errorf("%v allocations for %d respondents", allocations, n)
	}
	if len(got) != 1 || len(got[0].Respondents) != n || got[0].Respondents[0] != "r1" || got[0].Respondents[n-1] != "r2000" {
		t.Fatalf("%d obligations: %.200v", len(got), got)
	}
	if names[1] != "" || len(given[0].Respondents) != 1 {
		t.Error("what was given was written to")
	}
}
