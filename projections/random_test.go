package projections

import (
	"time"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/ledger"
)

// Random histories: guided by the rules, so that they go deep, and against them,
// so that nothing relies on a registrar that never errs.

// act is something an agency may record about a case.
type act struct {
	kind    ledger.Kind
	version int
	source  ledger.AgencyID
	payload any
}

var (
	agencies    = []ledger.AgencyID{ledger.Bawaslu, ledger.KASN, ledger.BKN, ledger.Kemendagri}
	institution = []ledger.Institution{
		{Kind: "city", Region: "73.71", Office: "IV"},
		{Kind: "province", Region: "33", Office: "I"},
		{Kind: "central", Code: "4001", Office: "central"},
	}
	authorities = []ledger.Authority{
		{Kind: "mayor", Region: "73.71"}, {Kind: "governor", Region: "33"}, {Kind: "minister", Code: "4001"},
	}
	letters = []ledger.Letter{{Number: "R-1/2020", Date: "2020-10-01"}, {Number: "R-2/2020", Date: "2020-10-05"}}
	items   = []string{"ethics-1", "discipline-4", "social-media"}
)

func pick[T any](t *rapid.T, label string, list ...T) T {
	return rapid.SampledFrom(list).Draw(t, label)
}

// some draws some of r1, r2, r3, or nil.
func some(t *rapid.T) []string {
	return pick(t, "respondents", nil, []string{"r1"}, []string{"r2"}, []string{"r1", "r2"}, []string{"r3", "r1"})
}

func drawOpened(t *rapid.T) ledger.CaseOpened {
	p := ledger.CaseOpened{
		Channel: pick(t, "channel", ledger.ChannelOffice, ledger.ChannelSharedSystem),
		Origin:  pick(t, "origin", ledger.OriginReport, ledger.OriginFinding),
		Contest: pick(t, "contest", "pilkada-2020", "pemilu-2024"), Catalogue: ledger.CatalogueSKB2022,
		Act:   ledger.Act{Date: "2020-09-01", Region: pick(t, "region", "73.71", "33.01")},
		Items: []string{pick(t, "item", items...)},
	}
	for _, id := range []string{"r1", "r2", "r3"}[:rapid.IntRange(1, 3).Draw(t, "respondents")] {
		p.Respondents = append(p.Respondents, ledger.NewRespondent{
			ID: id, Employment: "pns", Class: pick(t, "class", "pelaksana", "pengawas"), Institution: pick(t, "institution", institution...),
		})
	}
	return p
}

// outcomes draws a list with an outcome for some respondents, r1 at least.
func outcomes[T any](t *rapid.T, one func(id string) T) []T {
	ids := some(t)
	if ids == nil {
		ids = []string{"r1"}
	}
	var out []T
	for _, id := range ids {
		out = append(out, one(id))
	}
	return out
}

// drawAct draws any act of any agency, about a case as it stands.
func drawAct(t *rapid.T, history []ledger.CaseEvent, c ledger.Case) act {
	switch rapid.IntRange(0, 4).Draw(t, "sort") {
	case 0:
		return drawLaterAct(t, c)
	case 1:
		if len(history) > 0 {
			return drawCorrection(t, history, c)
		}
	}
	return drawFirstAct(t, c)
}

// drawCorrection draws one of an event of the case, mostly by its recorder.
func drawCorrection(t *rapid.T, history []ledger.CaseEvent, c ledger.Case) act {
	wrong := pick(t, "corrected", history...)
	p := ledger.EventCorrected{Event: wrong.ID, Kind: wrong.Kind, Version: 1, Action: ledger.ActionVoid, Reason: "wrong-data"}
	if !ledger.Correctable(p.Kind, wrong.Version) {
		return drawFirstAct(t, c)
	}
	if rapid.IntRange(0, 9).Draw(t, "of another kind") == 0 {
		p.Kind = ledger.CaseRegisteredKind
	}
	for range 12 {
		a := drawFirstAct(t, c)
		if rapid.Bool().Draw(t, "later") {
			a = drawLaterAct(t, c)
		}
		if a.kind != p.Kind || a.version != 1 {
			continue
		}
		data, err := json.Marshal(a.payload)
		if err != nil {
			t.Fatal(err)
		}
		p.Action, p.Data = ledger.ActionReplace, data
		break
	}
	return act{ledger.EventCorrectedKind, 1, pick(t, "source", wrong.Source, wrong.Source, ledger.BKN), p}
}

