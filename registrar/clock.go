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
	return "the clock cannot be trusted: " + e.Problem + "; set the clock right and start again, or, if it is right, start with --accept-time"
}

// clock gives recorded times: max(previous, now), never running back.
type clock struct {
	wall func() time.Time
	mono func() time.Duration

	wallAt time.Time
	monoAt time.Duration
}

// newClock refuses a wall clock before the build's time or long after the last
// record, unless somebody has looked at it.
func newClock(wall func() time.Time, mono func() time.Duration, built, last time.Time, accept bool) (*clock, error) {
	now := wall()
	if !accept {
		switch {
		case now.Before(built):
			return nil, &ClockError{fmt.Sprintf("it says %s, before this program was built (%s)", stamp(now), stamp(built))}
		case !last.IsZero() && now.Sub(last) > staleAfter:
			return nil, &ClockError{fmt.Sprintf("it says %s, more than 30 days after the last record (%s)", stamp(now), stamp(last))}
		}
	}
	return &clock{wall: wall, mono: mono, wallAt: now, monoAt: mono()}, nil
}

// next gives the recorded time of what is decided now.
func (c *clock) next(previous time.Time) (time.Time, error) {
	now, mono := c.wall(), c.mono()
	drift := now.Sub(c.wallAt) - (mono - c.monoAt)
	if drift > Tolerance || drift < -Tolerance {
		return time.Time{}, &ClockError{fmt.Sprintf("it jumped by %s at %s", drift.Round(time.Millisecond), stamp(now))}
	}
	c.wallAt, c.monoAt = now, mono
	now = now.UTC().Truncate(time.Microsecond)
	if previous.Sub(now) > Tolerance {
		return time.Time{}, &ClockError{fmt.Sprintf("it says %s, but the last record is of %s", stamp(now), stamp(previous))}
	}
	if now.Before(previous) {
		return previous, nil
	}
	return now, nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
