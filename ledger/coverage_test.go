package ledger_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

// TestEverythingIsTold: each kind of case event is admitted in some story, and
// each code that this package gives is given in some story or table of tests.
func TestEverythingIsTold(t *testing.T) {
	seen := newTold()
	for _, s := range readStories(t) {
		s.tell(t, seen)
	}
	for _, k := range ledger.Kinds {
		if k.Stream == ledger.StreamCase && !seen.kinds[k.Kind] {
			t.Errorf("no story admits %s", k.Kind)
		}
	}
	for k, row := range transitions {
		if k == ledger.CaseWithdrawnKind || k == ledger.CriminalReferredKind || k == ledger.CriminalConcludedKind {
			continue // from everywhere; TestTransitions tries all of it
		}
		for _, from := range row.from {
			if !seen.moves[move(k, from)] {
				t.Errorf("no story tells of %s", move(k, from))
			}
		}
	}
	for _, s := range ledger.Stages {
		if !seen.stages[s] {
			t.Errorf("in no story is anybody %s", s)
		}
	}
	for _, tt := range notEvents {
		seen.codes[tt.code] = true
	}
	for _, tt := range wholly {
		seen.codes[tt.code] = true
	}
	for _, tt := range badHeaders {
		seen.codes[tt.code] = true
	}
	seen.codes[ledger.CodePersonalData] = len(direct) > 0
	seen.codes[ledger.CodeSealedMisplaced] = len(movedSealed) > 0
	given := codesGiven(t)
	if len(given) < 20 {
		t.Fatalf("found only %v", given)
	}
	for name, code := range given {
		if !seen.codes[code] {
			t.Errorf("no story and no table shows %s (%s)", code, name)
		}
	}
}

// codesGiven reads from the source which codes the package refuses with.
func codesGiven(t *testing.T) map[string]ledger.Code {
	t.Helper()
	values := map[string]ledger.Code{}
	used := map[string]bool{}
	for _, f := range sourceFiles(t) {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				if id, ok := n.Type.(*ast.Ident); ok && id.Name == "Code" {
					values[n.Names[0].Name] = ledger.Code(strings.Trim(n.Values[0].(*ast.BasicLit).Value, `"`))
				}
			case *ast.CallExpr:
				if fn, ok := n.Fun.(*ast.Ident); ok && fn.Name == "Refuse" {
					if id, ok := n.Args[0].(*ast.Ident); ok {
						used[id.Name] = true
					} else {
						t.Error("a refusal whose code is not a constant cannot be looked up")
					}
				}
			}
			return true
		})
	}
	// Every code has its messages, and there are no messages of others.
	if known := len(ledger.Reasons()); known != len(values) {
		t.Errorf("%d codes, %d with messages", len(values), known)
	}
	for _, code := range values {
		r, ok := ledger.ReasonOf(code)
		if !ok || r.English == "" || r.Indonesian == "" || r.Code != code {
			t.Errorf("code %s has the messages %+v", code, r)
		}
	}
	out := map[string]ledger.Code{}
	for name := range used {
		if values[name] == "" {
			t.Errorf("%s is no code", name)
		}
		out[name] = values[name]
	}
	return out
}

func sourceFiles(t *testing.T) []*ast.File {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var out []*ast.File
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out
}

// TestReasonsAreInOrder: the list is the same every time, as pages print it.
func TestReasonsAreInOrder(t *testing.T) {
	var codes []string
	for _, r := range ledger.Reasons() {
		codes = append(codes, string(r.Code))
	}
	if !slices.IsSorted(codes) {
		t.Errorf("codes in the order %v", codes)
	}
	if _, ok := ledger.ReasonOf("full-moon"); ok {
		t.Error("an unknown code has messages")
	}
}

