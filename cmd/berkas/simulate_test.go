package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/agencies"
	"github.com/berkas-ledger/berkas/internal/simulate"
	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// A simulated ledger runs like any other: LEDGER is made from its journal, its
// projections fill, its figures are ledger.Count's, published tables are held against
// them, and agencies go on recording where it ends.
func TestSimulatedLedgerRuns(t *testing.T) {
	h, now := home{t.TempDir()}, time.Now()
	course := simulate.Course{Cases: 150, Seed: 11, Until: simulate.LastDay(now)}
	made, err := simulateInto(t.Context(), h, course, &options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n, err := startNode(ctx, nodeConfig{home: h, log: testkit.Log(t), rehearsal: true, database: testkit.DB(t), http: httpConfig{addr: "127.0.0.1:0"}})
	if err != nil {
		t.Fatal(err)
	}
	work := make(chan error, 1)
	go func() { work <- n.run(ctx) }()
	if err := n.tried(ctx, made); err != nil {
		t.Error(err)
	}
	if got, err := http.Get(n.web.url() + "/healthz"); err != nil || got.Header.Get("Berkas-Demo") != "simulated" {
		t.Errorf("whoever serves a simulated ledger says so: %v, %v", got, err)
	} else if err := got.Body.Close(); err != nil {
		t.Error(err)
	}
	cancel()
	if err := errors.Join(<-work, n.close()); err != nil {
		t.Error(err)
	}
}

// tried compares figures of a simulated ledger and records one more event.
func (n *node) tried(ctx context.Context, made simulated) error {
	if err := n.introduce(ctx); err != nil {
		return err
	}
	client, err := n.dial(ctx, ledger.Bawaslu)
	if err != nil {
		return err
	}
	defer client.Close()
	signers, err := n.home.signers("event")
	if err != nil {
		return err
	}
	draft, err := agencies.Compose(n.origin, ledger.Bawaslu, ledger.ContestPublishedKind, "pilkada-2029", time.Now(), ledger.Contest{
		ID: "pilkada-2029", Kind: "pilkada", Voting: "2029-11-28", Determination: "2029-09-22", Doubt: ledger.DoubtUnsure,
	})
	if err != nil {
		return err
	}
	s, err := agencies.Sign(ledger.Bawaslu, draft, signers[ledger.Bawaslu])
	if err != nil {
		return err
	}
	answer, err := client.Submit(ctx, s)
	if err != nil {
		return err
	}
	if answer.Position != made.Records+1 {
		return errors.New("what is recorded next does not stand next")
	}
	r, err := n.settled(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	return n.figuresFit(ctx, r, made.Records)
}

// figuresFit compares the tables' figures with counts of the folded journal.
func (n *node) figuresFit(ctx context.Context, r *projections.Reader, known ledger.Position) error {
	cases := map[string][]ledger.CaseEvent{}
	err := n.store.Feed()(ctx, 0, func(records []ledger.Record) error {
		for _, rec := range records {
			e, err := ledger.DecodeRecord(rec)
			if err != nil {
				return err
			}
			if id := rec.CaseID(); id != "" {
				cases[id] = ledger.Insert(cases[id], ledger.CaseEvent{Position: rec.Position, Recorded: rec.Recorded, Event: e})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	var rows []ledger.Row
	for _, events := range cases {
		rows = append(rows, ledger.History(events)...)
	}
	for _, day := range []ledger.Date{"2020-12-31", "2023-06-30", "2024-12-04"} {
		for _, m := range []ledger.Measure{ledger.Opened, ledger.WaitingVerification, ledger.Recommended, ledger.Sanctioned, ledger.Blocked} {
			q := ledger.Query{Measures: []ledger.Measure{m}, Unit: ledger.UnitRespondent, AsOf: day.End(), KnownAt: known}
			f, err := r.Figure(ctx, q)
			if err != nil {
				return err
			}
			if want := ledger.Count(rows, q); f.Value != want {
				return fmt.Errorf("%s on %s: the tables say %d, the fold %d", m, day, f.Value, want)
			}
		}
	}
	lines, err := reconcile(ctx, r, nil, "")
	if err != nil {
		return err
	}
	if d := differing(lines); d == 0 || d == len(lines) {
		return errors.New("published tables either all agree with the ledger or none does")
	}
	return nil
}
