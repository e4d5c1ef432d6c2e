package ledger_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
)

// checkClaim holds one claim of a story against the history so far.
func checkClaim(history []ledger.CaseEvent, text string) error {
	if m := knownAt.FindStringSubmatch(text); m != nil {
		position, err := strconv.Atoi(m[1])
		if err != nil {
			return err
		}
		known := slices.DeleteFunc(slices.Clone(history), func(e ledger.CaseEvent) bool { return e.Position > ledger.Position(position) })
		return checkClaim(known, m[2])
	}
	for _, r := range claimRules {
		if m := r.pattern.FindStringSubmatch(text); m != nil {
			return r.check(history, m[1:])
		}
	}
	return fmt.Errorf("no claim: %q", text)
}

// knownAt is a claim about what was on the ledger up to a position.
var knownAt = regexp.MustCompile(`^known at position (\d+), (.*)$`)

type claimRule struct {
	pattern *regexp.Regexp
	check   func(history []ledger.CaseEvent, m []string) error
}

func claims(pattern string, check func(history []ledger.CaseEvent, m []string) error) claimRule {
	return claimRule{regexp.MustCompile("^" + pattern + "$"), check}
}

const someRespondents = `(r\d+(?:, r\d+)*)`

var claimRules = []claimRule{
	claims(someRespondents+` (?:is|are) ([a-z_]+)`, claimStage),
	claims(`control of `+someRespondents+` is ([a-z]+)`, claimControl),
	claims(`remedy of `+someRespondents+` is ([a-z]+)`, claimRemedy),
	claims(`sanction of `+someRespondents+` is ([a-z-]+)`, claimSanction),
	claims(`criminal branch of `+someRespondents+` is ([a-z]+)`, claimCriminal),
	claims(`(r\d+) was decided before by (\S+)`, claimAnnulled),
	claims(`decree on (r\d+) was (not delivered|delivered on \S+)`, claimDelivered),
	claims(`check of the decree on (r\d+) found (nothing|[a-z-]+)`, claimReviewed),
	claims(`(r\d+) counts as nothing`, func(history []ledger.CaseEvent, m []string) error { return claimMeasures(history, []string{m[0], ""}) }),
	claims(`the case is a duplicate of case (\d+)`, func(history []ledger.CaseEvent, m []string) error {
		return same("the duplicate", ledger.Fold(history).DuplicateOf, "01759a2b-7c00-7000-8000-0000000000f"+m[0])
	}),
	claims(`the case is no duplicate`, func(history []ledger.CaseEvent, _ []string) error {
		return same("the duplicate", ledger.Fold(history).DuplicateOf, "")
	}),
	claims(`the case is related to (\d+) others?`, func(history []ledger.CaseEvent, m []string) error {
		return same("related", fmt.Sprint(len(ledger.Fold(history).Related)), m[0])
	}),
	claims(`the case has (\d+) documents?`, func(history []ledger.CaseEvent, m []string) error {
		return same("documents", fmt.Sprint(ledger.Fold(history).Evidence), m[0])
	}),
	claims(`there is no case`, func(history []ledger.CaseEvent, _ []string) error {
		return same("the case", ledger.Fold(history).ID, "")
	}),
	claims(`position (\d+) is (void|corrected|as recorded)(?: by position (\d+))?`, claimCorrected),
	claims(`([a-z-]+) holds the case`, func(history []ledger.CaseEvent, m []string) error {
		return same("the holder", string(ledger.Fold(history).Holder), m[0])
	}),
	claims(`([a-z-]+) is to receive it`, func(history []ledger.CaseEvent, m []string) error {
		to := string(ledger.Fold(history).Addressee)
		if to == "" {
			to = "nobody"
		}
		return same("the addressee", to, m[0])
	}),
	claims(`([a-z, -]+) takes? part`, func(history []ledger.CaseEvent, m []string) error {
		return same("the participants", strings.Join(sortedStrings(ledger.Fold(history).Participants), ", "), m[0])
	}),
	claims(`the case is at version (\d+)`, func(history []ledger.CaseEvent, m []string) error {
		return same("the version", fmt.Sprint(ledger.Fold(history).Version), m[0])
	}),
	claims(`the case has (\d+) unknown records?`, func(history []ledger.CaseEvent, m []string) error {
		return same("unknown records", fmt.Sprint(ledger.Fold(history).Unknown), m[0])
	}),
	claims(someRespondents+` counts? as (.*)`, claimMeasures),
	claims(someRespondents+` (?:is|are) of (?:family )?(no family|ethics|discipline)`, claimFamily),
	claims(`(r\d+) has (no decision|the decision .*)`, claimDecision),
	claims(`on (\S+) (r\d+) was ([a-z_]+)`, claimPast),
	claims(`on (\S+) there was no case`, func(history []ledger.CaseEvent, m []string) error {
		for _, r := range ledger.History(history) {
			if holds(r, m[0]) {
				return fmt.Errorf("on %s there was %s", m[0], r.Respondent)
			}
		}
		return nil
	}),
}

func same(what, got, want string) error {
	if got != want {
		return fmt.Errorf("%s: %s, want %s", what, got, want)
	}
	return nil
}

func respondents(history []ledger.CaseEvent, list string, check func(ledger.Respondent) error) error {
	c := ledger.Fold(history)
	for _, id := range splitList(list) {
		i := slices.IndexFunc(c.Respondents, func(r ledger.Respondent) bool { return r.ID == id })
		if i < 0 {
			return fmt.Errorf("the case has no %s", id)
		}
		if err := check(c.Respondents[i]); err != nil {
			return err
		}
	}
	return nil
}

