package registrar

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/roster"
)

// MaxBatch is how many submissions are decided and committed together.
const MaxBatch = 1000

// Store is what the registrar needs of the ledger's store.
//
// Commit makes records durable in one piece and calls durable once they are;
// after an error durable was not called, and for Retry errors the same call may
// be made again, for Reread errors the ledger has to be read first.
type Store interface {
	Feed() ledger.Feed
	Commit(ctx context.Context, records []ledger.Record, durable func()) error
	Recover(ctx context.Context) error
}

// Intake hands over what waits and sends answers.
type Intake interface {
	// Next blocks until there is at least one message and returns at most limit.
	Next(ctx context.Context, limit int) ([]Message, error)
	SendReceipt(agency ledger.AgencyID, sum ledger.Hash, receipt []byte) error
	Flush() error
}

// Config says how a registrar works. All fields but Log, Retry, Reread and
// OnRoster are required.
type Config struct {
	Judge  *Judge // holds the schemas, too, by which submissions are checked
	Store  Store
	Intake Intake

	Key     ledger.KeyID // of the registrar's own records
	Private ed25519.PrivateKey
	Receipt note.Signer

	// Retry says of an error of Commit that nothing happened and the same
	// records may be tried again (a full disk); Reread, that the ledger has to
	// be recovered and read before anything is decided (another writer, a lost
	// acknowledgement).
	Retry, Reread func(error) bool

	Wall       func() time.Time     // the machine's clock
	Mono       func() time.Duration // a clock that nobody sets
	Built      time.Time            // when this program was built
	AcceptTime bool                 // somebody has looked at the clock

	Random func([]byte) // fills with random bytes, for nonces
	NewID  func() string

	// OnRoster is told when the roster has changed, after the change is
	// durable.
	OnRoster func()
	Log      *slog.Logger
}

// Registrar takes, decides and commits until it is told to stop.
type Registrar struct {
	Config
	clock   *clock
	refused *refusals
	counts  Counts
}

// Counts is what a registrar did since it started.
type Counts struct {
	Admitted, Refused, Repeated, Batches uint64
}

