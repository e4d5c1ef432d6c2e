package verify

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// Lot is what a random sample follows from: a seed that nobody could choose by
// what comes of it, a checkpoint, and a question. Whoever has these and the
// ledger draws the same sample. docs/sampling.md says why, and has the bytes.
type Lot struct {
	Seed     string
	Size     ledger.Position // records of the checkpoint, and known-at of the question
	Root     ledger.Hash     // its Merkle root
	Question string          // as SampleQuestion writes it, or RecordsQuestion
}

const (
	sampleMagic = "berkas/sample/v1"
	// RecordsQuestion draws from all records of the checkpoint; the items are
	// positions.
	RecordsQuestion = "records"
	// MaxSeed bounds a seed, in bytes.
	MaxSeed = 256
)

// Check says what is wrong with a lot, in words for a person.
func (l Lot) Check() error {
	switch {
	case l.Seed == "" || len(l.Seed) > MaxSeed:
		return fmt.Errorf("a seed has 1 to %d characters", MaxSeed)
	case strings.ContainsFunc(l.Seed, func(c rune) bool { return c < ' ' || c > '~' }) || strings.TrimSpace(l.Seed) != l.Seed:
		return errors.New("a seed has letters, digits and signs of ASCII, and no space at its ends")
	case l.Size == 0:
		return errors.New("the checkpoint has no records to draw from")
	case l.Question == "" || strings.ContainsFunc(l.Question, func(c rune) bool { return c <= ' ' || c > '~' }):
		return errors.New("a question is written as in an address")
	}
	return nil
}

// Bytes are what is hashed for an item: lines that each end with a line feed.
func (l Lot) Bytes(item string) []byte {
	return append(l.head(), "item: "+item+"\n"...)
}

func (l Lot) head() []byte {
	return fmt.Appendf(nil, "%s\nseed: %s\nsize: %d\nroot: %s\nquestion: %s\n", sampleMagic, l.Seed, uint64(l.Size), l.Root, l.Question)
}

// Rank is an item's place in the draw: SHA-256 over Bytes.
func (l Lot) Rank(item string) ledger.Hash { return sha256.Sum256(l.Bytes(item)) }

// Drawn is an item with its rank.
type Drawn struct {
	Item string
	Rank ledger.Hash
}

// Draw takes the n items of the smallest ranks, in that order; all, if there are
// no more. An item that is given twice counts once. Items have no line feeds.
func (l Lot) Draw(items []string, n int) []Drawn {
	var best []Drawn // in order, at most n
	head := l.head()
	line := bytes.Clone(head)
	order := func(a, b Drawn) int {
		if c := bytes.Compare(a.Rank[:], b.Rank[:]); c != 0 {
			return c
		}
		return strings.Compare(a.Item, b.Item)
	}
	for _, item := range items {
		line = append(append(append(line[:len(head)], "item: "...), item...), '\n')
		one := Drawn{item, sha256.Sum256(line)}
		if n <= 0 || len(best) == n && order(best[n-1], one) <= 0 {
			continue
		}
		at, twice := slices.BinarySearchFunc(best, one, order)
		if twice {
			continue
		}
		best = slices.Insert(best, at, one)
		best = best[:min(n, len(best))]
	}
	return best
}

// ErrSampleMoment says that a question has a moment that the question of a sample
// may not have. Each moment gives other ranks, also where it counts the same cases: with
// microseconds to choose from, whoever knows the seed finds one that draws what he likes.
var ErrSampleMoment = errors.New("sample-moment: as-of is a whole day that had ended when the checkpoint's last record was recorded, or that moment itself; since is a whole day before it, from 2000 on")

// sinceLeast bounds how many days since may name; nothing on a ledger is as old.
const sinceLeast ledger.Date = "2000-01-01"

// SampleQuestion writes a question about cases in its one form: the parameters
// of the national figures, sorted by name and written as in an address
// (application/x-www-form-urlencoded), measures of a sum in order of their names.
// As-of is a time in UTC; known-at is the checkpoint's size and is not repeated. last is
// when the checkpoint's last record was recorded. What is more than days can say is
// ErrSampleMoment.
func SampleQuestion(q ledger.Query, last time.Time) (string, error) {
	if err := q.Validate(); err != nil {
		return "", err
	}
	if q.AsOf.IsZero() {
		return "", errors.New("the question of a sample says its as-of")
	}
	since := q.Since.IsZero() || wholeDay(q.Since) && q.Since.Before(q.AsOf) && !q.Since.Before(sinceLeast.End())
	if !since || q.AsOf.After(last) || !q.AsOf.Equal(last) && !wholeDay(q.AsOf) {
		return "", ErrSampleMoment
	}
	v := url.Values{}
	names := make([]string, len(q.Measures))
	for i, m := range q.Measures {
		names[i] = m.String()
	}
	slices.Sort(names)
	v.Set("measure", strings.Join(names, "+"))
	v.Set("unit", string(q.Unit))
	v.Set("as-of", q.AsOf.UTC().Format(time.RFC3339Nano))
	if !q.Since.IsZero() {
		v.Set("since", q.Since.UTC().Format(time.RFC3339Nano))
	}
	if q.SeenBy != "" {
		v.Set("seen-by", string(q.SeenBy))
	}
	for name, value := range q.Filter {
		v.Add("filter", name+"="+value)
	}
	slices.Sort(v["filter"])
	return v.Encode(), nil
}

// wholeDay tells whether a moment is the end of a day in Jakarta.
func wholeDay(t time.Time) bool { return ledger.DayOf(t).End().Equal(t) }

// RecordItems are the items of RecordsQuestion for a checkpoint of a size.
func RecordItems(size ledger.Position) []string {
	out := make([]string, size)
	for i := range out {
		out[i] = strconv.Itoa(i + 1)
	}
	return out
}

// SampleSize is how many of a population have to be drawn so that, when none of
// them has a fault, one may say with a confidence that at most a share of all has
// one (acceptance sampling with acceptance number 0; hypergeometric). Share and
// confidence lie between 0 and 1. A population of 0 is one without bound, for
// which it is ln(1-confidence) / ln(1-share), rounded up (binomial).
func SampleSize(population uint64, share, confidence float64) int {
	if !(share > 0 && share < 1 && confidence > 0 && confidence < 1) {
		return 0
	}
	if population == 0 {
		return int(math.Ceil(math.Log(1-confidence)/math.Log(1-share) - 1e-12))
	}
	faulty := uint64(math.Floor(share*float64(population)+1e-9)) + 1 // the fewest that are more than the share
	// The chance that n drawn without return miss all of them.
	miss := 1.0
	n := uint64(0)
	for ; miss > (1-confidence)*(1+1e-12) && n < population; n++ {
		if population-n <= faulty {
			miss = 0
			continue
		}
		miss *= float64(population-n-faulty) / float64(population-n)
	}
	return int(n)
}
