package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/transparency"
	"github.com/berkas-ledger/berkas/verify"
)

type bundleFlags struct {
	log logFlags
	out string
}

func newBundle(o *options) *cobra.Command {
	var f bundleFlags
	c := &cobra.Command{
		Use:   "bundle CASE",
		Short: "Write a case with its proofs into one file that anybody can check",
		Long: `Write one file with everything that it takes to check a case without asking anybody:
its records, the records that say whose keys and mandates are whose, a proof for each
that it stands in the log, and the log's newest checkpoint with the cosignatures of its
witnesses. Who is given the file checks it with 'berkas verify', or in a browser without
a network ('berkas verify --page').

The file holds what the ledger holds of the case: pseudonymous records with codes, and
sealed values that stay sealed. It is not for the public.

With --policy the bundle is checked as it is written.

` + exitHelp,
		Example: `  berkas bundle 01746ac6-7800-7cc3-9bd1-2f5a6c0d4e11
  berkas bundle 01746ac6-7800-7cc3-9bd1-2f5a6c0d4e11 --from https://berkas.example --token-file token.txt --out case.json
  berkas bundle 01746ac6-7800-7cc3-9bd1-2f5a6c0d4e11 --from export --policy policy.txt`,
		Args: exactArgs("a case id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd.Context(), o, args[0], cmd.OutOrStdout())
		},
	}
	f.log.register(c.Flags())
	o.policyFlag(c.Flags())
	c.Flags().StringVar(&f.out, "out", "", "file to write, - for standard output; default: CASE.bundle.json")
	return c
}

func (f *bundleFlags) run(ctx context.Context, o *options, id string, stdout io.Writer) error {
	if !verify.ValidCase(id) {
		return usage("%q is not the id of a case: a UUID of version 7 in lower case", id)
	}
	fetch, done, err := o.logSource(ctx, f.log.from, f.log.tokenFile)
	if err != nil {
		return err
	}
	b, err := bundleFrom(ctx, fetch, id)
	if err := errors.Join(err, done()); err != nil {
		if errors.Is(err, verify.ErrNoRecords) {
			return &codedError{exitNotFound, err, "What was recorded last is in it as soon as the log publishes its next checkpoint."}
		}
		return err
	}
	raw, err := b.Encode()
	if err != nil {
		return err
	}
	if f.out == "-" {
		_, err := stdout.Write(raw)
		return err
	}
	if f.out == "" {
		f.out = id + ".bundle.json"
	}
	if err := os.WriteFile(f.out, raw, 0o600); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s: %d records of the roster and the case, %d bytes\n", f.out, len(b.Records), len(raw))
	if o.policyFile == "" {
		if c, err := ledger.UnverifiedCheckpoint(b.Checkpoint); err == nil {
			printInvented(stdout, c.Origin)
		}
		fmt.Fprintf(stdout, "Check it with: berkas verify %s --policy POLICY\n", f.out)
		return nil
	}
	return verifyBundle(o, raw, stdout)
}

// bundleFrom asks a running ledger for a bundle, and puts one together from the log
// of whoever does not make them.
func bundleFrom(ctx context.Context, fetch transparency.Fetch, id string) (verify.Bundle, error) {
	raw, err := fetch(ctx, "v1/cases/"+id+"/bundle")
	if errors.Is(err, fs.ErrNotExist) {
		return bundleOf(ctx, fetch, id)
	}
	if err != nil {
		return verify.Bundle{}, err
	}
	b, err := verify.ParseBundle(raw)
	if err == nil && b.Case != id {
		err = fmt.Errorf("the ledger answers with case %s", b.Case)
	}
	return b, err
}

// bundleOf puts a bundle together from a log, whose entries it looks through.
func bundleOf(ctx context.Context, fetch transparency.Fetch, id string) (verify.Bundle, error) {
	signed, err := fetch(ctx, "checkpoint")
	if err != nil {
		return verify.Bundle{}, err
	}
	// Its readers judge who signed it; here only what it covers matters.
	text, _, ok := strings.Cut(string(signed), "\n\n")
	if !ok {
		return verify.Bundle{}, errors.New("the log's checkpoint is not signed")
	}
	c, err := ledger.ParseCheckpoint(text + "\n")
	if err != nil {
		return verify.Bundle{}, err
	}
	leaves, err := leavesOf(ctx, fetch, c.Size, ledger.SubjectRoster, ledger.SubjectCase(id))
	if err != nil {
		return verify.Bundle{}, err
	}
	return verify.MakeBundle(ctx, id, signed, c, leaves, transparency.NewProver(fetch, c).Inclusion)
}

// leavesOf looks through a log's entries for the records of subjects.
func leavesOf(ctx context.Context, fetch transparency.Fetch, size ledger.Position, subjects ...string) ([][]byte, error) {
	var out [][]byte
	to, done := progress[uint64](int(size), "look for the case")
	defer done()
	for _, t := range ledger.Tiles(ledger.LevelEntries, 0, size) {
		raw, err := fetch(ctx, t.Path())
		if err != nil {
			return nil, err
		}
		leaves, err := ledger.ParseBundle(raw, t.Width)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.Path(), err)
		}
		for _, leaf := range leaves {
			head, _, _ := bytes.Cut(leaf, []byte("\n\n"))
			for _, subject := range subjects {
				if bytes.Contains(head, []byte("\nsubject: "+subject+"\n")) {
					out = append(out, leaf)
				}
			}
		}
		to(t.Index*ledger.TileWidth + uint64(t.Width))
	}
	return out, nil
}
