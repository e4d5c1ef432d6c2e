package projections

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/bits"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/berkas-ledger/berkas/ledger"
)

// plan is a question in the words of a snapshot.
type plan struct {
	*snapshot
	at    int64
	known uint32
	unit  ledger.Unit
	// wanted are the bits of the measures that are asked for.
	wanted uint32
	since  int64 // noTime: from the beginning
	// shapes says for each shape what of wanted a row of it counts for; natures
	// and items which of them pass, nil: all.
	shapes  []uint32
	natures []bool
	items   []bool
	keys    []uint32 // of each letter, what a unit of letters counts; 0: nothing
}

// noTime is before all moments.
const noTime = math.MinInt64

// passes is the bit of rows that pass the filters, whatever they are.
const passes = 1 << 31

// answers reports whether the snapshot gives what SQL would.
func (s *snapshot) answers(queries ...ledger.Query) bool {
	return !slices.ContainsFunc(queries, func(q ledger.Query) bool { return q.KnownAt > s.position || !plainlyAsked(q) })
}

// plainlyAsked: what SQL neither refuses nor reads otherwise: text that is
// text, and times that it has.
func plainlyAsked(q ledger.Query) bool {
	for _, v := range q.Filter {
		if !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
			return false
		}
	}
	return plainTime(q.AsOf) && (q.Since.IsZero() || plainTime(q.Since))
}

func plainTime(t time.Time) bool { return t.Year() > 1900 && t.Year() < 9999 }

// holds reports whether columns tell moments apart as SQL does.
func (s *snapshot) holds(moments ...time.Time) bool {
	return !slices.ContainsFunc(moments, func(t time.Time) bool { return !plainTime(t) })
}

// asks names what a question asks beside its measures.
func asks(q ledger.Query, more ...any) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %d %s %q %d", q.AsOf.UnixMicro(), q.KnownAt, q.Unit, q.SeenBy, sinceOf(q))
	for _, name := range slices.Sorted(maps.Keys(q.Filter)) {
		fmt.Fprintf(&b, " %s=%q", name, q.Filter[name])
	}
	for _, m := range more {
		fmt.Fprintf(&b, " %v", m)
	}
	return b.String()
}

func sinceOf(q ledger.Query) int64 {
	if q.Since.IsZero() {
		return noTime
	}
	return columnTime(q.Since)
}

// plan prepares a settled question for some measures.
func (s *snapshot) plan(q ledger.Query, measures []ledger.Measure) *plan {
	p := &plan{snapshot: s, at: columnTime(q.AsOf), known: uint32(q.KnownAt), unit: q.Unit, since: sinceOf(q)}
	for _, m := range measures {
		p.wanted |= 1 << measureBit(m, q.Unit)
	}
	p.filter(q)
	if q.Unit == ledger.UnitRecommendation || q.Unit == ledger.UnitPPK {
		p.keys = make([]uint32, len(s.letters))
		for i, l := range s.letters {
			if p.keys[i] = l.recommendation; q.Unit == ledger.UnitPPK {
				p.keys[i] = l.ppk
			}
		}
	}
	return p
}

// pass keeps, of the rows of shapes, those that a filter passes.
func (p *plan) pass(of func(*shape) bool) {
	for i := range p.shapes {
		if p.shapes[i] != 0 && !of(&p.snapshot.shapes[i]) {
			p.shapes[i] = 0
		}
	}
}

// filter works out which shapes, natures and items pass.
func (p *plan) filter(q ledger.Query) {
	l := &p.lexicon
	p.shapes = make([]uint32, len(l.shapes))
	for i := range l.shapes[1:] {
		p.shapes[i+1] = l.shapes[i+1].began&p.wanted | passes
	}
	has := func(set int, word uint32) func(uint32) bool {
		return func(n uint32) bool { return slices.Contains(l.members[set][n], word) }
	}
	if q.SeenBy != "" {
		word, known := l.number(attrSeenBy, string(q.SeenBy))
		in := has(setSeenBy, word)
		p.pass(func(s *shape) bool { return known && in(s.seenBy) })
	}
	for name, value := range q.Filter {
		a := attribute(slices.Index(ledger.Filters, name))
		word, known := l.number(a, value)
		switch {
		case a == attrForwardedTo:
			in := has(setForwardedTo, word)
			p.pass(func(s *shape) bool { return known && in(s.forwardedTo) })
		case a == attrItem:
			in := has(setItems, word)
			p.items = make([]bool, len(l.members[setItems]))
			for i := range p.items {
				p.items[i] = known && in(uint32(i))
			}
		case ofShape[a] != nil:
			of := ofShape[a]
			p.pass(func(s *shape) bool { return known && of(s) == word })
		default:
			of := ofNature[a]
			p.passNatures(func(n *nature) bool { return known && of(n) == word })
		}
	}
}

// passNatures does it with natures.
func (p *plan) passNatures(of func(*nature) bool) {
	if p.natures == nil {
		p.natures = slices.Repeat([]bool{true}, len(p.snapshot.natures))
	}
	for i := range p.natures {
		p.natures[i] = p.natures[i] && of(&p.snapshot.natures[i])
	}
}

