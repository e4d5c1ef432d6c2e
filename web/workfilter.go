package web

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// workFilters are the parameters that narrow a work list, on its page, in the API
// and in a calendar.
var workFilters = []string{
	"state", "owed-by", "authority", "code", "awaits", "regime", "doubt", "kind", "due", "due-from", "due-to", "age-from", "age-to",
}

// dueNone asks for what has no due day, kindDuty for what has to be done.
const (
	dueNone  = "none"
	kindDuty = "duty"
)

// obligationStates lists the states of an obligation.
var obligationStates = []ledger.ObligationState{
	ledger.ObligationOverdue, ledger.ObligationOpen, ledger.ObligationMet, ledger.ObligationLapsed, ledger.ObligationEnded,
}

var (
	workCode     = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)
	workPlace    = regexp.MustCompile(`^[a-z0-9.-]{1,64}$`)
	maxAgeAsked  = 100_000
	workStates   = asWords(obligationStates)
	workDoubts   = []string{string(ledger.DoubtNone), string(ledger.DoubtUnsure), string(ledger.DoubtConflict)}
	workAwaited  = asWords(ledger.Milestones)
	workFilterIs = map[string]func(string) bool{
		"state":     func(v string) bool { return slices.Contains(workStates, v) },
		"owed-by":   func(v string) bool { return slices.Contains(ledger.Parties, v) || ledger.AgencyID(v).Valid() },
		"authority": workPlace.MatchString, "code": workCode.MatchString, "regime": workCode.MatchString,
		"awaits":   func(v string) bool { return slices.Contains(workAwaited, v) },
		"doubt":    func(v string) bool { return slices.Contains(workDoubts, v) },
		"kind":     func(v string) bool { return v == kindDuty },
		"due":      func(v string) bool { return v == dueNone || ledger.Date(v).Valid() },
		"due-from": func(v string) bool { return ledger.Date(v).Valid() },
		"due-to":   func(v string) bool { return ledger.Date(v).Valid() },
		"age-from": isDays, "age-to": isDays,
	}
	workFilterSays = map[string]string{
		"state": "it is overdue, open, met, lapsed or ended", "owed-by": "it is an agency or a party of docs/deadlines.md",
		"authority": "it is an appointing authority such as regent-73.01", "code": "it is the code of a deadline",
		"regime": "it is the id of a regime", "awaits": "it is a milestone of docs/deadlines.md", "doubt": "it is none, unsure or conflict",
		"kind": "it is duty", "due": "it is a date or none", "due-from": "it is a date", "due-to": "it is a date",
		"age-from": "it is a number of days", "age-to": "it is a number of days",
	}
)

func asWords[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

func isDays(v string) bool {
	n, err := strconv.Atoi(v)
	return err == nil && n >= 0 && n <= maxAgeAsked && strconv.Itoa(n) == v
}

// parseWorkFilter reads the filters of a work list. Errors are *Problem, and quote
// nothing.
func parseWorkFilter(values url.Values) (projections.WorkFilter, error) {
	for _, name := range workFilters {
		if v := values.Get(name); v != "" && !workFilterIs[name](v) {
			return projections.WorkFilter{}, badQuery(name, workFilterSays[name])
		}
	}
	days := func(name string) int {
		n, _ := strconv.Atoi(values.Get(name)) // was looked at
		return n
	}
	f := projections.WorkFilter{
		State: ledger.ObligationState(values.Get("state")), OwedBy: values.Get("owed-by"), Authority: values.Get("authority"),
		Code: values.Get("code"), Awaits: ledger.Milestone(values.Get("awaits")), Regime: values.Get("regime"), Doubt: ledger.Doubt(values.Get("doubt")),
		Duties: values.Get("kind") == kindDuty, DueFrom: ledger.Date(values.Get("due-from")), DueTo: ledger.Date(values.Get("due-to")),
		MinAge: days("age-from"), MaxAge: days("age-to"),
	}
	switch due := values.Get("due"); {
	case due == "":
	case f.DueFrom != "" || f.DueTo != "":
		return f, badQuery("due", "it does not stand beside due-from or due-to")
	case due == dueNone:
		f.Undated = true
	default:
		f.DueFrom, f.DueTo = ledger.Date(due), ledger.Date(due)
	}
	if values.Get("age-to") == "0" { // MaxAge 0 is no bound
		return f, badQuery("age-to", "it is at least 1")
	}
	return f, nil
}

// workFilterValue says a filter's value in words.
func workFilterValue(name, value string) text {
	switch name {
	case "owed-by":
		return partyWord(value)
	case "authority":
		return authorityWord(value)
	case "code":
		return word("deadline", value)
	case "awaits":
		return word("milestone", value)
	case "doubt":
		return word("doubt", value)
	case "state":
		return word("obligation", value)
	case "kind":
		return text{"hanya kewajiban, tanpa hak", "duties only, no rights"}
	case "due", "due-from", "due-to":
		if value == dueNone {
			return text{"tanpa tenggat yang diumumkan", "no due day is published"}
		}
		return text{indonesian.day(ledger.Date(value)), english.day(ledger.Date(value))}
	case "age-from", "age-to":
		return text{value + " hari", value + " days"}
	}
	return text{value, value}
}

// partyWord names who owes: an agency or one of ledger.Parties.
func partyWord(owedBy string) text {
	if owedBy == "" {
		return text{"tidak ada yang memegang", "nobody holds it"}
	}
	if t, ok := dataWords["owed-by"][owedBy]; ok {
		return t
	}
	return word("agency", owedBy)
}
