package projections

import (
	"fmt"
	"hash/maphash"
	"reflect"
	"slices"
	"sort"
	"sync"

	"github.com/berkas-ledger/berkas/ledger"
)

// Rules change seldom, and questions come often: what was found out under rules is
// kept from question to question. Rules are told apart by what they say. Of their
// parts the law, which is regimes and the kinds of contests, decides what a row can
// owe; calendars and mandates only by which day, and who. For a block the law is
// what of it speaks of the block's time and contests: another regime that is
// published does not make cases before it owe anything else.

// rulesMemo is what was found out under rules.
type rulesMemo struct {
	due  dueDays
	seed lawSeed

	mu     sync.Mutex
	last   uint64    // number given last
	laws   []*law    // the one used last in front
	askers []*asker  // likewise
	slots  []askedAt // of countSlots
	clock  uint64
}

// Laws and askers that are kept at most.
const (
	mostLaws   = 4
	mostAskers = 8
)

// law is regimes, with what they make of shapes.
type law struct {
	regimes []ledger.Regime
	load    uint64
	shapes  []shapeTerms // of the shapes of a load, as far as questions have come
}

// lawSeed is of the hashes that name laws, so that nobody can make two alike.
type lawSeed struct {
	once sync.Once
	seed maphash.Seed
}

func (l *lawSeed) hash(b []byte) uint64 {
	l.once.Do(func() { l.seed = maphash.MakeSeed() })
	return maphash.Bytes(l.seed, b)
}

// lay gives a rulebook what names its laws, of regimes in the order in which they
// begin, and what is known of shapes.
func (m *rulesMemo) lay(b *rulebook, regimes []ledger.Regime) {
	said := []byte{}
	limited := false // some deadlines are of one kind of contest
	b.laws = append(b.laws, m.seed.hash(said))
	for i := range regimes {
		said = fmt.Appendf(said, "\n%s %s %q", regimes[i].From, regimes[i].Until, regimes[i].ID)
		for j := range regimes[i].Deadlines {
			d := &regimes[i].Deadlines[j]
			said = fmt.Appendf(said, " %q %q %q %q %q %q %t %q %q %q", d.Code, d.From, d.To, d.OwedBy, d.WatchedBy, d.Contest, d.Right, d.Basis, d.Doubt, lengthsOf(d))
			limited = limited || d.Contest != ""
		}
		b.laws = append(b.laws, m.seed.hash(said))
	}
	for _, kind := range b.contests {
		if !limited {
			kind = ""
		}
		b.kinds = append(b.kinds, m.seed.hash([]byte(kind)))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	l := front(&m.laws, mostLaws, func(l *law) bool {
		return l.load == b.load && reflect.DeepEqual(l.regimes, b.rules.Regimes)
	}, func() *law { return &law{regimes: b.rules.Regimes, load: b.load} })
	for i := len(l.shapes); i < len(b.snapshot.shapes); i++ {
		l.shapes = append(l.shapes, b.shape(&b.snapshot.shapes[i]))
	}
	b.shapes = l.shapes[:len(b.snapshot.shapes)]
}

func lengthsOf(d *ledger.Deadline) string {
	var b []byte
	for _, l := range []*ledger.Length{d.Length, d.AtMost, d.InForce} {
		if b = append(b, ';'); l != nil {
			b = fmt.Appendf(b, "%+v", *l)
		}
	}
	return string(b)
}

// lawOf names the part of the law that speaks of a block.
func (b *rulebook) lawOf(bounds *bounds) uint64 {
	n := sort.Search(len(b.regimes), func(i int) bool { return b.regimes[i].from > bounds.last })
	name := b.laws[n]
	for _, contest := range bounds.contests {
		name = (name ^ b.kinds[contest]) * 0x9e3779b97f4a7c15
		name ^= name >> 29
	}
	return name
}

// front finds one of a list and puts it in front, a new one if there is none.
func front[T any](list *[]T, most int, is func(T) bool, fresh func() T) T {
	i := slices.IndexFunc(*list, is)
	var found T
	if i >= 0 {
		found = (*list)[i]
		*list = slices.Delete(*list, i, i+1)
	} else {
		found = fresh()
		*list = (*list)[:min(len(*list), most-1)]
	}
	*list = slices.Insert(*list, 0, found)
	return found
}

// asker is who asks, under which rules.
type asker struct {
	rules  ledger.Rules
	agency ledger.AgencyID
	number uint64
}

// asker gives the number of those who ask the same.
func (m *rulesMemo) asker(b *rulebook) uint64 {
	return front(&m.askers, mostAskers, func(a *asker) bool {
		return a.agency == b.agency && reflect.DeepEqual(a.rules, b.rules)
	}, func() *asker {
		m.last++
		return &asker{b.rules, b.agency, m.last}
	}).number
}

// countSlots is how many moments a block keeps counts of; countMoments of how many
// a question may have them kept.
const (
	countSlots   = 256
	countMoments = 64
)

// askedAt is a moment at which somebody asks.
type askedAt struct {
	asker uint64
	load  uint64
	at    int64
	today int32
	used  uint64
	stamp uint32 // changes whenever the slot is given to another
}

// slot is where a block keeps its counts of a moment, if they have the stamp.
type slot struct {
	place int
	stamp uint32
}

// countAt is what a block's present rows owed at a moment.
type countAt struct {
	stamp            uint32
	pending, overdue int32
}

// slotsOf gives the slots of a question's moments; nil: they are too many.
func (m *rulesMemo) slotsOf(b *rulebook, moments []trendMoment) []slot {
	if len(moments) == 0 || len(moments) > countMoments {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	asker := m.asker(b)
	out := make([]slot, 0, len(moments))
	for i := range moments {
		of := askedAt{asker: asker, load: b.load, at: moments[i].at, today: moments[i].today}
		place := slices.IndexFunc(m.slots, func(o askedAt) bool {
			return o.asker == of.asker && o.load == of.load && o.at == of.at && o.today == of.today
		})
		m.clock++
		if place < 0 {
			place = m.room()
			m.last++
			of.stamp = uint32(m.last)
			m.slots[place] = of
		}
		m.slots[place].used = m.clock
		out = append(out, slot{place, m.slots[place].stamp})
	}
	return out
}

// room finds a slot for another moment, that used longest ago if there is no other.
func (m *rulesMemo) room() int {
	if len(m.slots) < countSlots {
		m.slots = append(m.slots, askedAt{})
		return len(m.slots) - 1
	}
	oldest := 0
	for i := range m.slots {
		if m.slots[i].used < m.slots[oldest].used {
			oldest = i
		}
	}
	return oldest
}
