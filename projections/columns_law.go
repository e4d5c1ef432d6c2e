package projections

import (
	"reflect"
	"slices"
	"sync"

	"github.com/berkas-ledger/berkas/ledger"
)

// Rules change seldom, and questions come often: what was found out under rules is
// kept from question to question. Rules are told apart by what they say. Of their
// parts the law, which is regimes and the kinds of contests, decides whether a row
// can owe anything at all; calendars and mandates only by which day, and who.

// rulesMemo is what was found out under rules.
type rulesMemo struct {
	due dueDays

	mu     sync.Mutex
	last   uint64    // number given last, to a law or to rules
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

// law is what decides whether a row can owe anything.
type law struct {
	regimes  []ledger.Regime
	contests map[string]ledger.Contest
	number   uint64
	load     uint64
	shapes   []shapeTerms // of the shapes of a load, as far as questions have come
}

// lay gives a rulebook the number of its law, and what is known of shapes.
func (m *rulesMemo) lay(b *rulebook) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := front(&m.laws, mostLaws, func(l *law) bool {
		return l.load == b.load && reflect.DeepEqual(l.regimes, b.rules.Regimes) && reflect.DeepEqual(l.contests, b.rules.Contests)
	}, func() *law {
		m.last++
		return &law{regimes: b.rules.Regimes, contests: b.rules.Contests, number: m.last, load: b.load}
	})
	for i := len(l.shapes); i < len(b.snapshot.shapes); i++ {
		l.shapes = append(l.shapes, b.shape(&b.snapshot.shapes[i]))
	}
	b.law, b.shapes = l.number, l.shapes[:len(b.snapshot.shapes)]
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
