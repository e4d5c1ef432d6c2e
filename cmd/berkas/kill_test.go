package main

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/agencies"
	"github.com/berkas-ledger/berkas/eventstore"
	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

const killRounds = 50

// TestKilledAtRandomMoments kills the real program with SIGKILL again and again
// while it takes submissions, and at its starts. In the end every receipt that
// was ever given stands, and nothing is recorded twice.
func TestKilledAtRandomMoments(t *testing.T) {
	t.Parallel() // it mostly waits
	k := &killer{t: t, home: home{t.TempDir() + "/data"}, database: testkit.DB(t), receipts: map[ledger.Hash]ledger.Receipt{}}
	k.random = rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	p := k.start()
	k.setUp()
	for round := range killRounds {
		k.load(p)
		p = k.start()
		if k.random.IntN(4) == 0 { // at its start, too
			time.Sleep(time.Duration(k.random.IntN(200)) * time.Millisecond) // the moment is what is drawn
			k.kill(p)
			p = k.start()
		}
		if err := waitRunning(t.Context(), k.home, time.Minute); err != nil {
			t.Fatalf("round %d: %v\n%s", round, err, p.said.String())
		}
	}
	k.finish(p)
	k.verify()
}

type killer struct {
	t        *testing.T
	home     home
	database string
	random   *rand.Rand
	genesis  ledger.Genesis

	waiting  []ledger.Submission // without a receipt
	receipts map[ledger.Hash]ledger.Receipt
	sent     int
}

type process struct {
	*exec.Cmd
	said bytes.Buffer
}

func (k *killer) start() *process {
	p := &process{Cmd: exec.Command(program(k.t), "dev", "--data", k.home.dir, "--nats-port", "0", "--database", k.database)}
	p.Stdout, p.Stderr = &p.said, &p.said
	p.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.Start(); err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() { k.kill(p) })
	return p
}

// kill ends a process at once and waits for its end.
func (k *killer) kill(p *process) {
	if p.ProcessState != nil {
		return
	}
	_ = p.Process.Kill() // it may be gone already
	_ = p.Wait()         // its status is that it was killed
}

// setUp waits for the first start and publishes the contest that cases need.
func (k *killer) setUp() {
	if err := waitRunning(k.t.Context(), k.home, time.Minute); err != nil {
		k.t.Fatal(err)
	}
	o := &options{data: k.home.dir}
	s, err := o.submitter()
	if err != nil {
		k.t.Fatal(err)
	}
	k.genesis = s.genesis
	signer := k.signer()
	office := agencies.NewBawaslu(agencies.Office{Origin: k.genesis.Origin})
	draft, err := office.PublishContest(time.Now(), ledger.Contest{ID: testkit.Contest, Kind: "pilkada", Voting: "2020-12-09", Determination: "2020-09-23", Doubt: ledger.DoubtNone})
	if err != nil {
		k.t.Fatal(err)
	}
	sub, err := agencies.Sign(ledger.Bawaslu, draft, signer)
	if err != nil {
		k.t.Fatal(err)
	}
	client := k.dial(k.t.Context())
	defer client.Close()
	if _, err := client.Submit(k.t.Context(), sub); err != nil {
		k.t.Fatal(err)
	}
}

func (k *killer) signer() agencies.Signer {
	s, err := k.home.signer("bawaslu/event")
	if err != nil {
		k.t.Fatal(err)
	}
	return s
}

func (k *killer) dial(ctx context.Context) *agencies.Client {
	r, ok := k.home.found()
	if !ok {
		k.t.Fatal("the ledger does not run")
	}
	c, err := dialAs(ctx, k.home, r.NATS, ledger.Bawaslu, k.genesis)
	if err != nil {
		k.t.Fatal(err)
	}
	return c
}

// submissions yields what still waits, then new cases without end.
func (k *killer) submissions(signer agencies.Signer) iter.Seq[ledger.Submission] {
	again := k.waiting
	k.waiting = nil
	return func(yield func(ledger.Submission) bool) {
		for _, s := range again {
			if !yield(s) {
				return
			}
		}
		for yield(k.newCase(signer)) {
		}
	}
}

func (k *killer) newCase(signer agencies.Signer) ledger.Submission {
	id, err := agencies.NewID()
	if err != nil {
		k.t.Fatal(err)
	}
	draft, err := agencies.NewBawaslu(agencies.Office{Origin: k.genesis.Origin}).OpenCase(id, time.Now(), testkit.Opened(1+k.random.IntN(3)))
	if err != nil {
		k.t.Fatal(err)
	}
	s, err := agencies.Sign(ledger.Bawaslu, draft, signer)
	if err != nil {
		k.t.Fatal(err)
	}
	k.sent++
	return s
}

