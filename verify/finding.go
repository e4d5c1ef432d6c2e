package verify

import (
	"slices"
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
)

// Finding is one thing that is not as it has to be.
type Finding struct {
	// Position is where the record stands; 0 for what is about no one record.
	Position ledger.Position `json:"position,omitzero"`
	Agency   ledger.AgencyID `json:"agency,omitzero"`
	Event    string          `json:"event,omitzero"` // its id
	Code     Code            `json:"code"`
	Expected string          `json:"expected,omitzero"`
	Found    string          `json:"found,omitzero"`
}

// maxKept is how many findings of a code are kept; all are counted.
const maxKept = 100

// findings keeps the first of each code, so that a ledger that is wrong
// throughout does not fill the memory.
type findings struct {
	list   []Finding
	counts map[Code]uint64
}

func (s *findings) add(f Finding) {
	if s.counts == nil {
		s.counts = map[Code]uint64{}
	}
	s.counts[f.Code]++
	if s.counts[f.Code] <= maxKept {
		s.list = append(s.list, f)
	}
}

// sorted gives what was kept in order of position; what is about the whole log
// comes first.
func (s *findings) sorted() []Finding {
	out := slices.Clone(s.list)
	slices.SortStableFunc(out, func(a, b Finding) int {
		switch {
		case a.Position < b.Position:
			return -1
		case a.Position > b.Position:
			return 1
		default:
			return 0
		}
	})
	return out
}

func (s *findings) total() (n uint64) {
	for _, c := range s.counts {
		n += c
	}
	return n
}

// refused is the finding that stands for a refusal which was not made; nil for
// none.
func refused(bad *ledger.Refusal) *Finding {
	if bad == nil {
		return nil
	}
	words := append([]string{}, bad.Pointers...)
	if bad.Detail != "" {
		words = append(words, bad.Detail)
	}
	return &Finding{Code: Code(bad.Code), Expected: "refusal " + string(bad.Code), Found: strings.Join(words, ": ")}
}
