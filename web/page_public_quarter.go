package web

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// The calendar of the public tables (docs/adr/0019). The table of a quarter is
// of what happened in it, as known by the day before it is published. That day
// lies a month and a half after the quarter: whatever was recorded within the 30
// days that an agency has without a mandate for late recording is in it.

// quarter counts quarters of years of the Gregorian calendar.
type quarter int

func quarterAt(t time.Time) quarter {
	t = t.In(ledger.Jakarta)
	return quarter(t.Year()*4 + (int(t.Month())-1)/3)
}

var quarterName = regexp.MustCompile(`^(20[0-9]{2})-q([1-4])$`)

// parseQuarter reads what String writes.
func parseQuarter(s string) (quarter, bool) {
	m := quarterName.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	year, _ := strconv.Atoi(m[1])
	q, _ := strconv.Atoi(m[2])
	return quarter(year*4 + q - 1), true
}

func (q quarter) String() string { return fmt.Sprintf("%d-q%d", q/4, q%4+1) }

// Name is what people call it.
func (q quarter) Name() text {
	return text{fmt.Sprintf("Triwulan %s %d", [...]string{"I", "II", "III", "IV"}[q%4], q/4), fmt.Sprintf("Quarter %d of %d", q%4+1, q/4)}
}

// first is the first day of a month counted from the quarter's first one.
func (q quarter) first(month int) time.Time {
	return time.Date(int(q/4), time.Month(int(q%4)*3+1+month), 1, 0, 0, 0, 0, ledger.Jakarta)
}

// since and asOf are the ends of the quarter before and of this one: what is
// counted began after the first and by the second.
func (q quarter) since() time.Time { return q.first(0).Add(-time.Microsecond).UTC() }
func (q quarter) asOf() time.Time  { return q.first(3).Add(-time.Microsecond).UTC() }

// Published is the day on which the quarter's table is published: the 15th of
// the second month after it.
func (q quarter) Published() ledger.Date { return ledger.DayOf(q.first(4).AddDate(0, 0, 14)) }

// cut is the last moment whose records are in the table.
func (q quarter) cut() time.Time { return q.Published().Start().Add(-time.Microsecond) }

// From and To are the first and the last day.
func (q quarter) From() ledger.Date { return ledger.DayOf(q.first(0)) }
func (q quarter) To() ledger.Date   { return ledger.DayOf(q.asOf()) }
