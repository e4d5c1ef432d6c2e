package projections

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/ledger"
)

// errLeft says that tables went where columns cannot follow, errFar that to load
// them anew is better.
var (
	errLeft = errors.New("the tables were replaced")
	errFar  = errors.New("too many cases were touched since")
)

// farCases is how many cases are read again at most, rather than all.
const farCases = 50_000

// follow reads the cases that records have touched since a snapshot, whose words are
// given; whoever calls it has the turn.
func (c *columns) follow(ctx context.Context, s *snapshot, words *vocabulary) (next *snapshot, err error) {
	defer recovered(&err)
	err = pgx.BeginTxFunc(ctx, c.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if err := byIndex(ctx, tx); err != nil {
			return err
		}
		_, at, err := readPlace(ctx, tx)
		if err != nil {
			return err
		}
		if err := s.sameLedger(ctx, tx, at); err != nil {
			return err
		}
		touched, err := casesTouched(ctx, tx, s.position, at.position)
		if err != nil {
			return err
		}
		if len(touched) > farCases {
			return errFar
		}
		r := rowReader{words: words, full: c.full}
		for ids := range slices.Chunk(touched, 1000) {
			if _, err := r.read(ctx, tx, "case_id = ANY ($1) ORDER BY case_id, respondent, happened_from, recorded_from", ids); err != nil {
				return err
			}
		}
		r.finish()
		// A name means, in each statement, the tables that have it then.
		var generation uint32
		if err := tx.QueryRow(ctx, "SELECT 'projection.progress'::regclass::oid").Scan(&generation); err != nil {
			return err
		}
		if generation != s.generation {
			return errLeft
		}
		next = s.with(at, words.lexicon(), touched, r.blocks)
		return nil
	})
	return next, err
}

// sameLedger checks that tables saw the record at which the snapshot stands.
func (s *snapshot) sameLedger(ctx context.Context, tx pgx.Tx, at place) error {
	if !s.leadsTo(at) {
		return errLeft
	}
	if s.position == 0 {
		return nil
	}
	var leaf []byte
	err := tx.QueryRow(ctx, "SELECT leaf FROM projection.record WHERE position = $1", int64(s.position)).Scan(&leaf)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !bytes.Equal(leaf, s.leaf[:]) {
		return errLeft
	}
	return err
}

// casesTouched lists the cases of the records after one position up to another,
// by id.
func casesTouched(ctx context.Context, db querier, after, upTo ledger.Position) ([]uuid.UUID, error) {
	rows, err := db.Query(ctx, `SELECT DISTINCT case_id FROM projection.record
		WHERE position > $1 AND position <= $2 AND case_id IS NOT NULL ORDER BY case_id`, int64(after), int64(upTo))
	if err != nil {
		return nil, fmt.Errorf("list touched cases: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

// with gives the snapshot of a later place: cases that were touched are taken out,
// and stand in blocks after all others as they were read again.
func (s *snapshot) with(at place, words lexicon, touched []uuid.UUID, read []*block) *snapshot {
	next := &snapshot{lexicon: words, place: at, base: s.base, full: s.full, load: s.load, blocks: slices.Clone(s.blocks)}
	if len(touched) == 0 {
		return next
	}
	own := make(map[int]bool) // blocks whose list of the dead is ours to change
	for _, id := range touched {
		if i, c, ok := next.find(id); ok {
			next.bury(i, c, own)
		}
	}
	for _, b := range read {
		next.blocks = append(next.blocks, placed{block: b})
	}
	next.compact()
	return next
}

// find gives the block in which a case lives, and its place there.
func (s *snapshot) find(id uuid.UUID) (i, c int, ok bool) {
	in := func(i int) bool {
		p := &s.blocks[i]
		if bytes.Compare(p.ids[0][:], id[:]) > 0 || bytes.Compare(p.ids[len(p.ids)-1][:], id[:]) < 0 {
			return false
		}
		c, ok = p.find(id)
		return ok && !isDead(p.dead, c)
	}
	for i := len(s.blocks) - 1; i >= s.base; i-- { // what was touched last is touched again
		if in(i) {
			return i, c, true
		}
	}
	i, _ = slices.BinarySearchFunc(s.blocks[:s.base], id, func(p placed, id uuid.UUID) int {
		return bytes.Compare(p.ids[len(p.ids)-1][:], id[:])
	})
	if i < s.base && in(i) {
		return i, c, true
	}
	return 0, 0, false
}

// bury takes a case out of a block.
func (s *snapshot) bury(i, c int, own map[int]bool) {
	p := &s.blocks[i]
	if !own[i] {
		dead := make([]uint64, (len(p.ids)+63)/64)
		copy(dead, p.dead)
		p.dead, own[i] = dead, true
	}
	p.dead[c/64] |= 1 << (c % 64)
	p.buried++
}

// living counts a block's cases that have not been taken out.
func (p *placed) living() int { return len(p.ids) - p.buried }

// compact puts small blocks together, as a log-structured tree does, so that
// there are few of them, and takes what is left out of blocks that are mostly
// dead.
func (s *snapshot) compact() {
	var kept, moved []placed
	base := 0
	for i, p := range s.blocks {
		switch {
		case p.living() == 0:
		case 2*p.buried > len(p.ids):
			moved = append(moved, placed{block: merged(p, placed{})})
		default:
			if kept = append(kept, p); i < s.base {
				base++
			}
		}
	}
	s.blocks, s.base = append(kept, moved...), base
	for n := len(s.blocks); n-2 >= s.base; n = len(s.blocks) {
		a, b := s.blocks[n-2], s.blocks[n-1]
		if len(a.from) > 2*len(b.from) || len(a.from)+len(b.from) > 2*s.full {
			return
		}
		s.blocks = append(s.blocks[:n-2], placed{block: merged(a, b)})
	}
}

// merged puts the living cases of two blocks into one.
func merged(a, b placed) *block {
	var w blockBuilder
	i, j := 0, 0
	size := func(p *placed) int {
		if p.block == nil {
			return 0
		}
		return len(p.ids)
	}
	for i < size(&a) || j < size(&b) {
		if j >= size(&b) || i < size(&a) && bytes.Compare(a.ids[i][:], b.ids[j][:]) < 0 {
			if !isDead(a.dead, i) {
				w.copyCase(a.block, i)
			}
			i++
			continue
		}
		if !isDead(b.dead, j) {
			w.copyCase(b.block, j)
		}
		j++
	}
	return w.finish()
}

// size counts rows, and bytes of memory.
func (s *snapshot) size() (rows int, bytes uint64) {
	for _, p := range s.blocks {
		rows, bytes = rows+p.rows(), bytes+p.bytes()
	}
	return rows, bytes + s.wordBytes()
}
