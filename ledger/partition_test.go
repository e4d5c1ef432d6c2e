package ledger_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/ledger"
)

// partitions are groups of measures of which exactly one is true of a respondent
// of whom the first is, whatever happened; besides them stand the stages at which
// somebody counts for none.
var partitions = []struct {
	whole  func(ledger.Row) bool
	parts  []ledger.Measure
	beside []ledger.Stage
}{
	{is(ledger.Recommended), []ledger.Measure{ledger.FollowedUp, ledger.NotFollowedUp}, []ledger.Stage{ledger.EndCancelled, ledger.EndLeftService}},
	{counted, []ledger.Measure{ledger.InProcess, ledger.Concluded}, nil},
	{counted, []ledger.Measure{ledger.Opened, ledger.Rejected}, []ledger.Stage{ledger.EndInitialInformation}},
}

// within are measures that are true only of whom the other is.
var within = [][2]ledger.Measure{
	{ledger.Sanctioned, ledger.FollowedUp},
	{ledger.DecidedNotProven, ledger.FollowedUp},
	{ledger.FollowedUp, ledger.Recommended},
	{ledger.NotFollowedUp, ledger.Recommended},
	{ledger.PPKInProcess, ledger.NotFollowedUp},
	{ledger.WaitingVerification, ledger.InProcess},
	{ledger.NotProven, ledger.Concluded},
}

func is(m ledger.Measure) func(ledger.Row) bool {
	return func(r ledger.Row) bool { return !r.Began[m].IsZero() }
}

func counted(r ledger.Row) bool { return r.DuplicateOf == "" }

// TestPartitions: published totals are sums of others; so are ours, after every
// admitted history with its remedies, annulments, reopenings and corrections.
func TestPartitions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for _, r := range ledger.History(drawAdmitted(t, drawLaw(t))) {
			for _, p := range partitions {
				n := 0
				for _, m := range p.parts {
					if is(m)(r) {
						n++
					}
				}
				for _, s := range p.beside {
					if r.Stage == s {
						n++
					}
				}
				if p.whole(r) && n != 1 {
					t.Fatalf("%s, %s: %d of %v are true", r.Respondent, r.Stage, n, p.parts)
				}
			}
			for _, w := range within {
				if is(w[0])(r) && !is(w[1])(r) {
					t.Fatalf("%s, %s: %s and not %s", r.Respondent, r.Stage, w[0], w[1])
				}
			}
			if is(ledger.Sanctioned)(r) && is(ledger.DecidedNotProven)(r) {
				t.Fatalf("%s: sanctioned, and not proven", r.Respondent)
			}
			for m := range ledger.MeasureCount {
				if !counted(r) && !r.Began[m].IsZero() {
					t.Fatalf("a duplicate counts as %s", ledger.Measure(m))
				}
			}
		}
	})
}