func claimStage(history []ledger.CaseEvent, m []string) error {
	return respondents(history, m[0], func(r ledger.Respondent) error { return same("stage of "+r.ID, string(r.Stage), m[1]) })
}

func claimControl(history []ledger.CaseEvent, m []string) error {
	return respondents(history, m[0], func(r ledger.Respondent) error { return same("control of "+r.ID, string(r.Control), m[1]) })
}

func claimRemedy(history []ledger.CaseEvent, m []string) error {
	return respondents(history, m[0], func(r ledger.Respondent) error { return same("remedy of "+r.ID, r.Remedy(), m[1]) })
}

func claimCriminal(history []ledger.CaseEvent, m []string) error {
	return respondents(history, m[0], func(r ledger.Respondent) error {
		return same("criminal branch of "+r.ID, string(r.Criminal), m[1])
	})
}

// claimSanction compares the level of the sanction that stands.
func claimSanction(history []ledger.CaseEvent, m []string) error {
	return respondents(history, m[0], func(r ledger.Respondent) error {
		got := "none"
		if r.Decision != nil {
			if s, ok := r.Decision.Standing(); ok {
				got = s.Level
			}
		}
		return same("sanction of "+r.ID, got, m[1])
	})
}

func claimAnnulled(history []ledger.CaseEvent, m []string) error {
	return respondents(history, m[0], func(r ledger.Respondent) error {
		var numbers []string
		for _, d := range r.Annulled {
			numbers = append(numbers, d.Decree.Number)
		}
		return same("annulled decrees on "+r.ID, strings.Join(numbers, ","), m[1])
	})
}

func claimDelivered(history []ledger.CaseEvent, m []string) error {
	return respondents(history, m[0], func(r ledger.Respondent) error {
		got := "not delivered"
		if r.Decision != nil && !r.Decision.Delivered.IsZero() {
			got = "delivered on " + r.Decision.Delivered.In(ledger.Jakarta).Format("2006-01-02")
		}
		return same("decree on "+r.ID, got, m[1])
	})
}

func claimReviewed(history []ledger.CaseEvent, m []string) error {
	return respondents(history, m[0], func(r ledger.Respondent) error {
		got := "nothing"
		if r.Decision != nil && r.Decision.Reviewed != "" {
			got = r.Decision.Reviewed
		}
		return same("check of the decree on "+r.ID, got, m[1])
	})
}

// claimCorrected compares what became of a record: "void by position 9",
// "corrected by position 9", "as recorded".
func claimCorrected(history []ledger.CaseEvent, m []string) error {
	for _, e := range ledger.Effective(history) {
		if fmt.Sprint(e.Position) != m[0] {
			continue
		}
		got, by := "as recorded", ""
		if e.Corrected > 0 {
			got, by = "corrected", fmt.Sprint(e.Corrected)
		}
		if e.Void {
			got = "void"
		}
		return same("position "+m[0], got+" "+by, m[1]+" "+m[2])
	}
	return fmt.Errorf("there is no position %s", m[0])
}

// current gives the row that holds of a respondent at the end of a history.
func current(history []ledger.CaseEvent, id string) (ledger.Row, error) {
	for _, r := range ledger.History(history) {
		if r.Respondent == id && r.To.IsZero() {
			return r, nil
		}
	}
	return ledger.Row{}, fmt.Errorf("no row of %s", id)
}

func claimMeasures(history []ledger.CaseEvent, m []string) error {
	for _, id := range splitList(m[0]) {
		r, err := current(history, id)
		if err != nil {
			return err
		}
		var names []string
		for i, began := range r.Began {
			if !began.IsZero() {
				names = append(names, ledger.Measure(i).String())
			}
		}
		want := splitList(m[1])
		slices.Sort(names)
		slices.Sort(want)
		if !slices.Equal(names, want) {
			return fmt.Errorf("%s counts as %s", id, strings.Join(names, ", "))
		}
	}
	return nil
}

func claimFamily(history []ledger.CaseEvent, m []string) error {
	for _, id := range splitList(m[0]) {
		r, err := current(history, id)
		if err != nil {
			return err
		}
		if err := same("family of "+id, r.Family, strings.TrimSuffix(m[1], "no family")); err != nil {
			return err
		}
	}
	return nil
}

// claimDecision compares with "the decision SK-1 of bkn, medium, confirmed by
// kasn, disputed by bawaslu".
func claimDecision(history []ledger.CaseEvent, m []string) error {
	return respondents(history, m[0], func(r ledger.Respondent) error {
		d := r.Decision
		if d == nil {
			return same("decision on "+r.ID, "no decision", m[1])
		}
		got := fmt.Sprintf("the decision %s of %s, %s", d.Decree.Number, d.By, d.Outcome)
		if d.Outcome == ledger.OutcomeSanctioned {
			got = fmt.Sprintf("the decision %s of %s, %s", d.Decree.Number, d.By, d.Level)
		}
		for _, a := range d.Confirmed {
			got += ", confirmed by " + string(a)
		}
		for _, a := range d.Disputed {
			got += ", disputed by " + string(a)
		}
		return same("decision on "+r.ID, got, m[1])
	})
}

func holds(r ledger.Row, day string) bool {
	at := ledger.Date(day).End()
	return !r.From.After(at) && (r.To.IsZero() || r.To.After(at))
}

func claimPast(history []ledger.CaseEvent, m []string) error {
	for _, r := range ledger.History(history) {
		if r.Respondent == m[1] && holds(r, m[0]) {
			return same(fmt.Sprintf("stage of %s on %s", m[1], m[0]), string(r.Stage), m[2])
		}
	}
	return fmt.Errorf("on %s there was no %s", m[0], m[1])
}
