package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/eventstore"
	"github.com/berkas-ledger/berkas/internal/simulate"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/roster"
	"github.com/berkas-ledger/berkas/transparency"
)

// simulated says what was made.
type simulated struct {
	Origin  string          `json:"origin"`
	Records ledger.Position `json:"records"`
	Until   ledger.Date     `json:"until"`
	Genesis string          `json:"genesis"` // leaf hash
}

// simulateInto makes a ledger whose course is simulated, whole or not at all: it is
// made beside its place and renamed there, which only a new or an empty directory
// lets happen. Nothing here can write to a ledger that exists, and none but a
// simulated one has this origin and these keys.
func simulateInto(ctx context.Context, h home, course simulate.Course, o *options) (made simulated, err error) {
	if empty, err := h.empty(); err != nil {
		return made, err
	} else if !empty {
		return made, occupied(h)
	}
	parent := filepath.Dir(h.dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return made, err
	}
	fresh, err := os.MkdirTemp(parent, "."+filepath.Base(h.dir)+"-new-")
	if err != nil {
		return made, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(fresh))
		}
	}()
	if err := os.Chmod(fresh, 0o755); err != nil {
		return made, err
	}
	s := simulation{home: home{fresh}, ledger: simulate.Ledger{Course: course, Grants: firstMandates()}}
	if made, err = s.make(ctx, o); err != nil {
		return made, err
	}
	if err := os.Remove(h.dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return made, err
	}
	return made, os.Rename(fresh, h.dir)
}

// simulation is a simulated ledger on its way into a directory.
type simulation struct {
	home   home
	ledger simulate.Ledger
}

func (s simulation) make(ctx context.Context, o *options) (made simulated, err error) {
	genesis, err := s.ledger.Genesis()
	if err != nil {
		return made, err
	}
	start, err := roster.Start(genesis)
	if err != nil {
		return made, err
	}
	g := start.Genesis()
	made = simulated{Origin: g.Origin, Until: s.ledger.Until, Genesis: genesis.LeafHash().String()}
	if err := s.saveKeys(); err != nil {
		return made, err
	}
	if err := writePublic(s.home.genesisFile(), genesis.Leaf()); err != nil {
		return made, err
	}
	if err := s.home.writePolicy(ledger.PolicyOf(g, genesis.LeafHash())); err != nil {
		return made, err
	}
	if err := eventstore.CreateJournal(s.home.journal(), g.Origin, genesis); err != nil {
		return made, err
	}
	journal, err := eventstore.OpenJournal(ctx, s.home.journal(), g.Origin, eventstore.JournalOptions{Log: o.log()})
	if err != nil {
		return made, err
	}
	defer func() { err = errors.Join(err, journal.Close()) }()
	if err := s.fill(ctx, journal); err != nil {
		return made, err
	}
	made.Records = journal.Len()
	return made, s.seal(ctx, journal, g)
}

// saveKeys keeps the keys where a rehearsal's are.
func (s simulation) saveKeys() error {
	signers, err := s.ledger.Signers()
	if err != nil {
		return err
	}
	for _, signer := range signers {
		file := s.home.keyFile(signer.ID())
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return err
		}
		if err := signer.Save(file); err != nil {
			return err
		}
	}
	receipt, log, err := s.ledger.NoteKeys()
	if err != nil {
		return err
	}
	for _, k := range []struct{ file, secret string }{
		{"seed.hex", hex.EncodeToString(s.ledger.Registrar().Seed())}, {"receipt.key", receipt}, {"log.key", log},
	} {
		if err := writeSecret(s.home.path("keys", "registrar", k.file), k.secret); err != nil {
			return err
		}
	}
	return nil
}

// appended is how many records go into the journal at once.
const appended = 16 << 10

// fill appends the course to the journal.
func (s simulation) fill(ctx context.Context, journal *eventstore.Journal) error {
	bar, end := progress[uint64](-1, "records")
	defer end()
	leaves := make([][]byte, 0, appended)
	flush := func() error {
		err := journal.Append(leaves)
		leaves = leaves[:0]
		bar(uint64(journal.Len()))
		return err
	}
	err := s.ledger.Feed()(ctx, journal.Len(), func(records []ledger.Record) error {
		for _, r := range records {
			leaves = append(leaves, r.Leaf())
			if len(leaves) == appended {
				if err := flush(); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil || ctx.Err() != nil {
		return errors.Join(err, ctx.Err())
	}
	return flush()
}

// seal signs a checkpoint of everything. No witness saw it: those of 'berkas dev'
// cosign when they run.
func (s simulation) seal(ctx context.Context, journal *eventstore.Journal, g ledger.Genesis) error {
	verifier, err := note.NewVerifier(g.Log)
	if err != nil {
		return err
	}
	signer, err := s.home.noteSigner("log.key")
	if err != nil {
		return err
	}
	l, err := transparency.Open(ctx, transparency.Config{Dir: s.home.logDir(), Source: journal, Signer: signer, Verifier: verifier})
	if err != nil {
		return err
	}
	if _, err := l.Seal(ctx); err != nil {
		return fmt.Errorf("seal the simulated log: %w", err)
	}
	return nil
}
