package roster_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// at reads a moment of Jakarta, as people there write it.
func at(t testing.TB, s string) time.Time {
	t.Helper()
	m, err := time.ParseInLocation("2006-01-02 15:04:05.000000", s, ledger.Jakarta)
	if err != nil {
		t.Fatal(err)
	}
	return m.UTC()
}

// TestMandateAtBothTimes: KASN clarified from 15 January 2014 until 3 September
// 2024, its last day, and may record late what happened from 2018 to 2020 if
// it does so from 2021 to 2025.
func TestMandateAtBothTimes(t *testing.T) {
	r := start(t)
	for _, tt := range []struct {
		name               string
		happened, recorded string
		code               ledger.Code
		at                 string
		late               bool
	}{
		{"the first moment", "2014-01-15 00:00:00.000000", "2014-01-15 00:00:00.000000", "", "", false},
		{"a moment before the first", "2014-01-14 23:59:59.999999", "2014-01-15 00:00:00.000000", ledger.CodeNoMandateThen, "/time", false},
		{"the last moment", "2024-09-03 23:59:59.999999", "2024-09-03 23:59:59.999999", "", "", false},
		{"recorded a moment after the last", "2024-09-03 23:59:59.999999", "2024-09-04 00:00:00.000000", ledger.CodeNoMandateNow, "/source", false},
		{"happened after the last", "2024-09-04 00:00:00.000000", "2024-09-05 00:00:00.000000", ledger.CodeNoMandateThen, "/time", false},
		{"thirty days ago", "2022-06-01 12:00:00.000000", "2022-07-01 12:00:00.000000", "", "", false},
		{"a moment more", "2022-06-01 12:00:00.000000", "2022-07-01 12:00:00.000001", ledger.CodeLateWithoutMandate, "/time", false},
		{"late under the mandate for it", "2020-06-01 12:00:00.000000", "2022-07-01 12:00:00.000000", "", "", true},
		{"late, the first moment that may be recorded", "2018-01-01 00:00:00.000000", "2022-07-01 12:00:00.000000", "", "", true},
		{"late, a moment before it", "2017-12-31 23:59:59.999999", "2022-07-01 12:00:00.000000", ledger.CodeLateWithoutMandate, "/time", false},
		{"late, the last moment that may be recorded", "2020-12-31 23:59:59.999999", "2022-07-01 12:00:00.000000", "", "", true},
		{"late, a moment after it", "2021-01-01 00:00:00.000000", "2022-07-01 12:00:00.000000", ledger.CodeLateWithoutMandate, "/time", false},
		{"before late recording is allowed", "2020-06-01 12:00:00.000000", "2020-12-31 23:59:59.999999", ledger.CodeLateWithoutMandate, "/time", false},
		{"on the first day it is", "2020-06-01 12:00:00.000000", "2021-01-01 00:00:00.000000", "", "", true},
		{"after the mandate's end, late", "2020-06-01 12:00:00.000000", "2025-12-31 23:59:59.999999", "", "", true},
		{"when late recording is over", "2020-06-01 12:00:00.000000", "2026-01-01 00:00:00.000000", ledger.CodeNoMandateNow, "/source", false},
		{"late recording is no mandate then", "2013-06-01 12:00:00.000000", "2022-07-01 12:00:00.000000", ledger.CodeNoMandateThen, "/time", false},
	} {
		got, bad := r.Authorize(ledger.KASN, ledger.MandateClarification, at(t, tt.happened), at(t, tt.recorded))
		if tt.code != "" {
			wantRefusal(t, tt.name, bad, tt.code, tt.at)
			continue
		}
		if bad != nil || got.Late != tt.late || len(got.Grants) != 1 {
			t.Errorf("%s: %+v, %v; want late %v", tt.name, got, bad, tt.late)
		}
	}
}

func TestWhoHoldsAMandate(t *testing.T) {
	r := start(t)
	day := ledger.Date("2022-06-01").Start()
	_, bad := r.Authorize(ledger.BKN, ledger.MandateClarification, day, day)
	wantRefusal(t, "another agency", bad, ledger.CodeNoMandateThen, "/time")
	_, bad = r.Authorize("kpu", "", day, day)
	wantRefusal(t, "a stranger, any mandate", bad, ledger.CodeNoMandateThen, "/time")
	_, bad = r.Authorize(ledger.Kemendagri, "", day, day)
	wantRefusal(t, "no mandate at all", bad, ledger.CodeNoMandateThen, "/time")
	if got, bad := r.Authorize(ledger.BKN, "", day, day); bad != nil || len(got.Grants) != 1 {
		t.Errorf("any mandate: %+v, %v", got, bad)
	}
	// A mandate for late recording alone does not make a participant.
	old := ledger.Date("2013-06-01").Start()
	_, bad = r.Authorize(ledger.KASN, "", old, ledger.Date("2022-06-01").Start())
	wantRefusal(t, "late recording is not any mandate", bad, ledger.CodeNoMandateThen, "/time")
}

