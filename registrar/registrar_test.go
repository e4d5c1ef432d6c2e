package registrar_test

import (
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// TestStory: a case goes its whole way, one message at a time and in one batch.
func TestStory(t *testing.T) {
	n := run(t)
	one, other := n.NewID(), n.NewID()
	for _, s := range n.Story(one, today.Add(-9*time.Hour), 2) {
		n.admit(s)
	}
	n.admit(n.Story(other, today.Add(-9*time.Hour), 3)...)
	n.consistent()
	for id, respondents := range map[string]int{one: 2, other: 3} {
		c, ok := n.judge.Case(id)
		if !ok || len(c.Respondents) != respondents || c.Holder != ledger.KASN {
			t.Fatalf("case %s: %+v", id, c)
		}
		for _, r := range c.Respondents {
			if r.Stage != ledger.StageDecided {
				t.Errorf("%s is %s", r.ID, r.Stage)
			}
		}
	}
}
