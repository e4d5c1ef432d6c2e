package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/transparency"
)

func newExport(o *options) *cobra.Command {
	var f logFlags
	c := &cobra.Command{
		Use:   "export DIR",
		Short: "Copy the whole log into a directory that anybody can serve, copy and audit",
		Long: `Write the published log into a directory: checkpoint, tiles and records in the layout of
C2SP tlog-tiles, and the first record as genesis.leaf. The directory is all that an audit
needs besides a policy, and any web server can serve it; its records are not for the
public.

Every file is checked against the newest checkpoint on the way. Run again, it brings the
directory up to date; full tiles that are there and right are not read anew. The
checkpoint is written last, so an export that was cut short has none, or has the older one
with all that it covers.

The checkpoint has to be signed by the log's key: that of --policy, and its witnesses with
it; without --policy the one in the data directory's genesis record, which says nothing of
witnesses.

` + exitHelp,
		Example: `  berkas export log
  berkas export log --from https://ledger.example --token-file token --policy policy.txt`,
		Args: exactArgs("a directory"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("output") {
				return usage("berkas export writes files: leave out --output")
			}
			return o.export(cmd.Context(), f, args[0], cmd.OutOrStdout())
		},
	}
	f.register(c.Flags())
	o.policyFlag(c.Flags())
	return c
}

func (o *options) export(ctx context.Context, f logFlags, dir string, out io.Writer) (err error) {
	if err := exportable(dir); err != nil {
		return err
	}
	policy, err := o.exportPolicy(f)
	if err != nil {
		return err
	}
	fetch, done, err := o.logSource(ctx, f.from, f.tokenFile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	signed, err := newestCheckpoint(ctx, fetch)
	if err != nil {
		return err
	}
	if _, err := policy.Open(signed); err != nil {
		return &codedError{code: exitVerify, err: err}
	}
	verifier, err := note.NewVerifier(policy.Log)
	if err != nil {
		return err
	}
	older, err := o.olderCheckpoints(f)
	if err != nil {
		return err
	}
	var to func(ledger.Position)
	var end func()
	c, err := transparency.Export(ctx, heldAt(fetch, signed), verifier, dir, transparency.ExportOptions{
		Checkpoints: older,
		Progress: func(done, total ledger.Position) {
			if to == nil {
				to, end = progress[ledger.Position](int(total), "exporting records")
			}
			to(done)
		},
	})
	if end != nil {
		end()
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s holds the log of %s: %d records, root %s\n", dir, c.Origin, c.Size, c.Root)
	return err
}

// heldAt keeps a log at the checkpoint that was judged: it may grow meanwhile.
func heldAt(f transparency.Fetch, signed []byte) transparency.Fetch {
	return func(ctx context.Context, path string) ([]byte, error) {
		if path == "checkpoint" {
			return signed, nil
		}
		return f(ctx, path)
	}
}

// exportable refuses a directory that holds something else.
func exportable(dir string) error {
	list, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(list) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	for _, part := range []string{"checkpoint", "tile"} {
		if _, err := os.Stat(filepath.Join(dir, part)); err == nil {
			if _, err := os.Stat(filepath.Join(dir, "sealed")); err == nil {
				return usage("%s is where a running ledger keeps its log; name another directory", dir)
			}
			return nil
		}
	}
	return &codedError{exitConflict, fmt.Errorf("%s is not empty, and holds no export", dir), "Name a new directory, or one that holds an earlier export. Nothing was changed."}
}

// exportPolicy is the policy that was given, or that of the data directory
// without its witnesses: what is copied from there is judged where it arrives.
func (o *options) exportPolicy(f logFlags) (ledger.Policy, error) {
	if o.policyFile != "" || f.from != "" {
		return o.policy()
	}
	p, err := o.ownPolicy()
	p.Quorum = ledger.QuorumNone
	return p, err
}

// olderCheckpoints lists those that lie in the directory that is read; over HTTP
// there is no list.
func (o *options) olderCheckpoints(f logFlags) ([]ledger.Position, error) {
	if f.from != "" {
		if strings.Contains(f.from, "://") {
			return nil, nil
		}
		return transparency.Checkpoints(f.from)
	}
	h, err := o.home()
	if err != nil {
		return nil, err
	}
	return transparency.Checkpoints(h.logDir())
}
