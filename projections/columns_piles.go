package projections

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"sync"

	"github.com/berkas-ledger/berkas/ledger"
)

// What became of steps is summed up for some dozens of blocks at a time, by the
// words of one attribute, as all their respondents' last rows tell it. A question
// of one attribute at most takes the sums, and takes away again whoever is in the
// midst of his case at as-of, was recorded about after known-at, or stands
// elsewhere by now. Most of a large ledger's cases are long over at most moments.

// pileBlocks is of how many blocks a pile is.
const pileBlocks = 64

// pileGroups bounds the words by which sums are kept.
const pileGroups = 256

// piles are those of the load that questions ask, by their place among its blocks.
type piles struct {
	mu   sync.Mutex
	load uint64
	by   map[int]*pile
}

// forget lets go of the piles of the loads before one.
func (k *piles) forget(load uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.load < load {
		k.by, k.load = nil, load
	}
}

// pile is what is kept of some blocks, which never change.
type pile struct {
	blocks []*block
	mu     sync.Mutex
	sums   map[pileKey]*pileSums
}

type pileKey struct {
	attribute
	step uint16
}

// pileSums are the outcomes of a step.
type pileSums struct {
	sums     []pileSum // by group
	unpacked []pileRef
}

// pileSum is how many have the same outcome. days are those it took, or for who
// waits the day since when, counted from 1970.
type pileSum struct {
	days  int32
	n     uint32
	group uint16
	kind  uint8
}

// pileRef is a respondent whose outcome has to be worked out.
type pileRef struct{ block, respondent uint32 }

// of gives the pile of some blocks, a new one if others stand there now. One of
// columns that were dropped is not kept.
func (k *piles) of(s *snapshot, first int) *pile {
	last := min(first+pileBlocks, s.base)
	k.forget(s.load)
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.by[first]
	if k.load > s.load {
		p = nil
	}
	same := p != nil && len(p.blocks) == last-first
	for i := first; same && i < last; i++ {
		same = p.blocks[i-first] == s.blocks[i].block
	}
	if !same {
		p = &pile{sums: make(map[pileKey]*pileSums)}
		for i := first; i < last; i++ {
			p.blocks = append(p.blocks, s.blocks[i].block)
		}
		if k.by == nil {
			k.by = make(map[int]*pile)
		}
		if k.load == s.load {
			k.by[first] = p
		}
	}
	return p
}

// bytes is how much memory piles take.
func (k *piles) bytes() (n uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, p := range k.by {
		p.mu.Lock()
		n += 8 * uint64(len(p.blocks))
		for _, s := range p.sums {
			n += 64 + 12*uint64(cap(s.sums)) + 8*uint64(cap(s.unpacked))
		}
		p.mu.Unlock()
	}
	return n
}

// pileQuestion is how a question uses piles.
type pileQuestion struct {
	attribute
	by     *dimensionOf // of the attribute; nil: none
	passes []bool       // of groups of by, nil: all pass
	apart  bool         // each group counts for itself
}

// piled tells how a question uses piles; nil: it does not.
func (s *snapshot) piled(q ledger.Query, by string) *pileQuestion {
	a, word, ok := narrowed(q, by)
	if !ok || !q.Since.IsZero() {
		return nil
	}
	p := &pileQuestion{attribute: a, apart: by != ""}
	if a == attrNothing {
		return p
	}
	if p.by = s.dimensionOf(a); p.by.groups() > pileGroups {
		return nil
	}
	if by != "" {
		return p
	}
	n, known := s.number(a, word)
	if !known {
		return nil
	}
	p.passes = make([]bool, p.by.groups())
	for g := range p.passes {
		p.passes[g] = p.by.members == nil && uint32(g) == n || p.by.members != nil && slices.Contains(p.by.members[g], n)
	}
	return p
}

// group is in which group of the question a group of sums counts.
func (p *pileQuestion) group(of uint32) uint32 {
	switch {
	case p.passes != nil && !p.passes[of-1]:
		return noGroup
	case p.apart:
		return of
	default:
		return 1
	}
}

// pile counts the blocks of a pile. ok is false where going through them is no
// slower.
func (w *pace) pile(s *snapshot, first int) (ok bool) {
	last := min(first+pileBlocks, s.base)
	all, tail := 0, 0
	for i := first; i < last; i++ {
		b := &s.blocks[i]
		o := w.outcomes(b.block)
		all += len(o.order)
		tail += len(o.order) - o.until(w.at)
		if b.dead != nil {
			tail += b.buried
		}
		if !b.settled(w.known) {
			for _, known := range b.lastKnown {
				tail += btoi(known > w.known)
			}
		}
	}
	if 3*tail > all {
		return false
	}
	p := w.piles.of(s, first)
	for i := range w.steps {
		sums := p.stepSums(w, i)
		w.addSums(i, sums)
		for _, ref := range sums.unpacked {
			w.unpacked(&s.blocks[first+int(ref.block)], ref.respondent, i)
		}
	}
	for i := first; i < last; i++ {
		w.lessBlock(&s.blocks[i])
	}
	return true
}