// drawLaterAct draws an act of those that follow a decree or an end, or that tie
// something to a case: mostly one that fits r1.
func drawLaterAct(t *rapid.T, c ledger.Case) act {
	decree, remedy, by := pick(t, "letter", letters...), pick(t, "remedy", ledger.Remedies...), pick(t, "source", agencies...)
	only := []string{pick(t, "respondent", "r1", "r1", "r2")}
	for _, r := range c.Respondents {
		if r.ID != only[0] || rapid.IntRange(0, 3).Draw(t, "strays") == 0 {
			continue
		}
		if d := r.Decision; d != nil {
			decree = d.Decree
			if n := len(d.Remedies); n > 0 {
				remedy = d.Remedies[n-1].Kind
			}
		}
		if r.Ended != nil {
			by = r.Ended.By
		}
	}
	named := ledger.Named{Respondents: only}
	if rapid.Bool().Draw(t, "everybody") {
		named.Respondents = nil
	}
	newcomer := drawOpened(t).Respondents[:1]
	newcomer[0].ID = pick(t, "newcomer", "r2", "r3", "r4")
	return pick(t, "act",
		act{ledger.RespondentAddedKind, 1, by, ledger.RespondentAdded{Catalogue: ledger.CatalogueSKB2022, Items: items[:1], Respondents: newcomer}},
		act{ledger.CaseReturnedKind, 1, by, ledger.CaseReturned{To: pick(t, "to", agencies...), Letter: decree, Reason: "incomplete"}},
		act{ledger.DecisionDeliveredKind, 1, by, ledger.DecisionDelivered{Decree: decree, Named: named}},
		act{ledger.DecisionReviewedKind, 1, by, ledger.DecisionReviewed{Decree: decree, Result: "conforming", Named: named}},
		act{ledger.DecisionAnnulledKind, 1, by, ledger.DecisionAnnulled{Decree: decree, Letter: letters[0], Named: named}},
		act{ledger.PPKSanctionedKind, 1, by, ledger.PPKSanctioned{Letter: decree, Authority: authorities[0], Basis: "UU 23/2014", Recommendation: ledger.RecommendationRef{
			Agency: ledger.KASN, Number: decree.Number,
		}}},
		act{ledger.RemedyFiledKind, 1, by, ledger.RemedyFiled{Remedy: remedy, Decree: decree, Named: named}},
		act{ledger.RemedyDecidedKind, 1, by, ledger.RemedyDecided{Remedy: remedy, Decree: decree, Ruling: letters[1], Respondents: []ledger.RemediedRespondent{
			{ID: only[0], Outcome: pick(t, "outcome", ledger.RemedyOutcomes...), Level: pick(t, "level", "light", "heavy")},
		}}},
		act{ledger.CriminalReferredKind, 1, by, ledger.CriminalReferred{Letter: decree, Named: named}},
		act{ledger.CriminalConcludedKind, 1, by, ledger.CriminalConcluded{Outcome: "acquitted", Named: named}},
		act{ledger.CaseLinkedKind, 1, by, ledger.CaseLinked{Link: pick(t, "link", ledger.LinkDuplicate, ledger.LinkRelated), Case: caseNumber(pick(t, "other", 1, 2, 9))}},
		act{ledger.EvidenceAttachedKind, 1, by, ledger.EvidenceAttached{Digest: "00", Size: 1, MediaType: "application/pdf", Reference: "1"}},
		act{ledger.CaseReopenedKind, 1, by, ledger.CaseReopened{Reason: "court-order", Respondents: only}},
		act{ledger.ErasedKind, 1, ledger.Vault, ledger.PersonalDataErased{Key: "AAAAAAAAAAAAAAAAAAAAAA", Holder: "r1", Reason: "retention-ended", Agency: ledger.BKN, Officer: "o-1"}},
	)
}

