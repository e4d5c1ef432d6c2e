package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"github.com/berkas-ledger/berkas/agencies"
	"github.com/berkas-ledger/berkas/internal/simulate"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/seal"
	"github.com/berkas-ledger/berkas/vault"
	"github.com/berkas-ledger/berkas/verify"
)

const (
	demoSeed   = 2020
	demoWindow = 1000
)

// demo records the history of 2020 through the front door and compares the
// published totals with the ledger's. It reports whether all agree.
func (n *node) demo(ctx context.Context, out io.Writer) (agree bool, err error) {
	fmt.Fprintln(out, "Recording the history of the 2020 regional elections, and three invented cases after it, through the front door ...")
	started := time.Now()
	fed, err := n.feedHistory(ctx)
	if err != nil {
		return false, err
	}
	took := time.Since(started)
	fed.print(out, took)
	r, err := n.settled(ctx)
	if err != nil {
		return false, err
	}
	defer r.Close()
	p, err := r.Progress(ctx)
	if err != nil {
		return false, err
	}
	fmt.Fprintf(out, "PostgreSQL has everything up to position %d, %.1f s after the start.\n", p.Position, time.Since(started).Seconds())
	if err := n.sealed(ctx, out); err != nil {
		return false, err
	}
	fmt.Fprintln(out)
	fmt.Fprintln(out, "Totals as they were published at the time, beside the ledger's:")
	lines, err := reconcile(ctx, r, nil, "")
	if err != nil {
		return false, err
	}
	if err := printLines(out, "table", lines, false); err != nil {
		return false, err
	}
	valid, err := n.audited(ctx, out)
	return valid && differing(lines) == 0, err
}

// audited has every record judged anew, as an auditor would from outside, and
// reports whether nothing was found.
func (n *node) audited(ctx context.Context, out io.Writer) (valid bool, err error) {
	o := &options{data: n.home.dir, policyFile: n.home.policyFile()}
	policy, err := o.policy()
	if err != nil {
		return false, err
	}
	f := auditFlags{lang: string(verify.English)}
	report, err := f.run(ctx, o, policy)
	if err == nil {
		err = n.home.reportOf("demo", report)
	}
	if err != nil {
		return false, err
	}
	fmt.Fprintln(out, "\nEvery record judged anew. The policy is this ledger's own word; an auditor gets it from others:")
	fmt.Fprintln(out)
	_, err = io.WriteString(out, report.Text(verify.English))
	return report.Valid, err
}

// fed counts what the demo submitted.
type fed struct {
	admitted map[ledger.AgencyID]int
	known    int // recorded by an earlier run
}

func (f *fed) print(out io.Writer, took time.Duration) {
	total := 0
	for _, n := range f.admitted {
		total += n
	}
	if f.known > 0 {
		fmt.Fprintf(out, "%d events were recorded by an earlier run.\n", f.known)
	}
	if total == 0 {
		return
	}
	fmt.Fprintf(out, "%d signed events were admitted in %.1f s, each with a signed receipt:\n", total, took.Seconds())
	for _, a := range institutions {
		if f.admitted[a] > 0 {
			fmt.Fprintf(out, "  %-12s %5d\n", a, f.admitted[a])
		}
	}
}

// feedHistory submits the events of the history that are not on the ledger yet.
func (n *node) feedHistory(ctx context.Context) (_ *fed, err error) {
	known, err := recordedIDs(ctx, n.store.Feed())
	if err != nil {
		return nil, err
	}
	signers, err := n.home.signers("event")
	if err != nil {
		return nil, err
	}
	ring, err := n.home.openRing()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, ring.Close()) }()
	clients := agencies.Clients{}
	defer func() {
		for _, c := range clients {
			c.Close()
		}
	}()
	for _, a := range simulate.Agencies {
		if clients[a], err = n.dial(ctx, a); err != nil {
			return nil, err
		}
	}
	config := simulate.Config{Origin: n.origin, Signers: signers, Seed: demoSeed, Seal: sealWith(ring), Holders: keysIn(ring)}
	history := func(yield func(simulate.Step, error) bool) {
		for _, part := range []iter.Seq2[simulate.Step, error]{simulate.Pilkada2020(config), simulate.Steps(config, simulate.Walks(demoSeed))} {
			for step, err := range part {
				if !yield(step, err) {
					return
				}
			}
		}
	}
	out := &fed{admitted: map[ledger.AgencyID]int{}}
	var made error
	bar, done := progress[int](-1, "events")
	defer done()
	total := 0
	for result := range clients.SubmitAll(ctx, unrecorded(history, known, out, &made), demoWindow) {
		if result.Err != nil {
			return nil, fmt.Errorf("an event of %s was not admitted: %w", result.Submission.Agency, result.Err)
		}
		out.admitted[result.Submission.Agency]++
		total++
		bar(total)
	}
	return out, made
}

// unrecorded yields the submissions of a history whose events are not known.
func unrecorded(history iter.Seq2[simulate.Step, error], known map[string]bool, out *fed, made *error) iter.Seq[ledger.Submission] {
	return func(yield func(ledger.Submission) bool) {
		for step, err := range history {
			if err != nil {
				*made = err
				return
			}
			if known[step.ID] {
				out.known++
				continue
			}
			if !yield(step.Submission) {
				return
			}
		}
	}
}

func recordedIDs(ctx context.Context, feed ledger.Feed) (map[string]bool, error) {
	known := map[string]bool{}
	err := feed(ctx, 0, func(records []ledger.Record) error {
		for _, r := range records {
			e, err := ledger.DecodeRecord(r)
			if err != nil {
				return err
			}
			known[e.ID] = true
		}
		return nil
	})
	return known, err
}

// sealWith seals under the key of the holder that a ring keeps.
func sealWith(ring *vault.Ring) agencies.SealFunc {
	return func(place seal.Place, holder string, text []byte) (string, error) {
		kid, err := ring.KeyFor(vault.Holder{Case: place.Case, Label: holder}, time.Now())
		if err != nil {
			return "", err
		}
		return ring.Seal(kid, place, text)
	}
}

// keysIn makes the keys of many holders at one stroke.
func keysIn(ring *vault.Ring) func([]simulate.Holder) error {
	return func(holders []simulate.Holder) error {
		list := make([]vault.Holder, 0, len(holders))
		for _, h := range holders {
			list = append(list, vault.Holder(h))
		}
		_, err := ring.KeysFor(slices.Compact(list), time.Now())
		return err
	}
}
