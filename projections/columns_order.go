package projections

import (
	"bytes"
	"context"
	"slices"
	"sort"

	"github.com/google/uuid"
)

// What records touch stands in blocks after the base, in no order of ids, and a page of
// a list has to look through all of these. So cases are put back among the base where
// they have become many between two of its blocks, some at a time.

const (
	// orderFrom is how many cases stand after the base before any is put back, and
	// orderPart for which part of all cases they have to be, one in so many.
	orderFrom, orderPart = blockRows, 32
	// orderDense is how many of those between two blocks of the base are many: one for
	// so many in the block.
	orderDense = 4
	// orderStep is how many are put back at a time.
	orderStep = 20_000
)

// ordering is how cases are put back. It belongs to whoever has the turn.
type ordering struct {
	from, step int
	// scattered is how many stood after the base, but many nowhere.
	scattered int
}

// keepOrder puts cases back until they are many nowhere.
func (c *columns) keepOrder(ctx context.Context) error {
	for {
		select {
		case c.turn <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		moved, err := c.order()
		<-c.turn
		if err != nil || !moved {
			return err
		}
	}
}

// order puts some cases back.
func (c *columns) order() (moved bool, err error) {
	defer recovered(&err)
	s, o := c.now.Load(), &c.ordering
	if s == nil {
		return false, nil
	}
	after, all := s.afterBase()
	o.scattered = min(o.scattered, after)
	if after < max(o.from, all/orderPart) || after <= o.scattered+o.scattered/8 {
		return false, nil
	}
	next := s.ordered(o.step)
	if next == nil {
		o.scattered = after
		return false, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.now.CompareAndSwap(s, next) {
		return false, nil // it was dropped
	}
	c.memo.move(next)
	return true, nil
}

// afterBase counts the cases that stand after the base, and all of them.
func (s *snapshot) afterBase() (after, all int) {
	for i := range s.blocks {
		n := s.blocks[i].living()
		if all += n; i >= s.base {
			after += n
		}
	}
	return after, all
}

// caseAt is where a case stands.
type caseAt struct {
	id       uuid.UUID
	block, c int
}

// ordered gives the snapshot with at most so many cases put back, nil if they are many
// nowhere.
func (s *snapshot) ordered(most int) *snapshot {
	between := s.between()
	next := &snapshot{lexicon: s.lexicon, place: s.place, full: s.full, load: s.load}
	after := &snapshot{blocks: slices.Clone(s.blocks[s.base:])}
	own := make(map[int]bool)
	left := most
	for i := range max(1, s.base) {
		var p placed
		if i < s.base {
			p = s.blocks[i]
		}
		list := between[i]
		if left <= 0 || len(list)*orderDense <= p.livingIfAny() {
			if p.block != nil {
				next.blocks = append(next.blocks, p)
			}
			continue
		}
		slices.SortFunc(list, func(a, b caseAt) int { return bytes.Compare(a.id[:], b.id[:]) })
		list = list[:min(len(list), left)]
		left -= len(list)
		for _, at := range list {
			after.bury(at.block-s.base, at.c, own)
		}
		next.blocks = append(next.blocks, s.interleaved(p, list)...)
	}
	if left == most {
		return nil
	}
	next.base = len(next.blocks)
	next.blocks = append(next.blocks, after.blocks...)
	next.compact()
	return next
}

// between gives, for each block of the base, the cases after the base that come after
// its first one and before the next block's; the first has those before it, too. Only
// one list, of all, if there is no base.
func (s *snapshot) between() [][]caseAt {
	out := make([][]caseAt, max(1, s.base))
	for i := s.base; i < len(s.blocks); i++ {
		p := &s.blocks[i]
		for c, id := range p.ids {
			if isDead(p.dead, c) {
				continue
			}
			n := sort.Search(s.base, func(j int) bool { return bytes.Compare(s.blocks[j].ids[0][:], id[:]) > 0 })
			out[max(0, n-1)] = append(out[max(0, n-1)], caseAt{id, i, c})
		}
	}
	return out
}

// livingIfAny is living of a block that may not be there.
func (p *placed) livingIfAny() int {
	if p.block == nil {
		return 0
	}
	return p.living()
}

// interleaved puts the living of a block, if there is one, and others, which come by id,
// into blocks.
func (s *snapshot) interleaved(p placed, others []caseAt) (out []placed) {
	var w blockBuilder
	add := func(b *block, c int) {
		if w.size() >= s.full {
			out = append(out, placed{block: w.finish()})
		}
		w.copyCase(b, c)
	}
	if p.block != nil {
		for c, id := range p.ids {
			if isDead(p.dead, c) {
				continue
			}
			for len(others) > 0 && bytes.Compare(others[0].id[:], id[:]) < 0 {
				add(s.blocks[others[0].block].block, others[0].c)
				others = others[1:]
			}
			add(p.block, c)
		}
	}
	for _, at := range others {
		add(s.blocks[at.block].block, at.c)
	}
	return append(out, placed{block: w.finish()})
}
