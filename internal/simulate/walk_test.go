package simulate

import (
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

// Every walk is let in step by step and ends where its title says, under the
// regimes of the history and grants that let one agency follow another.
func TestWalks(t *testing.T) {
	walks := Walks(7)
	history := take(t, func(yield func(Step, error) bool) {
		h := new(historian)
		c := Config{Origin: origin, Seed: 7}
		for i, e := range rosterEvents() {
			if s, err := h.step(&c, newDraw(7, uint64(i)), e, 0); !yield(s, err) {
				return
			}
		}
		Steps(c, walks)(yield)
	})
	want := []struct{ stage, remedy, holder string }{
		{"decided", "upheld", "kasn"}, {"decided", "upheld", "bkn"}, {"decided", "none", "kemenpanrb"},
	}
	for i, w := range walks {
		c := ledger.Fold(history.cases[w.Case])
		r := c.Respondents[0]
		if string(r.Stage) != want[i].stage || r.Remedy() != want[i].remedy || string(c.Holder) != want[i].holder {
			t.Errorf("%s: %s, remedy %s, held by %s; want %v", w.Title, r.Stage, r.Remedy(), c.Holder, want[i])
		}
	}
	corrected := ledger.Fold(history.cases[walks[1].Case])
	if d := corrected.Respondents[0].Decision; d == nil || d.Kind != "allowance-cut-6m" {
		t.Errorf("the corrected decree is %+v", d)
	}
}
