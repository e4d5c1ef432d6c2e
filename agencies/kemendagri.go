package agencies

import (
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// Kemendagri is the ministry of home affairs: it admonishes regional heads.
type Kemendagri struct{ Institution }

// NewKemendagri gives what Kemendagri may say.
func NewKemendagri(o Office) Kemendagri { return Kemendagri{Institution{o, ledger.Kemendagri}} }

// Admonish states that a regional head who does not act was admonished by a
// letter. A letter that speaks of several cases is one event for each, with the
// same letter number and correlation.
func (k Kemendagri) Admonish(caseID string, at time.Time, p ledger.PPKAdmonished, options ...Option) (Draft, error) {
	return k.say(ledger.PPKAdmonishedKind, caseID, at, p, options)
}

// SanctionAuthority states that a regional head was sanctioned for not acting.
func (k Kemendagri) SanctionAuthority(caseID string, at time.Time, p ledger.PPKSanctioned, options ...Option) (Draft, error) {
	return k.say(ledger.PPKSanctionedKind, caseID, at, p, options)
}
