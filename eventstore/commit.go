package eventstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/berkas-ledger/berkas/ledger"
)

// Commit makes a batch of 1 to MaxBatch records durable, with positions running
// on from Head, and calls durable once as soon as it is: the place to send
// receipts and acknowledge INTAKE. It must not call Commit, Recover or Close.
//
// On one machine LEDGER may still be taking the records when Commit returns;
// the next Commit waits for that before it journals anything. If LEDGER then
// turns out to have failed, it is the next Commit that says so.
//
// With any error durable was not called for this batch. ErrConflict and
// ErrUnknown: call Recover, then read on from Feed. ErrNoSpace: nothing
// happened. Anything else ends the process.
func (s *Store) Commit(ctx context.Context, records []ledger.Record, durable func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != nil {
		return s.ended
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	leaves, err := s.runOn(records)
	if err != nil {
		return err
	}
	if s.Cluster {
		return s.commitCluster(ctx, records, leaves, durable)
	}
	return s.commitOne(records, leaves, durable)
}

// runOn checks that records continue the ledger, and gives their leaves.
func (s *Store) runOn(records []ledger.Record) ([][]byte, error) {
	if len(records) == 0 || len(records) > MaxBatch {
		return nil, fmt.Errorf("commit: %d records, at least 1 and at most %d", len(records), MaxBatch)
	}
	p := s.journal.Len()
	leaves := make([][]byte, len(records))
	for i, r := range records {
		if p++; r.Position != p {
			return nil, fmt.Errorf("commit: a record of position %d where %d is due", r.Position, p)
		}
		leaves[i] = r.Leaf()
	}
	return leaves, nil
}

// commitOne: the journal is the durable copy, LEDGER follows it.
func (s *Store) commitOne(records []ledger.Record, leaves [][]byte, durable func()) error {
	if err := s.journal.Append(leaves); err != nil {
		return err
	}
	// From here on the records stand, whatever happens.
	if err := s.cut(stepSynced); err != nil {
		return err
	}
	durable()
	if s.cut(stepDurable) == nil { // otherwise it is the next Commit that says so
		s.following = s.follow(records)
	}
	return nil
}

// follow publishes records that stand in the journal, and says how it went.
func (s *Store) follow(records []ledger.Record) chan error {
	done := make(chan error, 1)
	go func() {
		// Not the caller's context: the records stand already.
		err := s.publisher.fly(context.Background(), records)
		if err == nil {
			err = s.rig.step(stepPublished)
		}
		done <- err
	}()
	return done
}

// commitCluster: the replicated LEDGER is the durable copy, and taking the batch
// whole or not at all is the fence; the journal follows it.
func (s *Store) commitCluster(ctx context.Context, records []ledger.Record, leaves [][]byte, durable func()) error {
	err := s.publisher.flyWhole(ctx, records)
	if err == nil {
		err = s.cut(stepPublished)
	}
	if err != nil {
		s.doubt = err
		return err
	}
	// From here on the records stand, whatever happens.
	if err := s.journal.Append(leaves); err != nil {
		if errors.Is(err, ErrNoSpace) { // here it does not mean that nothing happened
			err = fmt.Errorf("%w, the journal did not: %s", ErrUnknown, err.Error())
		}
		s.doubt = err
		return err
	}
	if err := s.cut(stepSynced); err != nil {
		return err
	}
	durable()
	_ = s.cut(stepDurable) // it is the next Commit that says so
	return nil
}

// settle waits until LEDGER has taken the last commit, and says what stands in
// the way of the next one. What it says is said until Recover has mended it.
func (s *Store) settle(ctx context.Context) error {
	if s.following != nil {
		select {
		case err := <-s.following:
			s.following = nil
			s.doubt = err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return s.doubt
}

// cut ends the store for good when a test cuts it off at a step.
func (s *Store) cut(step string) error {
	if err := s.rig.step(step); err != nil {
		s.ended = err
		return err
	}
	return nil
}
