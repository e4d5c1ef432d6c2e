package registrar_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/registrar"
)

// TestCheckAgrees: a dry run says of everything bad what the registrar then
// says, and of what is good nothing.
func TestCheckAgrees(t *testing.T) {
	for _, list := range [][]bad{badForms, badKeys, badContents, badMandates, badSteps} {
		for _, b := range list {
			n := newNode(t)
			n.closed = func(k ledger.Kind, _ int) bool { return k == ledger.HolidaysPublishedKind }
			if !b.now.IsZero() {
				n.clock.wall = b.now
				n.change = func(c *registrar.Config) { c.AcceptTime = true }
			}
			n.start()
			caseID, opened := n.open1()
			if b.now.IsZero() {
				n.admit(opened, n.register(caseID, 30*time.Minute))
			}
			m := b.make(n, caseID)
			n.end()
			before := n.newJudge()
			signatures, _ := ledger.ParseSignatures(m.Header[ledger.HeaderSignature])
			got, err := n.judge.Check(m.Agency, m.Body, n.clock.now(), signatures...)
			if err != nil || got == nil || got.Code != b.want {
				t.Errorf("%s: %v, %v, want %s", b.name, got, err, b.want)
			}
			// The opener itself may add and revoke; anybody else's word is not
			// asked for without signatures.
			unsigned, err := n.judge.Check(m.Agency, m.Body, n.clock.now())
			if err != nil {
				t.Errorf("%s: %v", b.name, err)
			}
			if byKey := slices.ContainsFunc(badKeys, func(o bad) bool { return o.name == b.name }); !byKey && (unsigned == nil || unsigned.Code != b.want) {
				t.Errorf("%s, unsigned: %v, want %s", b.name, unsigned, b.want)
			}
			if diff := registrar.DiffState(n.judge, before); diff != "" {
				t.Errorf("%s: the dry run left a trace: %s", b.name, diff)
			}
		}
	}
}

func TestCheck(t *testing.T) {
	n := newNode(t)
	j := n.newJudge()
	caseID, opened := n.open1()
	for name, c := range map[string]struct {
		s    ledger.Submission
		want ledger.Code
	}{
		"good":                     {opened, ""},
		"unsigned":                 {ledger.Submission{Agency: opened.Agency, Body: opened.Body}, ""},
		"signed with a wrong key":  {n.Sign(ledger.Bawaslu, opened.Body, testkit.EventKey(ledger.BKN)), ledger.CodeKeyForeign},
		"not opened":               {n.register(caseID, time.Minute), ledger.CodeCaseUnknown},
		"another key, unsigned":    {ledger.Submission{Agency: ledger.BKN, Body: n.AddKey(ledger.BKN, "bkn/b", soon).Body}, ""},
		"the same key, unsigned":   {ledger.Submission{Agency: ledger.BKN, Body: n.AddKey(ledger.BKN, "bkn/a", soon).Body}, ledger.CodeRosterConflict},
		"what is on it, unsigned":  {ledger.Submission{Agency: ledger.Bawaslu, Body: n.store.all()[7].Body}, ""},
		"of another, on it, again": {ledger.Submission{Agency: ledger.BKN, Body: n.store.all()[7].Body}, ledger.CodeWrongSource},
	} {
		got, err := j.Check(c.s.Agency, c.s.Body, today, c.s.Signatures...)
		if err != nil || (got == nil) != (c.want == "") || got != nil && got.Code != c.want {
			t.Errorf("%s: %v, %v, want %q", name, got, err, c.want)
		}
	}
}

