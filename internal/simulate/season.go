package simulate

import (
	"math"
	"sort"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// instant is a moment as microseconds since 1970: millions of them are compared.
type instant int64

const (
	second = instant(time.Second / time.Microsecond)
	minute = 60 * second
	hour   = 60 * minute
	daily  = 24 * hour
	// east is how far Jakarta is ahead of UTC.
	east = 7 * hour
)

func (i instant) time() time.Time { return time.UnixMicro(int64(i)).UTC() }

// date is the calendar day in Jakarta.
func (i instant) date() ledger.Date { return ledger.Date((i + east).time().Format(time.DateOnly)) }

// on is a moment of a day in Jakarta.
func on(d ledger.Date, after instant) instant { return instant(d.Start().UnixMicro()) + after }

// Hours of work in Jakarta, as in draw.go.
const (
	officeOpens = 8 * hour
	officeHours = 8 * hour
)

// weekend reports whether a moment lies on a Saturday or Sunday in Jakarta; the
// first day of 1970 was a Thursday.
func (i instant) weekend() bool {
	d := ((i+east)/daily + 3) % 7
	return d >= 5
}

// atWork moves a moment to hours of work of a working day, unless it lies there.
func (d draw) atWork(i instant) instant {
	midnight := (i+east)/daily*daily - east
	if of := i - midnight; !i.weekend() && of >= officeOpens && of < officeOpens+officeHours {
		return i
	}
	if i-midnight >= officeOpens+officeHours {
		midnight += daily
	}
	for midnight.weekend() {
		midnight += daily
	}
	return midnight + officeOpens + instant(d.IntN(int(officeHours/second)))*second
}

// after draws how long something takes: a median of so many days, spread as a
// logarithm is.
func (d draw) after(median, spread float64) instant {
	return instant(median*math.Exp(spread*d.NormFloat64())*float64(daily))/second*second + minute
}

// busyMonths is how many cases are opened in a month of 2020 to 2026, beside each
// other. The order of size is invented; that it is most before the regional
// elections of 2020 and 2024 and the general election of February 2024, and
// little between them, is what those who handle cases report.
var busyMonths = [][12]float64{
	{3, 5, 4, 2, 2, 5, 10, 14, 18, 16, 20, 14},
	{5, 2, 1.5, 1.5, 1.5, 1, 1, 1, 1, 1, 1, 1},
	{1, 1, 1, 1, 1, 1, 1.5, 1.5, 2, 2, 2, 2},
	{3, 3, 3, 3, 4, 5, 6, 7, 8, 10, 16, 18},
	{20, 18, 8, 5, 6, 10, 16, 22, 34, 40, 44, 12},
	{5, 3, 3, 3, 2, 2, 1.5, 1.5, 1, 1, 1, 1},
	{1, 1, 1, 1, 1, 1, 1, 1.5, 1.5, 1.5, 1.5, 1.5},
}

// busyWeekdays is from Sunday.
var busyWeekdays = [7]float64{0, 1.25, 1.1, 1, 1, 0.8, 0}

// votings are the contests' days of voting: in the days before one there is half
// as much again to do.
var votings = []ledger.Date{"2020-12-09", "2024-02-14", "2024-11-27"}

// season says how the openings of cases are spread over the days.
type season struct {
	first instant   // midnight of the first day
	sums  []float64 // of the days' weights, up to and with each day
}

func newSeason(from, until ledger.Date) season {
	s := season{first: on(from, 0)}
	sum := 0.0
	for d := s.first; d <= on(until, 0); d += daily {
		sum += busy(d)
		s.sums = append(s.sums, sum)
	}
	return s
}

func busy(midnight instant) float64 {
	day := (midnight + east).time()
	weight := busyWeekdays[day.Weekday()]
	if y := day.Year() - 2020; y >= 0 && y < len(busyMonths) {
		weight *= busyMonths[y][day.Month()-1]
	}
	for _, v := range votings {
		if left := on(v, 0) - midnight; left >= 0 && left <= 12*daily {
			weight *= 1.5
		}
	}
	return weight
}

// at gives the moment before which a share of all openings lies.
func (s season) at(share float64) instant {
	want := share * s.sums[len(s.sums)-1]
	i := sort.SearchFloat64s(s.sums, want)
	i = min(i, len(s.sums)-1)
	before := 0.0
	if i > 0 {
		before = s.sums[i-1]
	}
	part := 0.0
	if width := s.sums[i] - before; width > 0 {
		part = (want - before) / width
	}
	of := instant(part * float64(officeHours))
	return s.first + instant(i)*daily + officeOpens + of/second*second
}
