package ledger_test

import (
	"slices"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// holidays publishes days of a year; invented ones, for tests.
func holidays(year int, days ...ledger.Date) ledger.Holidays {
	return ledger.Holidays{Year: year, Days: days, Basis: "invented for a test"}
}

// TestDue: 2021-01-01 is a Friday, 2020-12-25 too.
func TestDue(t *testing.T) {
	yearEnd := []ledger.Holidays{
		holidays(2020, "2020-12-24", "2020-12-25", "2020-12-28", "2020-12-29", "2020-12-30", "2020-12-31"), holidays(2021, "2021-01-01"),
	}
	only2020 := yearEnd[:1]
	corrected := append(slices.Clone(yearEnd), holidays(2020, "2020-12-25"))
	work, days := true, false
	for _, tt := range []struct {
		name        string
		published   []ledger.Holidays
		began       ledger.Date
		n           int
		working     bool
		due         ledger.Date
		provisional bool
	}{
		{"a calendar day", nil, "2020-10-05", 1, days, "2020-10-06", false},
		{"calendar days end on a Sunday, too", nil, "2020-10-08", 3, days, "2020-10-11", false},
		{"calendar days over a year's end", nil, "2020-12-30", 14, days, "2021-01-13", false},
		{"calendar days over a leap day", nil, "2020-02-27", 3, days, "2020-03-01", false},
		{"calendar days where there is none", nil, "2021-02-27", 3, days, "2021-03-02", false},
		{"calendar days mind no holiday", yearEnd, "2020-12-23", 2, days, "2020-12-25", false},
		{"no days", yearEnd, "2020-12-23", 0, work, "2020-12-23", false},
		{"a working day from a Friday", nil, "2020-10-02", 1, work, "2020-10-05", true},
		{"from a Saturday, the same", nil, "2020-10-03", 1, work, "2020-10-05", true},
		{"from a Sunday, the same", nil, "2020-10-04", 1, work, "2020-10-05", true},
		{"from a Monday", nil, "2020-10-05", 1, work, "2020-10-06", true},
		{"five are a week", nil, "2020-10-07", 5, work, "2020-10-14", true},
		{"fourteen, without holidays", nil, "2020-10-01", 14, work, "2020-10-21", true},
		{"fourteen, of a published year", yearEnd, "2020-10-01", 14, work, "2020-10-21", false},
		{"over a long holiday", yearEnd, "2020-12-23", 1, work, "2021-01-04", false},
		{"began within it", yearEnd, "2020-12-29", 1, work, "2021-01-04", false},
		{"ends before it", yearEnd, "2020-12-21", 2, work, "2020-12-23", false},
		{"three over it", yearEnd, "2020-12-22", 3, work, "2021-01-05", false},
		{"the next year is not published", only2020, "2020-12-23", 1, work, "2021-01-01", true},
		{"it is not reached", only2020, "2020-12-21", 2, work, "2020-12-23", false},
		{"began on the last day of a year that is not published", []ledger.Holidays{holidays(2021, "2021-01-01")}, "2020-12-31", 1, work, "2021-01-04", false},
		{"published again", corrected, "2020-12-23", 3, work, "2020-12-29", false},
		{"65 working days", nil, "2024-10-01", 65, work, "2024-12-31", true},
		{"no such day", yearEnd, "2021-02-29", 3, work, "", false},
		{"long before", nil, "1969-12-30", 2, days, "1970-01-01", false},
		{"working days long before", nil, "1969-12-26", 2, work, "1969-12-30", true},
	} {
		due, provisional := ledger.NewCalendar(tt.published).Due(tt.began, ledger.Length{Days: tt.n, Working: tt.working})
		if due != tt.due || provisional != tt.provisional {
			t.Errorf("%s: due %s, provisional %v; want %s, %v", tt.name, due, provisional, tt.due, tt.provisional)
		}
	}
	if due, provisional := (ledger.Calendar{}).Due("2020-10-02", ledger.Length{Days: 1, Working: true}); due != "2020-10-05" || !provisional {
		t.Errorf("the zero calendar: %s, %v", due, provisional)
	}
}

func TestWorkingDays(t *testing.T) {
	c := ledger.NewCalendar([]ledger.Holidays{holidays(2021, "2021-01-01", "2021-13-01")})
	for _, tt := range []struct {
		day            ledger.Date
		working, known bool
	}{
		{"2021-01-01", false, true},
		{"2021-01-02", false, true},
		{"2021-01-04", true, true},
		{"2022-01-03", true, false},
		{"2022-01-01", false, false},
		{"2021-02-30", false, false},
	} {
		if working, known := c.Working(tt.day); working != tt.working || known != tt.known {
			t.Errorf("%s: working %v, known %v", tt.day, working, known)
		}
	}
	if got := c.Published(); !slices.Equal(got, []int{2021}) {
		t.Errorf("published: %v", got)
	}
}

// TestDayOf: the day is that of Jakarta, seven hours ahead.
func TestDayOf(t *testing.T) {
	for moment, want := range map[string]ledger.Date{
		"2020-12-31T16:59:59Z": "2020-12-31", "2020-12-31T17:00:00Z": "2021-01-01",
	} {
		at, err := time.Parse(time.RFC3339, moment)
		if err != nil {
			t.Fatal(err)
		}
		if got := ledger.DayOf(at); got != want {
			t.Errorf("%s lies on %s, want %s", moment, got, want)
		}
		if ledger.DayOf(want.Start()) != want || ledger.DayOf(want.End()) != want {
			t.Errorf("the bounds of %s lie on another day", want)
		}
	}
	if n := ledger.DaysBetween("2020-02-28", "2020-03-01"); n != 2 {
		t.Errorf("%d days", n)
	}
	if n := ledger.DaysBetween("2020-03-01", "2020-02-28"); n != -2 {
		t.Errorf("%d days", n)
	}
	if n := ledger.DaysBetween("", "2020-02-28"); n != 0 {
		t.Errorf("%d days from no day", n)
	}
}
