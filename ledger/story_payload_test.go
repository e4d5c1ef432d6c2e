package ledger_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
)

// parsePayload reads what a step of a story says. Dates of letters do not
// matter to the rules, so all bear the same one.
func parsePayload(kind ledger.Kind, what string) (any, error) {
	for _, g := range grammar {
		if !slices.Contains(g.kinds, kind) {
			continue
		}
		m := g.pattern.FindStringSubmatch(what)
		if m == nil {
			return nil, fmt.Errorf("%s does not say %q", kind, what)
		}
		return g.read(m[1:])
	}
	return nil, fmt.Errorf("stories do not tell of %s", kind)
}

func letter(number string) ledger.Letter { return ledger.Letter{Number: number, Date: "2020-10-01"} }

type grammarRule struct {
	kinds   []ledger.Kind
	pattern *regexp.Regexp
	read    func(m []string) (any, error)
}

func rule(pattern string, read func(m []string) (any, error), kinds ...ledger.Kind) grammarRule {
	return grammarRule{kinds, regexp.MustCompile("^(?:" + pattern + ")$"), read}
}

const (
	aboutPart   = `(?: ?about ((?:r\d+(?:, )?)+))?`
	copyingPart = `(?: copying (.+))?`
)

var grammar = []grammarRule{
	rule(`(report|finding)( through the shared system)? of (.*)`, readOpened, ledger.CaseOpenedKind),
	rule(`(complete|incomplete)`, func(m []string) (any, error) { return &ledger.CompletenessChecked{Result: m[0]}, nil },
		ledger.CompletenessCheckedKind),
	rule(`(.*)`, func(m []string) (any, error) { return &ledger.CaseRegistered{Register: m[0]}, nil }, ledger.CaseRegisteredKind),
	rule(`([a-z-]+)`, func(m []string) (any, error) { return &ledger.CaseNotRegistered{Reason: m[0]}, nil }, ledger.CaseNotRegisteredKind),
	rule(`by the (reporter|agency)`, func(m []string) (any, error) { return &ledger.CaseWithdrawn{By: m[0]}, nil }, ledger.CaseWithdrawnKind),
	rule(`(accepted|rejected) with (.+)`, func(m []string) (any, error) {
		return &ledger.VerificationConcluded{Result: m[0], Members: agencies(m[1])}, nil
	}, ledger.VerificationConcludedKind),
	rule(`(.+)`, readAssessed, ledger.CaseAssessedKind),
	rule(`to ([a-z-]+)`+aboutPart+copyingPart, func(m []string) (any, error) {
		return &ledger.CaseForwarded{To: ledger.AgencyID(m[0]), Letter: letter("F-1"), Copies: agencies(m[2]), Named: about(m[1])}, nil
	}, ledger.CaseForwardedKind),
	rule(`from ([a-z-]+)`, func(m []string) (any, error) { return &ledger.CaseReceived{From: ledger.AgencyID(m[0])}, nil },
		ledger.CaseReceivedKind),
	rule(`(.+)`, readClarified, ledger.CaseClarifiedKind),
	rule(`letter (\S+) to ([a-z]+ \S+): (.+?)`+copyingPart, readRecommended, ledger.CaseRecommendedKind),
	rule(aboutPart, func(m []string) (any, error) { return &ledger.ExaminationBegun{Named: about(m[0])}, nil }, ledger.ExaminationBegunKind),
	rule(`decree (\S+): (.+)`, readDecision, ledger.DecisionRecordedKind),
	rule(`letter (\S+)`+aboutPart, func(m []string) (any, error) {
		return &ledger.ControlStep{Letter: letter(m[0]), Named: about(m[1])}, nil
	}, ledger.ControlWarnedKind, ledger.ControlReprimandedKind, ledger.ControlBlockedKind, ledger.ControlUnblockedKind),
	rule(`letter (\S+) to ([a-z]+ \S+) about ([a-z-]+) (\S+)`, func(m []string) (any, error) {
		return &ledger.PPKAdmonished{
			Letter: letter(m[0]), Authority: authority(m[1]),
			Recommendation: ledger.RecommendationRef{Agency: ledger.AgencyID(m[2]), Number: m[3]},
		}, nil
	}, ledger.PPKAdmonishedKind),
	rule(`(retired|died|resigned|dismissed)`+aboutPart, func(m []string) (any, error) {
		return &ledger.LeftService{Reason: m[0], Respondents: about(m[1]).Respondents}, nil
	}, ledger.LeftServiceKind),
	rule(`([a-z-]+)`+aboutPart, func(m []string) (any, error) {
		return &ledger.CaseCancelled{Reason: m[0], Named: about(m[1])}, nil
	}, ledger.CaseCancelledKind),
	rule(`for ([a-z-]+)`, func(m []string) (any, error) { return &ledger.Unsealed{Reason: m[0]}, nil }, ledger.UnsealedKind),
}

