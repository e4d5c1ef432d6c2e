package transparency

import (
	"fmt"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

// TestHowManyLiarsSplit: two histories both get the quorum k of n witnesses as soon
// as 2k-n of them cosign whatever they are asked, and with fewer never: the honest
// ones have seen one history each. A quorum that is not even a majority needs none.
func TestHowManyLiarsSplit(t *testing.T) {
	const n = 5
	for k := 1; k <= n; k++ {
		for liars := range n + 1 {
			h := newHistory(t, 9)
			left, right := h.split(t, n, k, liars)
			if both := left && right; both != (liars >= 2*k-n) {
				t.Errorf("quorum %d of %d with %d liars: two histories is %v", k, n, liars, both)
			}
		}
	}
}

// split shows two histories to witnesses, of whom the first ones lie and the others
// are shared out, and says of each whether it got the quorum.
func (h *history) split(t *testing.T, n, k, liars int) (left, right bool) {
	t.Helper()
	policy := h.policy
	group := ledger.PolicyGroup{Name: "quorum-of-them", Threshold: k}
	other := h.edited(3)
	_, a := h.at(9)
	_, b := other.at(9)
	shown := 0 // honest ones that have seen the left history
	for i := range n {
		name := fmt.Sprintf("w%d", i)
		dir := filepath.Join(t.TempDir(), name)
		if _, err := CreateWitness(dir, "w.example/"+name, h.policy); err != nil {
			t.Fatal(err)
		}
		w, err := OpenWitness(WitnessConfig{Dir: dir, Policies: []ledger.Policy{h.policy}})
		if err != nil {
			t.Fatal(err)
		}
		policy.Witnesses = append(policy.Witnesses, ledger.PolicyWitness{Name: name, Key: w.Key()})
		group.Members = append(group.Members, name)
		// The left history goes to as many honest ones as it takes, and then to no more.
		onLeft := i >= liars && liars+shown < k
		if i < liars || onLeft {
			a = append(a, w.must(t, h.request(0, 9))...)
		}
		switch {
		case onLeft:
			shown++
			if got := w.add(t.Context(), other.request(0, 9)); got.status != http.StatusConflict {
				t.Fatalf("an honest witness was asked for the other history and said %d", got.status)
			}
		case i < liars: // it forgets what it saw
			w.logs[testOrigin].latest, w.logs[testOrigin].signed = ledger.Checkpoint{}, nil
			b = append(b, w.must(t, other.request(0, 9))...)
		default:
			b = append(b, w.must(t, other.request(0, 9))...)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	policy.Groups, policy.Quorum = []ledger.PolicyGroup{group}, group.Name
	_, noLeft := policy.Open(a)
	_, noRight := policy.Open(b)
	return noLeft == nil, noRight == nil
}

// must gives the cosignature for a request.
func (w *Witness) must(t *testing.T, request []byte) string {
	t.Helper()
	a := w.add(t.Context(), request)
	if a.status != http.StatusOK {
		t.Fatalf("%d, %s", a.status, a.body)
	}
	return a.body
}
