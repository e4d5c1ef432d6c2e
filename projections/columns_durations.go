package projections

import (
	"context"
	"math/bits"
	"runtime"
	"slices"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// stepPlan is a step in the words of a snapshot.
type stepPlan struct {
	number   uint16 // which no other step has
	from, to int    // places in ledger.Milestones
	byDay    bool
	early    bool // a decree leaves To behind
}

// pace counts how long steps took, one worker's part.
type pace struct {
	*plan
	steps   []stepPlan
	by      *dimensionOf
	groups  [][]spells // of each step, by group
	ends    []bool     // of each word of a stage
	decided uint32
	since   int64
	// How sums of many blocks are used; nil: they are not.
	question *pileQuestion
	piles    *piles
	// Of the block at hand.
	of     [][]outcome
	group  []uint32 // by place, of respondents whose last rows hold
	buried []bool   // of each respondent
	late   []uint32 // respondents whose last rows do not hold, but others may
	places []uint32 // of outcomes that do not count
	held   []heldRow
	rows   []rowReached
}

// A group of pace is a value of a dimension, or a set of values, after one that
// counts for nothing.
const noGroup = 0

// spells are the waits of one group by their days: what counts for nothing, those
// after which a step was done, and those for which it has been open.
type spells [3][]uint32

// spellsOf says which of spells an outcome counts in.
var spellsOf = [outcomeKinds]int{doneAfter: 1, openSince: 2, endedAfter: 2}

func (w *spells) add(of, days int, n uint32) {
	list := w[of]
	if missing := days + 1 - len(list); missing > 0 {
		list = append(list, make([]uint32, missing)...)
		w[of] = list
	}
	list[days] += n
}

// rowReached is what a row of a respondent says of steps.
type rowReached struct {
	*shape
	group uint32
	at    [ledger.MilestoneCount]int64 // when milestones were reached, of those that were
}

// heldRow is the row of a respondent that holds.
type heldRow struct {
	in                *sayings
	place, respondent int
}

// unit of days, in microseconds.
const dayMicros = int64(24 * time.Hour / time.Microsecond)

// jakartaDay numbers the day in Jakarta on which a moment falls.
func jakartaDay(at int64) int64 {
	at += 7 * int64(time.Hour/time.Microsecond)
	if at < 0 {
		return (at+1)/dayMicros - 1
	}
	return at / dayMicros
}

// durations counts steps.
func (c *columns) durations(ctx context.Context, s *snapshot, q ledger.Query, steps []Step, by string) ([][]Duration, error) {
	value, err := c.memo.answer(ctx, asks(q, "durations", s.load, steps, by), c.scans, func(ctx context.Context) (any, int, error) {
		out, err := s.waits(ctx, s.plan(q, nil), steps, by, s.piled(q, by), &c.piles)
		n := 0
		for _, groups := range out {
			for _, d := range groups {
				n += len(d.Done)/2 + len(d.Open)/2 + 16
			}
		}
		return out, n, err
	})
	if err != nil {
		return nil, err
	}
	return slices.Clone(value.([][]Duration)), nil
}

func (s *snapshot) waits(ctx context.Context, p *plan, steps []Step, by string, question *pileQuestion, sums *piles) ([][]Duration, error) {
	since := p.since
	p.since = noTime // it is From that has to be later
	p.pass(func(s *shape) bool { return !s.duplicate })
	list := make([]stepPlan, len(steps))
	for i, step := range steps {
		from, to := slices.Index(ledger.Milestones, step.From), slices.Index(ledger.Milestones, step.To)
		list[i] = stepPlan{
			number: uint16(from*ledger.MilestoneCount + to), from: from, to: to,
			byDay: slices.Contains(byDay, step.To), early: !slices.Contains(afterDecree, step.To),
		}
	}
	ends := make([]bool, len(s.words[attrStage]))
	for i, stage := range s.words[attrStage] {
		ends[i] = ledger.Stage(stage).End()
	}
	decided, _ := s.number(attrStage, string(ledger.StageDecided))
	var dimension *dimensionOf
	if by != "" {
		dimension = s.dimension(by)
	}
	parts := make([]*pace, runtime.GOMAXPROCS(0))
	for i := range parts {
		parts[i] = &pace{plan: p, steps: list, by: dimension, groups: make([][]spells, len(steps)), ends: ends, decided: decided, since: since, question: question, piles: sums}
		for j := range parts[i].groups {
			parts[i].groups[j] = make([]spells, 1+dimension.groups())
		}
	}
	if err := p.eachRun(ctx, func(worker, from, to int) { parts[worker].run(s, from, to) }); err != nil {
		return nil, err
	}
	out := make([][]Duration, len(steps))
	for i := range steps {
		whole := parts[0].groups[i]
		for _, part := range parts[1:] {
			for g := range whole {
				whole[g].join(&part.groups[i][g])
			}
		}
		for g := range whole {
			whole[g].trim()
		}
		out[i] = inOrder(dimension.durations(whole[1:]), by)
	}
	return out, nil
}

// groups counts the groups that rows may be in: values, or sets of them.
func (d *dimensionOf) groups() int {
	switch {
	case d == nil:
		return 1
	case d.members != nil:
		return len(d.members)
	default:
		return len(d.words)
	}
}

// group is a row's, counted after noGroup.
func (d *dimensionOf) group(b *block, in *sayings, i int) uint32 {
	switch {
	case d == nil:
		return 1
	case d.items:
		return 1 + b.abouts[in.about[i]].items
	case d.natural:
		return 1 + d.of[b.abouts[in.about[i]].nature]
	default:
		return 1 + d.of[in.shape[i]]
	}
}

// durations makes groups of those counted. What is counted for a set counts for
// each of its values.
func (d *dimensionOf) durations(groups []spells) (out []Duration) {
	values, words := groups, []string{""}
	if d != nil {
		words = d.words
	}
	if d != nil && d.members != nil {
		values = make([]spells, len(words))
		for set, members := range d.members {
			if len(members) == 0 {
				members = none
			}
			for _, v := range members {
				values[v].join(&groups[set])
			}
		}
	}
	for v, w := range values {
		if len(w[1]) > 0 || len(w[2]) > 0 {
			out = append(out, Duration{Value: words[v], Done: w[1], Open: w[2]})
		}
	}
	return out
}

// join adds others, which are left as they are.
func (w *spells) join(o *spells) {
	for i, list := range o {
		if missing := len(list) - len(w[i]); missing > 0 {
			w[i] = append(w[i], make([]uint32, missing)...)
		}
		for days, n := range list {
			w[i][days] += n
		}
	}
}

// run counts some blocks, by their sums if that is possible.
func (w *pace) run(s *snapshot, from, to int) {
	if w.question != nil && to <= s.base && w.pile(s, from) {
		return
	}
	for i := from; i < to; i++ {
		w.block(&s.blocks[i])
	}
}

func (w *pace) block(b *placed) {
	if b.empty(w.at, w.known) {
		return
	}
	o := w.outcomes(b.block)
	w.bury(b)
	settled, until := b.settled(w.known), o.until(w.at)
	w.group, w.late = slices.Grow(w.group[:0], until)[:until], w.late[:0]
	for i, r := range o.order[:until] {
		w.group[i] = noGroup
		switch {
		case w.buried[r]:
		case !settled && b.lastKnown[r] > w.known:
			w.late = append(w.late, r)
		case w.counts(b.block, &b.last, int(r), int(r)) != 0:
			w.group[i] = w.by.group(b.block, &b.last, int(r))
		}
	}
	for _, r := range o.order[until:] {
		if b.begun[r] <= w.at && !w.buried[r] {
			w.late = append(w.late, r)
		}
	}
	w.workOut(b.block)
	for i := range w.steps {
		w.step(b.block, o, i, w.of[i])
	}
}

// bury notes whose cases were put elsewhere.
func (w *pace) bury(b *placed) {
	w.buried = slices.Grow(w.buried[:0], len(b.names))[:len(b.names)]
	clear(w.buried)
	if b.dead == nil {
		return
	}
	for c := range b.ids {
		if isDead(b.dead, c) {
			for r := b.respondents[c]; r < b.respondents[c+1]; r++ {
				w.buried[r] = true
			}
		}
	}
}

// step counts what became of a step for those whose last rows hold. What kinds of
// outcomes have in common it does for all, as no processor guesses which is next.
func (w *pace) step(b *block, o *stepOutcomes, step int, of []outcome) {
	groups, since := w.groups[step], -1
	if w.since != noTime {
		since = int(max(-1, jakartaDay(w.since)-o.epoch))
	}
	sign := [outcomeKinds]int{doneAfter: 1, openSince: -1, endedAfter: 1}
	base := [outcomeKinds]int{openSince: int(jakartaDay(w.at) - o.epoch)}
	for _, out := range of {
		if int(out.place) >= len(w.group) {
			return
		}
		group, kind := w.group[out.place], out.kind()
		if kind == unpacked || out.from() <= since {
			if kind == unpacked || out.from() == since { // the same day
				if r := int(o.order[out.place]); group != noGroup {
					w.rows = w.rows[:0]
					w.exactly(w.reads(b, &b.last, r, r), step)
				}
			}
			continue
		}
		groups[group].add(spellsOf[kind], min(max(0, base[kind]+sign[kind]*out.days()), MaxDays), 1)
	}
}

// workOut counts all steps of those of whom another row holds than the last. It
// goes through them several times, so that a processor waits for the memory of many
// at once.
func (w *pace) workOut(b *block) {
	w.held, w.rows = w.held[:0], w.rows[:0]
	for _, r := range w.late {
		if in, i := b.holding(int(r), w.at, w.known); in != nil && w.shapes[in.shape[i]] != 0 {
			w.held = append(w.held, heldRow{in, i, int(r)})
		}
	}
	for _, h := range w.held {
		if w.counts(b, h.in, h.place, h.respondent) != 0 {
			w.reads(b, h.in, h.place, h.respondent)
		}
	}
	for step := range w.steps {
		for i := range w.rows {
			w.exactly(&w.rows[i], step)
		}
	}
}

// reads reads what the row in a place says of a respondent, after all other rows.
func (w *pace) reads(b *block, in *sayings, i, r int) *rowReached {
	n := len(w.rows)
	w.rows = slices.Grow(w.rows, 1)[:n+1]
	row := &w.rows[n]
	row.shape, row.group = &w.snapshot.shapes[in.shape[i]], w.by.group(b, in, i)
	entry, left := in.times[i]+uint32(bits.OnesCount32(row.began)), row.reached
	if b.wide {
		for ; left != 0; left &= left - 1 {
			row.at[bits.TrailingZeros32(left)] = b.moment(r, entry)
			entry++
		}
		return row
	}
	// As b.moment does, but all at once.
	index, at := b.index[b.entries[r]+entry:], b.at[b.moments[r]:]
	for n := 0; left != 0; left &= left - 1 {
		row.at[bits.TrailingZeros32(left)] = at[index[n]]
		n++
	}
	return row
}

// exactly counts a step of a row, if it began; see Durations.
func (w *pace) exactly(row *rowReached, step int) {
	kind, from, to := w.told(row, &w.steps[step])
	if kind == neverBegan || from <= w.since {
		return
	}
	if kind != doneAfter {
		to = min(to, w.at)
	}
	w.groups[step][row.group].add(spellsOf[kind], waited(from, to), 1)
}

// waited counts the days from one moment to another.
func waited(from, to int64) int {
	return int(min(max(0, jakartaDay(to)-jakartaDay(from)), MaxDays))
}

// told says what became of a step as a row tells it, when it began, and when the
// wait ended or will.
func (w *pace) told(row *rowReached, s *stepPlan) (kind int, from, to int64) {
	if !row.has(s.from) || row.duplicate {
		return neverBegan, 0, 0
	}
	from, to = row.at[s.from], row.at[s.to]
	if row.has(s.to) && (to >= from || s.byDay && jakartaDay(to) >= jakartaDay(from)) {
		return doneAfter, from, to
	}
	until := -1
	switch {
	case w.ends[row.stage]:
		until = endedMilestone
	case row.stage == w.decided && s.early:
		until = decidedMilestone
	}
	if until >= 0 && row.has(until) {
		return endedAfter, from, row.at[until]
	}
	return openSince, from, infinity
}

// has reports whether a milestone was reached.
func (r *rowReached) has(milestone int) bool { return r.reached>>milestone&1 != 0 }

var (
	endedMilestone   = slices.Index(ledger.Milestones, ledger.MilestoneEnded)
	decidedMilestone = slices.Index(ledger.Milestones, ledger.MilestoneDecided)
)
