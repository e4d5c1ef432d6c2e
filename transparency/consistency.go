package transparency

import (
	"fmt"

	"github.com/berkas-ledger/berkas/ledger"
)

// Consistency proves that the log of a newer checkpoint begins with all of an
// older one's. As a file it is what a witness is asked by (the body of C2SP
// tlog-witness's add-checkpoint): the older size, the hashes, the newer signed
// checkpoint. Who has the older checkpoint, too, needs nothing else to check it.
type Consistency struct {
	Older  ledger.Position
	Hashes []ledger.Hash // RFC 6962 section 2.1.2
	Newer  []byte        // signed
}

// MaxConsistency bounds a proof of consistency as a file, in bytes.
const MaxConsistency = maxRequest

// Text writes the file.
func (c Consistency) Text() []byte { return addCheckpoint{c.Older, c.Hashes, c.Newer}.Text() }

// ParseConsistency reads a file strictly. It verifies nothing.
func ParseConsistency(raw []byte) (Consistency, error) {
	r, err := parseAddCheckpoint(raw)
	return Consistency{r.Old, r.Proof, r.Signed}, err
}

// Verify holds the proof against the older checkpoint, by a policy: the log's key
// has signed both, witnesses have cosigned the newer one as the policy asks, and
// its log begins with the older one's.
func (c Consistency) Verify(policy ledger.Policy, older []byte) (ledger.Checkpoint, ledger.Witnessed, error) {
	log, _, err := policy.Verifiers()
	if err != nil {
		return ledger.Checkpoint{}, ledger.Witnessed{}, err
	}
	old, _, err := ledger.OpenCheckpoint(older, log)
	if err != nil {
		return old, ledger.Witnessed{}, fmt.Errorf("the older checkpoint: %w", err)
	}
	w, err := policy.Open(c.Newer)
	if err != nil {
		return old, w, fmt.Errorf("the newer checkpoint: %w", err)
	}
	if old.Size != c.Older {
		return old, w, fmt.Errorf("the proof is from %d records, and the older checkpoint has %d", c.Older, old.Size)
	}
	return old, w, ledger.CheckConsistency(old, w.Checkpoint, c.Hashes)
}
