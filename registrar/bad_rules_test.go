package registrar_test

import (
	"strings"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/registrar"
)

// opening opens a new case with a payload that is changed.
func opening(by ledger.AgencyID, at time.Time, change func(p *ledger.CaseOpened)) func(*node, string) registrar.Message {
	return func(n *node, _ string) registrar.Message {
		p := testkit.Opened(2)
		change(&p)
		return message(n.Say(by, ledger.CaseOpenedKind, n.NewID(), at, p))
	}
}

func reporter(text ledger.Sealed) func(*ledger.CaseOpened) {
	return func(p *ledger.CaseOpened) { p.Origin, p.Reporter = ledger.OriginReport, text }
}

var soon = today.Add(-2 * time.Minute)

var badContents = []bad{
	{name: "member that the schema does not know", want: ledger.CodeSchema, pointers: []string{"/data"}, make: swap(`{"result"`, `{"nama_budi":"x","result"`)},
	{name: "member missing", want: ledger.CodeSchema, pointers: []string{"/data/register"}, make: say(ledger.Bawaslu, ledger.CaseRegisteredKind, struct{}{})},
	{name: "value that is not in the vocabulary", want: ledger.CodeSchema, pointers: []string{"/data/result"}, make: swap(`"complete"`, `"Budi Contoh"`)},
	{
		name: "more places than a refusal names", want: ledger.CodeSchema,
		pointers: []string{
			"/data/respondents/0/class", "/data/respondents/0/employment", "/data/respondents/1/class", "/data/respondents/1/employment",
			"/data/respondents/2/class", "/data/respondents/2/employment", "/data/respondents/3/class", "/data/respondents/3/employment",
		},
		make: opening(ledger.Bawaslu, soon, func(p *ledger.CaseOpened) {
			*p = testkit.Opened(9)
			for i := range p.Respondents {
				p.Respondents[i].Class, p.Respondents[i].Employment = "x", "x"
			}
		}),
	},
	{
		name: "filter with a hyphen", want: ledger.CodeSchema, pointers: []string{"/data/figures/0/filter/forwarded-to"},
		make: about(ledger.BKN, ledger.FiguresPublishedKind, "contoh20", ledger.FiguresPublished{
			Table: "contoh20", Publisher: ledger.BKN, Doubt: ledger.DoubtNone, Sources: []string{"contoh.example/1"},
			Figures: []ledger.FigureV1{{AsOf: "2020-06-01", Unit: ledger.UnitCase, Measure: "forwarded", Filter: map[string]string{"forwarded-to": "X Y"}}},
		}),
	},
	{
		name: "NIP", want: ledger.CodePersonalData, pointers: []string{"/data/register"},
		make: say(ledger.Bawaslu, ledger.CaseRegisteredKind, ledger.CaseRegistered{Register: "CONTOH-199001012015011001"}),
	},
	{
		name: "NIK", want: ledger.CodePersonalData, pointers: []string{"/data/register"},
		make: say(ledger.Bawaslu, ledger.CaseRegisteredKind, ledger.CaseRegistered{Register: "CONTOH-7371014101900001"}),
	},
	{
		name: "telephone", want: ledger.CodePersonalData, pointers: []string{"/data/letter/number"},
		make: say(ledger.Bawaslu, ledger.CaseForwardedKind, ledger.CaseForwarded{To: ledger.KASN, Letter: letter("0812-0000-0000")}),
	},
	{name: "e-mail", want: ledger.CodePersonalData, pointers: []string{"/data/reporter"}, make: opening(ledger.Bawaslu, soon, reporter("budi@contoh.example"))},
	{name: "NIK as a member's name", want: ledger.CodePersonalData, pointers: []string{"/data"}, make: swap(`{"result"`, `{"7371014101900001":"x","result"`)},
	{name: "name that is not sealed", want: ledger.CodeSchema, pointers: []string{"/data/reporter"}, make: opening(ledger.Bawaslu, soon, reporter("Budi Contoh"))},
	{
		name: "sealed for another place", want: ledger.CodeSealedMisplaced, pointers: []string{"/data/reporter"},
		make: func(n *node, _ string) registrar.Message {
			id, event := n.NewID(), n.NewID()
			p := testkit.Opened(1)
			reporter(sealedFor(n.Origin, id, event, "/data/respondents/0/identity"))(&p)
			return message(n.Say(ledger.Bawaslu, ledger.CaseOpenedKind, id, soon, p, func(e *ledger.Event) { e.ID = event }))
		},
	},
	{
		name: "sealed for another case", want: ledger.CodeSealedMisplaced, pointers: []string{"/data/reporter"},
		make: func(n *node, caseID string) registrar.Message {
			id, event := n.NewID(), n.NewID()
			p := testkit.Opened(1)
			reporter(sealedFor(n.Origin, caseID, event, "/data/reporter"))(&p)
			return message(n.Say(ledger.Bawaslu, ledger.CaseOpenedKind, id, soon, p, func(e *ledger.Event) { e.ID = event }))
		},
	},
	{
		name: "figures of another", want: ledger.CodeWrongSource, pointers: []string{"/data/publisher"},
		make: about(ledger.BKN, ledger.FiguresPublishedKind, "contoh20", ledger.FiguresPublished{
			Table: "contoh20", Publisher: ledger.KASN, Doubt: ledger.DoubtNone, Sources: []string{"contoh.example/1"},
			Figures: []ledger.FigureV1{{AsOf: "2020-06-01", Unit: ledger.UnitCase, Measure: "opened"}},
		}),
	},
}

