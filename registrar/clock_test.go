package registrar

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// dial is a wall clock and a monotonic one, set by hand.
type dial struct {
	wall time.Time
	mono time.Duration
}

func (d *dial) clock(t *testing.T, last time.Time) *clock {
	t.Helper()
	c, err := newClock(func() time.Time { return d.wall }, func() time.Duration { return d.mono }, noon.AddDate(0, -1, 0), last, false)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestClockStart(t *testing.T) {
	built := noon.AddDate(0, -1, 0)
	for _, c := range []struct {
		name      string
		now, last time.Time
		accept    bool
		want      string // part of the error; "" for none
	}{
		{"right", noon, noon.Add(-time.Hour), false, ""},
		{"no record yet", noon, time.Time{}, false, ""},
		{"before the build", built.Add(-time.Nanosecond), built.Add(-time.Hour), false, "before this program was built"},
		{"before the build, accepted", built.Add(-time.Nanosecond), built.Add(-time.Hour), true, ""},
		{"at the build", built, built.Add(-time.Hour), false, ""},
		{"30 days", noon, noon.AddDate(0, 0, -30), false, ""},
		{"more than 30 days", noon, noon.AddDate(0, 0, -30).Add(-time.Nanosecond), false, "more than 30 days"},
		{"more than 30 days, accepted", noon, noon.AddDate(-5, 0, 0), true, ""},
		{"2 s behind", noon, noon.Add(Tolerance), false, ""},
		{"more than 2 s behind", noon, noon.Add(Tolerance + time.Microsecond), false, "the last record is of"},
		{"more than 2 s behind, accepted", noon, noon.Add(Tolerance + time.Microsecond), true, "the last record is of"},
	} {
		_, err := newClock(func() time.Time { return c.now }, func() time.Duration { return 0 }, built, c.last, c.accept)
		var refused *ClockError
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && (!errors.As(err, &refused) || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestClockNext(t *testing.T) {
	for _, c := range []struct {
		name       string
		wall, mono time.Duration // that pass
		previous   time.Duration // before (-) or after noon
		want       time.Duration
		refused    bool
	}{
		{"time passes", time.Hour, time.Hour, -time.Minute, time.Hour, false},
		{"none passes", 0, 0, -time.Minute, 0, false},
		{"cut to microseconds", 1999 * time.Nanosecond, 0, -time.Minute, time.Microsecond, false},
		{"a little behind the last record", 0, 0, Tolerance, Tolerance, false},
		{"too far behind the last record", 0, 0, Tolerance + time.Microsecond, 0, true},
		{"set back a little", -time.Second, time.Second, -time.Minute, -time.Second, false},
		{"set back a little, but never behind the last record", -time.Second, time.Second, 0, 0, false},
		{"set back", -time.Second - time.Nanosecond, time.Second, -time.Minute, 0, true},
		{"set forward", time.Hour + Tolerance + time.Nanosecond, time.Hour, -time.Minute, 0, true},
		{"slept without its monotonic clock", time.Hour, 0, -time.Minute, 0, true},
	} {
		d := &dial{wall: noon}
		clock := d.clock(t, noon.Add(-time.Minute))
		d.wall, d.mono = d.wall.Add(c.wall), d.mono+c.mono
		got, err := clock.next(noon.Add(c.previous))
		if (err != nil) != c.refused {
			t.Errorf("%s: %v", c.name, err)
		} else if err == nil && (!got.Equal(noon.Add(c.want)) || got.Location() != time.UTC) {
			t.Errorf("%s: %s, want %s", c.name, got, noon.Add(c.want))
		}
		if !c.refused {
			continue
		}
		// What was wrong is not forgotten by asking again.
		if _, err := clock.next(noon.Add(c.previous)); err == nil {
			t.Errorf("%s: asked again, it was taken for right", c.name)
		}
	}
}

// TestClockNeverBack: whatever the wall clock does within its tolerance, recorded
// times do not run back.
func TestClockNeverBack(t *testing.T) {
	d := &dial{wall: noon}
	clock, previous := d.clock(t, time.Time{}), time.Time{}
	for i := range 1000 {
		// Half a second forward, then back again, with a drift of a millisecond.
		d.mono += 10 * time.Millisecond
		d.wall = noon.Add(d.mono + time.Duration(i%2)*500*time.Millisecond)
		got, err := clock.next(previous)
		if err != nil {
			t.Fatal(err)
		}
		if got.Before(previous) {
			t.Fatalf("%s comes after %s", got, previous)
		}
		previous = got
	}
}

// TestClockHasNoMonotonicReading: the difference of two times of the machine's
// clock is by default that of their monotonic readings, which shows no jump.
func TestClockHasNoMonotonicReading(t *testing.T) {
	c, err := newClock(time.Now, func() time.Duration { return 0 }, time.Time{}, time.Time{}, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.next(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(c.wallAt.String(), "m=") {
		t.Errorf("%s has a monotonic reading", c.wallAt)
	}
}

// TestRefusalsBounded: only so many refusals are remembered, the newest.
func TestRefusalsBounded(t *testing.T) {
	f := newRefusals()
	key := func(i int) refusedKey {
		return refusedKey{agency: "bawaslu", sum: [32]byte{byte(i), byte(i >> 8), byte(i >> 16)}}
	}
	for i := range remembered + 10 {
		f.add(key(i), receiptAt(i))
		f.add(key(i), receiptAt(i)) // again: takes no room
	}
	if len(f.byKey) != remembered || len(f.order) != remembered {
		t.Errorf("%d are remembered in %d places, want %d", len(f.byKey), len(f.order), remembered)
	}
	for i, want := range map[int]bool{9: false, 10: true, remembered + 9: true, remembered + 10: false} {
		r, ok := f.find(key(i))
		if ok != want || ok && r.Position != receiptAt(i).Position {
			t.Errorf("refusal %d: found %v, want %v", i, ok, want)
		}
	}
}

// TestSafe: names that a sender made up do not get on the ledger.
func TestSafe(t *testing.T) {
	for _, c := range []struct{ in, want []string }{
		{nil, nil},
		{[]string{"/data/register", "/id"}, []string{"/data/register", "/id"}},
		{[]string{"/data/budi_contoh", "/data/7371014101900001", "/budi"}, []string{"/data"}},
		{[]string{"", "/budi"}, nil},
		{slices.Repeat([]string{"/id"}, 20), []string{"/id"}},
	} {
		if got := safe(c.in); !slices.Equal(got, c.want) {
			t.Errorf("%v becomes %v, want %v", c.in, got, c.want)
		}
	}
}
