package simulate

import (
	"fmt"

	"github.com/berkas-ledger/berkas/agencies"
	"github.com/berkas-ledger/berkas/ledger"
)

// Config says for which ledger a history is made and who signs it.
type Config struct {
	Origin string // of the ledger
	// Signers holds a key of each agency that takes part (Agencies). Nil leaves
	// the submissions unsigned.
	Signers map[ledger.AgencyID]agencies.Signer

	// Seal closes the invented identities, under the key of their holder. Nil
	// leaves them out.
	Seal agencies.SealFunc
	// Holders, when set, is called once before the first Seal with all for whom
	// a key will be needed, so that a vault can make their keys at one stroke.
	Holders func([]Holder) error

	Seed uint64
}

// Agencies lists the agencies whose events Pilkada2020 has; each needs a signer.
var Agencies = []ledger.AgencyID{ledger.Bawaslu, ledger.KASN, ledger.BKN, ledger.KemenPANRB, ledger.Kemendagri}

// Holder is whose personal data a key seals.
type Holder struct {
	Case  string
	Label string // "r1" to "rN", or agencies.Reporter
}

// Step is one submission of a history.
type Step struct {
	agencies.Draft
	Submission ledger.Submission // its bytes are the draft's; signed if there are signers
}

// say writes and signs an event.
func (c *Config) say(by ledger.AgencyID, d agencies.Draft) (Step, error) {
	s := Step{Draft: d, Submission: ledger.Submission{Agency: by, Body: d.Body}}
	if c.Signers == nil {
		return s, nil
	}
	signer, ok := c.Signers[by]
	if !ok {
		return Step{}, fmt.Errorf("simulate: no signer for %s", by)
	}
	s.Submission.Signatures = []ledger.Signature{signer.Sign(d.Body)}
	return s, nil
}