var badMandates = []bad{
	{name: "time in the future", want: ledger.CodeTimeInFuture, pointers: []string{"/time"}, make: say(ledger.Bawaslu, ledger.CaseAssessedKind, violation("r1"), at(today.Add(time.Microsecond)))},
	{name: "no mandate", want: ledger.CodeNoMandateThen, pointers: []string{"/time"}, make: say(ledger.Kemendagri, ledger.CaseAssessedKind, violation("r1"))},
	{name: "no mandate then", want: ledger.CodeNoMandateThen, pointers: []string{"/time"}, make: opening(ledger.BKN, soon, func(*ledger.CaseOpened) {})},
	{
		name: "no mandate now", want: ledger.CodeNoMandateNow, pointers: []string{"/source"}, now: time.Date(2024, 9, 5, 0, 0, 0, 0, time.UTC),
		make: say(ledger.KASN, ledger.CaseClarifiedKind, clarified, at(time.Date(2024, 9, 3, 0, 0, 0, 0, time.UTC))),
	},
	{name: "late without mandate", want: ledger.CodeLateWithoutMandate, pointers: []string{"/time"}, make: opening(ledger.Bawaslu, today.AddDate(0, 0, -31), func(*ledger.CaseOpened) {})},
	{
		name: "late, and the vault takes part without that mandate", want: ledger.CodeLateWithoutMandate, pointers: []string{"/time"},
		make: func(n *node, caseID string) registrar.Message {
			return message(n.Say(ledger.Vault, ledger.UnsealedKind, caseID, today.AddDate(0, -2, 0), ledger.Unsealed{
				Event: n.NewID(), Pointer: "/data/reporter", Key: strings.Repeat("A", 22), Reason: "audit", Agency: ledger.Bawaslu, Officer: "petugas-rekaan-1",
			}))
		},
	},
	{
		name: "outside the mandate's scope", want: ledger.CodeOutsideScope, pointers: []string{"/source"},
		make: func(n *node, _ string) registrar.Message {
			// After KASN's end, KemenPAN-RB clarifies the cases that KASN had
			// processed. This one BKN did.
			n.clock.pass(today.AddDate(4, 4, 0).Sub(today))
			id, begin := n.NewID(), n.clock.now().Add(-24*time.Hour)
			n.admit(bknStory(n, id, begin)...)
			return message(n.Say(ledger.KemenPANRB, ledger.CaseClarifiedKind, id, begin.Add(20*time.Hour), clarified))
		},
	},
}

var clarified = ledger.CaseClarified{Respondents: []ledger.ClarifiedRespondent{{ID: "r1", Outcome: ledger.OutcomeProven}}}

// bknStory brings a case to a clarification by BKN.
func bknStory(n *node, id string, begin time.Time) []ledger.Submission {
	return []ledger.Submission{
		n.Say(ledger.Bawaslu, ledger.CaseOpenedKind, id, begin, testkit.Opened(1)),
		n.Say(ledger.Bawaslu, ledger.CaseRegisteredKind, id, begin.Add(time.Hour), ledger.CaseRegistered{Register: "CONTOH-2"}),
		n.Say(ledger.Bawaslu, ledger.CaseAssessedKind, id, begin.Add(2*time.Hour), violation("r1")),
		n.Say(ledger.Bawaslu, ledger.CaseForwardedKind, id, begin.Add(3*time.Hour), ledger.CaseForwarded{To: ledger.BKN, Letter: letter("TR-1")}),
		n.Say(ledger.BKN, ledger.CaseReceivedKind, id, begin.Add(4*time.Hour), ledger.CaseReceived{From: ledger.Bawaslu}),
		n.Say(ledger.BKN, ledger.CaseClarifiedKind, id, begin.Add(5*time.Hour), clarified),
	}
}

