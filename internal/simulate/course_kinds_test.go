package simulate

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// silent are kinds that no course has, with the reason.
var silent = map[ledger.Kind]string{
	ledger.InstitutionAddedKind: "the domain knows of none that joined before 2027",
}

// Among the records of 50,000 cases there are all kinds but those of silent, in
// plausible numbers.
func TestEveryKindOccurs(t *testing.T) {
	l := simulated(50_000, 7, "2026-10-31")
	kinds, respondents, events := map[ledger.Kind]int{}, map[int]int{}, 0
	items, institutions := map[string]int{}, map[string]bool{}
	lags, months := map[string]int{}, map[string]int{}
	waiting, reports := map[string]bool{}, 0
	actions := map[string]int{}
	moment := ledger.Date("2024-12-04").End()
	l.entries(func(e entry) bool {
		kinds[e.kind]++
		info, _ := ledger.LookupKind(e.kind, 1)
		if info.Stream != ledger.StreamCase {
			return true
		}
		events++
		lags[lagOf(e)]++
		switch p := e.payload.(type) {
		case ledger.CaseOpened:
			respondents[len(p.Respondents)]++
			months[string(e.at.date()[:7])]++
			for _, i := range p.Items {
				items[i]++
			}
			for _, r := range p.Respondents {
				institutions[r.Institution.Key()] = true
			}
			if p.Channel == ledger.ChannelSharedSystem && p.Origin == ledger.OriginReport && !e.at.time().After(moment) {
				reports++
				waiting[e.subject] = true
			}
		case ledger.VerificationConcluded, ledger.CaseWithdrawn:
			if !e.at.time().After(moment) {
				delete(waiting, e.subject)
			}
		case replaced:
			actions[ledger.ActionReplace]++
		case ledger.EventCorrected:
			actions[p.Action]++
		}
		return true
	})
	kinds[ledger.GenesisKind]++
	for _, k := range ledger.Kinds {
		if _, named := silent[k.Kind]; named == (kinds[k.Kind] > 0) {
			t.Errorf("%s occurs %d times; exception: %q", k.Kind, kinds[k.Kind], silent[k.Kind])
		}
	}
	for _, it := range ledger.Items {
		if items[it.Code] == 0 {
			t.Errorf("nobody is alleged to have done %s", it.Code)
		}
	}
	for _, p := range ledger.Provinces() {
		if !institutions[p.Code] {
			t.Errorf("no respondent of %s", p.Name)
		}
	}
	for _, r := range ledger.Regencies() {
		if !institutions[r.Code] {
			t.Errorf("no respondent of %s", r.Name)
		}
	}
	if per := float64(events) / 50_000; per < 9 || per > 11 {
		t.Errorf("%.1f events a case, want about 10", per)
	}
	if share := float64(len(waiting)) / float64(reports); share < 0.5 || share > 0.66 {
		t.Errorf("on 4 December 2024 %d of %d reports wait for verification (%.2f); published were 667 of 1,158", len(waiting), reports, share)
	}
	if months["2020-11"] < 5*months["2021-11"] || months["2024-11"] < 10*months["2025-11"] {
		t.Errorf("no seasons: %v", months)
	}
	if respondents[1] < 30_000 || respondents[2] == 0 || respondents[4] == 0 || len(respondents) < 10 || actions["void"] == 0 || actions["replace"] == 0 {
		t.Errorf("respondents %v, corrections %v", respondents, actions)
	}
	t.Log(summary(kinds))
	t.Logf("%d case events; waiting %d of %d; lags %v; respondents %v; corrections %v", events, len(waiting), reports, lags, respondents, actions)
}

func lagOf(e entry) string {
	switch lag := e.recorded - e.at; {
	case lag < daily:
		return "a: within a day"
	case lag < 7*daily:
		return "b: within a week"
	case lag < 30*daily:
		return "c: within thirty days"
	default:
		return "d: late"
	}
}

func summary(kinds map[ledger.Kind]int) string {
	var out []string
	for k, n := range kinds {
		out = append(out, fmt.Sprintf("%s %d", k, n))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// The hand-over: KASN says nothing of what happened since 4 September 2024, and
// what it had in hand goes on with KemenPAN-RB or BKN.
func TestHandOver(t *testing.T) {
	end := time.Date(2024, 9, 3, 17, 0, 0, 0, time.UTC)
	from := map[ledger.AgencyID]int{}
	for e := range (Course{Cases: 5000, Seed: 2, Until: "2026-10-31"}).Events() {
		if e.Agency == ledger.KASN && !e.Time.Before(end) {
			t.Fatalf("%s by KASN of %v", e.Kind, e.Time)
		}
		if p, ok := e.Payload.(ledger.CaseReceived); ok && p.From == ledger.KASN {
			from[e.Agency]++
		}
	}
	if from[ledger.BKN] < 10 || from[ledger.KemenPANRB] < 10 {
		t.Errorf("received from KASN: %v", from)
	}
}