// TestCheckUnreadable: a dry run of a late event says when the ledger cannot be
// read.
func TestCheckUnreadable(t *testing.T) {
	n := run(t)
	caseID, opened := n.open1()
	n.admit(opened, n.register(caseID, 30*time.Minute))
	n.end()
	n.store.broken = errors.New("input/output error")
	late := n.Say(ledger.Bawaslu, ledger.CompletenessCheckedKind, caseID, today.Add(-50*time.Minute), complete)
	for name, check := range map[string]func(ledger.AgencyID, []byte, time.Time) (*ledger.Refusal, error){
		"check": func(a ledger.AgencyID, b []byte, at time.Time) (*ledger.Refusal, error) {
			return n.judge.Check(a, b, at)
		},
		"rehearse": n.judge.Rehearse,
	} {
		if got, err := check(late.Agency, late.Body, today); err == nil || !strings.Contains(err.Error(), "input/output error") {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// TestRehearse: a file of events, each judged with those before it, makes the
// same outcomes as when it is handed in.
func TestRehearse(t *testing.T) {
	n := run(t)
	_, known := n.open1()
	n.admit(known)
	id := n.NewID()
	all := n.Story(id, today.Add(-10*time.Hour), 2)
	checked := n.Say(ledger.Bawaslu, ledger.CompletenessCheckedKind, id, today.Add(-10*time.Hour+time.Minute), complete)
	all = append(all, checked, known, all[2], n.Say(ledger.Bawaslu, ledger.CaseOpenedKind, id, soon, testkit.Opened(1)),
		n.AddKey(ledger.BKN, "bkn/b", soon), n.AddKey(ledger.BKN, "bkn/b", soon))
	n.end()
	before := n.newJudge()
	var codes []ledger.Code
	for _, s := range all {
		bad, err := n.judge.Rehearse(s.Agency, s.Body, today)
		if err != nil {
			t.Fatal(err)
		}
		codes = append(codes, "")
		if bad != nil {
			codes[len(codes)-1] = bad.Code
		}
	}
	if diff := registrar.DiffState(n.judge, before); diff != "" {
		t.Errorf("the rehearsal left a trace: %s", diff)
	}
	if _, known := n.judge.Case(id); known {
		t.Error("the judge shows a case that was rehearsed only")
	}
	n.start()
	for i, r := range n.ask(all...) {
		if r.Reason != codes[i] {
			t.Errorf("submission %d: rehearsed %q, then %q", i, codes[i], r.Reason)
		}
	}
}

// TestNext: what an agency may record about a case now, step by step.
func TestNext(t *testing.T) {
	n := run(t)
	id := n.NewID()
	story := n.Story(id, today.Add(-9*time.Hour), 2)
	for i, step := range []map[ledger.AgencyID][]ledger.Kind{
		{ledger.Bawaslu: {ledger.CaseOpenedKind}, ledger.BKN: nil, ledger.KASN: nil},
		{ledger.Bawaslu: {
			ledger.RespondentAddedKind, ledger.CompletenessCheckedKind, ledger.CaseRegisteredKind, ledger.CaseNotRegisteredKind,
			ledger.CaseWithdrawnKind, ledger.CaseForwardedKind, ledger.CriminalReferredKind, ledger.CaseCancelledKind,
		}, ledger.BKN: {ledger.LeftServiceKind}},
		{ledger.Bawaslu: {ledger.RespondentAddedKind, ledger.CaseWithdrawnKind, ledger.CaseAssessedKind, ledger.CaseForwardedKind, ledger.CriminalReferredKind, ledger.CaseCancelledKind}},
		{ledger.Bawaslu: {ledger.RespondentAddedKind, ledger.CaseWithdrawnKind, ledger.CaseAssessedKind, ledger.CaseForwardedKind, ledger.CriminalReferredKind, ledger.CaseCancelledKind}, ledger.KASN: nil},
		{
			ledger.KASN:    {ledger.CaseReceivedKind, ledger.CaseReturnedKind},
			ledger.Bawaslu: {ledger.RespondentAddedKind, ledger.CaseWithdrawnKind, ledger.CriminalReferredKind, ledger.CaseCancelledKind},
		},
		{ledger.KASN: {ledger.RespondentAddedKind, ledger.CaseForwardedKind, ledger.CaseClarifiedKind, ledger.CaseRecommendedKind, ledger.CaseCancelledKind}},
		{ledger.KASN: {ledger.RespondentAddedKind, ledger.CaseForwardedKind, ledger.CaseClarifiedKind, ledger.CaseRecommendedKind, ledger.CaseCancelledKind}},
		{
			// KASN follows up on its own recommendations.
			ledger.KASN: {ledger.ExaminationBegunKind, ledger.DecisionRecordedKind, ledger.LeftServiceKind, ledger.CaseCancelledKind},
			ledger.BKN: {
				ledger.ExaminationBegunKind, ledger.DecisionRecordedKind, ledger.ControlWarnedKind, ledger.ControlReprimandedKind,
				ledger.ControlBlockedKind, ledger.LeftServiceKind,
			},
			ledger.Kemendagri: {ledger.PPKAdmonishedKind, ledger.PPKSanctionedKind},
			ledger.Vault:      {ledger.UnsealedKind, ledger.ErasedKind},
		},
		// Nobody confirms a decree by recording it twice.
		{
			ledger.BKN:        {ledger.DecisionDeliveredKind, ledger.RemedyFiledKind},
			ledger.Kemendagri: {ledger.PPKAdmonishedKind, ledger.PPKSanctionedKind},
			ledger.KASN:       {ledger.DecisionRecordedKind, ledger.DecisionDeliveredKind, ledger.RemedyFiledKind},
		},
	} {
		for agency, want := range step {
			var got []ledger.Kind
			for _, p := range n.judge.Next(id, agency, today) {
				if p.WhyNot == "" {
					got = append(got, p.Kind)
				} else if len(p.Respondents) > 0 {
					t.Errorf("step %d, %s, %s: %v may, and yet: %s", i, agency, p.Kind, p.Respondents, p.WhyNot)
				}
			}
			// Whoever takes part may always say this.
			always := []ledger.Kind{ledger.CaseLinkedKind, ledger.EvidenceAttachedKind, ledger.EventCorrectedKind}
			if c, _ := n.judge.Case(id); slices.Contains(c.Participants, agency) {
				want = append(slices.Clone(want), always...)
			}
			if !slices.Equal(got, want) {
				t.Errorf("step %d, %s: %v, want %v", i, agency, got, want)
			}
		}
		if i < len(story) {
			n.admit(story[i])
		}
	}
	for _, p := range n.judge.Next(id, ledger.Bawaslu, today) {
		if p.Kind == ledger.CaseClarifiedKind && !strings.Contains(p.WhyNot, "did not hold clarification") {
			t.Errorf("why not: %s", p.WhyNot)
		}
	}
}
