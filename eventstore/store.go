package eventstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

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
	// First says that this is the first start over a cluster's new LEDGER, which
	// gets the genesis record from the journal. Otherwise an empty LEDGER halts:
	// it may be one that was lost.
	First bool

	// Provision, when set, lets recovery on one machine re-create a LEDGER that
	// is gone or has a hole. Without it that is ErrNotProvisioned.
	Provision *Login
	// Followers are the names under which processes follow LEDGER: their
	// consumers are made anew with it.
	Followers []string

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

	rig rig
}

// Store is the registrar's hold on the ledger. Commit, Recover and Close are
// for one goroutine, the rest for any.
type Store struct {
	Config
	journal   *Journal
	conn      *link
	publisher *publisher

	mu        sync.Mutex // held by Commit, Recover and Close
	following chan error // what becomes of the records that LEDGER is taking
	doubt     error      // why nothing may be committed before Recover
	ended     error      // why nothing may be committed any more
}

// Open takes the journal's lock, connects, and recovers.
//
// Errors: those of OpenJournal and Recover, ErrNotProvisioned, ErrWrongJournal
// when LEDGER names another journal.
func Open(ctx context.Context, c Config) (_ *Store, err error) {
	if c.Dir == "" || c.Origin == "" {
		return nil, errors.New("open the store: the journal's directory and the ledger's origin are needed")
	}
	if c.PublishTimeout == 0 {
		c.PublishTimeout = 10 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Store{Config: c}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	s.journal, err = OpenJournal(ctx, c.Dir, c.Origin, JournalOptions{LockWait: c.LockWait, Log: c.Log, rig: c.rig})
	if err != nil {
		return nil, err
	}
	if s.conn, err = c.Login.connect(ctx, User{Role: RoleRegistrar}, c.Log); err != nil {
		return nil, err
	}
	if s.publisher, err = newPublisher(s.conn, c.PublishTimeout, &s.rig); err != nil {
		return nil, err
	}
	if c.Cluster {
		if err := s.checkSync(ctx); err != nil {
			return nil, err
		}
	}
	if err := s.Recover(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Journal gives the journal to read from.
func (s *Store) Journal() *Journal { return s.journal }

// Feed yields the records that the journal holds at the moment of the call,
// then ends: what the registrar rebuilds its state from at the start, and reads
// on from its own position after Recover.
func (s *Store) Feed() ledger.Feed { return s.journal.Feed() }

// Head is the last durable record: its position and leaf hash.
func (s *Store) Head() (ledger.Chain, error) {
	p := s.journal.Len()
	leaf, err := s.journal.Leaf(p)
	if err != nil {
		return ledger.Chain{}, err
	}
	return ledger.Chain{Position: p, Leaf: ledger.HashLeaf(leaf)}, nil
}

// SendReceipt publishes a receipt for the submission with the given SHA-256 of
// its bytes. It is kept nowhere; whoever misses it sends the same bytes again.
// Nothing waits for the network: call Flush once after a batch.
func (s *Store) SendReceipt(agency ledger.AgencyID, sum ledger.Hash, receipt []byte) error {
	if !agency.Valid() {
		return fmt.Errorf("send a receipt: %q is no agency", agency)
	}
	return s.conn.Publish(prefixReceipt+string(agency)+"."+sum.String(), receipt)
}

// Flush reports whether what SendReceipt and Message.Ack have buffered is on its
// way: without a connection it is lost, and comes again by itself. It does not
// wait for the server; the client writes to the network as soon as it can.
func (s *Store) Flush() error {
	if !s.conn.IsConnected() {
		return fmt.Errorf("send receipts: %w", nats.ErrDisconnected)
	}
	return nil
}

// Close waits for LEDGER to take the last commit, for at most PublishTimeout,
// and gives the journal up.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	if s.following != nil {
		// A LEDGER that stays behind is completed by the next recovery.
		if err := <-s.following; err != nil {
			s.Log.Warn("LEDGER has not taken the last records", "error", err)
		}
		s.following = nil
	}
	if s.ended == nil {
		s.ended = ErrClosed
	}
	if s.publisher != nil {
		errs = append(errs, s.publisher.close())
	}
	if s.conn != nil {
		errs = append(errs, flush(context.Background(), s.conn.Conn))
		s.conn.Close()
	}
	if s.journal != nil {
		errs = append(errs, s.journal.Close())
	}
	return errors.Join(errs...)
}
