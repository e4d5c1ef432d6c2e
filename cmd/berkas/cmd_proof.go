package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/transparency"
)

type proofFlags struct {
	logFlags
	caseID, leaf, out, check, older string
}

func newProof(o *options) *cobra.Command {
	var f proofFlags
	c := &cobra.Command{
		Use:   "proof EVENT|POSITION",
		Short: "Prove that a record is in the log, or check such a proof offline",
		Long: `Write a proof that a record is in the log (C2SP tlog-proof, a text of some hundred
bytes), named by its position or by its event's id. An id is unique in its case only:
--case names the case. With --leaf the record itself, its leaf, is written too; whoever
has both, and the policy, needs nothing and nobody else.

--check judges a proof by a policy and a leaf, and asks no server. It says that the
record is in the log at that place and time and that the policy's witnesses have seen the
log; not that an agency's signature or mandate is good, which 'berkas audit' and
'berkas verify' judge.

With --older it judges a proof of consistency, which the auditor's desk at /desk gives
between any two checkpoints: that the log of the newer one begins with the older one's.

` + exitHelp,
		Example: `  berkas proof 42 --out 42.tlog-proof --leaf 42.leaf
  berkas proof 01746ac6-7800-7cc3-9bd1-2f5a6c0d4e11 --case 01746ac6-7800-7cc3-9bd1-2f5a6c0d4e10
  berkas proof 42 --from https://ledger.example --token-file token
  berkas proof --check 42.tlog-proof --leaf 42.leaf --policy policy.txt
  berkas proof --check 100-200.consistency --older 100.checkpoint --policy policy.txt`,
		Args: func(cmd *cobra.Command, args []string) error {
			if f.check != "" {
				return exactArgs()(cmd, args)
			}
			return exactArgs("a position or the id of an event, or --check FILE")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.check != "" {
				return f.judge(o, cmd)
			}
			if cmd.Flags().Changed("output") {
				return usage("a proof has one form: leave out --output; --out names the file to write it to")
			}
			return f.make(cmd, o, args[0])
		},
	}
	fl := c.Flags()
	f.register(fl)
	o.policyFlag(fl)
	fl.StringVar(&f.caseID, "case", "", "the case of an event that is named by its id")
	fl.StringVar(&f.leaf, "leaf", "", "file to write the record's leaf to; with --check: the file that has it")
	fl.StringVar(&f.out, "out", "", "file to write the proof to; default: standard output")
	fl.StringVar(&f.check, "check", "", "judge the proof in this file, offline")
	fl.StringVar(&f.older, "older", "", "with --check: the file of the older checkpoint, for a proof of consistency")
	return c
}

