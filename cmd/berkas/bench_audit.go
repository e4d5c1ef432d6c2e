package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/berkas-ledger/berkas/internal/simulate"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/schemas"
	"github.com/berkas-ledger/berkas/transparency"
	"github.com/berkas-ledger/berkas/verify"
)

// auditSample is over how many records the limit of an audit is measured.
const auditSample = 30_000

// benchAudit is a log in a directory, of a generated history under the keys of
// the bencher's ledger.
type benchAudit struct {
	*bencher
	dir    string
	policy ledger.Policy
	last   ledger.Record
	bundle []byte
	hashes []tlog.Hash
	sample []ledger.Record
	events []ledger.Event // of the sample
	keys   map[ledger.KeyID]ed25519.PublicKey
}

// auditing measures full audits against what the checks of signatures and of
// schemas alone take on all cores, of the same records in the same run.
func (b *bencher) auditing(ctx context.Context) ([]benchLine, error) {
	l := &benchAudit{bencher: b, dir: filepath.Join(b.flags.dir, "audited"), keys: map[ledger.KeyID]ed25519.PublicKey{}}
	if err := l.make(ctx, b.flags.auditRecords); err != nil {
		return nil, fmt.Errorf("make a log to audit: %w", err)
	}
	validator, err := schemas.New()
	if err != nil {
		return nil, err
	}
	var lines []benchLine
	for _, x := range []struct {
		work, limit string
		schemas     *schemas.Validator
	}{
		{"6 full audit, records", "Ed25519 verifications, all cores", nil},
		{"6 full audit with schemas, records", "verifications and validations, all cores", validator},
	} {
		work, limit, ratio, err := b.flags.turns(
			func() (rate float64, err error) {
				err = b.flags.profiled(func() error {
					rate, _, err = l.audit(ctx, x.schemas)
					return err
				})
				return rate, err
			},
			func() (float64, error) { return l.limit(x.schemas) })
		if err != nil {
			return nil, fmt.Errorf("audit: %w", err)
		}
		lines = append(lines, benchLine{Work: x.work, Measured: work, Unit: "/s", Limit: x.limit, Against: limit, Ratio: ratio, Least: 0.85, Aim: 0.95})
	}
	_, kept, err := l.audit(ctx, nil)
	return append(lines, benchLine{Work: fmt.Sprintf("6 what an audit of %d records keeps in memory, a record", l.last.Position), Measured: kept, Unit: " B"}), err
}

// make writes the log: the founding of the bencher's ledger, then the history.
func (l *benchAudit) make(ctx context.Context, n int) error {
	if err := l.found(ctx); err != nil {
		return err
	}
	signers, err := l.node.home.signers("event")
	if err != nil {
		return err
	}
	history := simulate.LoadConfig{Config: simulate.Config{Origin: l.node.origin, Signers: signers, Seed: 77}, Cases: n/eventsPerCase + 1}
	for step, err := range simulate.Load(history) {
		if err != nil {
			return err
		}
		if int(l.last.Position) >= n {
			break
		}
		e, bad := ledger.Decode(step.Body)
		if bad != nil {
			return bad
		}
		info, _ := ledger.LookupKind(e.Kind, e.Version)
		r := ledger.Record{
			Position: l.last.Position + 1, Recorded: l.last.Recorded.Add(time.Microsecond),
			Subject: ledger.SubjectOf(e, info), Signatures: step.Submission.Signatures, Body: step.Body,
		}
		if len(l.sample) < auditSample {
			l.sample, l.events = append(l.sample, r), append(l.events, e)
		}
		if err := l.add(r); err != nil {
			return err
		}
	}
	return l.seal()
}

// found takes over the genesis record and the keys of the bencher's ledger.
func (l *benchAudit) found(ctx context.Context) error {
	journal, over := l.node.store.Journal(), errors.New("the founding is over")
	err := journal.Leaves(ctx, 1, journal.Len(), func(_ ledger.Position, leaf []byte) error {
		r, err := ledger.ParseLeaf(bytes.Clone(leaf))
		if err != nil {
			return err
		}
		if e, err := ledger.DecodeRecord(r); err != nil || e.Kind != ledger.GenesisKind && e.Kind != ledger.KeyAddedKind {
			return errors.Join(over, err)
		}
		return l.add(r)
	})
	if err != nil && !errors.Is(err, over) {
		return err
	}
	for _, k := range l.node.judge.Roster().Keys() {
		if l.keys[k.ID], err = k.Public.Key(); err != nil {
			return err
		}
	}
	return nil
}

