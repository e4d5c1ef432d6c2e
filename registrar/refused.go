package registrar

import "github.com/berkas-ledger/berkas/ledger"

// remembered is how many refusals are recognised when their bytes come again.
const remembered = 1 << 16

type refusedKey struct {
	agency ledger.AgencyID
	sum    ledger.Hash
}

// refusals remembers recent refusals by their bytes, so that repeats make no
// record. It forgets the oldest; what is forgotten is recorded again, which
// harms nothing.
type refusals struct {
	byKey map[refusedKey]ledger.Receipt
	order []refusedKey // a ring once it is full
	next  int
}

func newRefusals() *refusals { return &refusals{byKey: map[refusedKey]ledger.Receipt{}} }

// find gives the receipt of an earlier refusal of the same bytes.
func (f *refusals) find(key refusedKey) (ledger.Receipt, bool) {
	r, ok := f.byKey[key]
	return r, ok
}

func (f *refusals) add(key refusedKey, r ledger.Receipt) {
	if _, ok := f.byKey[key]; ok {
		f.byKey[key] = r
		return
	}
	if len(f.order) < remembered {
		f.order = append(f.order, key)
	} else {
		delete(f.byKey, f.order[f.next])
		f.order[f.next] = key
		f.next = (f.next + 1) % remembered
	}
	f.byKey[key] = r
}
