package eventstore

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// MaxBatch is the largest number of records in one commit: JetStream takes no
// larger atomic batch.
const MaxBatch = 1000

// Config says what Open opens. Dir, Origin and Login are required.
type Config struct {
	Dir    string // the journal's directory
	Origin string // the ledger's origin
	Login  Login  // in the role of the registrar

	// Cluster says that LEDGER is replicated and comes first; otherwise it has
	// one replica and follows the journal. Open refuses a LEDGER that does not
	// fit.
	Cluster bool

	// Provision, when set, lets recovery on one machine re-create a LEDGER that
	// is gone or has a hole. Without it that is ErrNotProvisioned.
	Provision *Login

	// System, when set, is a login in the system account, by which a cluster's
	// servers are asked whether they run with sync_interval: always.
	System *Login
	// TrustSync takes the operator's word for it when System is not set.
	TrustSync bool

	LockWait time.Duration // as in JournalOptions
	// PublishTimeout bounds how long LEDGER may take to acknowledge a batch;
	// zero is 10 s.
	PublishTimeout time.Duration

	Log *slog.Logger // nil drops everything

	// fault is called at each named step of a commit; an error cuts the commit
	// off there. Only tests set it.
	fault func(step string) error
}

// Store is the registrar's hold on the ledger. Commit, Recover and Close are
// for one goroutine, the rest for any.
type Store struct{}

// Open takes the journal's lock, connects, and recovers.
//
// Errors: those of OpenJournal and Recover, ErrNotProvisioned, ErrWrongJournal
// when LEDGER names another journal.
func Open(ctx context.Context, c Config) (*Store, error) { return nil, errors.ErrUnsupported }

// Journal gives the journal to read from.
func (s *Store) Journal() *Journal { return nil }

// Feed yields the records that the journal holds at the moment of the call,
// then ends: what the registrar rebuilds its state from at the start, and reads
// on from its own position after Recover.
func (s *Store) Feed() ledger.Feed { return nil }

// Head is the last durable record: its position and leaf hash.
func (s *Store) Head() ledger.Chain { return ledger.Chain{} }

// Commit makes a batch of 1 to MaxBatch records durable, with positions running
// on from Head, and calls durable once as soon as it is: the place to send
// receipts and acknowledge INTAKE.
//
// On one machine LEDGER may still be taking the records when Commit returns;
// the next Commit waits for that before it journals anything. If LEDGER then
// turns out to have failed, it is the next Commit that says so.
//
// With any error durable was not called for this batch. ErrConflict and
// ErrUnknown: call Recover, then read on from Feed. ErrNoSpace: nothing
// happened. Anything else ends the process.
func (s *Store) Commit(ctx context.Context, records []ledger.Record, durable func()) error {
	return errors.ErrUnsupported
}

// Recover compares the journal with LEDGER, record by record, and completes the
// one that follows. In a cluster records that another registrar wrote, or that
// an ErrUnknown left in doubt, are in Feed afterwards.
//
// A *ledger.ErrBroken means that the two contradict one another: stop, nothing
// may be decided until somebody has looked.
func (s *Store) Recover(ctx context.Context) error { return errors.ErrUnsupported }

// SendReceipt publishes a receipt for the submission with the given SHA-256 of
// its bytes. It is kept nowhere; whoever misses it sends the same bytes again.
// Nothing waits for the network: call Flush once after a batch.
func (s *Store) SendReceipt(agency ledger.AgencyID, sum ledger.Hash, receipt []byte) error {
	return errors.ErrUnsupported
}

// Flush hands to the network what SendReceipt and Message.Ack have buffered. It
// does not wait for the server.
func (s *Store) Flush() error { return errors.ErrUnsupported }

// Close waits for LEDGER to take the last commit, for at most PublishTimeout,
// and gives the journal up.
func (s *Store) Close() error { return errors.ErrUnsupported }
