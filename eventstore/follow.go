package eventstore

import (
	"context"
	"errors"
	"log/slog"

	"github.com/berkas-ledger/berkas/ledger"
)

// FollowConfig says who follows LEDGER.
type FollowConfig struct {
	Login Login
	// Follower is the name that the consumers of this process were provisioned
	// under, for instance "projections". Two processes need two names.
	Follower string
	Origin   string // the ledger's origin; a LEDGER of another is refused
	Log      *slog.Logger
}

// Follower reads LEDGER from anywhere, in the role of a follower, an auditor or
// an agency.
type Follower struct{}

// Follow connects a follower.
func Follow(ctx context.Context, c FollowConfig) (*Follower, error) {
	return nil, errors.ErrUnsupported
}

// Feed yields the records of LEDGER after a position and then those that come,
// until the context ends. Lost connections are survived. A hole, or a message
// that is not a record, is a *ledger.ErrBroken.
func (f *Follower) Feed() ledger.Feed { return nil }

// Subject yields the records of one subject of LEDGER (ledger.SubjectCase and
// its like) that are there at the moment of the call, then ends. Positions rise
// but do not run on.
func (f *Follower) Subject(subject string) ledger.Feed { return nil }

// Head is the position of LEDGER's last record.
func (f *Follower) Head(ctx context.Context) (ledger.Position, error) {
	return 0, errors.ErrUnsupported
}

// Close ends the connection.
func (f *Follower) Close() error { return errors.ErrUnsupported }
