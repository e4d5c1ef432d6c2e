package eventstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/berkas-ledger/berkas/ledger"
)

// LedgerDir is where a NATS server that keeps its streams in a directory has the
// files of LEDGER.
func LedgerDir(store string) string {
	return filepath.Join(store, "jetstream", accountLedger, "streams", streamLedger)
}

// scanPatience bounds one question of a scan: a stream whose files are damaged
// may not answer at all.
const scanPatience = 2 * time.Second

// LedgerScan is what a server gives out as LEDGER, flaws and all.
type LedgerScan struct {
	// Journal and Origin are what its metadata names; "" if that was not read.
	Journal, Origin string
	// Leaves are the leaf hashes by position, from 1 at index 0; zero where no
	// record came.
	Leaves []ledger.Hash
	Flaws  []Flaw

	strange map[ledger.Position]bool // messages that are no record
	conn    *link
	blocks  *BlockScan // it was read from files, not from a server
}

// ScanLedger reads all of LEDGER in the role of the registrar, or of a follower,
// which may not see how the stream is set up. What is wrong with it is in Flaws;
// an error means that the server could not be asked. Close it.
//
// It reads messages by their place and not by a consumer: those of this ledger
// are others', and what one has delivered is no part of the record.
func ScanLedger(ctx context.Context, login Login, u User) (*LedgerScan, error) {
	conn, err := login.connect(ctx, u, nil)
	if err != nil {
		return nil, err
	}
	s := &LedgerScan{conn: conn, strange: map[ledger.Position]bool{}}
	if u.Role == RoleRegistrar {
		if err := s.setUp(ctx); err != nil {
			return s, s.silent(ctx, err)
		}
	}
	return s, s.silent(ctx, s.readAll(ctx))
}

// silent makes a flaw of a server that does not answer about LEDGER.
func (s *LedgerScan) silent(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil {
		return errors.Join(err, ctx.Err())
	}
	next := ledger.Position(len(s.Leaves)) + 1
	s.Flaws = append(s.Flaws, Flaw{Byte: -1, First: next, Last: next, Problem: "LEDGER cannot be read: " + err.Error()})
	return nil
}

// setUp compares the stream with what provisioning makes.
func (s *LedgerScan) setUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, scanPatience)
	defer cancel()
	var info streamInfo
	if err := ask(ctx, s.conn.Conn, "STREAM.INFO."+streamLedger, nil, &info); err != nil {
		return err
	}
	have := info.Config
	s.Journal, s.Origin = have.Metadata[metaJournal], have.Metadata[metaOrigin]
	want := ledgerStream(s.Journal, s.Origin, have.Replicas)
	have.Metadata, want.Metadata = nil, nil
	if err := differs("stream "+streamLedger, have, want); err != nil {
		s.Flaws = append(s.Flaws, Flaw{Byte: -1, Problem: err.Error()})
	}
	return nil
}

// readAll reads what there is from the beginning and notes what was passed over.
func (s *LedgerScan) readAll(ctx context.Context) error {
	err := s.run(ctx, 1, 0, func(p ledger.Position, r ledger.Record) error {
		for ledger.Position(len(s.Leaves)) < p {
			s.Leaves = append(s.Leaves, ledger.Hash{})
		}
		s.Leaves[p-1] = r.LeafHash()
		return nil
	})
	if err != nil {
		return err
	}
	missing := func(i int) bool { return s.Leaves[i] == ledger.Hash{} && !s.strange[ledger.Position(i+1)] }
	for i := 0; i < len(s.Leaves); i++ {
		if !missing(i) {
			continue
		}
		first := i
		for i < len(s.Leaves) && missing(i) {
			i++
		}
		s.Flaws = append(s.Flaws, Flaw{Byte: -1, First: ledger.Position(first + 1), Last: ledger.Position(i), Problem: "the stream has no record there"})
	}
	return nil
}

// run reads messages from a position on, up to another (0: all there are). A
// message that is no record is a flaw and passed over.
func (s *LedgerScan) run(ctx context.Context, first, last ledger.Position, yield func(ledger.Position, ledger.Record) error) error {
	for next := first; last == 0 || next <= last; {
		list, err := s.portion(ctx, next)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, m := range list {
			if m.position < next {
				return fmt.Errorf("it gives position %d when asked for %d", m.position, next)
			}
			if next = m.position + 1; last > 0 && m.position > last {
				return nil
			}
			r, err := recordOf(m.position, m.subject, m.Msg)
			if err != nil {
				s.strange[m.position] = true
				s.Flaws = append(s.Flaws, Flaw{Byte: -1, First: m.position, Last: m.position, Problem: "the message is no record: " + err.Error()})
				continue
			}
			if err := yield(m.position, r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *LedgerScan) portion(ctx context.Context, from ledger.Position) ([]*positioned, error) {
	for try := 1; ; try++ {
		asking, cancel := context.WithTimeout(ctx, scanPatience)
		list, err := direct(asking, s.conn.Conn, directRequest{From: from, Batch: directBatch, Bytes: directBytes})
		cancel()
		// A server that has just started may lose the question.
		if err == nil || try == 3 || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, nats.ErrTimeout) {
			return list, err
		}
	}
}

// Leaf reads the leaf of a position again; fs.ErrNotExist if the scan found none.
func (s *LedgerScan) Leaf(ctx context.Context, p ledger.Position) ([]byte, error) {
	if p < 1 || p > ledger.Position(len(s.Leaves)) || s.Leaves[p-1] == (ledger.Hash{}) {
		return nil, fmt.Errorf("LEDGER, record %d: %w", p, fs.ErrNotExist)
	}
	if s.blocks != nil {
		return s.blocks.leaf(p)
	}
	var out []byte
	err := s.run(ctx, p, p, func(_ ledger.Position, r ledger.Record) error {
		out = r.Leaf()
		return nil
	})
	if err == nil && (out == nil || ledger.HashLeaf(out) != s.Leaves[p-1]) {
		err = &ledger.ErrBroken{Position: p, Problem: "LEDGER changed while it was read"}
	}
	return out, err
}

// Close ends the connection.
func (s *LedgerScan) Close() error {
	if s.conn != nil {
		s.conn.Close()
	}
	return nil
}