// add writes a record into the log's entries.
func (l *benchAudit) add(r ledger.Record) error {
	leaf := r.Leaf()
	if r.Position == 1 {
		g := l.node.judge.Roster().Genesis()
		l.policy = ledger.PolicyOf(g, ledger.HashLeaf(leaf))
	}
	l.last, l.bundle = r, ledger.AppendEntry(l.bundle, leaf)
	more, err := tlog.StoredHashes(int64(r.Position)-1, leaf, tlog.HashReaderFunc(l.stored))
	if err != nil {
		return err
	}
	l.hashes = append(l.hashes, more...)
	if r.Position%ledger.TileWidth == 0 {
		return l.flush()
	}
	return nil
}

func (l *benchAudit) stored(list []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(list))
	for i, at := range list {
		out[i] = l.hashes[at]
	}
	return out, nil
}

func (l *benchAudit) flush() error {
	if len(l.bundle) == 0 {
		return nil
	}
	tiles := ledger.Tiles(ledger.LevelEntries, uint64(l.last.Position-1)/ledger.TileWidth, l.last.Position)
	err := l.file(tiles[0].Path(), l.bundle)
	l.bundle = l.bundle[:0]
	return err
}

func (l *benchAudit) file(path string, raw []byte) error {
	path = filepath.Join(l.dir, filepath.FromSlash(path))
	return errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, raw, 0o600))
}

func (l *benchAudit) seal() error {
	if err := l.flush(); err != nil {
		return err
	}
	root, err := tlog.TreeHash(int64(l.last.Position), tlog.HashReaderFunc(l.stored))
	if err != nil {
		return err
	}
	l.hashes = nil
	signer, err := l.node.home.noteSigner("log.key")
	if err != nil {
		return err
	}
	signed, err := ledger.SignCheckpoint(ledger.Checkpoint{Origin: l.node.origin, Size: l.last.Position, Root: ledger.Hash(root)}, signer)
	if err != nil {
		return err
	}
	return l.file("checkpoint", signed)
}

// audit audits the log as the command does and gives records a second, and how
// many bytes a record the auditor still holds at the end.
func (l *benchAudit) audit(ctx context.Context, v *schemas.Validator) (rate, kept float64, err error) {
	before := heap()
	au := &auditing{flags: &auditFlags{}, fetch: transparency.DirFetch(l.dir)}
	started := time.Now()
	if err := au.begin(ctx, verify.Config{Policy: l.policy, Schemas: v}); err != nil {
		return 0, 0, err
	}
	if err := au.read(ctx); err != nil {
		return 0, 0, err
	}
	report, err := au.finish()
	took := time.Since(started)
	if err == nil && !report.Valid {
		err = fmt.Errorf("the generated history is not valid: %s", report.Text(verify.English))
	}
	n := float64(report.Judged.Records)
	kept = float64(heap()-before) / n
	runtime.KeepAlive(au)
	return n / took.Seconds(), kept, err
}

// heap is how much memory is in use once what is not has been given back.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// limit checks the sample's signatures, and its data if schemas are given, and
// does nothing else.
func (l *benchAudit) limit(v *schemas.Validator) (float64, error) {
	var wg sync.WaitGroup
	var next atomic.Int64
	var failed atomic.Int64
	started := time.Now()
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := int(next.Add(1) - 1); i < len(l.sample); i = int(next.Add(1) - 1) {
				r, e := &l.sample[i], &l.events[i]
				for _, s := range r.Signatures {
					if !s.Fits(l.keys[s.Key], r.Body) {
						failed.Add(1)
					}
				}
				if v != nil && v.Refusal(e.Kind, e.Version, e.Data) != nil {
					failed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if n := failed.Load(); n > 0 {
		return 0, fmt.Errorf("%d signatures or schemas do not fit", n)
	}
	return float64(len(l.sample)) / time.Since(started).Seconds(), nil
}
