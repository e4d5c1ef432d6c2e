package web

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
	"github.com/berkas-ledger/berkas/roster"
	"github.com/berkas-ledger/berkas/transparency"
	"github.com/berkas-ledger/berkas/vault"
)

// Config is what the server is given. Roster is required; a part whose function
// is nil answers 503.
type Config struct {
	// Demo is the mark on every page and answer of a ledger that is no real one,
	// for instance "rehearsal"; "" for a real one.
	Demo string
	// Open lets everybody read everything without a credential. Only for a
	// rehearsal that strangers cannot reach.
	Open bool
	// Tokens are the credentials; nil: there are none.
	Tokens *Tokens
	// SecureCookies: browsers reach the server over TLS only.
	SecureCookies bool

	// Roster is the roster at the tip. A key whose receipt has been sent has to
	// be on it.
	Roster func() *roster.Roster
	// Head is the position of the last record, at least that of every receipt
	// that has been sent.
	Head func() ledger.Position
	// Submit hands a submission in and waits for the registrar's receipt; note is
	// the receipt as it was signed. A context that ends first gives its error;
	// ErrBusy and ErrAway say that the submission was not taken in.
	Submit func(ctx context.Context, s ledger.Submission) (r ledger.Receipt, note []byte, err error)
	// CaseRecords gives the records of a case in order of position, at least those
	// up to Head; none if there is no such case.
	CaseRecords func(ctx context.Context, id string) ([]ledger.Record, error)
	// RosterRecords gives the records of the roster in the same way, the genesis
	// record first.
	RosterRecords func(ctx context.Context) ([]ledger.Record, error)
	// Feed follows the ledger from any position, for any number of readers at a
	// time; it may be ahead of Head for a moment. It ends with its context.
	Feed ledger.Feed
	// Figures answers the questions of the national view.
	Figures *projections.Reader
	// GiveKey makes the data key of a holder of personal data in a case. For a
	// holder that has one it gives that one, and made is false.
	GiveKey func(h vault.Holder, now time.Time) (key DataKey, made bool, err error)
	// Files reads the files of the ledger's log, as far as its newest published
	// checkpoint covers them.
	Files transparency.Fetch
	// Seal publishes a checkpoint that covers all records at the moment of the
	// call.
	Seal func(ctx context.Context) (ledger.Checkpoint, error)
	// Parts says of each part of the program whether it works; nil errors are
	// well, and ErrMissing is nothing to wait for. It is asked by /readyz.
	Parts func(ctx context.Context) map[string]error

	// Desk is what the auditor's desk shows beside that.
	Desk Desk

	Now func() time.Time // nil: time.Now
	Log *slog.Logger     // nil: nothing is logged

	Limits Limits
}

// Errors of Submit.
var (
	// ErrBusy says that more waits for the registrar than may wait. Nothing was
	// taken in; the same bytes may be sent again in a while.
	ErrBusy = errors.New("the intake is full")
	// ErrAway says that nothing takes in the agency's submissions at present.
	ErrAway = errors.New("nothing takes in the agency's submissions")
)

// Limits bound what one request and all together may take. Zero fields get the
// values that docs/http.md names.
type Limits struct {
	InFlight          int           // requests at a time, of those that read and of those that send; 512
	InFlightEach      int           // those of one credential that read; 64
	InFlightStrangers int           // those without a credential that read; 128
	ReceiptWait       time.Duration // for the receipt of one submission; 20 s
	Request           time.Duration // for every other answer; 30 s
	Prepared          time.Duration // for what is worked out beside requests; 250 ms
	BulkWindow        int           // submissions of one bulk request under way; 64
	BulkLines         int           // lines of one bulk request; 10,000
	BulkAtOnce        int           // bulk requests at a time; 4
	Streams           int           // open streams of records in all; 64
	StreamsEach       int           // those of one credential; 8
	Live              int           // open streams of pages in all; 512
	LiveEach          int           // those of one credential; 64
	Exports           int           // files being made at a time, in all; 4
	ExportsEach       int           // those of one credential; 2
	Heartbeat         time.Duration // how often a stream says that it lives; 15 s
	StreamSlow        time.Duration // for a stream's reader to take one portion; 10 s
	StreamStall       time.Duration // after which the connection is cut; 30 s
}

func (l Limits) filled() Limits {
	set := func(v *int, to int) {
		if *v <= 0 {
			*v = to
		}
	}
	for v, to := range map[*int]int{
		&l.InFlight: 512, &l.InFlightEach: 64, &l.InFlightStrangers: 128, &l.BulkWindow: 64, &l.BulkLines: 10_000, &l.BulkAtOnce: 4,
		&l.Streams: 64, &l.StreamsEach: 8, &l.Live: 512, &l.LiveEach: 64, &l.Exports: 4, &l.ExportsEach: 2,
	} {
		set(v, to)
	}
	for v, to := range map[*time.Duration]time.Duration{
		&l.Heartbeat: 15 * time.Second, &l.StreamSlow: 10 * time.Second, &l.StreamStall: 30 * time.Second,
		&l.ReceiptWait: 20 * time.Second, &l.Request: 30 * time.Second, &l.Prepared: 250 * time.Millisecond,
	} {
		if *v <= 0 {
			*v = to
		}
	}
	return l
}

func (c *Config) complete() error {
	if c.Roster == nil {
		return errors.New("web: no roster")
	}
	if c.Open && c.Tokens != nil {
		return errors.New("web: open to everybody and with tokens: choose one")
	}
	if c.Open && c.Demo == "" {
		return errors.New("web: a server that is open to everybody carries a demo mark")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Head == nil {
		c.Head = func() ledger.Position { return 0 }
	}
	c.Limits = c.Limits.filled()
	return nil
}
