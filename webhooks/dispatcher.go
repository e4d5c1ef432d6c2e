package webhooks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// Config says what a dispatcher delivers.
type Config struct {
	Dir    string // of the endpoints
	Origin string // the ledger's
	// Feed follows the ledger from any position, for any number of readers at a time.
	Feed ledger.Feed
	Head func() ledger.Position
	// Rehearsal allows http to this machine.
	Rehearsal bool
	Retry     Retry
	Timeout   time.Duration // of one attempt; 15 s
	Look      time.Duration // how often the directory is looked at; 1 s
	Now       func() time.Time
	Log       *slog.Logger
}

// Dispatcher delivers to the endpoints of a directory. Its zero value is of no use;
// make one with New. There may be one at a time over a directory: the journal's lock
// sees to that.
type Dispatcher struct {
	Config
	store Store

	mu      sync.Mutex
	trouble map[string]string // by endpoint: why nothing is sent
}

// New makes a dispatcher; it opens nothing.
func New(c Config) *Dispatcher {
	c.Retry = c.Retry.filled()
	if c.Timeout <= 0 {
		c.Timeout = attemptTime
	}
	if c.Look <= 0 {
		c.Look = time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Dispatcher{Config: c, store: Store{c.Dir}, trouble: map[string]string{}}
}

// Trouble says of endpoints that get nothing although nobody paused them why.
func (d *Dispatcher) Trouble() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []string
	for name, why := range d.trouble {
		out = append(out, name+": "+why)
	}
	slices.Sort(out)
	return out
}

func (d *Dispatcher) say(name, why string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	known := d.trouble[name]
	if delete(d.trouble, name); why == "" {
		return
	}
	if d.trouble[name] = why; why != known {
		d.Log.Error("an endpoint gets no webhooks", "endpoint", name, "because", why)
	}
}

// worker is an endpoint's delivery under way.
type worker struct {
	e    Endpoint
	stop context.CancelFunc
	done chan struct{}
}

func (w *worker) end() {
	w.stop()
	<-w.done
}

// Run delivers until the context ends, and heeds what the operator changes meanwhile.
func (d *Dispatcher) Run(ctx context.Context) error {
	workers := map[string]*worker{}
	defer func() {
		for _, w := range workers {
			w.stop()
		}
		for _, w := range workers {
			<-w.done
		}
	}()
	look := time.NewTicker(d.Look)
	defer look.Stop()
	seen := ""
	for {
		if mark := d.mark(); mark != seen {
			if err := d.look(ctx, workers); err == nil {
				seen = mark // otherwise it is tried again
			} else {
				d.Log.Error("the endpoints of webhooks cannot be read", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
	}
}

// mark changes when an endpoint's file does.
func (d *Dispatcher) mark() string {
	names, err := d.store.Names()
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, name := range names {
		info, err := os.Stat(d.store.endpointFile(name))
		if err != nil {
			continue // it went between the two; the next look sees that
		}
		fmt.Fprintf(&b, "%s %d %d %v\n", name, info.ModTime().UnixNano(), info.Size(), info.Mode())
	}
	return b.String()
}

// look brings the workers up to what the directory says.
func (d *Dispatcher) look(ctx context.Context, workers map[string]*worker) error {
	names, err := d.store.Names()
	if err != nil {
		return err
	}
	for name, w := range workers {
		if !slices.Contains(names, name) {
			w.end()
			delete(workers, name)
			d.say(name, "")
		}
	}
	for i, name := range names {
		e, err := d.store.Endpoint(name)
		w := workers[name]
		if err == nil && w != nil && reflect.DeepEqual(w.e, e) {
			continue
		}
		if w != nil {
			w.end()
			delete(workers, name)
		}
		switch {
		case err != nil:
			d.say(name, "its file cannot be read")
			d.Log.Error("an endpoint's file cannot be read", "endpoint", name, "error", err)
		case i >= MaxEndpoints:
			d.say(name, fmt.Sprintf("there are more than %d endpoints", MaxEndpoints))
		case e.Paused:
			d.say(name, "")
		case e.plain() && !d.Rehearsal:
			d.say(name, errPlain.Error())
		default:
			workers[name] = d.begin(ctx, e)
		}
	}
	return nil
}

// begin lets an endpoint's delivery work. One that fails is begun again, unless it is
// disabled or the ledger is not what it was.
func (d *Dispatcher) begin(ctx context.Context, e Endpoint) *worker {
	ctx, stop := context.WithCancel(ctx)
	w := &worker{e: e, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(w.done)
		for ctx.Err() == nil {
			one := &delivery{Dispatcher: d, e: e}
			err := one.run(ctx)
			var broken *ledger.ErrBroken
			switch {
			case ctx.Err() != nil:
				return
			case errors.Is(err, errDisabled):
				d.say(e.Name, one.state.Disabled.Why)
				return
			case errors.As(err, &broken):
				d.say(e.Name, broken.Error())
				return
			case errors.Is(err, errLost):
				d.say(e.Name, err.Error())
				return
			case err != nil:
				d.say(e.Name, "it was interrupted, and is tried again")
				d.Log.Error("webhooks were interrupted", "endpoint", e.Name, "error", err)
			}
			select {
			case <-ctx.Done():
			case <-time.After(d.Look):
			}
		}
	}()
	return w
}
