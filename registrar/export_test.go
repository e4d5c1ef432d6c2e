package registrar

import (
	"context"
	"fmt"
	"maps"
	"reflect"

	"github.com/berkas-ledger/berkas/ledger"
)

func receiptAt(i int) ledger.Receipt { return ledger.Receipt{Position: ledger.Position(i)} }

// DiffState says where two judges differ in what they know of the ledger; "" if
// they do not.
func DiffState(a, b *Judge) string {
	switch {
	case a.chain != b.chain:
		return fmt.Sprintf("chains differ: %v and %v", a.chain, b.chain)
	case !a.last.Equal(b.last):
		return fmt.Sprintf("last recorded times differ: %s and %s", a.last, b.last)
	case !reflect.DeepEqual(a.roster, b.roster):
		return "rosters differ"
	case !reflect.DeepEqual(a.ids, b.ids):
		return fmt.Sprintf("ids differ: %d and %d", len(a.ids), len(b.ids))
	case !maps.Equal(a.repeats, b.repeats) || !maps.Equal(a.repeats, a.duplicates()):
		return fmt.Sprintf("duplicates differ: %v, %v, and %v in the cases", a.repeats, b.repeats, a.duplicates())
	case len(a.cases) != len(b.cases):
		return fmt.Sprintf("there are %d and %d cases", len(a.cases), len(b.cases))
	}
	for id, c := range a.cases {
		if !reflect.DeepEqual(c, b.cases[id]) {
			return fmt.Sprintf("case %s differs:\n%+v\n%+v", id, c, b.cases[id])
		}
	}
	return ""
}

// duplicates counts the duplicates of each case among all cases.
func (j *Judge) duplicates() map[string]int {
	out := map[string]int{}
	for _, c := range j.cases {
		if of := c.folded.DuplicateOf; of != "" {
			out[of]++
		}
	}
	return out
}

// IDs is how many ids outside cases are kept.
func (j *Judge) IDs() int { return len(j.ids) }

// Settle prepares, decides and commits one batch, as Run does.
func (g *Registrar) Settle(ctx context.Context, messages []Message) error {
	return g.settle(ctx, rules{g.Judge.Roster(), g.Judge.schemas, g.Judge.open}.prepareAll(messages))
}