// New checks the clock against the last record. The judge has to be brought up
// by Replay before.
func New(c Config) (*Registrar, error) {
	if c.Judge.Roster() == nil {
		return nil, errors.New("the ledger has no genesis record; make one with berkas init")
	}
	genesis := c.Judge.Roster().Genesis()
	if c.Key != genesis.Registrar.ID || genesis.Registrar.Public != ledger.EncodePublicKey(c.Private.Public().(ed25519.PublicKey)) {
		return nil, fmt.Errorf("key %s is not the registrar's key of this ledger (%s)", c.Key, genesis.Registrar.ID)
	}
	if err := checkReceiptKey(c.Receipt, genesis.Receipt); err != nil {
		return nil, err
	}
	clock, err := newClock(c.Wall, c.Mono, c.Built, c.Judge.last, c.AcceptTime)
	if err != nil {
		return nil, err
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Registrar{Config: c, clock: clock, refused: newRefusals()}, nil
}

// checkReceiptKey refuses a key whose receipts nobody could verify.
func checkReceiptKey(signer note.Signer, public string) error {
	verifier, err := note.NewVerifier(public)
	if err != nil {
		return fmt.Errorf("the receipt key that the genesis record names: %w", err)
	}
	probe := []byte("berkas")
	sig, err := signer.Sign(probe)
	if err != nil {
		return fmt.Errorf("try the receipt key: %w", err)
	}
	if signer.Name() != verifier.Name() || signer.KeyHash() != verifier.KeyHash() || !verifier.Verify(probe, sig) {
		return fmt.Errorf("key %s is not the receipt key of this ledger (%s)", signer.Name(), verifier.Name())
	}
	return nil
}

// Counts is for the goroutine that called Run, after it returned.
func (g *Registrar) Counts() Counts { return g.counts }

// Run decides until the context ends (nil) or something is wrong that only a
// person can mend. While one batch is committed, what comes in is taken and its
// signatures and schemas are checked; together it is the next. When it returns it has let go of Intake
// and Store.
func (g *Registrar) Run(ctx context.Context) error {
	running, cancel := context.WithCancel(ctx)
	// The roster's results are values, so preparing may use one that is a
	// little old: deciding looks again.
	var current atomic.Pointer[roster.Roster]
	current.Store(g.Judge.Roster())
	waiting, taken := newQueue(), make(chan error, 1)
	go func() {
		defer waiting.close()
		taken <- g.takeIn(running, waiting, &current)
	}()
	err := g.settleAll(running, waiting, &current)
	cancel()
	if taking := <-taken; err == nil && taking != nil {
		err = fmt.Errorf("take in submissions: %w", taking)
	}
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// takeIn prepares batches until the context ends or intake fails.
func (g *Registrar) takeIn(ctx context.Context, waiting *queue, current *atomic.Pointer[roster.Roster]) error {
	for {
		messages, err := g.Intake.Next(ctx, MaxBatch)
		if err != nil {
			return err
		}
		if err := waiting.put(ctx, rules{current.Load(), g.Judge.schemas, g.Judge.open}.prepareAll(messages)); err != nil {
			return err
		}
	}
}

func (g *Registrar) settleAll(ctx context.Context, waiting *queue, current *atomic.Pointer[roster.Roster]) error {
	for {
		batch := waiting.take()
		if len(batch) == 0 {
			return nil
		}
		before := g.Judge.Roster()
		if err := g.settle(ctx, batch); err != nil {
			return err
		}
		if now := g.Judge.Roster(); now != before {
			current.Store(now)
			if g.OnRoster != nil {
				g.OnRoster()
			}
		}
	}
}

// settle decides a batch and makes it durable, whatever it takes. While the disk
// is full it waits: nothing is promised, nothing is lost, and intake goes on
// growing until its limit. What was not committed is decided anew, so that it is
// dated when it is recorded.
func (g *Registrar) settle(ctx context.Context, batch []prepared) error {
	for waited := 0; len(batch) > 0; {
		d, err := g.decide(batch)
		if err != nil {
			return err
		}
		err = g.commit(ctx, d)
		switch {
		case err == nil:
			return nil
		case g.Retry != nil && g.Retry(err):
			if waited%60 == 0 {
				g.Log.Error("nothing can be recorded; waiting", "error", err)
			}
			waited++
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(retryEvery):
			}
		case g.Reread != nil && g.Reread(err):
			g.Log.Warn("the ledger has to be read before going on", "error", err)
			if batch, err = g.reread(ctx, d); err != nil {
				return err
			}
		default:
			return err
		}
	}
	return nil
}

// retryEvery is how often a full disk is tried again.
const retryEvery = time.Second

// reread learns what became of a batch whose commit is in doubt. What stands on
// the ledger is answered as it was decided; the rest is returned, to be decided
// anew.
func (g *Registrar) reread(ctx context.Context, d *decision) ([]prepared, error) {
	if err := g.Store.Recover(ctx); err != nil {
		return nil, fmt.Errorf("recover: %w", err)
	}
	if err := g.Judge.Replay(ctx, g.Store.Feed()); err != nil {
		return nil, fmt.Errorf("read the ledger again: %w", err)
	}
	var landed decision
	var rest []prepared
	for i, a := range d.answers {
		there, err := g.stands(a)
		if err != nil {
			return nil, err
		}
		if there {
			landed.batch, landed.answers = append(landed.batch, d.batch[i]), append(landed.answers, a)
		} else {
			rest = append(rest, d.batch[i])
		}
	}
	g.publish(&landed)
	return rest, nil
}

// stands reports whether the record that an answer is about is on the ledger. A
// leaf holds its position, so none is taken for another.
func (g *Registrar) stands(a answer) (bool, error) {
	at := a.receipt.Position
	if at > g.Judge.Chain().Position {
		return false, nil
	}
	r, err := g.Judge.read(at)
	if err != nil {
		return false, fmt.Errorf("read position %d: %w", at, err)
	}
	return r.LeafHash() == a.receipt.Leaf, nil
}

// commit makes a decision durable.
func (g *Registrar) commit(ctx context.Context, d *decision) error {
	signed := sync.OnceValue(func() error { return <-d.signed })
	if len(d.records) == 0 {
		if err := signed(); err != nil {
			return err
		}
		g.publish(d)
		return nil
	}
	var unsigned error
	err := g.Store.Commit(ctx, d.records, func() {
		// The commit point: from here on the batch is on the ledger.
		d.tx.keep()
		// Without receipts nothing is acknowledged either: it comes again, to a
		// registrar that can sign.
		if unsigned = signed(); unsigned == nil {
			g.publish(d)
		}
	})
	_ = signed() // after this the answers may be read again
	if err == nil {
		err = unsigned
	}
	return err
}

// publish answers every sender and acknowledges the messages.
func (g *Registrar) publish(d *decision) {
	if len(d.batch) == 0 {
		return
	}
	for i, a := range d.answers {
		if err := g.Intake.SendReceipt(a.receipt.Agency, a.receipt.Sum, a.signed); err != nil {
			// The outcome stands; the sender asks again and is recognised.
			g.Log.Warn("a receipt was not sent", "position", a.receipt.Position, "error", err)
		}
		if a.fresh && a.receipt.Outcome == ledger.Refused {
			g.refused.add(refusedKey{a.receipt.Agency, a.receipt.Sum}, a.receipt)
		}
		d.batch[i].message.Ack()
		g.count(a)
	}
	if err := g.Intake.Flush(); err != nil {
		g.Log.Warn("receipts and acknowledgements were not flushed", "error", err)
	}
	g.counts.Batches++
}

func (g *Registrar) count(a answer) {
	switch {
	case !a.fresh:
		g.counts.Repeated++
	case a.receipt.Outcome == ledger.Admitted:
		g.counts.Admitted++
	default:
		g.counts.Refused++
	}
}