// transitions is the table of domain.md section 3, written out a second time:
// from which stages a kind may follow, and the stage after it ("" if it stays).
var transitions = map[ledger.Kind]struct {
	from []ledger.Stage
	to   ledger.Stage
}{
	ledger.CompletenessCheckedKind:   {stages("received"), ""},
	ledger.CaseRegisteredKind:        {stages("received"), "registered"},
	ledger.CaseNotRegisteredKind:     {stages("received"), "not_registered"},
	ledger.CaseWithdrawnKind:         {stages(everywhere), ""},
	ledger.VerificationConcludedKind: {stages("received"), "assessment"},
	ledger.CaseAssessedKind:          {stages("registered assessment"), "assessment"},
	ledger.CaseForwardedKind:         {stages("received registered assessment clarification"), "forwarded"},
	ledger.CaseReceivedKind:          {stages("forwarded"), "clarification"},
	ledger.CaseReturnedKind:          {stages("forwarded"), "assessment"},
	ledger.CaseClarifiedKind:         {stages("clarification"), ""},
	ledger.CaseRecommendedKind:       {stages("clarification assessment"), "recommended"},
	ledger.ExaminationBegunKind:      {stages("recommended"), "examined"},
	ledger.DecisionRecordedKind:      {stages("recommended examined decided"), "decided"},
	ledger.ControlWarnedKind:         {stages("recommended examined"), ""},
	ledger.ControlReprimandedKind:    {stages("recommended examined"), ""},
	ledger.ControlBlockedKind:        {stages("recommended examined"), ""},
	ledger.DecisionDeliveredKind:     {stages("decided"), ""},
	ledger.DecisionReviewedKind:      {stages("decided"), ""},
	ledger.DecisionAnnulledKind:      {stages("decided"), "examined"},
	ledger.ControlUnblockedKind:      {stages("decided cancelled left_service"), ""},
	ledger.PPKAdmonishedKind:         {stages("recommended examined decided"), ""},
	ledger.PPKSanctionedKind:         {stages("recommended examined decided"), ""},
	ledger.RemedyFiledKind:           {stages("decided"), ""},
	ledger.RemedyDecidedKind:         {stages("decided"), ""},
	ledger.CriminalReferredKind:      {stages(everywhere), ""},
	ledger.CriminalConcludedKind:     {stages(everywhere), ""},
	ledger.CaseReopenedKind:          {stages("initial_information not_registered rejected not_a_violation not_proven incomplete cancelled left_service"), ""},
	ledger.LeftServiceKind:           {stages("received registered assessment forwarded clarification recommended examined"), "left_service"},
	ledger.CaseCancelledKind:         {stages("received registered assessment forwarded clarification recommended examined"), "cancelled"},
}

const everywhere = "received registered assessment forwarded clarification recommended examined decided " +
	"initial_information not_registered rejected not_a_violation not_proven incomplete cancelled left_service"

func stages(list string) []ledger.Stage {
	var out []ledger.Stage
	for _, s := range strings.Fields(list) {
		out = append(out, ledger.Stage(s))
	}
	return out
}

// usual is a step of each kind that suits r1 wherever the stage allows it.
var usual = map[ledger.Kind]string{
	ledger.CompletenessCheckedKind:   "bawaslu case.completeness-checked: complete",
	ledger.CaseRegisteredKind:        "bawaslu case.registered: 001",
	ledger.CaseNotRegisteredKind:     "bawaslu case.not-registered: expired",
	ledger.CaseWithdrawnKind:         "bawaslu case.withdrawn: by the agency",
	ledger.VerificationConcludedKind: "bkn verification.concluded: accepted with bkn",
	ledger.CaseAssessedKind:          "bawaslu case.assessed: r1 violation",
	ledger.CaseForwardedKind:         "bawaslu case.forwarded: to kasn",
	ledger.CaseReceivedKind:          "kasn case.received: from bawaslu",
	ledger.CaseClarifiedKind:         "kasn case.clarified: r1 pending",
	ledger.CaseRecommendedKind:       "kasn case.recommended: letter R-1 to governor 73: r1 light",
	ledger.ExaminationBegunKind:      "bkn examination.begun",
	ledger.DecisionRecordedKind:      "kasn decision.recorded: decree SK-1: r1 light",
	ledger.ControlWarnedKind:         "bkn control.warned: letter W-1",
	ledger.ControlReprimandedKind:    "bkn control.reprimanded: letter W-2",
	ledger.ControlBlockedKind:        "bkn control.blocked: letter W-3",
	ledger.ControlUnblockedKind:      "bkn control.unblocked: letter W-4",
	ledger.PPKAdmonishedKind:         "kemendagri ppk.admonished: letter T-1 to governor 73 about kasn R-1",
	ledger.LeftServiceKind:           "bkn respondent.left-service: died about r1",
	ledger.CaseReturnedKind:          "kasn case.returned: to bawaslu, incomplete",
	ledger.DecisionDeliveredKind:     "bkn decision.delivered: decree SK-1",
	ledger.DecisionReviewedKind:      "bkn decision.reviewed: decree SK-1 conforming",
	ledger.DecisionAnnulledKind:      "bkn decision.annulled: decree SK-1 by letter B-9",
	ledger.PPKSanctionedKind:         "kemenpanrb ppk.sanctioned: letter S-1 to governor 73 about kasn R-1",
	ledger.RemedyFiledKind:           "bkn remedy.filed: bpasn against SK-1",
	ledger.RemedyDecidedKind:         "bkn remedy.decided: objection against SK-1: r1 upheld",
	ledger.CriminalReferredKind:      "bawaslu criminal.referred: letter G-1",
	ledger.CriminalConcludedKind:     "bawaslu criminal.concluded: acquitted",
	ledger.CaseReopenedKind:          "bawaslu case.reopened: new-evidence about r1",
	ledger.CaseCancelledKind:         "bawaslu case.cancelled: court-order",
}

