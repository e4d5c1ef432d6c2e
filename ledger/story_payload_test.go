package ledger_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/berkas-ledger/berkas/ledger"
)

// parsePayload reads what a step of a story says. Dates of letters do not
// matter to the rules, so all bear the same one.
func parsePayload(kind ledger.Kind, what string) (any, error) {
	if kind == ledger.EventCorrectedKind {
		return readCorrected(what)
	}
	for _, g := range append(grammar[:len(grammar):len(grammar)], laterGrammar...) {
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
	rule(`for ([a-z-]+)`, func(m []string) (any, error) { return &ledger.PersonalDataErased{Reason: m[0]}, nil }, ledger.ErasedKind),
}

// laterGrammar is of the kinds that follow a decree, an end, or another record.
var laterGrammar = []grammarRule{
	rule(`(.+)`, func(m []string) (any, error) {
		return &ledger.RespondentAdded{Catalogue: ledger.CatalogueSKB2020, Items: []string{"photo"}, Respondents: newcomers(m[0])}, nil
	}, ledger.RespondentAddedKind),
	rule(`to ([a-z-]+), ([a-z-]+)`, func(m []string) (any, error) {
		return &ledger.CaseReturned{To: ledger.AgencyID(m[0]), Letter: letter("B-1"), Reason: m[1]}, nil
	}, ledger.CaseReturnedKind),
	rule(`decree (\S+)`+aboutPart, func(m []string) (any, error) {
		return &ledger.DecisionDelivered{Decree: letter(m[0]), Named: about(m[1])}, nil
	}, ledger.DecisionDeliveredKind),
	rule(`decree (\S+) (conforming|not-conforming)`+aboutPart, func(m []string) (any, error) {
		return &ledger.DecisionReviewed{Decree: letter(m[0]), Result: m[1], Named: about(m[2])}, nil
	}, ledger.DecisionReviewedKind),
	rule(`decree (\S+) by letter (\S+?)`+aboutPart, func(m []string) (any, error) {
		return &ledger.DecisionAnnulled{Decree: letter(m[0]), Letter: letter(m[1]), Named: about(m[2])}, nil
	}, ledger.DecisionAnnulledKind),
	rule(`letter (\S+) to ([a-z]+ \S+) about ([a-z-]+) (\S+)`, func(m []string) (any, error) {
		return &ledger.PPKSanctioned{
			Letter: letter(m[0]), Authority: authority(m[1]), Basis: "UU 23/2014",
			Recommendation: ledger.RecommendationRef{Agency: ledger.AgencyID(m[2]), Number: m[3]},
		}, nil
	}, ledger.PPKSanctionedKind),
	rule(`(objection|bpasn|court) against (\S+?)`+aboutPart, func(m []string) (any, error) {
		return &ledger.RemedyFiled{Remedy: m[0], Decree: letter(m[1]), Named: about(m[2])}, nil
	}, ledger.RemedyFiledKind),
	rule(`(objection|bpasn|court) against (\S+): (.+)`, readRemedied, ledger.RemedyDecidedKind),
	rule(`letter (\S+)`+aboutPart, func(m []string) (any, error) {
		return &ledger.CriminalReferred{Letter: letter(m[0]), Named: about(m[1])}, nil
	}, ledger.CriminalReferredKind),
	rule(`(not-pursued|acquitted|convicted)`+aboutPart, func(m []string) (any, error) {
		return &ledger.CriminalConcluded{Outcome: m[0], Named: about(m[1])}, nil
	}, ledger.CriminalConcludedKind),
	rule(`(duplicate of|related to) (?:case (\d+)|itself)`, func(m []string) (any, error) {
		p := &ledger.CaseLinked{Link: ledger.LinkRelated, Case: caseID}
		if m[0] == "duplicate of" {
			p.Link = ledger.LinkDuplicate
		}
		if m[1] != "" {
			p.Case = "01759a2b-7c00-7000-8000-0000000000f" + m[1]
		}
		return p, nil
	}, ledger.CaseLinkedKind),
	rule(`document (\S+)`, func(m []string) (any, error) { return &ledger.EvidenceAttached{Reference: m[0]}, nil }, ledger.EvidenceAttachedKind),
	rule(`([a-z-]+)`+aboutPart, func(m []string) (any, error) {
		return &ledger.CaseReopened{Reason: m[0], Respondents: about(m[1]).Respondents}, nil
	}, ledger.CaseReopenedKind),
}

var corrected = regexp.MustCompile(`^([a-z.-]+) of (\S+) (?:is (void)|says (.*))$`)

// readCorrected reads "case.assessed of 2020-09-03 says r1 not-a-violation". The
// event's id is not known here: story.name puts it in the place of the day.
func readCorrected(what string) (any, error) {
	m := corrected.FindStringSubmatch(what)
	if m == nil {
		return nil, fmt.Errorf("no correction: %q", what)
	}
	m = m[1:]
	p := ledger.EventCorrected{Event: m[1], Kind: ledger.Kind(m[0]), Version: 1, Action: ledger.ActionVoid, Reason: "wrong-data"}
	if m[2] == "" {
		payload, err := parsePayload(p.Kind, m[3])
		if err != nil {
			return nil, err
		}
		p.Action = ledger.ActionReplace
		if p.Data, err = json.Marshal(payload); err != nil {
			return nil, err
		}
	}
	data, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	return ledger.DecodePayload(ledger.EventCorrectedKind, 1, data)
}

func readRemedied(m []string) (any, error) {
	list, err := outcomes(m[2], append([]string{
		ledger.OutcomeUpheld, ledger.OutcomeAnnulled,
	}, outcomesWith(ledger.OutcomeLightened, ledger.OutcomeIncreased, ledger.OutcomeChanged)...)...)
	p := &ledger.RemedyDecided{Remedy: m[0], Decree: letter(m[1]), Ruling: letter("P-1")}
	for _, o := range list {
		outcome, level, ok := strings.Cut(o[1], " to ")
		r := ledger.RemediedRespondent{ID: o[0], Outcome: outcome}
		if ok {
			r.Family, r.Level, r.Kind = family(level), level, sanctionOf(level)
		}
		p.Respondents = append(p.Respondents, r)
	}
	return p, err
}

// outcomesWith lists "lightened to light" and so on.
func outcomesWith(list ...string) []string {
	var out []string
	for _, o := range list {
		for _, level := range ledger.Sanctions {
			out = append(out, o+" to "+level)
		}
	}
	return out
}

// sanctionOf is the first kind of a level.
func sanctionOf(level string) string {
	i := slices.IndexFunc(ledger.SanctionKinds, func(k ledger.SanctionKind) bool { return k.Level == level })
	return ledger.SanctionKinds[i].Code
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
	p.Respondents = newcomers(m[2])
	return p, nil
}

func newcomers(list string) []ledger.NewRespondent {
	var out []ledger.NewRespondent
	for _, id := range splitList(list) {
		out = append(out, ledger.NewRespondent{
			ID: id, Employment: "pns", Class: "pelaksana",
			Institution: ledger.Institution{Kind: "province", Region: "73", Office: "IV"},
		})
	}
	return out
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
			r.Kind = sanctionOf(o[1])
		}
		p.Respondents = append(p.Respondents, r)
	}
	return p, err
}
