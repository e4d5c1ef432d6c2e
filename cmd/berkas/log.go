package main

import (
	"context"
	"errors"

	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/transparency"
)

// errClusterLog says why a cluster's log is not sealed here.
var errClusterLog = errors.New("the log of a cluster is not sealed: two registrars would keep two files of what is sealed")

// startLog opens the log over the journal. Whatever is wrong with it makes the
// ledger not ready, and does not keep it from taking records in.
func (n *node) startLog(ctx context.Context) {
	if n.evidence, n.evidenceErr = n.openLog(ctx); n.evidenceErr != nil {
		n.log.Error("no checkpoints are made; intake goes on", "error", n.evidenceErr)
	}
}

func (n *node) openLog(ctx context.Context) (*transparency.Log, error) {
	if n.external != nil && n.external.cluster {
		return nil, errClusterLog
	}
	verifier, err := note.NewVerifier(n.judge.Roster().Genesis().Log)
	if err != nil {
		return nil, err
	}
	signer, err := n.home.noteSigner("log.key")
	if err != nil {
		return nil, err
	}
	return transparency.Open(ctx, transparency.Config{
		Dir: n.home.logDir(), Source: n.store.Journal(), Signer: signer, Verifier: verifier, Gather: n.gather, Log: n.log,
	})
}

// logReady says why the newest records get no checkpoint.
func (n *node) logReady() error {
	if n.evidence == nil {
		return n.evidenceErr
	}
	return n.evidence.Ready()
}
