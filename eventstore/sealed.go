package eventstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/berkas-ledger/berkas/ledger"
)

const (
	streamSealed  = "SEALED"
	subjectSealed = "sealed.checkpoint"
	// sealedKept is how many sealed checkpoints the stream keeps: the last one
	// counts, the others are for whoever looks into what went wrong.
	sealedKept = 64
)

// sealedStream is a cluster's register of the last checkpoint that was sealed. It
// has one subject, so the expected sequence of a message is that of the value
// that it replaces.
func sealedStream(journal, origin string, replicas int) streamConfig {
	return streamConfig{
		Name: streamSealed, Subjects: []string{subjectSealed},
		Retention: "limits", Storage: "file", Discard: "old", Replicas: replicas,
		MaxMsgs: sealedKept, MaxBytes: -1, MaxMsgsPer: -1, MaxMsgSize: maxMessage, Duplicates: noDuplicates,
		DenyDelete: true, DenyPurge: true,
		Metadata: map[string]string{metaJournal: journal, metaOrigin: origin},
	}
}

// Sealed is where the processes of a cluster keep the last checkpoint that one of
// them sealed: replicated, synced by a majority before it is acknowledged, and
// moved by compare-and-swap.
type Sealed struct{ store *Store }

// Sealed gives a cluster's register. Provision makes it.
func (s *Store) Sealed() Sealed { return Sealed{s} }

// Load gives what was sealed last, nil for nothing yet.
func (s Sealed) Load(ctx context.Context) ([]byte, error) {
	_, signed, err := s.last(ctx)
	return signed, err
}

// last asks the stream's leader. One that was just replaced may answer with an
// older value; whoever builds on that fails to swap it.
func (s Sealed) last(ctx context.Context) (sequence ledger.Position, signed []byte, err error) {
	var info streamInfo
	err = ask(ctx, s.store.conn.Conn, "STREAM.INFO."+streamSealed, nil, &info)
	if absent(err) {
		return 0, nil, fmt.Errorf("stream %s: %w", streamSealed, ErrNotProvisioned)
	}
	if err != nil {
		return 0, nil, err
	}
	if origin := info.Config.Metadata[metaOrigin]; origin != s.store.Origin {
		return 0, nil, fmt.Errorf("%s belongs to %q: %w", streamSealed, origin, ErrWrongJournal)
	}
	if info.State.Last == 0 {
		return 0, nil, nil
	}
	var found struct {
		Message struct {
			Sequence uint64 `json:"seq"`
			Data     []byte `json:"data"`
		} `json:"message"`
	}
	err = ask(ctx, s.store.conn.Conn, "STREAM.MSG.GET."+streamSealed, directRequest{LastFor: subjectSealed}, &found)
	return ledger.Position(found.Message.Sequence), found.Message.Data, err
}

// Swap seals a checkpoint in the place of the old one. ErrConflict says that the
// old one is not there any more; after any other error it may have happened.
func (s Sealed) Swap(ctx context.Context, old, signed []byte) error {
	sequence, now, err := s.last(ctx)
	if err != nil {
		return err
	}
	if !bytes.Equal(now, old) {
		return fmt.Errorf("%s: %w", streamSealed, ErrConflict)
	}
	m := nats.NewMsg(subjectSealed)
	m.Data = signed
	expect(m, sequence)
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	answer, err := s.store.conn.RequestMsgWithContext(ctx, m)
	if err != nil {
		return fmt.Errorf("%s: %w", streamSealed, err)
	}
	var ack struct {
		Error *apiError `json:"error"`
	}
	if err := json.Unmarshal(answer.Data, &ack); err != nil {
		return fmt.Errorf("%s: %w", streamSealed, err)
	}
	if ack.Error == nil {
		return nil
	}
	if isCode(ack.Error, codeWrongLastSequence, codeWrongLastConstant) {
		return errors.Join(ErrConflict, ack.Error)
	}
	return fmt.Errorf("%s: %w", streamSealed, ack.Error)
}
