package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/berkas-ledger/berkas/agencies"
	"github.com/berkas-ledger/berkas/internal/local"
	"github.com/berkas-ledger/berkas/internal/simulate"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
	"github.com/berkas-ledger/berkas/schemas"
)

// waiting is how many submitters wait for receipts at a time.
const waiting = 64

// bencher is a ledger of its own with everything switched on, and beside it a
// bare JetStream that fsyncs each publish.
type bencher struct {
	flags   *benchFlags
	node    *node
	stop    context.CancelFunc
	ended   chan error
	clients agencies.Clients
	hasty   *hasty
	raw     *local.NATS
	rawConn *nats.Conn
	js      jetstream.JetStream

	seed   uint64   // of the cases generated last
	sample [][]byte // bodies for the bare publishes, of the same sizes
}

func newBencher(ctx context.Context, o *options, f *benchFlags) (_ *bencher, err error) {
	b := &bencher{flags: f, ended: make(chan error, 1), clients: agencies.Clients{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	h := home{filepath.Join(f.dir, "ledger")}
	if _, err = ensureRehearsal(h, "berkas.example/bench"); err != nil {
		return nil, err
	}
	if b.node, err = startNode(ctx, nodeConfig{home: h, log: o.log(), rehearsal: true, database: o.database}); err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(ctx)
	b.stop = cancel
	go func() { b.ended <- b.node.run(running) }()
	if err = b.node.introduce(ctx); err != nil {
		return nil, err
	}
	for _, a := range simulate.Agencies {
		if b.clients[a], err = b.node.dial(ctx, a); err != nil {
			return nil, err
		}
	}
	genesis := b.node.judge.Roster().Genesis()
	if b.hasty, err = newHasty(h, b.node.nats.ClientURL(), genesis, simulate.Agencies); err != nil {
		return nil, err
	}
	return b, b.startRaw(ctx)
}

// generate makes whole cases of at least n events in all, of a seed of their
// own. They are made and signed before they are timed: that is the agencies'
// work, on other machines. What the roster has to know first is submitted once.
func (b *bencher) generate(ctx context.Context, n int) ([][]ledger.Submission, error) {
	signers, err := b.node.home.signers("event")
	if err != nil {
		return nil, err
	}
	b.seed++
	var out [][]ledger.Submission
	index := map[string]int{}
	for step, err := range simulate.Load(simulate.LoadConfig{
		Config: simulate.Config{Origin: b.node.origin, Signers: signers, Seed: b.seed}, Cases: n/eventsPerCase + 1,
	}) {
		if err != nil {
			return nil, err
		}
		if info, _ := ledger.LookupKind(step.Kind, 1); info.Stream == ledger.StreamRoster {
			if b.seed > 1 {
				continue
			}
			if _, err := b.clients[step.Submission.Agency].Submit(ctx, step.Submission); err != nil {
				return nil, err
			}
			continue
		}
		if len(b.sample) < 4096 {
			b.sample = append(b.sample, step.Body)
		}
		i, seen := index[step.Subject]
		if !seen {
			i = len(out)
			index[step.Subject] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], step.Submission)
	}
	return out, nil
}

// eventsPerCase is how many events a generated case has at least, on average.
const eventsPerCase = 6

func (b *bencher) startRaw(ctx context.Context) (err error) {
	b.raw, err = local.StartNATS(local.NATSConfig{Dir: filepath.Join(b.flags.dir, "raw"), Open: true, SyncAlways: true})
	if err != nil {
		return err
	}
	if b.rawConn, err = nats.Connect(b.raw.ClientURL()); err != nil {
		return err
	}
	if b.js, err = jetstream.New(b.rawConn); err != nil {
		return err
	}
	_, err = b.js.CreateStream(ctx, jetstream.StreamConfig{Name: "RAW", Subjects: []string{"raw"}})
	return err
}

func (b *bencher) close() error {
	var errs []error
	for _, c := range b.clients {
		c.Close()
	}
	if b.hasty != nil {
		b.hasty.close()
	}
	if b.rawConn != nil {
		b.rawConn.Close()
	}
	if b.raw != nil {
		errs = append(errs, b.raw.Stop())
	}
	if b.stop != nil {
		b.stop()
		errs = append(errs, <-b.ended)
	}
	if b.node != nil {
		errs = append(errs, b.node.close())
	}
	return errors.Join(errs...)
}

// publish is the limit: so many publishers, each waiting for the
// acknowledgement of an fsynced JetStream publish before the next.
func (b *bencher) publish(ctx context.Context, publishers int) (rate float64, latency time.Duration, err error) {
	return forAWhile(b.flags.seconds, publishers, func(i, k int) error {
		_, err := b.js.Publish(ctx, "raw", b.sample[(i*7919+k)%len(b.sample)])
		return err
	})
}

// forAWhile runs workers in turn and gives calls a second and the median time of
// one.
func forAWhile(d time.Duration, workers int, call func(worker, n int) error) (rate float64, latency time.Duration, err error) {
	var mu sync.Mutex
	var all []time.Duration
	var errs []error
	var wg sync.WaitGroup
	started := time.Now()
	end := started.Add(d)
	for w := range workers {
		wg.Go(func() {
			var own []time.Duration
			var err error
			for n := 0; err == nil && time.Now().Before(end); n++ {
				t := time.Now()
				err = call(w, n)
				own = append(own, time.Since(t))
			}
			mu.Lock()
			defer mu.Unlock()
			all, errs = append(all, own...), append(errs, err)
		})
	}
	wg.Wait()
	took := time.Since(started)
	if len(all) == 0 {
		return 0, 0, errors.Join(errs...)
	}
	slices.Sort(all)
	return float64(len(all)) / took.Seconds(), all[len(all)/2], errors.Join(errs...)
}

// submissions is the work: so many submitters, each waiting for a receipt before
// the next event of its case.
func (b *bencher) submissions(ctx context.Context, submitters int) (rate float64, latency time.Duration, err error) {
	// More than can be submitted in the time.
	cases, err := b.generate(ctx, int(b.flags.seconds.Seconds()*16000))
	if err != nil {
		return 0, 0, err
	}
	var taken atomic.Int64
	own := make([][]ledger.Submission, submitters)
	errEmpty := errors.New("the prepared events were not enough for the round")
	err = b.flags.profiled(func() (err error) {
		rate, latency, err = forAWhile(b.flags.seconds, submitters, func(w, _ int) error {
			for len(own[w]) == 0 {
				i := taken.Add(1) - 1
				if i >= int64(len(cases)) {
					return errEmpty
				}
				own[w] = cases[i]
			}
			s := own[w][0]
			own[w] = own[w][1:]
			return b.hasty.submit(ctx, s)
		})
		return err
	})
	if err == nil {
		err = b.hasty.verify()
	}
	return rate, latency, err
}

func (b *bencher) submit(ctx context.Context) ([]benchLine, error) {
	work, limit, ratio, err := b.flags.turns(
		func() (float64, error) { rate, _, err := b.submissions(ctx, waiting); return rate, err },
		func() (float64, error) { rate, _, err := b.publish(ctx, waiting); return rate, err })
	if err != nil {
		return nil, fmt.Errorf("submissions: %w", err)
	}
	return []benchLine{{
		Work: fmt.Sprintf("1 submission to receipt, %d waiting", waiting), Measured: work, Unit: "/s",
		Limit: fmt.Sprintf("fsynced JetStream publish, %d waiting", waiting), Against: limit, Ratio: ratio, Least: 1.0, Aim: 2.5,
	}}, nil
}

func (b *bencher) latency(ctx context.Context) ([]benchLine, error) {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	work, limit, ratio, err := b.flags.turns(
		func() (float64, error) { _, l, err := b.submissions(ctx, 1); return ms(l), err },
		func() (float64, error) { _, l, err := b.publish(ctx, 1); return ms(l), err })
	if err != nil {
		return nil, fmt.Errorf("latency: %w", err)
	}
	return []benchLine{{
		Work: "3 receipt latency, one submitter, median", Measured: work, Unit: "ms",
		Limit: "fsynced JetStream publish, median", Against: limit, Ratio: ratio, Least: 2.5, Aim: 1.5,
	}}, nil
}

// abreast is how many cases bulk import has on the way at a time.
const abreast = 2000

// importing measures bulk import: everything at hand, many cases abreast, the
// events of each in their order.
func (b *bencher) importing(ctx context.Context) ([]benchLine, error) {
	work, limit, ratio, err := b.flags.turns(func() (float64, error) {
		cases, err := b.generate(ctx, b.flags.bulk)
		if err != nil {
			return 0, err
		}
		n := 0
		for _, c := range cases {
			n += len(c)
		}
		started := time.Now()
		if err := b.flags.profiled(func() error { return b.submitCases(ctx, cases) }); err != nil {
			return 0, err
		}
		rate := float64(n) / time.Since(started).Seconds()
		return rate, b.hasty.verify()
	}, func() (float64, error) { rate, _, err := b.publish(ctx, waiting); return rate, err })
	if err != nil {
		return nil, fmt.Errorf("bulk import: %w", err)
	}
	return []benchLine{{
		Work: "2 bulk import", Measured: work, Unit: "/s",
		Limit: fmt.Sprintf("fsynced JetStream publish, %d waiting", waiting), Against: limit, Ratio: ratio, Least: 2.5, Aim: 6,
	}}, nil
}

func (b *bencher) submitCases(ctx context.Context, cases [][]ledger.Submission) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, abreast)
	for range min(abreast, len(cases)) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(cases)); i = next.Add(1) - 1 {
				for _, s := range cases[i] {
					if err := b.hasty.submit(ctx, s); err != nil {
						errs <- err
						return
					}
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	return <-errs
}

// catchUp measures filling PostgreSQL with all that was submitted.
func (b *bencher) catchUp(ctx context.Context) ([]benchLine, error) {
	r, err := b.node.settled(ctx)
	if err != nil {
		return nil, err
	}
	r.Close()
	head, err := b.node.store.Head()
	if err != nil {
		return nil, err
	}
	var records, limits, ratios []float64
	for range b.flags.rounds {
		c, err := projections.MeasureCatchUp(ctx, projections.Config{URL: b.node.database}, b.node.store.Feed(), head.Position)
		if err != nil {
			return nil, fmt.Errorf("catch-up: %w", err)
		}
		records = append(records, float64(c.Records)/c.Project.Seconds())
		limits = append(limits, float64(c.Records)/c.Copy.Seconds())
		ratios = append(ratios, c.Ratio())
	}
	return []benchLine{{
		Work: "4 catch-up into PostgreSQL, records", Measured: median(records), Unit: "/s",
		Limit: "COPY of the same rows", Against: median(limits), Ratio: median(ratios), Least: 0.5, Aim: 0.8,
	}}, nil
}

// limits measures what this machine can do of the pieces.
func (b *bencher) limits(ctx context.Context) ([]benchLine, error) {
	if _, err := b.generate(ctx, 1000); err != nil {
		return nil, err
	}
	syncs, err := b.fsyncs()
	if err != nil {
		return nil, err
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	body := b.sample[0]
	sig := ledger.Sign("bench/1", private, body)
	verify, _, err := forAWhile(b.flags.seconds/4, runtime.NumCPU(), func(int, int) error {
		if !sig.Fits(public, body) {
			return errors.New("a signature does not fit")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	v, err := schemas.New()
	if err != nil {
		return nil, err
	}
	validate, _, err := forAWhile(b.flags.seconds/4, runtime.NumCPU(), func(w, n int) error {
		e, bad := ledger.Decode(b.sample[(w+n)%len(b.sample)])
		if bad == nil {
			bad = v.Refusal(e.Kind, e.Version, e.Data)
		}
		if bad != nil {
			return bad
		}
		return nil
	})
	return []benchLine{
		{Work: "limit: write and fsync 4 KiB", Measured: syncs, Unit: "/s"},
		{Work: "limit: Ed25519 verifications, all cores", Measured: verify, Unit: "/s"},
		{Work: "limit: decode and validate, all cores", Measured: validate, Unit: "/s"},
	}, err
}

func (b *bencher) fsyncs() (float64, error) {
	f, err := os.Create(filepath.Join(b.flags.dir, "fsync"))
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	page := make([]byte, 4096)
	rate, _, err := forAWhile(b.flags.seconds/4, 1, func(int, int) error {
		if _, err := f.Write(page); err != nil {
			return err
		}
		return f.Sync()
	})
	return rate, err
}
