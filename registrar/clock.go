package registrar

import (
	"fmt"
	"time"
)

// Tolerance is how far the wall clock may run back behind the last record, or
// apart from the monotonic clock, before recording stops.
const Tolerance = 2 * time.Second

// staleAfter is the longest silence of a ledger that a start takes for granted.
const staleAfter = 30 * 24 * time.Hour

// ClockError says that the machine's clock cannot be trusted to date records.
type ClockError struct{ Problem string }

func (e *ClockError) Error() string {
	return "the clock cannot be trusted: " + e.Problem
}

// clock gives recorded times: max(previous, now), never running back.
type clock struct {
	wall func() time.Time
	mono func() time.Duration

	wallAt time.Time
	monoAt time.Duration
}

// newClock refuses a wall clock behind the last record, and one before the
// build's time or long after the last record unless somebody has looked at it.
func newClock(wall func() time.Time, mono func() time.Duration, built, last time.Time, accept bool) (*clock, error) {
	c := &clock{wall: wall, mono: mono}
	c.wallAt, c.monoAt = c.read()
	const hint = "; set the clock right, or start with --accept-time if it is"
	if !accept {
		switch {
		case c.wallAt.Before(built):
			return nil, &ClockError{fmt.Sprintf("it says %s, before this program was built (%s)%s", stamp(c.wallAt), stamp(built), hint)}
		case !last.IsZero() && c.wallAt.Sub(last) > staleAfter:
			return nil, &ClockError{fmt.Sprintf("it says %s, more than 30 days after the last record (%s)%s", stamp(c.wallAt), stamp(last), hint)}
		}
	}
	return c, behind(c.wallAt, last)
}

// read gives both clocks. Round strips Go's own monotonic reading: with it the
// difference of two times would be the monotonic clock's, and no jump of the
// wall clock would ever show.
func (c *clock) read() (time.Time, time.Duration) { return c.wall().Round(0), c.mono() }

// behind refuses a time too long before the last record. Nothing but waiting or
// setting the clock helps: recorded times never run back.
func behind(now, previous time.Time) error {
	if previous.Sub(now) > Tolerance {
		return &ClockError{fmt.Sprintf("it says %s, but the last record is of %s; set the clock right, or wait until then", stamp(now), stamp(previous))}
	}
	return nil
}

// next gives the recorded time of what is decided now.
func (c *clock) next(previous time.Time) (time.Time, error) {
	now, mono := c.read()
	drift := now.Sub(c.wallAt) - (mono - c.monoAt)
	if drift > Tolerance || drift < -Tolerance {
		return time.Time{}, &ClockError{fmt.Sprintf("it jumped by %s at %s; set it right and start again", drift.Round(time.Millisecond), stamp(now))}
	}
	c.wallAt, c.monoAt = now, mono
	now = now.UTC().Truncate(time.Microsecond)
	if err := behind(now, previous); err != nil {
		return time.Time{}, err
	}
	if now.Before(previous) {
		return previous, nil
	}
	return now, nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
