package vault

import (
	"time"

	"github.com/berkas-ledger/berkas/seal"
)

// Give returns the holder's key with its bytes, for a program that seals by
// itself; made says whether the holder had none and the key is new. A new key is
// durable before it is returned.
//
// Whoever has a key's bytes opens what is sealed under it without leaving a
// record. So a key may be given to whom it was made for and while nothing that
// somebody else has sealed stands under it; that is the caller's to see to.
//
// Errors: those of KeyFor.
func (r *Ring) Give(holder Holder, now time.Time) (key seal.Key, made bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := len(r.keys)
	kids, err := r.keysFor([]Holder{holder}, now)
	if err != nil {
		return seal.Key{}, false, err
	}
	for i, k := range r.keys {
		if k.Kid == kids[0] {
			return k.key, i >= before, nil
		}
	}
	return seal.Key{}, false, ErrNoKey // cannot be: it was just found or made
}