// wayTo leads r1 of a case to a stage. The case is a finding of the shared system,
// so that no kind is hindered by its channel where findings skip verification.
// Whoever is past the recommendation is blocked.
func wayTo(t *testing.T, s ledger.Stage) []ledger.CaseEvent {
	t.Helper()
	const opened, registered = "bawaslu case.opened: finding through the shared system of r1", "bawaslu case.registered: 001"
	forwarded := []string{opened, registered, "bawaslu case.assessed: r1 violation", "bawaslu case.forwarded: to kasn"}
	received := slices.Concat(forwarded, []string{"kasn case.received: from bawaslu"})
	recommended := slices.Concat(received, []string{"kasn case.recommended: letter R-1 to governor 73: r1 light"})
	blocked := slices.Concat(recommended, []string{"bkn control.blocked: letter W-0"})
	ways := map[ledger.Stage][]string{
		ledger.StageReceived:         {opened},
		ledger.StageRegistered:       {opened, registered},
		ledger.StageAssessment:       {opened, registered, "bawaslu case.assessed: r1 violation"},
		ledger.StageForwarded:        forwarded,
		ledger.StageClarification:    received,
		ledger.StageRecommended:      recommended,
		ledger.StageExamined:         slices.Concat(recommended, []string{"bkn examination.begun"}),
		ledger.StageDecided:          slices.Concat(blocked, []string{"bkn decision.recorded: decree SK-1: r1 light"}),
		ledger.EndInitialInformation: {opened, "bawaslu case.withdrawn: by the reporter"},
		ledger.EndNotRegistered:      {opened, "bawaslu case.not-registered: expired"},
		ledger.EndRejected:           {opened, "bkn verification.concluded: rejected with bkn"},
		ledger.EndNotAViolation:      {opened, registered, "bawaslu case.assessed: r1 not-a-violation"},
		ledger.EndNotProven:          slices.Concat(received, []string{"kasn case.clarified: r1 not-proven"}),
		ledger.EndIncomplete:         slices.Concat(received, []string{"kasn case.clarified: r1 incomplete"}),
		ledger.EndCancelled:          slices.Concat(blocked, []string{"bawaslu case.cancelled: court-order"}),
		ledger.EndLeftService:        slices.Concat(blocked, []string{"bkn respondent.left-service: died about r1"}),
	}
	var history []ledger.CaseEvent
	for i, text := range ways[s] {
		history = append(history, ledger.CaseEvent{Position: ledger.Position(i + 1), Event: stepOf(t, i, text)})
	}
	c := ledger.Fold(history)
	if len(c.Respondents) != 1 || c.Respondents[0].Stage != s {
		t.Fatalf("the way to %s leads to %+v", s, c.Respondents)
	}
	return history
}

func stepOf(t *testing.T, n int, text string) ledger.Event {
	t.Helper()
	step, err := parseStep(n, "2024-10-01 "+text)
	if err != nil {
		t.Fatal(err)
	}
	return step.event
}

// movesNobody are the kinds whose rules are not about stages.
var movesNobody = map[ledger.Kind]bool{
	ledger.CaseOpenedKind: true, ledger.RespondentAddedKind: true, ledger.CaseLinkedKind: true, ledger.EvidenceAttachedKind: true,
	ledger.EventCorrectedKind: true, ledger.UnsealedKind: true, ledger.ErasedKind: true,
}

// TestTransitions tries every kind at every stage.
func TestTransitions(t *testing.T) {
	for _, k := range ledger.Kinds {
		want, ok := transitions[k.Kind]
		if k.Stream != ledger.StreamCase || movesNobody[k.Kind] {
			continue
		}
		if !ok || usual[k.Kind] == "" {
			t.Errorf("%s is not in the table", k.Kind)
			continue
		}
		for _, s := range ledger.Stages {
			history := wayTo(t, s)
			before := ledger.Fold(history)
			e := stepOf(t, len(history), usual[k.Kind])
			ready(&before, &e)
			bad := ledger.Check(before, e, ledger.Law{Regime: ledger.Regime{FindingsSkipVerification: true}})
			may := slices.Contains(want.from, s)
			switch {
			case may && bad != nil:
				t.Errorf("%s of somebody %s: %v", k.Kind, s, bad)
			case !may && (bad == nil || bad.Code != ledger.CodeTransition):
				t.Errorf("%s of somebody %s: %v, want an impossible transition", k.Kind, s, bad)
			case may:
				checkAfter(t, before.Apply(placed(99, e)), s, want.to, k.Kind)
			}
		}
	}
}

