package web

import (
	"context"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/transparency"
)

// Desk is what the auditor's desk is given beside what the other pages have. A
// function that is nil leaves its part of the pages out.
type Desk struct {
	// Policy is the operator's own: whom he asks to witness. Nothing is to be
	// believed because of it, and the pages say so.
	Policy func() ledger.Policy
	// Kept lists the sizes of the checkpoints that were published, in order.
	Kept func() ([]ledger.Position, error)
	// Witnesses says how each witness of the policy did when it was asked last.
	Witnesses func() []DeskWitness
	// Audits reads the reports that auditors wrote. The bodies of those that are kept
	// already, as they are, it leaves out.
	Audits func(ctx context.Context, kept func(AuditFile) bool) ([]AuditFile, error)
}

// DeskWitness is a witness as the operator's program knows it.
type DeskWitness struct {
	transparency.WitnessState
	// Own: it runs in the operator's own process, so it proves nothing to others.
	Own bool
}

// AuditFile is a report that somebody wrote and the operator put where he was
// told to.
type AuditFile struct {
	Name string    // of the file, which says whose it is: [a-z0-9-]{1,32}.json
	At   time.Time // when the file was written last
	Size int64     // in bytes
	Body []byte    // at most verify.MaxReport bytes and one; nil: as it was
}