// ofShape and ofNature give a row's word for an attribute.
var (
	ofShape = map[attribute]func(*shape) uint32{
		attrHolder:   func(s *shape) uint32 { return s.holder },
		attrFamily:   func(s *shape) uint32 { return s.family },
		attrSanction: func(s *shape) uint32 { return s.sanction },
		attrPPKKind:  func(s *shape) uint32 { return s.ppkKind },
	}
	ofNature = map[attribute]func(*nature) uint32{
		attrOrigin:          func(n *nature) uint32 { return n.origin },
		attrContest:         func(n *nature) uint32 { return n.contest },
		attrOffice:          func(n *nature) uint32 { return n.office },
		attrProvinceOfAct:   func(n *nature) uint32 { return n.provinceOfAct },
		attrProvince:        func(n *nature) uint32 { return n.province },
		attrInstitution:     func(n *nature) uint32 { return n.institution },
		attrInstitutionKind: func(n *nature) uint32 { return n.institutionKind },
		attrClass:           func(n *nature) uint32 { return n.class },
	}
)

// counts says what of wanted a respondent's row counts for, and passes.
func (p *plan) counts(b *block, in *sayings, i, respondent int) uint32 {
	w := p.shapes[in.shape[i]]
	if w == 0 {
		return 0
	}
	if p.natures != nil || p.items != nil {
		a := &b.abouts[in.about[i]]
		if p.natures != nil && !p.natures[a.nature] || p.items != nil && !p.items[a.items] {
			return 0
		}
	}
	if p.since != noTime {
		began := p.snapshot.shapes[in.shape[i]].began
		for left := w & p.wanted; left != 0; left &= left - 1 {
			bit := bits.TrailingZeros32(left)
			if b.moment(respondent, in.times[i]+uint32(before(began, bit))) <= p.since {
				w &^= 1 << bit
			}
		}
	}
	return w
}

// dimensionOf tells a row's values of a dimension: by its shape, its nature, or
// its items.
type dimensionOf struct {
	items   bool
	natural bool
	of      []uint32   // the value of each shape or nature, or a shape's set
	members [][]uint32 // of sets; nil: a row has one value
	words   []string
}

func (s *snapshot) dimension(by string) *dimensionOf {
	return s.dimensionOf(attribute(slices.Index(ledger.Filters, by)))
}

func (s *snapshot) dimensionOf(a attribute) *dimensionOf {
	d := &dimensionOf{items: a == attrItem, natural: ofNature[a] != nil, words: s.words[a]}
	standing, natural := ofShape[a], ofNature[a]
	switch a {
	case attrSeenBy:
		standing, d.members = func(s *shape) uint32 { return s.seenBy }, s.members[setSeenBy]
	case attrForwardedTo:
		standing, d.members = func(s *shape) uint32 { return s.forwardedTo }, s.members[setForwardedTo]
	case attrItem:
		d.members = s.members[setItems]
	default:
	}
	if standing != nil {
		d.of = make([]uint32, len(s.shapes))
		for i := range s.shapes {
			d.of[i] = standing(&s.shapes[i])
		}
	}
	if natural != nil {
		d.of = make([]uint32, len(s.natures))
		for i := range s.natures {
			d.of[i] = natural(&s.natures[i])
		}
	}
	return d
}

// none is the value of a row without any.
var none = []uint32{0}

// values lists a row's values; one is room for it.
func (d *dimensionOf) values(b *block, in *sayings, i int, one *[1]uint32) []uint32 {
	var v uint32
	switch {
	case d.items:
		v = b.abouts[in.about[i]].items
	case d.natural:
		v = d.of[b.abouts[in.about[i]].nature]
	default:
		v = d.of[in.shape[i]]
	}
	if d.members == nil {
		one[0] = v
		return one[:]
	}
	if m := d.members[v]; len(m) > 0 {
		return m
	}
	return none
}

// each goes through the blocks with a worker for each processor; work is called
// with a worker's number and a block. It ends early when whoever asked has gone,
// and when work panics, which is the question's misfortune and not the process's.
func (s *snapshot) each(ctx context.Context, work func(worker int, p *placed)) error {
	return inTurns(ctx, len(s.blocks), func(worker, i int) { work(worker, &s.blocks[i]) })
}

// eachRun does so with runs of blocks, from one to before another: as many as piles
// have where blocks come by id, single ones after them.
func (s *snapshot) eachRun(ctx context.Context, work func(worker, from, to int)) error {
	runs := (s.base + pileBlocks - 1) / pileBlocks
	return inTurns(ctx, runs+len(s.blocks)-s.base, func(worker, i int) {
		if i < runs {
			work(worker, i*pileBlocks, min((i+1)*pileBlocks, s.base))
			return
		}
		work(worker, s.base+i-runs, s.base+i-runs+1)
	})
}

// inTurns does pieces of work by their numbers.
func inTurns(ctx context.Context, pieces int, work func(worker, i int)) error {
	var next atomic.Int64
	p, _ := ctx.Value(passKey{}).(*pass)
	return abreast(ctx, min(runtime.GOMAXPROCS(0), pieces), func(ctx context.Context, w int) {
		for left := true; left && ctx.Err() == nil; {
			p.through(ctx, func(enough func() bool) {
				for {
					i := next.Add(1) - 1
					if left = i < int64(pieces); !left {
						return
					}
					if work(w, int(i)); enough() {
						return
					}
				}
			})
		}
	})
}

// abreast has some workers work at the same time, and says what stopped them.
func abreast(ctx context.Context, workers int, work func(ctx context.Context, worker int)) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					stop(panicked(p))
				}
			}()
			work(ctx, w)
		})
	}
	wait.Wait()
	return context.Cause(ctx)
}

// panicked makes an error of what was recovered.
func panicked(p any) error { return fmt.Errorf("columns panicked: %v\n%s", p, debug.Stack()) }

// recovered makes an error of a panic where it is deferred, of what no question does and
// would end the process.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = panicked(p)
	}
}
