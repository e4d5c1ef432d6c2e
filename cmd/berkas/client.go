package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/agencies"
	"github.com/berkas-ledger/berkas/eventstore"
	"github.com/berkas-ledger/berkas/ledger"
)

// dialAs connects as an agency to an embedded server, with the seed of its data
// directory.
func dialAs(ctx context.Context, h home, url string, a ledger.AgencyID, g ledger.Genesis) (*agencies.Client, error) {
	u := eventstore.User{Role: eventstore.RoleAgency, Name: string(a)}
	if _, err := h.natsSeed(u); err != nil {
		return nil, err
	}
	return dialWith(ctx, url, h.seedFile(u), "", a, g)
}

func dialWith(ctx context.Context, url, seedFile, creds string, a ledger.AgencyID, g ledger.Genesis) (*agencies.Client, error) {
	verifier, err := note.NewVerifier(g.Receipt)
	if err != nil {
		return nil, err
	}
	return agencies.Dial(ctx, agencies.Config{
		URL: url, SeedFile: seedFile, Credentials: creds, Agency: a, Origin: g.Origin, Receipts: verifier,
	})
}

// submitter connects commands that submit: to the ledger that runs over the data
// directory, or to --nats.
type submitter struct {
	options *options
	home    home
	url     string
	genesis ledger.Genesis
}

func (o *options) submitter() (*submitter, error) {
	h, err := o.home()
	if err != nil {
		return nil, err
	}
	s := &submitter{options: o, home: h, url: o.nats}
	if s.url == "" {
		r, err := h.runs("name a server with --nats")
		if err != nil {
			return nil, err
		}
		s.url = r.NATS
	}
	s.genesis, err = o.genesis()
	return s, err
}

// genesis reads what the ledger began with, from --genesis or the data
// directory.
func (o *options) genesis() (ledger.Genesis, error) {
	file := o.genesisFile
	if file == "" {
		h, err := o.home()
		if err != nil {
			return ledger.Genesis{}, err
		}
		file = h.genesisFile()
	}
	g, err := readGenesis(file)
	if errors.Is(err, fs.ErrNotExist) {
		err = &codedError{exitNotFound, fmt.Errorf("no genesis record at %s", file), "Name the ledger's directory with --data, or its genesis record with --genesis."}
	}
	return g, err
}

func (s *submitter) dial(ctx context.Context, a ledger.AgencyID) (*agencies.Client, error) {
	if s.options.nats == "" {
		return dialAs(ctx, s.home, s.url, a, s.genesis)
	}
	return dialWith(ctx, s.url, s.options.seed, s.options.creds, a, s.genesis)
}
