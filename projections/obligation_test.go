package projections

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/ledger"
)

// TestReachOfHolidays: when a list of holidays moves the last day of a period, the
// period began in the span that a ruling looks at.
func TestReachOfHolidays(t *testing.T) {
	moved := 0
	rapid.Check(t, func(t *rapid.T) {
		drawHolidays := func() *ledger.Holidays {
			h := &ledger.Holidays{Year: rapid.IntRange(2020, 2022).Draw(t, "year")}
			first := pick(t, "first day off", 0, 100, 325, 339)
			for i := range rapid.IntRange(0, 25).Draw(t, "days off") {
				h.Days = append(h.Days, ledger.DayOf(ledger.Date("2020-01-01").Start().AddDate(h.Year-2020, 0, first+i)))
			}
			return h
		}
		working := &ledger.Length{Days: rapid.IntRange(1, 15).Draw(t, "length"), Working: true}
		regimes := []ledger.Regime{{ID: "r", Deadlines: []ledger.Deadline{{Code: "c", Length: &ledger.Length{Days: 1}, AtMost: working}}}}
		var published []any
		for range rapid.IntRange(0, 3).Draw(t, "earlier lists") {
			published = append(published, drawHolidays())
		}
		before := ledger.Publish(published)
		last := drawHolidays()
		published = append(published, last)
		after := ledger.Publish(published)
		from, until := reachOfHolidays(last.Year, regimes, published)
		year := ledger.Date("2020-01-01").Start().AddDate(last.Year-2020, 0, 0)
		for day := -70; day < 370; day++ {
			began := year.AddDate(0, 0, day)
			due, provisional := before.Calendar.Due(ledger.DayOf(began), *working)
			dueAfter, provisionalAfter := after.Calendar.Due(ledger.DayOf(began), *working)
			if due == dueAfter && provisional == provisionalAfter {
				continue
			}
			moved++
			if began.Before(from) || !began.Before(until) {
				t.Fatalf("the holidays of %d move %s, begun %s, to %s, and are said to reach from %s to %s", last.Year, due, began, dueAfter, from, until)
			}
		}
	})
	if moved == 0 {
		t.Error("no list moved anything: the test shows nothing")
	}
}
