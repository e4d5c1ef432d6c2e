package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/agencies"
	"github.com/berkas-ledger/berkas/ledger"
)

// defaultThreshold is a majority of the five institutions that have a vote.
const defaultThreshold = 3

func newInit(o *options) *cobra.Command {
	var origin string
	var roots []string
	var rehearsal bool
	var threshold int
	c := &cobra.Command{
		Use:   "init",
		Short: "Make a new ledger: the registrar's keys and the genesis record",
		Long: `Make a new ledger in an empty data directory: draw the registrar's keys and write
the genesis record, which names the institutions with their root keys and first
mandates. Everything that is ever checked begins with the genesis record's leaf
hash: print it where everybody can see it.

Each institution draws its own root key with 'berkas keys new' and hands over the
public half. With --rehearsal all keys are drawn here, for a ledger of no value.

` + exitHelp,
		Example: `  berkas init --data ledger --origin berkas.example/2026 \
    --root bawaslu=bawaslu.pub --root kasn=kasn.pub --root bkn=bkn.pub \
    --root kemenpanrb=kemenpanrb.pub --root kemendagri=kemendagri.pub --root vault=vault.pub
  berkas init --data rehearsal --origin berkas.example/rehearsal --rehearsal`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := o.home()
			if err != nil {
				return err
			}
			hash, err := initialise(h, origin, roots, rehearsal, threshold, time.Now())
			if err != nil {
				return err
			}
			t := table{columns: []string{"origin", "genesis", "directory"}}
			t.add(origin, hash.String(), h.dir)
			return t.print(cmd.OutOrStdout(), o.output)
		},
	}
	f := c.Flags()
	f.StringVar(&origin, "origin", "", "name of the ledger, such as berkas.example/2026 (required)")
	f.StringArrayVar(&roots, "root", nil, "institution=file with its public root key, as 'berkas keys new' prints it; one for each")
	f.BoolVar(&rehearsal, "rehearsal", false, "draw every institution's keys here too: a ledger to learn with")
	f.IntVar(&threshold, "threshold", defaultThreshold, "how many institutions' root keys change roots and mandates")
	return c
}

func initialise(h home, origin string, roots []string, rehearsal bool, threshold int, now time.Time) (ledger.Hash, error) {
	if !ledger.ValidOrigin(origin) {
		return ledger.Hash{}, usage("--origin has to be a name such as berkas.example/2026: lower-case letters, digits, dots, hyphens, slashes")
	}
	if empty, err := h.empty(); err != nil {
		return ledger.Hash{}, err
	} else if !empty {
		return ledger.Hash{}, occupied(h)
	}
	f := founding{origin: origin, threshold: threshold, now: now}
	var err error
	if rehearsal {
		if len(roots) > 0 {
			return ledger.Hash{}, usage("--rehearsal draws every key itself; leave out --root")
		}
		f.roots, err = drawRoots(h)
	} else {
		f.roots, err = readRoots(roots)
	}
	if err != nil {
		return ledger.Hash{}, err
	}
	return h.initialise(f)
}

// occupied says why no ledger is made in a directory, and what to do.
func occupied(h home) error {
	hint := "A ledger is made once, in an empty directory. Nothing was changed."
	if !h.exists() {
		hint = "It has no journal/journal.json. If a ledger ever ran here, put journal/ back from a copy; " +
			"if its making was cut short, remove the directory and begin anew. Nothing was changed."
	}
	return &codedError{exitConflict, fmt.Errorf("%s is not empty", h.dir), hint}
}

// drawRoots makes root and event keys for every institution.
func drawRoots(h home) (map[ledger.AgencyID]ledger.NamedKey, error) {
	out := map[ledger.AgencyID]ledger.NamedKey{}
	for _, a := range institutions {
		root, err := h.newSigner(ledger.KeyID(a + "/root"))
		if err != nil {
			return nil, err
		}
		if _, err := h.newSigner(ledger.KeyID(a + "/event")); err != nil {
			return nil, err
		}
		out[a] = root.Public()
	}
	return out, nil
}

func readRoots(list []string) (map[ledger.AgencyID]ledger.NamedKey, error) {
	out := map[ledger.AgencyID]ledger.NamedKey{}
	for _, item := range list {
		agency, file, ok := strings.Cut(item, "=")
		if !ok {
			return nil, usage("--root is institution=file, not %q", item)
		}
		raw, err := os.ReadFile(filepath.Clean(file))
		if err != nil {
			return nil, err
		}
		id, public, ok := strings.Cut(strings.TrimSpace(string(raw)), " ")
		key := ledger.NamedKey{ID: ledger.KeyID(id), Public: ledger.PublicKey(public)}
		if _, err := key.Public.Key(); !ok || err != nil || key.ID.Agency() != ledger.AgencyID(agency) {
			return nil, usage("%s does not hold a public key of %s: one line '<key-id> <base64>'", file, agency)
		}
		out[ledger.AgencyID(agency)] = key
	}
	for _, a := range institutions {
		if _, ok := out[a]; !ok {
			return nil, usage("--root %s=FILE is missing; every institution has one", a)
		}
	}
	return out, nil
}

// ensureRehearsal makes a rehearsal ledger in an empty directory.
func ensureRehearsal(h home, origin string) (created bool, err error) {
	if h.exists() {
		return false, nil
	}
	_, err = initialise(h, origin, nil, true, defaultThreshold, time.Now())
	return err == nil, err
}

// signersFor loads the keys to sign with: files, or the agency's event key in the
// data directory of a rehearsal. Other institutions' roots may sign too.
func (h home) signersFor(agency ledger.AgencyID, files []string) ([]agencies.Signer, error) {
	if len(files) == 0 {
		s, err := h.signer(ledger.KeyID(agency + "/event"))
		return []agencies.Signer{s}, err
	}
	var out []agencies.Signer
	for _, f := range files {
		s, err := agencies.LoadSigner(f)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}