// make writes a proof from the newest checkpoint.
func (f *proofFlags) make(cmd *cobra.Command, o *options, name string) (err error) {
	ctx := cmd.Context()
	fetch, done, err := o.logSource(ctx, f.from, f.tokenFile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	signed, prover, position, err := f.covering(ctx, o, fetch, name)
	if err != nil {
		return err
	}
	c := prover.Checkpoint()
	p := ledger.Proof{Position: position, Checkpoint: signed}
	if p.Hashes, err = prover.Inclusion(ctx, position); err != nil {
		return err
	}
	hash, err := prover.LeafHashes(ctx, position, position)
	if err != nil {
		return err
	}
	if f.leaf != "" {
		leaf, err := prover.Leaf(ctx, position)
		if err != nil {
			return err
		}
		if err := os.WriteFile(f.leaf, leaf, 0o644); err != nil {
			return err
		}
	}
	if f.out == "" {
		_, err = io.WriteString(cmd.OutOrStdout(), p.Text())
	} else {
		err = os.WriteFile(f.out, []byte(p.Text()), 0o644)
	}
	if err == nil {
		_, err = fmt.Fprintf(cmd.ErrOrStderr(), "position %d of %d, leaf hash %s; judge it with 'berkas proof --check' and a policy\n", position, c.Size, hash[0])
	}
	return err
}

// coverWait is how long a record that no checkpoint covers yet is waited for: a
// running ledger publishes one a second.
const coverWait = 5 * time.Second

// errNotCovered says that the newest checkpoint does not cover what is asked for,
// or that there is no such thing.
var errNotCovered = errors.New("not among the records that the newest checkpoint covers")

// covering finds the record and the checkpoint to prove it from, and waits a
// moment for one that covers a record which was made just now.
func (f *proofFlags) covering(ctx context.Context, o *options, fetch transparency.Fetch, name string) ([]byte, *transparency.Prover, ledger.Position, error) {
	limit := time.NewTimer(coverWait)
	defer limit.Stop()
	tick := time.NewTicker(coverWait / 20)
	defer tick.Stop()
	looked := ledger.Position(0) // so far in vain
	for {
		signed, c, err := f.newest(ctx, o, fetch)
		if err != nil {
			return nil, nil, 0, err
		}
		position, err := f.find(ctx, fetch, looked, c.Size, name)
		if err == nil || !errors.Is(err, errNotCovered) || !f.live(o) {
			return signed, transparency.NewProver(fetch, c), position, err
		}
		looked = c.Size
		select {
		case <-ctx.Done():
			return nil, nil, 0, context.Cause(ctx)
		case <-limit.C:
			return nil, nil, 0, err
		case <-tick.C:
		}
	}
}

// live reports whether the log that is read may grow.
func (f *proofFlags) live(o *options) bool {
	if f.from != "" {
		return strings.Contains(f.from, "://")
	}
	h, err := o.home()
	if err != nil {
		return false
	}
	_, runs := h.found()
	return runs
}

// newest reads the newest checkpoint: by the policy, if there is one, else as
// what it says of itself, for somebody else to judge.
func (f *proofFlags) newest(ctx context.Context, o *options, fetch transparency.Fetch) ([]byte, ledger.Checkpoint, error) {
	signed, err := newestCheckpoint(ctx, fetch)
	if err != nil {
		return nil, ledger.Checkpoint{}, err
	}
	if o.policyFile == "" {
		c, err := ledger.UnverifiedCheckpoint(signed)
		return signed, c, err
	}
	policy, err := o.policy()
	if err != nil {
		return nil, ledger.Checkpoint{}, err
	}
	w, err := policy.Open(signed)
	if err != nil {
		err = &codedError{code: exitVerify, err: err}
	}
	return signed, w.Checkpoint, err
}

// newestCheckpoint reads the checkpoint that a log published last.
func newestCheckpoint(ctx context.Context, fetch transparency.Fetch) ([]byte, error) {
	signed, err := fetch(ctx, "checkpoint")
	if errors.Is(err, fs.ErrNotExist) {
		err = &codedError{exitNotFound, fmt.Errorf("the log has published no checkpoint yet: %w", err), "A running ledger publishes one within seconds, if enough witnesses answer; 'berkas health' says whether a part of it is amiss."}
	}
	return signed, err
}

// find gives the position of a record that is named by its position, or by its
// event's id, which is looked for behind the records that were looked through.
func (f *proofFlags) find(ctx context.Context, fetch transparency.Fetch, looked, size ledger.Position, name string) (ledger.Position, error) {
	if n, err := strconv.ParseUint(name, 10, 63); err == nil {
		switch {
		case f.caseID != "":
			return 0, usage("a position names a record by itself: leave out --case")
		case n == 0:
			return 0, usage("positions count from 1")
		case ledger.Position(n) > size:
			return 0, &codedError{exitNotFound, fmt.Errorf("position %d is %w: those are %d", n, errNotCovered, size), ""}
		}
		return ledger.Position(n), nil
	}
	if len(name) != 36 || strings.Trim(name, "0123456789abcdef-") != "" {
		return 0, usage("%q is neither a position nor the id of an event", name)
	}
	found, err := f.search(ctx, fetch, looked, size, name)
	switch {
	case err != nil:
		return 0, err
	case len(found) == 0:
		return 0, &codedError{exitNotFound, fmt.Errorf("event %s is %w: those are %d", name, errNotCovered, size), "A receipt says the position, too."}
	case len(found) > 1:
		return 0, usage("%d events have that id, in different cases: name the case with --case, or one of the positions %s", len(found), positions(found))
	}
	return found[0], nil
}

// search looks through the records for an event. What it finds is proven
// afterwards like any position.
func (f *proofFlags) search(ctx context.Context, fetch transparency.Fetch, looked, size ledger.Position, id string) ([]ledger.Position, error) {
	if looked >= size {
		return nil, nil
	}
	var found []ledger.Position
	to, done := progress[ledger.Position](int(size), "looking for the event")
	defer done()
	for _, t := range ledger.Tiles(ledger.LevelEntries, uint64(looked)/ledger.TileWidth, size) {
		bundle, err := fetch(ctx, t.Path())
		if err != nil {
			return nil, err
		}
		leaves, err := ledger.ParseBundle(bundle, t.Width)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.Path(), err)
		}
		for i, leaf := range leaves {
			if !bytes.Contains(leaf, []byte(id)) {
				continue
			}
			if is, err := f.is(leaf, id); err != nil {
				return nil, err
			} else if is {
				found = append(found, ledger.Position(t.Index)*ledger.TileWidth+ledger.Position(i)+1)
			}
		}
		to(ledger.Position(t.Index)*ledger.TileWidth + ledger.Position(t.Width))
		if f.caseID != "" && len(found) > 0 {
			return found, nil
		}
	}
	return found, nil
}

// is reports whether a leaf is the event that is looked for.
func (f *proofFlags) is(leaf []byte, id string) (bool, error) {
	r, err := ledger.ParseLeaf(leaf)
	if err != nil {
		return false, err
	}
	e, err := ledger.DecodeRecord(r)
	if err != nil {
		return false, err
	}
	return e.ID == id && (f.caseID == "" || r.CaseID() == f.caseID), nil
}

func positions(list []ledger.Position) string {
	words := make([]string, len(list))
	for i, p := range list {
		words[i] = strconv.FormatUint(uint64(p), 10)
	}
	return strings.Join(words, ", ")
}