// ready makes of a case and an event what the stage alone may stand against:
// whoever has to hold, receive or have opened the case is not what is tried, nor
// what runs beside the stage.
func ready(before *ledger.Case, e *ledger.Event) {
	info, _ := ledger.LookupKind(e.Kind, 1)
	r := &before.Respondents[0]
	switch info.Party {
	case ledger.PartyHolder:
		e.Source = before.Holder
	case ledger.PartyAddressee:
		before.Addressee = e.Source
	case ledger.PartyOpener:
		e.Source = before.Opener
	case ledger.PartyRecorder:
		if r.Ended != nil {
			e.Source = r.Ended.By
		}
	default:
	}
	switch p := e.Payload.(type) {
	case *ledger.CaseForwarded:
		if e.Source == p.To {
			p.To = ledger.BKN
		}
	case *ledger.CriminalConcluded:
		r.Criminal = ledger.CriminalUnderWay
	case *ledger.RemedyDecided:
		if r.Decision != nil {
			d := *r.Decision
			d.Remedies = []ledger.Remedy{{Kind: p.Remedy, Filed: e.Time}}
			r.Decision = &d
		}
	}
}

func checkAfter(t *testing.T, after ledger.Case, from, to ledger.Stage, kind ledger.Kind) {
	t.Helper()
	if kind == ledger.CaseWithdrawnKind && from == ledger.StageReceived {
		to = ledger.EndInitialInformation
	}
	if to == "" {
		to = from
	}
	r := after.Respondents[0]
	if kind == ledger.CaseReopenedKind {
		if r.Stage.End() || r.Ended != nil {
			t.Errorf("reopened, somebody %s is %s", from, r.Stage)
		}
		return
	}
	if r.Stage != to {
		t.Errorf("%s leads somebody %s to %s, want %s", kind, from, r.Stage, to)
	}
	if kind == ledger.CaseForwardedKind && r.Before != from {
		t.Errorf("forwarded from %s, not %s", r.Before, from)
	}
}

// TestStagesAreComplete: each stage is reached by some way, and ends are ends.
func TestStagesAreComplete(t *testing.T) {
	ends := stages("initial_information not_registered rejected not_a_violation not_proven incomplete cancelled left_service")
	for _, s := range ledger.Stages {
		wayTo(t, s)
		if s.End() != slices.Contains(ends, s) {
			t.Errorf("%s: end %v", s, s.End())
		}
	}
	if len(ledger.Stages) != 16 || len(transitions) != len(slices.Collect(maps.Keys(usual))) {
		t.Errorf("%d stages, %d transitions, %d usual steps", len(ledger.Stages), len(transitions), len(usual))
	}
}

// TestUnblockingIsTheOnlyWayBack: the ladder, step by step.
func TestUnblockingIsTheOnlyWayBack(t *testing.T) {
	rank := []ledger.Control{ledger.ControlNone, ledger.ControlWarned, ledger.ControlReprimanded, ledger.ControlBlocked}
	steps := map[ledger.Kind]ledger.Control{
		ledger.ControlWarnedKind: ledger.ControlWarned, ledger.ControlReprimandedKind: ledger.ControlReprimanded,
		ledger.ControlBlockedKind: ledger.ControlBlocked,
	}
	for _, from := range rank {
		for kind, to := range steps {
			c := ledger.Fold(wayTo(t, ledger.StageRecommended))
			c.Respondents[0].Control = from
			e := stepOf(t, 9, usual[kind])
			bad := ledger.Check(c, e, ledger.Law{})
			may := slices.Index(rank, to) >= slices.Index(rank, from) && from != ledger.ControlBlocked
			if may != (bad == nil) {
				t.Errorf("%s after %s: %v", kind, from, bad)
			}
			if got := c.Apply(placed(99, e)).Respondents[0].Control; may && got != to {
				t.Errorf("%s leads to %s", kind, got)
			}
		}
	}
}

// TestScopeOfNobodyKnowsWhat: a scope that this program does not know reaches no
// case.
func TestScopeOfNobodyKnowsWhat(t *testing.T) {
	c := ledger.Fold(wayTo(t, ledger.StageRecommended))
	for scope, ok := range map[ledger.Scope]bool{ledger.ScopeAll: true, "": false, "all-of-java": false} {
		bad := ledger.CheckScope(c, ledger.Event{}, []ledger.Grant{{Agency: ledger.KASN, Scope: scope}})
		if (bad == nil) != ok {
			t.Errorf("scope %q: %v", scope, bad)
		}
	}
	if bad := ledger.CheckScope(c, ledger.Event{}, nil); bad == nil || bad.Code != ledger.CodeOutsideScope {
		t.Errorf("no grant: %v", bad)
	}
	// Any of several grants will do.
	if bad := ledger.CheckScope(c, ledger.Event{}, []ledger.Grant{{Scope: "x"}, {Scope: ledger.ScopeAll}}); bad != nil {
		t.Errorf("the second grant reaches the case: %v", bad)
	}
}
