package projections

import (
	"context"
	"fmt"
	"math/bits"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/ledger"
)

// annals are what records say of cases and rows do not: which were corrected, and in
// which several agencies may have recorded a decree differently. No index finds such records among the
// others, so they are read when somebody first asks, beside questions, which SQL
// answers until then, and kept up by position. Annals never change.
type annals struct {
	load uint64 // of the columns that they go with
	upTo ledger.Position
	// Each case once, by the position from which it is so.
	corrected, disputed []noted
}

// noted is a case of which something is so from a position on.
type noted struct {
	id uuid.UUID
	at ledger.Position
}

// by gives the cases of which it is so at a position.
func by(list []noted, known ledger.Position) []noted {
	n, _ := slices.BinarySearchFunc(list, known+1, func(a noted, p ledger.Position) int {
		if a.at < p {
			return -1
		}
		return 1
	})
	return list[:n]
}

// annalist writes annals. It belongs to whoever has columns.writing.
type annalist struct {
	annals
	isCorrected map[uuid.UUID]bool
	decrees     map[uuid.UUID]*decrees
}

// decrees are what was recorded of decrees in a case.
type decrees struct {
	by    string   // the first agency
	says  [16]byte // a digest of what it said, for which nobody finds another text
	other bool     // another agency recorded one
	mixed bool     // not all say the same
	noted bool
}

const (
	// annalsNear is how many records whoever asks reads himself.
	annalsNear = 50_000
	// annalsStretch is how many are read at a time.
	annalsStretch = 100_000
)

// noted gives annals that reach a snapshot; nil: they are being read.
func (c *columns) noted(ctx context.Context, s *snapshot) (*annals, error) {
	a := c.annals.Load()
	if a == nil || a.load != s.load {
		a = &annals{load: s.load}
	}
	if a.upTo >= s.position {
		return a, nil
	}
	if s.position-a.upTo <= c.near {
		return c.writeAnnals(ctx, s)
	}
	if c.reading.CompareAndSwap(false, true) {
		c.beside(func(ctx context.Context) {
			defer c.reading.Store(false)
			if _, err := c.writeAnnals(ctx, s); err != nil && ctx.Err() == nil {
				c.log.WarnContext(ctx, "records of corrections and decrees could not be read", "error", err.Error())
			}
		})
	}
	return nil, nil
}

// writeAnnals reads what annals lack.
func (c *columns) writeAnnals(ctx context.Context, s *snapshot) (*annals, error) {
	select {
	case c.writing <- struct{}{}:
		defer func() { <-c.writing }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	w := &c.annalist
	if w.load != s.load || w.decrees == nil {
		*w = annalist{annals: annals{load: s.load}, isCorrected: map[uuid.UUID]bool{}, decrees: map[uuid.UUID]*decrees{}}
	}
	for w.upTo < s.position {
		upTo := min(s.position, w.upTo+annalsStretch)
		if err := w.read(ctx, c.pool, upTo); err != nil {
			return nil, err
		}
		w.upTo = upTo
	}
	a := w.annals
	c.annals.Store(&a)
	return &a, nil
}

// read reads a stretch. To read it twice does no harm.
func (w *annalist) read(ctx context.Context, db querier, upTo ledger.Position) error {
	rows, err := db.Query(ctx, fmt.Sprintf(`
		SELECT position, case_id, agency, kind = '%s', sha256(convert_to(data::text, 'UTF8')) FROM projection.record
		WHERE position > $1 AND position <= $2 AND case_id IS NOT NULL AND kind IN ('%[1]s', '%s') ORDER BY position`,
		ledger.EventCorrectedKind, ledger.DecisionRecordedKind), int64(w.upTo), int64(upTo))
	if err != nil {
		return asking("corrections and decrees", err)
	}
	var at int64
	var id uuid.UUID
	var agency string
	var sum []byte
	var corrects bool
	if _, err := pgx.ForEachRow(rows, []any{&at, &id, &agency, &corrects, &sum}, func() error {
		var says [16]byte
		copy(says[:], sum)
		d := w.decrees[id]
		switch {
		case corrects && !w.isCorrected[id]:
			w.isCorrected[id], w.corrected = true, append(w.corrected, noted{id, ledger.Position(at)})
		case corrects:
		case d == nil:
			w.decrees[id] = &decrees{by: agency, says: says}
		default:
			d.other, d.mixed = d.other || agency != d.by, d.mixed || says != d.says
		}
		// A correction may have one of them say something else.
		if d != nil && !d.noted && d.other && (d.mixed || w.isCorrected[id]) {
			d.noted, w.disputed = true, append(w.disputed, noted{id, ledger.Position(at)})
		}
		return nil
	}); err != nil {
		return asking("corrections and decrees", err)
	}
	return nil
}

// noteLines tells the lines of a question that are of noted cases.
func (s *snapshot) noteLines(ctx context.Context, ours *reading, cases []noted, yield func(h lineHit)) error {
	for _, n := range cases {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		i, c, ok := s.find(n.id)
		if !ok {
			continue
		}
		b := s.blocks[i].block
		for r := int(b.respondents[c]); r < int(b.respondents[c+1]); r++ {
			in, at := b.holding(r, ours.at, ours.known)
			if in == nil {
				continue
			}
			for left := ours.lineMask(b, in, at, r); left != 0; left &= left - 1 {
				yield(lineHit{hit{block: b, c: c, r: r}, bits.TrailingZeros32(left)})
			}
		}
	}
	return nil
}

// correctedLines is lines.corrected.
func (s *snapshot) correctedLines(ctx context.Context, q ledger.Query, a *annals) (int, []Counted, error) {
	ours := s.reading(q)
	var f firstLines
	if err := s.noteLines(ctx, &ours, by(a.corrected, q.KnownAt), f.add); err != nil {
		return 0, nil, err
	}
	return f.n, ours.counted(&f, q), nil
}

// disputedCases is lines.disputed, less those of which all say the same.
func (s *snapshot) disputedCases(ctx context.Context, q ledger.Query, a *annals) ([]uuid.UUID, error) {
	ours := s.reading(q)
	var out []uuid.UUID
	if err := s.noteLines(ctx, &ours, by(a.disputed, q.KnownAt), func(h lineHit) { out = append(out, h.id()) }); err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(out), nil
}
