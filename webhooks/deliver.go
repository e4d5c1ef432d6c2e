package webhooks

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// Retry says when a message that was not taken is sent again.
type Retry struct {
	First  time.Duration // after the first failure; 5 s
	Most   time.Duration // doubled up to this; 1 h
	GiveUp time.Duration // the endpoint is disabled when one message has failed for so long; 72 h
	Least  int           // and so often: a program that was off did not try; 10
}

func (r Retry) filled() Retry {
	for v, to := range map[*time.Duration]time.Duration{&r.First: 5 * time.Second, &r.Most: time.Hour, &r.GiveUp: 72 * time.Hour} {
		if *v <= 0 {
			*v = to
		}
	}
	if r.Least <= 0 {
		r.Least = 10
	}
	return r
}

// after is how long to wait after a number of attempts: half of it for sure, the rest
// by chance, so that receivers that fell together are not asked together.
func (r Retry) after(attempts int) time.Duration {
	wait := r.Most
	if attempts < 40 { // or the shift overflows
		wait = min(r.First<<(attempts-1), r.Most)
	}
	return wait/2 + rand.N(wait/2+1)
}

// errDisabled ends a delivery until the operator says otherwise.
var errDisabled = errors.New("disabled")

// errLost says that nobody knows how far an endpoint is. To begin at the last record
// would pass over what it was not told, without a word.
var errLost = errors.New("how far it was is not known any more: say where to begin, with 'berkas webhooks replay NAME --from POSITION'")

// saveEach is how many records that an endpoint does not want may go by before its
// position is written.
const saveEach = 1000

// delivery is one endpoint at work.
type delivery struct {
	*Dispatcher
	e      Endpoint
	state  State
	client *http.Client
	saved  ledger.Position
}

// run delivers until the context ends or the endpoint is disabled.
func (d *delivery) run(ctx context.Context) error {
	if err := d.start(); err != nil {
		return err
	}
	if d.state.Disabled != nil {
		return errDisabled
	}
	d.client = client(d.e.reach(), d.e.roots(), d.Timeout)
	defer d.client.CloseIdleConnections()
	chain, after, err := d.chain()
	if err != nil {
		return err
	}
	d.say(d.e.Name, "")
	err = d.Feed(ctx, after, func(records []ledger.Record) error {
		for _, r := range records {
			if err := d.record(ctx, &chain, r); err != nil {
				return err
			}
		}
		return nil
	})
	if ctx.Err() != nil {
		err = nil // the end that was asked for
	}
	if d.state.Position != d.saved {
		err = errors.Join(err, d.save())
	}
	return err
}

// start reads where the endpoint stands and follows a new order.
func (d *delivery) start() (err error) {
	if d.state, err = d.store.State(d.e.Name); err != nil {
		return err
	}
	fresh := d.state.Endpoint != d.e.ID
	if fresh {
		d.state = State{Endpoint: d.e.ID}
	}
	if d.state.Order < d.e.Order.Number {
		d.state.Order, d.state.Failing, d.state.Disabled = d.e.Order.Number, nil, nil
		switch after := d.e.Order.After; {
		case after != nil:
			d.state.Position, d.state.Leaf = *after, ""
		case fresh && d.e.First != nil:
			d.state.Position = *d.e.First
		case fresh:
			return errLost
		}
		return d.save()
	}
	d.saved = d.state.Position
	return nil
}

// chain says where to go on: with the record at the endpoint's position, so that one
// that differs from the one delivered stops the delivery (promise P3). After an order
// that record was not seen, and is taken as it is.
func (d *delivery) chain() (c ledger.Chain, after ledger.Position, err error) {
	c.Position = d.state.Position
	switch {
	case c.Position == 0:
	case d.state.Leaf == "":
		c.Position--
		after = c.Position
	default:
		c.Leaf, err = ledger.ParseHash(d.state.Leaf)
		after = c.Resume()
	}
	return c, after, err
}

// record delivers one record and moves on.
func (d *delivery) record(ctx context.Context, chain *ledger.Chain, r ledger.Record) error {
	leaf, err := chain.Next(r)
	if err != nil {
		return err
	}
	if r.Position <= d.state.Position {
		return nil // compared, and delivered before
	}
	e, err := ledger.DecodeRecord(r)
	if err != nil {
		return err
	}
	wanted := d.e.wants(e)
	if wanted {
		m, err := messageOf(d.e.ID, d.Origin, r, e)
		if err != nil {
			return err
		}
		if err := d.deliver(ctx, m); err != nil {
			return err
		}
		d.state.Delivered++
		d.state.Last, d.state.Failing = d.Now().UTC(), nil
	}
	// The receiver has it. From here on a crash is no loss; before the next line is
	// done it is a message that comes twice, under the same id.
	d.state.Position, d.state.Leaf = r.Position, leaf.String()
	if !wanted && d.state.Position-d.saved < saveEach {
		return nil
	}
	return d.save()
}

func (d *delivery) save() error {
	if err := d.store.saveState(d.e.Name, d.state); err != nil {
		return fmt.Errorf("webhooks: keep the position of %s: %w", d.e.Name, err)
	}
	d.saved = d.state.Position
	return nil
}

// deliver sends a message until it is taken.
func (d *delivery) deliver(ctx context.Context, m Message) error {
	if err := d.pause(ctx); err != nil {
		return err
	}
	for {
		out := attempt(ctx, d.client, &d.e, m, d.Now())
		if out.taken {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := d.failed(out); err != nil {
			return err
		}
		if err := d.pause(ctx); err != nil {
			return err
		}
	}
}

// failed notes a failure, and disables the endpoint if it was one too many.
func (d *delivery) failed(out outcome) error {
	now := d.Now().UTC()
	f := d.state.Failing
	if f == nil {
		f = &Failure{Since: now}
	}
	f.Attempts++
	f.Last, f.Why = now, out.why
	f.Next = now.Add(max(d.Retry.after(f.Attempts), out.wait))
	d.state.Failing = f
	d.Log.Warn("a webhook was not taken", "endpoint", d.e.Name, "position", d.state.Position+1, "attempts", f.Attempts, "because", f.Why, "next", f.Next)
	switch {
	case out.gone:
		d.state.Disabled = &Disabled{now, out.why}
	case now.Sub(f.Since) >= d.Retry.GiveUp && f.Attempts >= d.Retry.Least:
		d.state.Disabled = &Disabled{now, fmt.Sprintf("failed for %v: %s", d.Retry.GiveUp, f.Why)}
	}
	if err := d.save(); err != nil {
		return err
	}
	if d.state.Disabled != nil {
		return errDisabled
	}
	return nil
}

// pause waits until the next attempt is due. A program that starts anew goes on
// waiting as it did before.
func (d *delivery) pause(ctx context.Context) error {
	if d.state.Failing == nil {
		return nil
	}
	t := time.NewTimer(d.state.Failing.Next.Sub(d.Now()))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
