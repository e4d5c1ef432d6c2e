package simulate

import (
	"fmt"
	"iter"

	"github.com/berkas-ledger/berkas/agencies"
	"github.com/berkas-ledger/berkas/ledger"
)

// LoadConfig says how large a history for submitting is.
type LoadConfig struct {
	Config // without Seal: nobody has an identity
	Cases  int
	// Bare leaves out the roster events: regimes, holidays and contests. A ledger
	// takes regimes once.
	Bare bool
}

// loadUntil is the last day of loads: mandates for late recording mostly end with
// that year.
const loadUntil ledger.Date = "2025-12-31"

// Load yields a course as submissions, in the order in which a ledger would have
// recorded them, for whoever records them now; it needs the mandates for late
// recording.
func Load(c LoadConfig) iter.Seq2[Step, error] {
	return func(yield func(Step, error) bool) {
		course := Course{Cases: c.Cases, Seed: c.Seed, Until: loadUntil}
		if err := course.Check(); err != nil {
			yield(Step{}, fmt.Errorf("simulate: %w", err))
			return
		}
		newCourse(course).own(func(e entry) bool {
			info, _ := ledger.LookupKind(e.kind, 1)
			if c.Bare && info.Stream == ledger.StreamRoster {
				return true
			}
			s, err := c.submission(e)
			return yield(s, err) && err == nil
		})
	}
}

// submission writes and signs an entry.
func (c *LoadConfig) submission(e entry) (Step, error) {
	payload, err := e.written()
	if err != nil {
		return Step{}, err
	}
	d, err := agencies.Compose(c.Origin, e.by, e.kind, e.subject, e.at.time(), payload, agencies.WithID(e.id))
	if err != nil {
		return Step{}, fmt.Errorf("simulate: %w", err)
	}
	return c.say(e.by, d)
}