func about(list string) ledger.Named { return ledger.Named{Respondents: splitList(list)} }

func agencies(list string) []ledger.AgencyID {
	var out []ledger.AgencyID
	for _, a := range splitList(list) {
		out = append(out, ledger.AgencyID(a))
	}
	return out
}

func authority(text string) ledger.Authority {
	kind, where, _ := strings.Cut(text, " ")
	if kind == "minister" {
		return ledger.Authority{Kind: kind, Code: where}
	}
	return ledger.Authority{Kind: kind, Region: where}
}

// outcomes reads "r1 violation, r2 not-a-violation".
func outcomes(list string, known ...string) ([][2]string, error) {
	var out [][2]string
	for _, part := range splitList(list) {
		id, outcome, ok := strings.Cut(part, " ")
		if !ok || !slices.Contains(known, outcome) {
			return nil, fmt.Errorf("%q is not a respondent and one of %s", part, strings.Join(known, ", "))
		}
		out = append(out, [2]string{id, outcome})
	}
	return out, nil
}

func readOpened(m []string) (any, error) {
	p := &ledger.CaseOpened{
		Channel: ledger.ChannelOffice, Origin: m[0], Contest: "pilkada-2020", Act: ledger.Act{Date: "2020-09-28", Region: "73.71"},
		Catalogue: ledger.CatalogueSKB2020, Items: []string{"social-media"},
	}
	if m[1] != "" {
		p.Channel = ledger.ChannelSharedSystem
	}
	for _, id := range splitList(m[2]) {
		p.Respondents = append(p.Respondents, ledger.NewRespondent{
			ID: id, Employment: "pns", Class: "pelaksana",
			Institution: ledger.Institution{Kind: "province", Region: "73", Office: "IV"},
		})
	}
	return p, nil
}

func readAssessed(m []string) (any, error) {
	list, err := outcomes(m[0], ledger.OutcomeViolation, ledger.OutcomeNotAViolation, "discipline-1", "ethics-1")
	p := &ledger.CaseAssessed{Catalogue: ledger.CatalogueSKB2020}
	for _, o := range list {
		r := ledger.AssessedRespondent{ID: o[0], Outcome: o[1]}
		switch o[1] {
		case "discipline-1", "ethics-1":
			r.Outcome, r.Items = ledger.OutcomeViolation, []string{o[1]}
		case ledger.OutcomeViolation:
			r.Items = []string{"partiality"}
		}
		p.Respondents = append(p.Respondents, r)
	}
	return p, err
}

func readClarified(m []string) (any, error) {
	list, err := outcomes(m[0], ledger.OutcomePending, ledger.OutcomeProven, ledger.OutcomeNotProven, ledger.OutcomeIncomplete)
	p := &ledger.CaseClarified{}
	for _, o := range list {
		p.Respondents = append(p.Respondents, ledger.ClarifiedRespondent{ID: o[0], Outcome: o[1]})
	}
	return p, err
}

func family(sanction string) string {
	if strings.HasPrefix(sanction, "moral-") {
		return ledger.FamilyEthics
	}
	return ledger.FamilyDiscipline
}

func readRecommended(m []string) (any, error) {
	list, err := outcomes(m[2], ledger.Sanctions...)
	p := &ledger.CaseRecommended{Letter: letter(m[0]), Sent: "2020-10-01", Authority: authority(m[1]), Copies: agencies(m[3])}
	for _, o := range list {
		p.Respondents = append(p.Respondents, ledger.RecommendedRespondent{ID: o[0], Family: family(o[1]), Sanction: o[1]})
	}
	return p, err
}

func readDecision(m []string) (any, error) {
	list, err := outcomes(m[1], append([]string{ledger.OutcomeNotProven}, ledger.Sanctions...)...)
	p := &ledger.DecisionRecorded{Decree: letter(m[0])}
	for _, o := range list {
		r := ledger.DecidedRespondent{ID: o[0], Outcome: o[1]}
		if o[1] != ledger.OutcomeNotProven {
			r.Outcome, r.Family, r.Level = ledger.OutcomeSanctioned, family(o[1]), o[1]
			i := slices.IndexFunc(ledger.SanctionKinds, func(k ledger.SanctionKind) bool { return k.Level == o[1] })
			r.Kind = ledger.SanctionKinds[i].Code
		}
		p.Respondents = append(p.Respondents, r)
	}
	return p, err
}