// stepSums gives a pile's sums of a step.
func (p *pile) stepSums(w *pace, step int) *pileSums {
	key := pileKey{w.question.attribute, w.steps[step].number}
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.sums[key]; s != nil {
		return s
	}
	s := &pileSums{}
	for n, b := range p.blocks {
		o := w.outcomes(b)
		for _, out := range w.of[step] {
			r := o.order[out.place]
			if out.kind() == unpacked {
				s.unpacked = append(s.unpacked, pileRef{uint32(n), r})
				continue
			}
			s.sums = append(s.sums, pileSum{int32(o.days(out)), 1, uint16(w.question.by.group(b, &b.last, int(r))), uint8(out.kind())})
		}
	}
	slices.SortFunc(s.sums, func(a, b pileSum) int {
		return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.kind, b.kind), cmp.Compare(a.days, b.days))
	})
	kept := s.sums[:0]
	for _, one := range s.sums {
		if n := len(kept); n > 0 && kept[n-1].group == one.group && kept[n-1].kind == one.kind && kept[n-1].days == one.days {
			kept[n-1].n += one.n
			continue
		}
		kept = append(kept, one)
	}
	s.sums, s.unpacked = fitted(kept), fitted(s.unpacked)
	p.sums[key] = s
	return s
}

// addSums counts the sums of a step.
func (w *pace) addSums(step int, s *pileSums) {
	today := int(jakartaDay(w.at))
	for i := 0; i < len(s.sums); {
		of := s.sums[i].group
		group := w.question.group(uint32(of))
		if group == noGroup {
			i += sort.Search(len(s.sums)-i, func(j int) bool { return s.sums[i+j].group > of })
			continue
		}
		for ; i < len(s.sums) && s.sums[i].group == of; i++ {
			one := &s.sums[i]
			w.groups[step][group].add(spellsOf[one.kind], waitedUntil(int(one.kind), int(one.days), today), one.n)
		}
	}
}

// days are those of a pileSum.
func (o *stepOutcomes) days(out outcome) int {
	if out.kind() == openSince {
		return int(o.epoch) + out.from()
	}
	return out.days()
}

// waitedUntil is how many days an outcome counts on a day.
func waitedUntil(kind, days, today int) int {
	if kind == openSince {
		days = today - days
	}
	return min(max(0, days), MaxDays)
}

// unpacked works out what has no place in sums, if it counts.
func (w *pace) unpacked(b *placed, r uint32, step int) {
	if b.lastFrom[r] > w.at || b.lastKnown[r] > w.known || b.dead != nil && w.isBuried(b, r) || w.counts(b.block, &b.last, int(r), int(r)) == 0 {
		return
	}
	w.rows = w.rows[:0]
	w.exactly(w.reads(b.block, &b.last, int(r), int(r)), step)
}

// isBuried reports whether a respondent's case stands elsewhere now.
func (w *pace) isBuried(b *placed, r uint32) bool {
	c := sort.Search(len(b.ids), func(c int) bool { return b.respondents[c+1] > r })
	return isDead(b.dead, c)
}

// lessBlock takes away those of a block for whom their last rows do not speak, and
// works them out.
func (w *pace) lessBlock(b *placed) {
	o := w.outcomes(b.block)
	until := o.until(w.at)
	w.late, w.places = w.late[:0], w.places[:0]
	w.bury(b)
	if b.dead != nil || !b.settled(w.known) {
		for i, r := range o.order[:until] {
			late := b.lastKnown[r] > w.known
			if late || w.buried[r] {
				w.places = append(w.places, uint32(i))
			}
			if late && !w.buried[r] {
				w.late = append(w.late, r)
			}
		}
	}
	for _, r := range o.order[until:] {
		if b.begun[r] <= w.at && !w.buried[r] {
			w.late = append(w.late, r)
		}
	}
	for step := range w.steps {
		w.lessStep(b.block, o, step, uint32(until))
	}
	w.workOut(b.block)
}

// lessStep takes away the outcomes of those places, and of all from a place on.
func (w *pace) lessStep(b *block, o *stepOutcomes, step int, until uint32) {
	of := w.of[step]
	less := func(out outcome) {
		if out.kind() == unpacked {
			return // sums do not have it
		}
		r := int(o.order[out.place])
		if group := w.question.group(w.question.by.group(b, &b.last, r)); group != noGroup {
			w.groups[step][group].add(spellsOf[out.kind()], waitedUntil(out.kind(), o.days(out), int(jakartaDay(w.at))), math.MaxUint32) // one less
		}
	}
	at := func(place uint32) int {
		return sort.Search(len(of), func(i int) bool { return of[i].place >= place })
	}
	for _, place := range w.places {
		if i := at(place); i < len(of) && of[i].place == place {
			less(of[i])
		}
	}
	for _, out := range of[at(until):] {
		less(out)
	}
}

// trim takes off days on which nobody is left.
func (w *spells) trim() {
	for i, list := range w {
		n := len(list)
		for n > 0 && list[n-1] == 0 {
			n--
		}
		w[i] = list[:n]
	}
}
