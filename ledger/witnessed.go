package ledger

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// Witnessed is a checkpoint that a policy accepts.
type Witnessed struct {
	Checkpoint
	Signed []byte // as it was read
	By     []Cosignature
}

// Cosignature is a witness's verified word that it saw a checkpoint, and none
// that contradicts it.
type Cosignature struct {
	Witness string // its name within the policy
	At      time.Time
}

// ErrNoQuorum says that a checkpoint is the log's, but that fewer witnesses than
// the policy asks for have cosigned it.
var ErrNoQuorum = errors.New("too few witnesses have cosigned")

// Open verifies a signed checkpoint by the policy: the log's signature, and the
// quorum. With ErrNoQuorum the result holds the cosignatures that are there.
func (p Policy) Open(signed []byte) (Witnessed, error) {
	log, _, err := p.Verifiers()
	if err != nil {
		return Witnessed{}, err
	}
	c, _, err := OpenCheckpoint(signed, log)
	if err != nil {
		return Witnessed{}, err
	}
	if c.Origin != p.Origin {
		return Witnessed{}, fmt.Errorf("checkpoint of %s, not of %s", c.Origin, p.Origin)
	}
	by, err := p.cosignatures(signed)
	if err != nil {
		return Witnessed{}, err
	}
	w := Witnessed{Checkpoint: c, Signed: signed, By: by}
	if !p.Enough(w.By) {
		return w, fmt.Errorf("%s at size %d: %d of the quorum %q: %w", c.Origin, c.Size, len(w.By), p.Quorum, ErrNoQuorum)
	}
	return w, nil
}

// cosignatures gives those of the policy's witnesses. A signature in a witness's
// name that is not its own is an error: somebody forged it, or it was damaged.
func (p Policy) cosignatures(signed []byte) ([]Cosignature, error) {
	if len(p.Witnesses) == 0 {
		return nil, nil
	}
	keys := make([]note.Verifier, len(p.Witnesses))
	for i, w := range p.Witnesses {
		keys[i] = w.Key
	}
	n, err := note.Open(signed, note.VerifierList(keys...))
	var none *note.UnverifiedNoteError
	if errors.As(err, &none) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cosignatures: %w", err)
	}
	var out []Cosignature
	for _, sig := range n.Sigs {
		i := slices.IndexFunc(p.Witnesses, func(w PolicyWitness) bool { return w.Key.name == sig.Name && w.Key.hash == sig.Hash })
		at, err := CosignedAt(sig)
		if err != nil {
			return nil, err
		}
		out = append(out, Cosignature{p.Witnesses[i].Name, at})
	}
	return out, nil
}

// Enough reports whether those who cosigned make the quorum. Only their names are
// looked at.
func (p Policy) Enough(by []Cosignature) bool {
	if p.Quorum == QuorumNone {
		return true
	}
	done := map[string]bool{}
	for _, c := range by {
		done[c.Witness] = true
	}
	for _, g := range p.Groups { // members come before their groups
		n := 0
		for i, m := range g.Members {
			if done[m] && !slices.Contains(g.Members[:i], m) {
				n++
			}
		}
		// A policy that was put together and not read might ask for nobody.
		done[g.Name] = n >= max(g.Threshold, 1)
	}
	return done[p.Quorum]
}

// OpenReceipt verifies a signed receipt by the policy.
func (p Policy) OpenReceipt(signed []byte) (Receipt, error) {
	_, verifier, err := p.Verifiers()
	if err != nil {
		return Receipt{}, err
	}
	r, err := OpenReceipt(signed, verifier)
	if err != nil {
		return Receipt{}, err
	}
	if r.Origin != p.Origin {
		return Receipt{}, fmt.Errorf("receipt of %s, not of %s", r.Origin, p.Origin)
	}
	return r, nil
}