var badSteps = []bad{
	{name: "unknown case", want: ledger.CodeCaseUnknown, pointers: []string{"/subject"}, make: func(n *node, _ string) registrar.Message {
		return message(assessed(n, n.NewID()))
	}},
	{name: "case before it was opened", want: ledger.CodeCaseUnknown, pointers: []string{"/subject"}, make: say(ledger.Bawaslu, ledger.CaseAssessedKind, violation("r1"), at(today.Add(-3*time.Hour)))},
	{name: "case opened twice", want: ledger.CodeCaseExists, pointers: []string{"/subject"}, make: func(n *node, caseID string) registrar.Message {
		return message(n.Say(ledger.Bawaslu, ledger.CaseOpenedKind, caseID, soon, testkit.Opened(1)))
	}},
	{name: "stale version", want: ledger.CodeStaleVersion, pointers: []string{"/caseversion"}, make: func(n *node, caseID string) registrar.Message {
		seen := uint64(1)
		return message(n.Say(ledger.Bawaslu, ledger.CaseAssessedKind, caseID, soon, violation("r1"), func(e *ledger.Event) { e.CaseVersion = &seen }))
	}},
	{name: "impossible transition", want: ledger.CodeTransition, make: func(n *node, caseID string) registrar.Message {
		return message(n.register(caseID, time.Minute))
	}},
	{
		name: "impossible transition of one respondent", want: ledger.CodeTransition, pointers: []string{"/data/respondents/0/id"},
		make: say(ledger.KASN, ledger.CaseClarifiedKind, clarified),
	},
	{name: "breaks a later record", want: ledger.CodeBreaksLater, make: say(ledger.Bawaslu, ledger.CaseNotRegisteredKind, ledger.CaseNotRegistered{Reason: "expired"}, at(today.Add(-45*time.Minute)))},
	{name: "unknown respondent", want: ledger.CodeRespondentUnknown, pointers: []string{"/data/respondents/0/id"}, make: say(ledger.Bawaslu, ledger.CaseAssessedKind, violation("r2"))},
	{
		name: "not the holder", want: ledger.CodeNotHolder, pointers: []string{"/source"},
		make: say(ledger.KASN, ledger.CaseForwardedKind, ledger.CaseForwarded{To: ledger.BKN, Letter: letter("TR-3")}),
	},
	{name: "not the addressee", want: ledger.CodeNotAddressee, pointers: []string{"/source"}, make: func(n *node, caseID string) registrar.Message {
		n.admit(n.Say(ledger.Bawaslu, ledger.CaseForwardedKind, caseID, soon, ledger.CaseForwarded{To: ledger.KASN, Letter: letter("TR-4")}))
		return message(n.Say(ledger.BKN, ledger.CaseReceivedKind, caseID, soon.Add(time.Minute), ledger.CaseReceived{From: ledger.Bawaslu}))
	}},
	{
		name: "not a participant", want: ledger.CodeNotParticipant, pointers: []string{"/source"},
		make: say(ledger.Kemendagri, ledger.EvidenceAttachedKind, ledger.EvidenceAttached{
			Digest: strings.Repeat("a", 64), Size: 1, MediaType: "application/pdf", Reference: "CONTOH-BB-1",
		}),
	},
	{name: "not the recorder", want: ledger.CodeNotRecorder, pointers: []string{"/source"}, make: func(n *node, caseID string) registrar.Message {
		opened := n.firstOf(caseID)
		return message(n.Say(ledger.BKN, ledger.EventCorrectedKind, caseID, soon, ledger.EventCorrected{
			Event: opened.ID, Kind: ledger.CaseOpenedKind, Version: 1, Action: ledger.ActionVoid, Reason: "wrong-case",
		}))
	}},
	{name: "not the opener", want: ledger.CodeNotOpener, pointers: []string{"/source"}, make: say(ledger.KASN, ledger.CaseWithdrawnKind, ledger.CaseWithdrawn{By: "agency"})},
	{name: "unknown contest", want: ledger.CodeReferenceUnknown, pointers: []string{"/data/contest"}, make: opening(ledger.Bawaslu, soon, func(p *ledger.CaseOpened) { p.Contest = "pilkada-2024" })},
	{
		name: "unknown institution", want: ledger.CodeInstitutionUnknown, pointers: []string{"/data/to"},
		make: say(ledger.Bawaslu, ledger.CaseForwardedKind, ledger.CaseForwarded{To: "komisi-baru", Letter: letter("TR-5")}),
	},
	{name: "step that the regime demands first", want: ledger.CodeRegime, make: func(n *node, _ string) registrar.Message {
		n.admit(n.Say(ledger.KemenPANRB, ledger.RegimePublishedKind, "perbkn", soon, ledger.Regime{
			ID: "perbkn", Basis: "PerBKN 1/2023", Doubt: ledger.DoubtNone, ReprimandBeforeBlock: true,
		}))
		id := n.NewID()
		n.admit(n.Story(id, today.Add(-7*time.Hour), 1)[:7]...)
		return message(n.Say(ledger.BKN, ledger.ControlBlockedKind, id, soon, ledger.ControlStep{Letter: letter("BL-1")}))
	}},
}
