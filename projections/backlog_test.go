package projections

import (
	"context"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// checkBacklog compares every count of a backlog with a count over what
// ledger.Obligations says of each case.
func checkBacklog(t *rapid.T, r *Reader, b *book) {
	for range rapid.IntRange(1, 4).Draw(t, "backlogs") {
		q := BacklogQuery{
			Agency: pick(t, "agency", "", "", ledger.Bawaslu, ledger.KASN, ledger.BKN), AsOf: drawMoment(t, b),
			KnownAt: ledger.Position(rapid.IntRange(1, len(b.records)).Draw(t, "known at")), Longest: pick(t, "longest", 0, 1, 5),
		}
		if rapid.Bool().Draw(t, "as of the end") {
			q.AsOf = b.records[len(b.records)-1].Recorded
		}
		for range rapid.IntRange(0, 4).Draw(t, "moments") {
			if at := drawMoment(t, b); !at.After(q.AsOf) {
				q.Trend = append(q.Trend, at)
			}
		}
		got, err := r.Backlog(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		compareBacklog(t, got, b)
	}
}

func compareBacklog(t failer, got Backlog, b *book) {
	t.Helper()
	q := got.Query
	all := b.obligations(WorkQuery{Agency: q.Agency, AsOf: q.AsOf, KnownAt: q.KnownAt, All: true})
	count := func(list []ledger.Obligation, is func(o *ledger.Obligation) bool) (n int) {
		for i := range list {
			if is(&list[i]) {
				n++
			}
		}
		return n
	}
	duty := func(o *ledger.Obligation) bool { return o.State.Pending() && !o.Right }
	late := func(o *ledger.Obligation) bool { return o.State == ledger.ObligationOverdue }
	equal := func(what string, got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%s of %+v: %+v, the ledger says %+v", what, q, got, want)
		}
	}
	equal("pending", got.All.Pending, count(all, duty))
	equal("overdue", got.All.Overdue, count(all, late))
	equal("rights", got.Rights, count(all, func(o *ledger.Obligation) bool { return o.State.Pending() && o.Right }))
	pending := 0
	for _, h := range got.Heaps {
		pending += h.Tally.Pending
		in := func(o *ledger.Obligation) bool {
			return o.State.Pending() && o.OwedBy == h.OwedBy && o.Code == h.Code && o.Regime == h.Regime && o.Doubt == h.Doubt && o.Right == h.Right
		}
		equal("heap "+h.OwedBy+" "+h.Code, h.Tally.Pending, count(all, in))
		equal("late of it", h.Tally.Overdue, count(all, func(o *ledger.Obligation) bool { return in(o) && late(o) }))
		equal("undated of it", h.Tally.Undated, count(all, func(o *ledger.Obligation) bool { return in(o) && o.Due == "" }))
	}
	equal("sum of heaps", pending, got.All.Pending+got.Rights)
	equal("aged", sumAges(got.Ages)+got.Unaged, got.All.Pending)
	for _, a := range got.Ages {
		equal("age", a.Pending, count(all, func(o *ledger.Obligation) bool {
			return duty(o) && max(0, ledger.DaysBetween(ledger.DayOf(o.Since), ledger.DayOf(q.AsOf))) == a.Days // a letter may name a day to come
		}))
	}
	dated := 0
	for _, d := range got.Due {
		dated += d.Pending
		equal("due", d.Pending, count(all, func(o *ledger.Obligation) bool { return duty(o) && o.Due == d.Day && o.Code == d.Code }))
	}
	equal("dated", dated, got.All.Pending-got.All.Undated)
	for i, p := range got.Trend {
		then := b.obligations(WorkQuery{Agency: q.Agency, AsOf: q.Trend[i], KnownAt: q.KnownAt})
		equal("trend", TrendCount{q.Trend[i], count(then, duty), count(then, late)}, p)
	}
	compareAuthorities(t, got, all)
	waits := slices.DeleteFunc(slices.Clone(all), func(o ledger.Obligation) bool { return !duty(&o) || o.Since.IsZero() })
	slices.SortFunc(waits, compareWaits)
	equal("longest", len(got.Longest), min(q.Longest, len(waits)))
	for i := range got.Longest {
		equal("longest", got.Longest[i], waits[i])
	}
}

func sumAges(list []AgeCount) (n int) {
	for _, a := range list {
		n += a.Pending
	}
	return n
}

// compareAuthorities: an authority owed a decision in as many cases as have an
// obligation of its that awaits one.
func compareAuthorities(t failer, got Backlog, all []ledger.Obligation) {
	t.Helper()
	owed, overdue := map[string]map[string]bool{}, map[string]map[string]bool{}
	oldest := map[string]ledger.Date{}
	for _, o := range all {
		if o.OwedBy != ledger.OwedByAuthority || !slices.Contains(o.To, ledger.MilestoneDecided) {
			continue
		}
		if owed[o.Authority] == nil {
			owed[o.Authority], overdue[o.Authority] = map[string]bool{}, map[string]bool{}
		}
		if owed[o.Authority][o.Case] = true; o.State == ledger.ObligationOverdue {
			overdue[o.Authority][o.Case], oldest[o.Authority] = true, earlier(oldest[o.Authority], o.Due)
		}
	}
	if len(got.Authorities) != len(owed) {
		t.Fatalf("%d authorities, the ledger says %d", len(got.Authorities), len(owed))
	}
	for _, a := range got.Authorities {
		if a.Owed != len(owed[a.Authority]) || a.Overdue != len(overdue[a.Authority]) || a.Owed != a.Overdue+a.Open+a.Decided+a.Ended {
			t.Fatalf("authority %+v, the ledger says %d of %d", a, len(overdue[a.Authority]), len(owed[a.Authority]))
		}
		if a.OldestDue != oldest[a.Authority] {
			t.Fatalf("authority %+v, the ledger says due on %q", a, oldest[a.Authority])
		}
	}
}

// drawFilter draws a filter, and says what it asks for in other words.
func drawFilter(t *rapid.T) (f WorkFilter, keeps func(o *ledger.Obligation, at time.Time) bool) {
	switch pick(t, "filter", "none", "none", "state", "owed-by", "authority", "code", "awaits", "doubt", "duties", "due", "undated", "age") {
	case "state":
		f.State = pick(t, "state", ledger.ObligationOpen, ledger.ObligationOverdue, ledger.ObligationMet, ledger.ObligationLapsed, ledger.ObligationEnded)
		return f, func(o *ledger.Obligation, _ time.Time) bool { return o.State == f.State }
	case "owed-by":
		f.OwedBy = pick(t, "owed by", "bawaslu", "kasn", "bkn", ledger.OwedByAuthority, ledger.OwedByRespond)
		return f, func(o *ledger.Obligation, _ time.Time) bool { return o.OwedBy == f.OwedBy }
	case "authority":
		f.Authority = pick(t, "authority", "regent-73.01", "mayor-73.71", "nobody")
		return f, func(o *ledger.Obligation, _ time.Time) bool { return o.Authority == f.Authority }
	case "code":
		f.Code = pick(t, "code", "decision", "handling", ledger.NextStep)
		return f, func(o *ledger.Obligation, _ time.Time) bool { return o.Code == f.Code }
	case "awaits":
		f.Awaits = ledger.MilestoneDecided
		return f, func(o *ledger.Obligation, _ time.Time) bool { return slices.Contains(o.To, ledger.MilestoneDecided) }
	case "doubt":
		f.Doubt = ledger.DoubtUnsure
		return f, func(o *ledger.Obligation, _ time.Time) bool { return o.Doubt == ledger.DoubtUnsure }
	case "duties":
		f.Duties = true
		return f, func(o *ledger.Obligation, _ time.Time) bool { return !o.Right }
	case "due":
		f.DueFrom, f.DueTo = "2020-09-05", pick(t, "due to", "2020-09-05", "2020-09-20", ledger.Date(""))
		return f, func(o *ledger.Obligation, _ time.Time) bool {
			return o.Due >= "2020-09-05" && (f.DueTo == "" || o.Due <= f.DueTo)
		}
	case "undated":
		f.Undated = true
		return f, func(o *ledger.Obligation, _ time.Time) bool { return o.Due == "" }
	case "age":
		f.MinAge, f.MaxAge = pick(t, "least", 0, 3), pick(t, "most", 5, 30)
		return f, func(o *ledger.Obligation, at time.Time) bool {
			days := max(0, ledger.DaysBetween(ledger.DayOf(o.Since), ledger.DayOf(at)))
			return days >= f.MinAge && days <= f.MaxAge
		}
	default:
		return f, func(*ledger.Obligation, time.Time) bool { return true }
	}
}

// TestBacklogRefusesTheFuture: no moment of a trend lies after as-of, and nothing
// that is not settled is answered.
func TestBacklogRefusesTheFuture(t *testing.T) {
	url := testkit.DB(t)
	b := reconciled()
	project(t, url, b.feed(10))
	r := openReader(t, url)
	last := b.records[len(b.records)-1].Recorded
	if _, err := r.Backlog(t.Context(), BacklogQuery{AsOf: last.Add(-time.Hour), Trend: []time.Time{last}}); err == nil {
		t.Error("a moment after as-of is counted")
	}
	if _, err := r.Backlog(t.Context(), BacklogQuery{AsOf: last.Add(time.Hour)}); err == nil {
		t.Error("what is not settled is answered")
	}
	got, err := r.Backlog(t.Context(), BacklogQuery{Trend: []time.Time{last}, Longest: 3})
	if err != nil || got.All.Pending == 0 || got.All.Pending != got.Trend[0].Pending || len(got.Longest) != 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	compareBacklog(t, got, b)
}
