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
	from, to int // places in ledger.Milestones
	byDay    bool
	early    bool // a decree leaves To behind
}

// pace counts how long steps took, one worker's part.
type pace struct {
	*plan
	steps   []stepPlan
	by      *dimensionOf
	groups  []map[uint32]*Duration // of each step
	ends    []bool                 // of each word of a stage
	decided uint32
	since   int64
	scratch sayings
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
		out, err := s.waits(ctx, s.plan(q, nil), steps, by)
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
	out := slices.Clone(value.([][]Duration))
	for i := range out { // whoever asked may change what he got
		out[i] = slices.Clone(out[i])
		for j := range out[i] {
			out[i][j].Done, out[i][j].Open = slices.Clone(out[i][j].Done), slices.Clone(out[i][j].Open)
		}
	}
	return out, nil
}

func (s *snapshot) waits(ctx context.Context, p *plan, steps []Step, by string) ([][]Duration, error) {
	since := p.since
	p.since = noTime // it is From that has to be later
	p.pass(func(s *shape) bool { return !s.duplicate })
	list := make([]stepPlan, len(steps))
	for i, step := range steps {
		list[i] = stepPlan{
			from: slices.Index(ledger.Milestones, step.From), to: slices.Index(ledger.Milestones, step.To),
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
		parts[i] = &pace{plan: p, steps: list, by: dimension, groups: make([]map[uint32]*Duration, len(steps)), ends: ends, decided: decided, since: since}
		for j := range parts[i].groups {
			parts[i].groups[j] = make(map[uint32]*Duration)
		}
	}
	if err := p.each(ctx, func(worker int, b *placed) { parts[worker].block(b) }); err != nil {
		return nil, err
	}
	out := make([][]Duration, len(steps))
	for i := range steps {
		groups := make(durationOf)
		for _, part := range parts {
			for v, d := range part.groups[i] {
				value := ""
				if by != "" {
					value = dimension.words[v]
				}
				for days, n := range d.Done {
					groups.add(value, true, days, n)
				}
				for days, n := range d.Open {
					groups.add(value, false, days, n)
				}
			}
		}
		out[i] = groups.ordered(by)
	}
	return out, nil
}

func (w *pace) block(b *placed) {
	if b.empty(w.at, w.known) {
		return
	}
	in := b.held(w.at, w.known, b.dead, &w.scratch)
	var one [1]uint32
	for r := range b.names {
		if w.counts(b.block, in, r, r) == 0 {
			continue
		}
		sh := &w.snapshot.shapes[in.shape[r]]
		for i := range w.steps {
			days, done, counts := w.wait(b.block, in, r, sh, &w.steps[i])
			switch {
			case !counts:
			case w.by == nil:
				w.add(i, 0, done, days)
			default:
				for _, v := range w.by.values(b.block, in, r, &one) {
					w.add(i, v, done, days)
				}
			}
		}
	}
}

// wait says how long a step took one respondent, if it began; see Durations.
func (w *pace) wait(b *block, in *sayings, r int, sh *shape, s *stepPlan) (days int, done, began bool) {
	from, began := reachedAt(b, in, r, sh, s.from)
	if !began || from <= w.since {
		return 0, false, false
	}
	end := w.at
	if to, reached := reachedAt(b, in, r, sh, s.to); reached && (to >= from || s.byDay && jakartaDay(to) >= jakartaDay(from)) {
		end, done = to, true
	}
	until := -1
	switch {
	case done:
	case w.ends[sh.stage]:
		until = endedMilestone
	case sh.stage == w.decided && s.early:
		until = decidedMilestone
	}
	if until >= 0 {
		if at, reached := reachedAt(b, in, r, sh, until); reached {
			end = min(end, at)
		}
	}
	return int(min(max(0, jakartaDay(end)-jakartaDay(from)), MaxDays)), done, true
}

var (
	endedMilestone   = slices.Index(ledger.Milestones, ledger.MilestoneEnded)
	decidedMilestone = slices.Index(ledger.Milestones, ledger.MilestoneDecided)
)

// reachedAt tells when a respondent reached a milestone.
func reachedAt(b *block, in *sayings, r int, sh *shape, milestone int) (int64, bool) {
	if sh.reached>>milestone&1 == 0 {
		return 0, false
	}
	return b.moment(r, in.times[r]+uint32(bits.OnesCount32(sh.began)+before(sh.reached, milestone))), true
}

func (w *pace) add(step int, value uint32, done bool, days int) {
	d := w.groups[step][value]
	if d == nil {
		d = new(Duration)
		w.groups[step][value] = d
	}
	d.add(done, days, 1)
}
