package verify

import (
	"maps"
	"slices"
	"strconv"

	"github.com/berkas-ledger/berkas/ledger"
)

// SampleFormat names the form of a sample as JSON.
const SampleFormat = sampleMagic

// Sample is a drawn sample with all that it takes to draw it again.
type Sample struct {
	Format   string          `json:"format"`
	Origin   string          `json:"origin"`
	Seed     string          `json:"seed"`
	Size     ledger.Position `json:"size"`
	Root     string          `json:"root"`
	Question string          `json:"question"`
	// By is the dimension of the strata; "" for one stratum of all.
	By     string    `json:"by"`
	N      int       `json:"n"` // asked for, of each stratum
	Strata []Stratum `json:"strata"`
}

// Stratum is a part of what is drawn from. An item with several values of the
// dimension stands in several strata.
type Stratum struct {
	Value      string `json:"value"` // of the dimension; "" for all
	Population int    `json:"population"`
	Drawn      []Item `json:"drawn"` // in order of rank
}

// Item is what was drawn.
type Item struct {
	Item string `json:"item"`
	Rank string `json:"rank"` // SHA-256, hexadecimal
}

// SampleRule is what nobody can see in a sample, and what it is worth nothing without.
// It goes with every sample.
const SampleRule = "valid only if checkpoint (records and root), question, strata and number to draw were published, witnessed by somebody else, before anybody could know the seed"

// Table gives a sample as a list, an item a row. Each row has all that it takes to draw it
// again, so that no part of a file is without it.
func (s Sample) Table() (columns []string, rows [][]string) {
	columns = []string{"stratum", "item", "rank", "of", "n", "by", "ledger", "seed", "checkpoint", "root", "question", "rule"}
	for _, one := range s.Strata {
		for _, d := range one.Drawn {
			rows = append(rows, []string{
				one.Value, d.Item, d.Rank, strconv.Itoa(one.Population), strconv.Itoa(s.N), s.By,
				s.Origin, s.Seed, strconv.FormatUint(uint64(s.Size), 10), s.Root, s.Question, SampleRule,
			})
		}
	}
	return columns, rows
}

// Sample draws n items of each stratum.
func (l Lot) Sample(origin, by string, n int, strata map[string][]string) Sample {
	out := Sample{
		Format: SampleFormat, Origin: origin, Seed: l.Seed, Size: l.Size, Root: l.Root.String(), Question: l.Question, By: by, N: n, Strata: []Stratum{},
	}
	for _, value := range slices.Sorted(maps.Keys(strata)) {
		one := Stratum{Value: value, Population: len(strata[value]), Drawn: []Item{}}
		for _, d := range l.Draw(strata[value], n) {
			one.Drawn = append(one.Drawn, Item{d.Item, d.Rank.String()})
		}
		out.Strata = append(out.Strata, one)
	}
	return out
}

// SampleStrata gives the items that a question counts, by the values of a
// dimension (one of ledger.Filters); by "" all of them under "". What has no value
// of the dimension is in no stratum. Rows are those of the checkpoint's records.
func SampleStrata(rows []ledger.Row, q ledger.Query, by string) map[string][]string {
	if by == "" {
		return map[string][]string{"": ledger.Keys(rows, q)}
	}
	values := map[string]bool{}
	for i := range rows {
		for _, v := range rows[i].Values(by) {
			values[v] = true
		}
	}
	out := map[string][]string{}
	for v := range values {
		one := q
		one.Filter = maps.Clone(q.Filter)
		if one.Filter == nil {
			one.Filter = map[string]string{}
		}
		one.Filter[by] = v
		if keys := ledger.Keys(rows, one); v != "" && len(keys) > 0 {
			out[v] = keys
		}
	}
	return out
}