// drawFirstAct draws an act of the way to a decree and of what BKN does about
// it.
func drawFirstAct(t *rapid.T, c ledger.Case) act {
	named := ledger.Named{Respondents: some(t)}
	letter := pick(t, "letter", letters...)
	a := act{version: 1, source: pick(t, "source", agencies...)}
	if c.Holder != "" && rapid.Bool().Draw(t, "holder") {
		a.source = c.Holder
	}
	acts := []func(){
		func() { a.kind, a.payload = ledger.CaseOpenedKind, drawOpened(t) },
		func() {
			a.kind, a.payload = ledger.CompletenessCheckedKind, ledger.CompletenessChecked{Result: "complete"}
		},
		func() { a.kind, a.payload = ledger.CaseRegisteredKind, ledger.CaseRegistered{Register: "1"} },
		func() { a.kind, a.payload = ledger.CaseNotRegisteredKind, ledger.CaseNotRegistered{Reason: "expired"} },
		func() { a.kind, a.payload = ledger.CaseWithdrawnKind, ledger.CaseWithdrawn{By: "reporter"} },
		func() {
			a.kind, a.payload = ledger.VerificationConcludedKind, ledger.VerificationConcluded{
				Result: pick(t, "result", ledger.OutcomeAccepted, ledger.OutcomeRejected), Members: []ledger.AgencyID{ledger.BKN, ledger.Kemendagri},
			}
		},
		func() {
			a.kind, a.payload = ledger.CaseAssessedKind, ledger.CaseAssessed{Catalogue: ledger.CatalogueSKB2022, Respondents: outcomes(t, func(id string) ledger.AssessedRespondent {
				return ledger.AssessedRespondent{ID: id, Outcome: pick(t, "outcome", ledger.OutcomeViolation, ledger.OutcomeNotAViolation), Items: pick(t, "items", nil, items[:2], items[1:])}
			})}
		},
		func() {
			a.kind, a.payload = ledger.CaseForwardedKind, ledger.CaseForwarded{To: pick(t, "to", agencies...), Letter: letter, Copies: pick(t, "copies", nil, agencies[2:]), Named: named}
		},
		func() {
			a.kind, a.payload = ledger.CaseReceivedKind, ledger.CaseReceived{From: pick(t, "from", agencies...)}
		},
		func() {
			a.kind, a.payload = ledger.CaseClarifiedKind, ledger.CaseClarified{Respondents: outcomes(t, func(id string) ledger.ClarifiedRespondent {
				return ledger.ClarifiedRespondent{ID: id, Outcome: pick(t, "outcome", ledger.OutcomePending, ledger.OutcomeProven, ledger.OutcomeNotProven, ledger.OutcomeIncomplete)}
			})}
		},
		func() {
			a.kind, a.payload = ledger.CaseRecommendedKind, ledger.CaseRecommended{Letter: letter, Sent: letter.Date, Authority: pick(t, "authority", authorities...), Copies: pick(t, "copies", nil, agencies[2:3]), Respondents: outcomes(t, func(id string) ledger.RecommendedRespondent {
				return ledger.RecommendedRespondent{ID: id, Family: ledger.FamilyEthics, Sanction: pick(t, "sanction", "light", "medium")}
			})}
		},
		func() { a.kind, a.payload = ledger.ExaminationBegunKind, ledger.ExaminationBegun{Named: named} },
		func() {
			a.kind, a.payload = ledger.DecisionRecordedKind, ledger.DecisionRecorded{Decree: letter, Respondents: outcomes(t, func(id string) ledger.DecidedRespondent {
				return ledger.DecidedRespondent{ID: id, Outcome: pick(t, "outcome", ledger.OutcomeSanctioned, ledger.OutcomeNotProven), Level: pick(t, "level", "light", "heavy")}
			})}
		},
		func() { a.kind, a.payload = ledger.ControlWarnedKind, ledger.ControlStep{Letter: letter, Named: named} },
		func() {
			a.kind, a.payload = ledger.ControlReprimandedKind, ledger.ControlStep{Letter: letter, Named: named}
		},
		func() {
			a.kind, a.payload = ledger.ControlBlockedKind, ledger.ControlStep{Letter: letter, Named: named}
		},
		func() {
			a.kind, a.payload = ledger.ControlUnblockedKind, ledger.ControlStep{Letter: letter, Named: named}
		},
		func() { a.kind, a.payload = ledger.PPKAdmonishedKind, admonition(t, c, letter) },
		func() {
			a.kind, a.payload = ledger.LeftServiceKind, ledger.LeftService{Reason: "retired", Respondents: []string{pick(t, "respondent", "r1", "r2")}}
		},
		func() {
			a.kind, a.payload = ledger.CaseCancelledKind, ledger.CaseCancelled{Reason: "court-order", Named: named}
		},
		func() {
			a.kind, a.source, a.payload = ledger.UnsealedKind, ledger.Vault, ledger.Unsealed{Event: testUUID(2, 1), Pointer: "/data/respondents/0/identity", Key: "AAAAAAAAAAAAAAAAAAAAAA", Reason: "audit", Agency: ledger.BKN, Officer: "o-1"}
		},
		// Kinds that this program does not know, with a NUL for PostgreSQL.
		func() { a.kind, a.payload = "case.foretold", map[string]any{"by": "stars\x00"} },
		func() {
			a.kind, a.version, a.payload = ledger.CaseOpenedKind, 2, map[string]any{"respondents": []any{}}
		},
	}
	acts[rapid.IntRange(0, len(acts)-1).Draw(t, "act")]()
	return a
}

