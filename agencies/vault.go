package agencies

import (
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// Vault is the service that keeps data keys.
type Vault struct{ Institution }

// NewVault gives what the vault may say.
func NewVault(o Office) Vault { return Vault{Institution{o, ledger.Vault}} }

// RecordUnsealing states that a sealed value is about to be opened, and why.
func (v Vault) RecordUnsealing(caseID string, at time.Time, p ledger.Unsealed, options ...Option) (Draft, error) {
	return v.say(ledger.UnsealedKind, caseID, at, p, options)
}

// RecordErasure states that a data key was destroyed, and why.
func (v Vault) RecordErasure(caseID string, at time.Time, p ledger.PersonalDataErased, options ...Option) (Draft, error) {
	return v.say(ledger.ErasedKind, caseID, at, p, options)
}
