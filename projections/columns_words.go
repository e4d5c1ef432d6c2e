package projections

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"

	"github.com/berkas-ledger/berkas/ledger"
)

// In columns everything that a row says is a small number: words stand in lists,
// and what rows share stands in shapes, natures and letters.

// attribute is a word that rows have: first those of ledger.Filters, in that
// order, then others.
type attribute int

const (
	attrOrigin attribute = iota
	attrForwardedTo
	attrHolder
	attrFamily
	attrSanction
	attrOffice
	attrPPKKind
	attrProvinceOfAct
	attrProvince
	attrInstitution
	attrInstitutionKind
	attrClass
	attrItem
	attrContest
	attrSeenBy
	attrStage
	attrRespondent
	attrRecommendation
	attrPPK
	attributes
)

// wordColumns are the columns of single words, in the order in which they are
// read, and their attributes.
var wordColumns = []struct {
	column    string
	attribute attribute
}{
	{"stage", attrStage},
	{"holder", attrHolder},
	{"family", attrFamily},
	{"sanction", attrSanction},
	{"ppk_kind", attrPPKKind},
	{"origin", attrOrigin},
	{"contest", attrContest},
	{"office", attrOffice},
	{"province_of_act", attrProvinceOfAct},
	{"province", attrProvince},
	{"institution", attrInstitution},
	{"institution_kind", attrInstitutionKind},
	{"class", attrClass},
	{"recommendation", attrRecommendation},
	{"ppk", attrPPK},
}

// setColumns are those of several words.
var setColumns = []struct {
	column    string
	attribute attribute
}{
	{"seen_by", attrSeenBy},
	{"forwarded_to", attrForwardedTo},
	{"items", attrItem},
}

// Places in setColumns.
const (
	setSeenBy = iota
	setForwardedTo
	setItems
	setCount
)

// shape is what events move in a row but for times, items and letter. The zero
// shape holds nothing: it fills gaps between rows.
type shape struct {
	began   uint32 // a bit for each of historyColumns' measures
	reached uint32 // a bit for each of ledger.Milestones
	// duplicate: the case repeats another.
	duplicate bool
	// Words and sets.
	stage, holder, family, sanction, ppkKind uint32
	seenBy, forwardedTo                      uint32
}

// nature is what mostly stays as it was when the case was opened.
type nature struct {
	origin, contest, office, provinceOfAct, province, institution, institutionKind, class uint32
}

// letter is a recommendation and whom it went to.
type letter struct{ recommendation, ppk uint32 }

// numbered numbers distinct values; 0 is the zero value.
type numbered[T comparable] struct {
	numbers map[T]uint32
	values  []T
}

func newNumbered[T comparable]() numbered[T] {
	var zero T
	return numbered[T]{map[T]uint32{zero: 0}, []T{zero}}
}

func (n *numbered[T]) number(v T) uint32 {
	if i, ok := n.numbers[v]; ok {
		return i
	}
	i := uint32(len(n.values))
	n.numbers[v], n.values = i, append(n.values, v)
	return i
}

// vocabulary grows with what is read. It is its loader's alone.
type vocabulary struct {
	words   [attributes]numbered[string]
	sets    [setCount]numbered[string] // as arrays are sent
	members [setCount][][]uint32       // the words of each set
	shapes  numbered[shape]
	natures numbered[nature]
	letters numbered[letter]
}

func newVocabulary() *vocabulary {
	v := &vocabulary{shapes: newNumbered[shape](), natures: newNumbered[nature](), letters: newNumbered[letter]()}
	for i := range v.words {
		v.words[i] = newNumbered[string]()
	}
	for i := range v.sets {
		v.sets[i], v.members[i] = newNumbered[string](), [][]uint32{nil}
	}
	return v
}

// word numbers a word as it was sent.
func (v *vocabulary) word(a attribute, text []byte) uint32 {
	if i, ok := v.words[a].numbers[string(text)]; ok { // does not allocate
		return i
	}
	return v.words[a].number(string(text))
}

// set numbers a set of words as it was sent.
func (v *vocabulary) set(i int, sent []byte) (uint32, error) {
	if n, ok := v.sets[i].numbers[string(sent)]; ok {
		return n, nil
	}
	texts, err := textsOf(sent)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", setColumns[i].column, err)
	}
	var members []uint32
	for _, text := range texts {
		if w := v.word(setColumns[i].attribute, text); !slices.Contains(members, w) {
			members = append(members, w)
		}
	}
	v.members[i] = append(v.members[i], members)
	return v.sets[i].number(string(sent)), nil
}

// textsOf reads an array of texts in PostgreSQL's binary format.
// Source: array_send in PostgreSQL's source.
func textsOf(sent []byte) ([][]byte, error) {
	if len(sent) < 12 {
		return nil, fmt.Errorf("an array of %d bytes", len(sent))
	}
	dimensions := binary.BigEndian.Uint32(sent)
	if dimensions == 0 {
		return nil, nil
	}
	if dimensions != 1 || len(sent) < 20 || binary.BigEndian.Uint32(sent[8:]) != oidText {
		return nil, fmt.Errorf("an array that is no list of texts")
	}
	n, rest := binary.BigEndian.Uint32(sent[12:]), sent[20:]
	var out [][]byte
	for range n {
		if len(rest) < 4 {
			return nil, fmt.Errorf("an array that ends early")
		}
		size := binary.BigEndian.Uint32(rest)
		if rest = rest[4:]; uint64(size) > uint64(len(rest)) { // so is a null
			return nil, fmt.Errorf("an array that ends early")
		}
		out, rest = append(out, rest[:size:size]), rest[size:]
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("an array with %d bytes after its end", len(rest))
	}
	return out, nil
}

// lexicon is the vocabulary as a snapshot has it: it does not change any more,
// though the vocabulary grows.
type lexicon struct {
	words   [attributes][]string
	members [setCount][][]uint32
	shapes  []shape
	natures []nature
	letters []letter
}

func (v *vocabulary) lexicon() lexicon {
	var l lexicon
	for i := range v.words {
		l.words[i] = v.words[i].values
	}
	l.members, l.shapes, l.natures, l.letters = v.members, v.shapes.values, v.natures.values, v.letters.values
	return l
}

// number gives a word's; a word that no row has, none.
func (l *lexicon) number(a attribute, word string) (uint32, bool) {
	i := slices.Index(l.words[a], word)
	return uint32(max(i, 0)), i >= 0
}

// wordBytes is about how much memory the lexicon takes.
func (l *lexicon) wordBytes() (n uint64) {
	for _, list := range l.words {
		for _, w := range list {
			n += 64 + 2*uint64(len(w)) // twice a header, and the map's entry
		}
	}
	for _, list := range l.members {
		for _, m := range list {
			n += 96 + 4*uint64(len(m))
		}
	}
	return n + 96*uint64(len(l.shapes)) + 80*uint64(len(l.natures)) + 24*uint64(len(l.letters))
}

// allOf are the measures that a case has when all its respondents have them; a
// shape has a bit for each after those of all measures.
var allOf = func() (out []ledger.Measure) {
	for _, m := range ledger.MeasureTable {
		if m.All {
			out = append(out, m.Measure)
		}
	}
	return out
}()

// measureBit is the bit of a shape that dates a measure under a unit.
func measureBit(m ledger.Measure, u ledger.Unit) int {
	if u == ledger.UnitCase && ledger.MeasureTable[m].All {
		return ledger.MeasureCount + slices.Index(allOf, m)
	}
	return int(m)
}

// before counts the bits below one.
func before(mask uint32, bit int) int { return bits.OnesCount32(mask & (1<<bit - 1)) }
