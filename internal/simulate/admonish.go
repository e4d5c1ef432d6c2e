package simulate

import (
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// head is a regional head who was admonished for not acting on KASN's letters.
type head struct {
	region      region
	admonition  *paper // the one letter of admonition
	on          time.Time
	correlation string
	letters     []*unheeded
}

// unheeded is a letter of KASN that its addressee did not act on.
type unheeded struct {
	head        *head
	sent        time.Time
	letter      *paper
	correlation string // when it speaks of two cases
	mixes       []string
}

// writeAdmonished spreads the cases of the group over the letters, one for each
// and a second for a few, and tells the admonitions.
func (h *historian) writeAdmonished(g *group) {
	letters := h.spread(g, h.unheeded())
	for _, u := range letters {
		u.letter = h.papers.recommendation.on(u.sent)
		for _, fates := range u.mixes {
			s := h.newStory(g, fates, u.head.region.institution(), u.head.region)
			left := h.workday(latest(day(g.left.from), u.sent.AddDate(0, 0, -40)), earliest(day(g.left.until), u.sent.AddDate(0, 0, -12)))
			h.tell(s, left, u.sent, u.letter, u.correlation)
			h.admonish(s, u)
		}
	}
}

// spread gives every letter its cases. The regents whose regencies have somebody
// blocked come first in both lists.
func (h *historian) spread(g *group, letters []*unheeded) []*unheeded {
	var first, rest []string
	for _, m := range g.mixes {
		for range m.cases {
			if f := fate(m.fates[0]); f == blocked || f == december {
				first = append(first, m.fates)
			} else {
				rest = append(rest, m.fates)
			}
		}
	}
	if len(first) != len(blockedRegents) || len(first)+len(rest) != len(letters)+doubleLetter {
		panic("simulate: the plan's admonished cases do not fit their letters")
	}
	h.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
	for i, fates := range first {
		letters[i].mixes = []string{fates}
	}
	for i, u := range letters[len(first):] {
		u.mixes = []string{rest[i]}
	}
	for i, fates := range rest[len(letters)-len(first):] {
		u := letters[len(first)+i*7]
		u.mixes = append(u.mixes, fates)
		u.correlation = h.id(u.sent)
	}
	return letters
}

// unheeded makes the letters to the admonished heads, first one to each of the
// regents of blockedRegents.
func (h *historian) unheeded() []*unheeded {
	var first, rest []*unheeded
	heads := h.heads()
	for i, hd := range heads {
		for n, u := range hd.letters {
			u.sent = h.workday(day("2020-07-13"), day("2020-09-25"))
			if hd.on.Before(day("2020-10-27")) {
				u.sent = h.workday(day("2020-07-13"), day("2020-09-11"))
			}
			if i < len(blockedRegents) && n == 0 {
				first = append(first, u)
			} else {
				rest = append(rest, u)
			}
		}
	}
	return append(first, rest...)
}

// heads draws the admonished heads and how many letters each had.
func (h *historian) heads() []*head {
	var out []*head
	taken := map[string]bool{}
	take := func(from []region, fits func(region) bool) {
		for {
			if r := pick(h.draw, from); !taken[r.code] && fits(r) {
				taken[r.code] = true
				out = append(out, h.newHead(r))
				return
			}
		}
	}
	anyone := func(region) bool { return true }
	for _, office := range blockedRegents {
		take(h.atlas.regencies, func(r region) bool { return r.office == office })
	}
	for range regents - len(blockedRegents) {
		take(h.atlas.regencies, anyone)
	}
	for range governors {
		take(h.atlas.provinces, anyone)
	}
	for range mayors {
		take(h.atlas.cities, anyone)
	}
	// A few were admonished three weeks before the others.
	for _, i := range h.Perm(len(out))[:earlyHeads] {
		out[i].on = day("2020-10-05")
	}
	h.share(out[:regents], byRegents)
	h.share(out[regents:regents+governors], byGovernors)
	h.share(out[regents+governors:], byMayors)
	return out
}

func (h *historian) newHead(r region) *head {
	hd := &head{region: r, on: day("2020-10-27")}
	hd.correlation = h.id(hd.on)
	return hd
}

// share gives each head a letter and spreads what is left by chance.
func (h *historian) share(heads []*head, letters int) {
	for i := range letters {
		hd := heads[i%len(heads)]
		if i >= len(heads) {
			hd = pick(h.draw, heads)
		}
		hd.letters = append(hd.letters, &unheeded{head: hd})
	}
}

// admonish tells Kemendagri's letter, which is one event for each case.
func (h *historian) admonish(s *story, u *unheeded) {
	hd := u.head
	if hd.admonition == nil {
		hd.admonition = h.papers.admonition.on(hd.on)
	}
	s.acts = append(s.acts, act{
		at: h.moment(hd.on), by: ledger.Kemendagri, kind: ledger.PPKAdmonishedKind, correlation: hd.correlation,
		payload: func() any {
			return ledger.PPKAdmonished{
				Letter: hd.admonition.letter(), Authority: authority(hd.region.institution()),
				Recommendation: ledger.RecommendationRef{Agency: ledger.KASN, Number: u.letter.number},
			}
		},
	})
}
