package simulate

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/berkas-ledger/berkas/ledger"
)

// draw is a source of choices; the same seed gives the same ones.
type draw struct{ *rand.Rand }

func newDraw(seed, part uint64) draw { return draw{rand.New(rand.NewPCG(seed, part))} }

// between gives a whole number from lo to hi, both included.
func (d draw) between(lo, hi int) int { return lo + d.IntN(hi-lo+1) }

func (d draw) chance(percent int) bool { return d.IntN(100) < percent }

func pick[T any](d draw, from []T) T { return from[d.IntN(len(from))] }

// weighted gives an index, each with its weight.
func (d draw) weighted(weights ...int) int {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	n := d.IntN(sum)
	for i, w := range weights {
		if n -= w; n < 0 {
			return i
		}
	}
	panic("unreachable")
}

// id gives a UUID of version 7 of a moment: its milliseconds, then chance.
func (d draw) id(at time.Time) string {
	var u uuid.UUID
	binary.BigEndian.PutUint64(u[:8], uint64(at.UnixMilli())<<16|uint64(d.Uint32()&0xfff))
	binary.BigEndian.PutUint64(u[8:], d.Uint64())
	u[6] = u[6]&0x0f | 0x70
	u[8] = u[8]&0x3f | 0x80
	return u.String()
}

// span is some days, both ends included.
type span struct{ from, until ledger.Date }

// day is the first moment of a day in Jakarta.
func day(d ledger.Date) time.Time { return d.Start().In(ledger.Jakarta) }

func dateOf(t time.Time) ledger.Date { return ledger.Date(t.In(ledger.Jakarta).Format(time.DateOnly)) }

func working(t time.Time) bool {
	w := t.In(ledger.Jakarta).Weekday()
	return w != time.Saturday && w != time.Sunday
}

// workday gives a working day in a span, moved by chance; the span has to hold
// one.
func (d draw) workday(from, until time.Time) time.Time {
	days := int(until.Sub(from)/(24*time.Hour)) + 1
	if days < 1 {
		panic("simulate: a span of no days from " + from.Format(time.DateOnly) + " until " + until.Format(time.DateOnly))
	}
	first := d.IntN(days)
	for i := range days {
		if t := from.AddDate(0, 0, (first+i)%days); working(t) {
			return t
		}
	}
	panic("simulate: no working day from " + from.Format(time.DateOnly) + " until " + until.Format(time.DateOnly))
}

// Hours of work in Jakarta.
const (
	opens  = 8 * time.Hour
	closes = 16 * time.Hour
)

// moment gives a time on a day at which offices are open, to the second.
func (d draw) moment(on time.Time) time.Time {
	return on.Add(opens + time.Duration(d.IntN(int((closes-opens)/time.Second)))*time.Second)
}

// later gives a time on a day that comes after another time, and in office hours
// unless the day is nearly over.
func (d draw) later(on, after time.Time) time.Time {
	t := d.moment(on)
	if t.After(after) {
		return t
	}
	return after.Add(time.Duration(d.between(4*60, 25*60)) * time.Second)
}
