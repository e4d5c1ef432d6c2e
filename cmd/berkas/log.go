package main

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/eventstore"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/transparency"
	"github.com/berkas-ledger/berkas/web"
)

// startLog opens the log over the journal. Whatever is wrong with it makes the
// ledger not ready, and does not keep it from taking records in.
func (n *node) startLog(ctx context.Context) {
	if n.evidence, n.evidenceErr = n.openLog(ctx); n.evidenceErr != nil {
		n.log.Error("no checkpoints are made; intake goes on", "error", n.evidenceErr)
	}
}

func (n *node) openLog(ctx context.Context) (*transparency.Log, error) {
	verifier, err := note.NewVerifier(n.judge.Roster().Genesis().Log)
	if err != nil {
		return nil, err
	}
	signer, err := n.home.noteSigner("log.key")
	if err != nil {
		return nil, err
	}
	config := transparency.Config{
		Dir: n.home.logDir(), Source: n.store.Journal(), Signer: signer, Verifier: verifier, Gather: n.gather, Accept: n.witnesses.accept, Log: n.log,
	}
	if n.external != nil && n.external.cluster {
		config.Register, config.Shared = clusterRegister{n.store.Sealed()}, true
	}
	return transparency.Open(ctx, config)
}

// clusterRegister is a cluster's register as the log wants it.
type clusterRegister struct{ eventstore.Sealed }

func (r clusterRegister) Swap(ctx context.Context, old, signed []byte) error {
	err := r.Sealed.Swap(ctx, old, signed)
	if errors.Is(err, eventstore.ErrConflict) {
		return fmt.Errorf("%w: %w", transparency.ErrMoved, err)
	}
	return err
}

// logReady says why the newest records get no checkpoint.
func (n *node) logReady() error {
	err := n.evidenceErr
	if n.evidence != nil {
		err = n.evidence.Ready()
	}
	return toldWhy(err)
}

// toldWhy gives an error of the log the words that anybody may read. They name
// positions and witnesses' numbers, never paths.
func toldWhy(err error) error {
	var broken *ledger.ErrBroken
	var quorum *transparency.QuorumError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &broken):
		return &web.Cause{Why: broken.Error(), Err: err}
	case errors.As(err, &quorum):
		why := fmt.Sprintf("%d of %d witnesses have cosigned the checkpoint of %d records; the quorum asks for more", len(quorum.Have), quorum.Of, quorum.Size)
		return &web.Cause{Why: why, Err: err}
	case errors.Is(err, transparency.ErrStopped):
		return &web.Cause{Why: "sealing has stopped, and what was published stays; run berkas doctor", Err: err}
	}
	return err
}