// admonition is mostly about a recommendation that the case has.
func admonition(t *rapid.T, c ledger.Case, letter ledger.Letter) ledger.PPKAdmonished {
	p := ledger.PPKAdmonished{Letter: letter, Authority: pick(t, "authority", authorities...), Recommendation: ledger.RecommendationRef{
		Agency: pick(t, "by", agencies...), Number: pick(t, "number", letters...).Number,
	}}
	for _, r := range c.Respondents {
		if rec := r.Recommendation; rec != nil && rapid.IntRange(0, 3).Draw(t, "fits") > 0 {
			p.Authority, p.Recommendation = rec.Authority, ledger.RecommendationRef{Agency: rec.Agency, Number: rec.Number}
		}
	}
	return p
}

// ended reports whether nothing more can happen to anybody in a case.
func ended(c ledger.Case) bool {
	for _, r := range c.Respondents {
		if !r.Stage.End() {
			return false
		}
	}
	return true
}

var firstDay = ledger.Date("2020-09-01").Start()

// drawBook draws a ledger of some cases, in which much is recorded late.
func drawBook(t *rapid.T) *book {
	b := newBook(firstDay)
	if rapid.Bool().Draw(t, "with genesis") {
		b.genesis(rapid.IntRange(0, 5).Draw(t, "late after days"))
	}
	cases := rapid.IntRange(1, 4).Draw(t, "cases")
	histories := make(map[string][]ledger.CaseEvent)
	if rapid.Bool().Draw(t, "a whole way") {
		drawWholeWay(t, b, histories)
	}
	for range rapid.IntRange(1, 40).Draw(t, "records") {
		b.recorded = b.recorded.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "pause")) * 12 * time.Hour)
		id := caseNumber(rapid.IntRange(1, cases).Draw(t, "case"))
		at := firstDay.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "happened")) * 12 * time.Hour)
		if h := histories[id]; len(h) > 0 && rapid.IntRange(0, 3).Draw(t, "in order") > 0 {
			at = h[len(h)-1].Time.Add(time.Duration(rapid.IntRange(0, 4).Draw(t, "later")) * 12 * time.Hour)
		}
		at = at.Add(time.Duration(pick(t, "microseconds", 0, 0, 1, 2)) * time.Microsecond)
		draft, a := drawDraft(t, b, histories[id], id, at)
		b.add(a.kind, a.version, a.source, id, at, a.payload)
		histories[id] = ledger.Insert(histories[id], draft)
	}
	b.recorded = b.recorded.Add(60 * 24 * time.Hour)
	b.add(ledger.SubmissionRefusedKind, 1, ledger.Registrar, string(ledger.KASN), b.recorded, ledger.SubmissionRefused{
		Agency: ledger.KASN, Reason: ledger.CodeTransition, Digest: "00",
	})
	return b
}