// load submits until the process is killed at a random moment.
func (k *killer) load(p *process) {
	ctx, cancel := context.WithCancel(k.t.Context())
	defer cancel()
	client := k.dial(ctx)
	defer client.Close()
	dead := make(chan struct{})
	moment := time.Duration(k.random.IntN(400)) * time.Millisecond
	go func() {
		defer close(dead)
		time.Sleep(moment) // it is what is drawn
		k.kill(p)
		cancel()
	}()
	k.take(agencies.Clients{ledger.Bawaslu: client}.SubmitAll(ctx, k.submissions(k.signer()), 200))
	<-dead
}

func (k *killer) take(results iter.Seq[agencies.Result]) {
	for r := range results {
		if r.Err != nil {
			var refused *agencies.RefusedError
			if errors.As(r.Err, &refused) {
				k.t.Fatalf("refused: %v", r.Err)
			}
			k.waiting = append(k.waiting, r.Submission)
			continue
		}
		sum := r.Submission.Sum()
		if old, ok := k.receipts[sum]; ok && old.Leaf != r.Receipt.Leaf {
			k.t.Fatalf("two receipts for the same bytes: positions %d and %d", old.Position, r.Receipt.Position)
		}
		k.receipts[sum] = r.Receipt
	}
}

// finish submits what still waits and lets the program end in order.
func (k *killer) finish(p *process) {
	client := k.dial(k.t.Context())
	defer client.Close()
	for len(k.waiting) > 0 {
		again := k.waiting
		k.waiting = nil
		k.take(agencies.Clients{ledger.Bawaslu: client}.SubmitAll(k.t.Context(), func(yield func(ledger.Submission) bool) {
			for _, s := range again {
				if !yield(s) {
					return
				}
			}
		}, 200))
	}
	k.checkFigures()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		k.t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		k.t.Fatalf("the program did not end well: %v\n%s", err, p.said.String())
	}
}

// checkFigures: the national view counts every case once.
func (k *killer) checkFigures() {
	r, err := projections.OpenReader(k.t.Context(), k.database)
	if err != nil {
		k.t.Fatal(err)
	}
	defer r.Close()
	var last ledger.Position
	for _, receipt := range k.receipts {
		last = max(last, receipt.Position)
	}
	ctx, cancel := context.WithTimeout(k.t.Context(), 2*time.Minute)
	defer cancel()
	if err := r.Wait(ctx, last); err != nil {
		k.t.Fatalf("the national view did not come to position %d: %v", last, err)
	}
	a, err := r.Figure(k.t.Context(), ledger.Query{Measures: []ledger.Measure{ledger.Opened}, Unit: ledger.UnitCase})
	if err != nil {
		k.t.Fatal(err)
	}
	if a.Value != uint64(k.sent) {
		k.t.Errorf("%d cases were submitted, the national view counts %d", k.sent, a.Value)
	}
}

// verify reads the journal: every receipt's record is there with its leaf, and
// no event is there twice.
func (k *killer) verify() {
	j, err := eventstore.OpenJournal(k.t.Context(), k.home.journal(), "", eventstore.JournalOptions{})
	if err != nil {
		k.t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	at := map[ledger.Position]ledger.Hash{}
	seen := map[string]ledger.Position{}
	var chain ledger.Chain
	err = j.Feed()(k.t.Context(), 0, func(records []ledger.Record) error {
		for _, r := range records {
			leaf, err := chain.Next(r)
			if err != nil {
				return err
			}
			at[r.Position] = leaf
			e, err := ledger.DecodeRecord(r)
			if err != nil {
				return err
			}
			if first, twice := seen[e.ID]; twice {
				k.t.Errorf("event %s stands at positions %d and %d", e.ID, first, r.Position)
			}
			seen[e.ID] = r.Position
		}
		return nil
	})
	if err != nil {
		k.t.Fatal(err)
	}
	for sum, receipt := range k.receipts {
		if at[receipt.Position] != receipt.Leaf {
			k.t.Errorf("the receipt for %s names position %d, where another record stands", sum, receipt.Position)
		}
	}
	if len(k.receipts) != k.sent || k.sent == 0 {
		k.t.Errorf("%d submissions, %d receipts", k.sent, len(k.receipts))
	}
	k.t.Logf("%d kills, %d submissions, %d records", killRounds, k.sent, len(at))
}