// TestTwoGrants: the scopes of all that cover the time when it happened come
// back, and only those.
func TestTwoGrants(t *testing.T) {
	heir := grant(ledger.BKN, ledger.MandateClarification, "2024-09-04", "")
	heir.Scope, heir.Predecessor = ledger.ScopeNotPredecessor, ledger.KASN
	all := grant(ledger.BKN, ledger.MandateClarification, "2025-01-01", "2025-02-01")
	r := apply(t, start(t), 2, event(ledger.BKN, &ledger.MandateGranted{Grant: heir}), event(ledger.BKN, &ledger.MandateGranted{Grant: all}))
	for day, want := range map[ledger.Date][]ledger.Scope{
		"2024-12-31": {ledger.ScopeNotPredecessor},
		"2025-01-01": {ledger.ScopeNotPredecessor, ledger.ScopeAll},
		"2025-01-31": {ledger.ScopeNotPredecessor, ledger.ScopeAll},
		"2025-02-01": {ledger.ScopeNotPredecessor},
	} {
		got, bad := r.Authorize(ledger.BKN, ledger.MandateClarification, day.Start(), day.End())
		if bad != nil {
			t.Fatal(bad)
		}
		var scopes []ledger.Scope
		for _, g := range got.Grants {
			scopes = append(scopes, g.Scope)
			if g.Scope == ledger.ScopeNotPredecessor && g.Predecessor != ledger.KASN {
				t.Errorf("the grant's predecessor is %q", g.Predecessor)
			}
		}
		if !slices.Equal(scopes, want) {
			t.Errorf("on %s: scopes %v, want %v", day, scopes, want)
		}
	}
}

// TestMandateEnded: from its day on the mandate is not held, also for what
// happened then and is known already; what came before stays.
func TestMandateEnded(t *testing.T) {
	end := func(until ledger.Date) ledger.Event {
		return event(ledger.BKN, &ledger.MandateEnded{Agency: ledger.BKN, Mandate: ledger.MandateControl, Until: until})
	}
	before := start(t)
	if got := before.Grants(); got[2].Agency != ledger.BKN || got[2].Mandate != ledger.MandateControl || len(got) != 4 {
		t.Fatalf("grants %+v", got)
	}
	r := apply(t, before, 2, end("2025-06-01"))
	last, first := ledger.Date("2025-05-31").End(), ledger.Date("2025-06-01").Start()
	if _, bad := r.Authorize(ledger.BKN, ledger.MandateControl, last, last); bad != nil {
		t.Errorf("the last moment: %v", bad)
	}
	_, bad := r.Authorize(ledger.BKN, ledger.MandateControl, first, first)
	wantRefusal(t, "the first moment after", bad, ledger.CodeNoMandateThen, "/time")
	_, bad = r.Authorize(ledger.BKN, ledger.MandateControl, last, first)
	wantRefusal(t, "recorded after", bad, ledger.CodeNoMandateNow, "/source")
	if _, bad := before.Authorize(ledger.BKN, ledger.MandateControl, first, first); bad != nil {
		t.Errorf("the roster before the end changed: %v", bad)
	}
	for i, g := range r.Grants() {
		if was := before.Grants()[i].Until; i != 2 && g.Until != was {
			t.Errorf("the end of BKN's control moved that of %s of %s to %q", g.Mandate, g.Agency, g.Until)
		}
	}
	// An end may be moved forward, and a new grant begins anew.
	r = apply(t, r, 3, end("2025-03-01"))
	if until := r.Grants()[2].Until; until != "2025-03-01" {
		t.Errorf("the mandate ends on %s", until)
	}
	r = apply(t, r, 4, event(ledger.BKN, &ledger.MandateGranted{Grant: grant(ledger.BKN, ledger.MandateControl, "2025-07-01", "")}))
	for day, held := range map[ledger.Date]bool{"2025-02-28": true, "2025-03-01": false, "2025-06-30": false, "2025-07-01": true} {
		if _, bad := r.Authorize(ledger.BKN, ledger.MandateControl, day.Start(), day.Start()); (bad == nil) != held {
			t.Errorf("on %s: %v, want held %v", day, bad, held)
		}
	}
}

