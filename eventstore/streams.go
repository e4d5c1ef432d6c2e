package eventstore

import (
	"context"
	"errors"

	"github.com/berkas-ledger/berkas/ledger"
)

// Provisioning says which streams and consumers there have to be.
type Provisioning struct {
	Login   Login  // in the provisioning role
	Journal string // id of the journal
	Origin  string // the ledger's origin

	Agencies  []ledger.AgencyID // each gets an INTAKE stream
	Followers []string          // names under which processes follow LEDGER

	Replicas int // of every stream; zero is 1, a cluster has 3 or 5
	// IntakeBytes bounds what may wait in one INTAKE stream, in bytes; when it
	// is full further submissions are turned away. Zero is 256 MiB.
	IntakeBytes int64
}

// Provision creates the streams and consumers that are missing. One that is
// there is checked and never changed: an update could delete what it holds, so
// a difference is an error that names it. It may be repeated.
func Provision(ctx context.Context, p Provisioning) error { return errors.ErrUnsupported }