// drawWholeWay records one case from its opening to the end of a block, all of it
// or a part, in the order in which it happened or in any other.
func drawWholeWay(t *rapid.T, b *book, histories map[string][]ledger.CaseEvent) {
	opened := drawOpened(t)
	opened.Channel = ledger.ChannelOffice
	opened.Respondents = append(opened.Respondents[:1:1], opened.Respondents[0])
	opened.Respondents[1].ID = "r2"
	letter, authority := letters[0], pick(t, "authority", authorities...)
	both := ledger.Named{}
	way := []act{
		{ledger.CaseOpenedKind, 1, ledger.Bawaslu, opened},
		{ledger.CaseRegisteredKind, 1, ledger.Bawaslu, ledger.CaseRegistered{Register: "1"}},
		{ledger.CaseAssessedKind, 1, ledger.Bawaslu, ledger.CaseAssessed{Catalogue: ledger.CatalogueSKB2022, Respondents: []ledger.AssessedRespondent{
			{ID: "r1", Outcome: ledger.OutcomeViolation, Items: items[1:2]},
			{ID: "r2", Outcome: pick(t, "outcome of r2", ledger.OutcomeViolation, ledger.OutcomeNotAViolation)},
		}}},
		{ledger.CaseForwardedKind, 1, ledger.Bawaslu, ledger.CaseForwarded{To: ledger.KASN, Letter: letter, Copies: agencies[2:3]}},
		{ledger.CaseReceivedKind, 1, ledger.KASN, ledger.CaseReceived{From: ledger.Bawaslu}},
		{ledger.CaseClarifiedKind, 1, ledger.KASN, ledger.CaseClarified{Respondents: []ledger.ClarifiedRespondent{{ID: "r1", Outcome: ledger.OutcomeProven}}}},
		{ledger.CaseRecommendedKind, 1, ledger.KASN, ledger.CaseRecommended{Letter: letter, Sent: letter.Date, Authority: authority, Respondents: []ledger.RecommendedRespondent{
			{ID: "r1", Family: ledger.FamilyDiscipline, Sanction: "medium"},
			{ID: pick(t, "second", "r1", "r2"), Family: ledger.FamilyDiscipline, Sanction: "light"},
		}}},
		{ledger.ExaminationBegunKind, 1, ledger.BKN, ledger.ExaminationBegun{Named: both}},
		{ledger.ControlWarnedKind, 1, ledger.BKN, ledger.ControlStep{Letter: letter, Named: both}},
		{ledger.PPKAdmonishedKind, 1, ledger.Kemendagri, ledger.PPKAdmonished{Letter: letter, Authority: authority, Recommendation: ledger.RecommendationRef{Agency: ledger.KASN, Number: letter.Number}}},
		{ledger.ControlBlockedKind, 1, ledger.BKN, ledger.ControlStep{Letter: letter, Named: both}},
		{ledger.DecisionRecordedKind, 1, ledger.BKN, ledger.DecisionRecorded{Decree: letter, Respondents: []ledger.DecidedRespondent{
			{ID: "r1", Outcome: pick(t, "decided", ledger.OutcomeSanctioned, ledger.OutcomeNotProven), Level: "light"},
		}}},
		{ledger.ControlUnblockedKind, 1, ledger.BKN, ledger.ControlStep{Letter: letter, Named: both}},
	}
	way = way[:rapid.IntRange(1, len(way)).Draw(t, "length")]
	order := make([]int, len(way))
	days := make([]int, len(way))
	for i := range way {
		order[i] = i
		days[i] = rapid.IntRange(0, 2).Draw(t, "days")
		if i > 0 {
			days[i] += days[i-1]
		}
	}
	if rapid.Bool().Draw(t, "in any order") {
		order = rapid.Permutation(order).Draw(t, "order")
	}
	id := caseNumber(1)
	for _, i := range order {
		at := firstDay.Add(time.Duration(days[i]) * 24 * time.Hour)
		r := b.add(way[i].kind, 1, way[i].source, id, at, way[i].payload)
		e, err := ledger.DecodeRecord(r)
		if err != nil {
			t.Fatal(err)
		}
		histories[id] = ledger.Insert(histories[id], ledger.CaseEvent{Position: r.Position, Recorded: r.Recorded, Event: e})
	}
}

// drawDraft draws an event of a case: mostly the first drawn that the rules
// admit, else any.
func drawDraft(t *rapid.T, b *book, history []ledger.CaseEvent, id string, at time.Time) (ledger.CaseEvent, act) {
	tries := pick(t, "tries", 20, 20, 20, 1)
	c := ledger.Fold(history)
	var draft ledger.CaseEvent
	var a act
	for range tries {
		a = drawAct(t, history, c)
		e, err := ledger.DecodeRecord(b.draft(a.kind, a.version, a.source, id, at, a.payload))
		if err != nil {
			t.Fatal(err)
		}
		draft = ledger.CaseEvent{Position: ledger.Position(len(b.records) + 1), Recorded: b.recorded, Event: e}
		if e.Payload == nil {
			continue
		}
		after, refused := ledger.Place(history, draft, func(time.Time) ledger.Law { return ledger.Law{} })
		if refused == nil && (!ended(after) || rapid.IntRange(0, 3).Draw(t, "let it end") == 0) {
			break
		}
	}
	return draft, a
}