// TestRegimeAt: the regime that began last of those in force; of two that began
// on one day the one published last.
func TestRegimeAt(t *testing.T) {
	regime := func(id string, from, until ledger.Date) ledger.Event {
		return event(ledger.BKN, &ledger.Regime{ID: id, From: from, Until: until})
	}
	if got := start(t).RegimeAt(ledger.Date("2020-01-01").Start()); !reflect.DeepEqual(got, ledger.Regime{}) {
		t.Errorf("without any: %+v", got)
	}
	r := apply(t, start(t), 2, regime("perbkn-1-2023", "2023-01-10", ""), regime("always", "", ""),
		regime("pilkada-2020", "2020-09-01", "2021-01-01"), regime("pilkada-2020-b", "2020-09-01", "2020-12-01"))
	for moment, want := range map[string]string{
		"2019-01-01 00:00:00.000000": "always",
		"2020-08-31 23:59:59.999999": "always",
		"2020-09-01 00:00:00.000000": "pilkada-2020-b",
		"2020-12-01 00:00:00.000000": "pilkada-2020",
		"2020-12-31 23:59:59.999999": "pilkada-2020",
		"2021-01-01 00:00:00.000000": "always",
		"2023-01-09 23:59:59.999999": "always",
		"2023-01-10 00:00:00.000000": "perbkn-1-2023",
		"2030-01-01 00:00:00.000000": "perbkn-1-2023",
	} {
		if got := r.RegimeAt(at(t, moment)).ID; got != want {
			t.Errorf("on %s: regime %q, want %q", moment, got, want)
		}
	}
	var ids []string
	for _, g := range r.Regimes() {
		ids = append(ids, g.ID)
	}
	if want := []string{"perbkn-1-2023", "always", "pilkada-2020", "pilkada-2020-b"}; !slices.Equal(ids, want) {
		t.Errorf("regimes in the order %v, want %v", ids, want)
	}
}

// TestLawAt: the heirs are those of the grants that name a predecessor, with
// their days as they are now, whatever the moment asked for.
func TestLawAt(t *testing.T) {
	if law := start(t).LawAt(at(t, "2020-01-01 00:00:00.000000")); len(law.Heirs) != 0 || !law.At.Equal(at(t, "2020-01-01 00:00:00.000000")) {
		t.Errorf("without any: %+v", law)
	}
	heir := grant(ledger.BKN, ledger.MandateClarification, "2024-09-04", "")
	heir.Scope, heir.Predecessor = ledger.ScopeNotPredecessor, ledger.KASN
	before := apply(t, start(t), 2, event(ledger.BKN, &ledger.MandateGranted{Grant: heir}),
		event(ledger.BKN, &ledger.Regime{ID: "strict", From: "2023-01-10", ReprimandBeforeBlock: true}))
	after := apply(t, before, 4, event(ledger.BKN, &ledger.MandateEnded{Agency: ledger.BKN, Mandate: ledger.MandateClarification, Until: "2027-10-16"}))
	law := before.LawAt(at(t, "2023-01-10 00:00:00.000000"))
	if len(law.Heirs) != 1 || law.Heirs[0].Predecessor != ledger.KASN || law.Heirs[0].Until != "" || law.Regime.ID != "strict" {
		t.Errorf("before the end: %+v", law)
	}
	if law := after.LawAt(at(t, "2023-01-09 00:00:00.000000")); len(law.Heirs) != 1 || law.Heirs[0].Until != "2027-10-16" || law.Regime.ID != "" {
		t.Errorf("after it: %+v", law)
	}
}

// TestGrantsOfBothTimes: what was held when it happened and what is held when it
// is recorded come apart, so that the scope of each can be looked at.
func TestGrantsOfBothTimes(t *testing.T) {
	old := grant(ledger.BKN, ledger.MandateClarification, "", "2025-02-01")
	heir := grant(ledger.BKN, ledger.MandateClarification, "2025-02-01", "")
	heir.Scope, heir.Predecessor = ledger.ScopeNotPredecessor, ledger.KASN
	r := apply(t, start(t), 2, event(ledger.BKN, &ledger.MandateGranted{Grant: old}), event(ledger.BKN, &ledger.MandateGranted{Grant: heir}))
	got, bad := r.Authorize(ledger.BKN, ledger.MandateClarification, ledger.Date("2025-01-31").Start(), ledger.Date("2025-02-01").Start())
	if bad != nil {
		t.Fatal(bad)
	}
	if got.Late || len(got.Grants) != 1 || got.Grants[0].Scope != ledger.ScopeAll || len(got.Now) != 1 || got.Now[0].Scope != ledger.ScopeNotPredecessor {
		t.Errorf("%+v", got)
	}
}
