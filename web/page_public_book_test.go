package web

import (
	"context"
	"errors"
	"hash/fnv"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/berkas-ledger/berkas/internal/simulate"
	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/roster"
	"github.com/berkas-ledger/berkas/transparency"
)

// newLiveBook is a ledger that was there when things happened: each case is
// recorded some days later, some of them months.
func newLiveBook(t *testing.T) *book {
	t.Helper()
	return tellLiveBook.copied(t)
}

var tellLiveBook = bookOnce(sync.OnceValues(toldLiveBook))

func toldLiveBook() (*book, error) {
	w := testkit.NewWorld()
	w.Start = time.Date(2019, 12, 20, 1, 0, 0, 0, time.UTC)
	b := &book{World: w, records: w.Founding(), walks: simulate.Walks(7)}
	type waiting struct {
		ledger.Submission
		at time.Time
	}
	var list []waiting
	for step, err := range b.history() {
		if err != nil {
			return nil, err
		}
		e, bad := ledger.Decode(step.Submission.Body)
		if bad != nil {
			return nil, bad
		}
		hash := fnv.New32a()
		_, _ = hash.Write([]byte(step.Subject))
		lag := int(hash.Sum32() % 9)
		if hash.Sum32()%11 == 0 {
			lag = 40 + int(hash.Sum32()%160)
		}
		list = append(list, waiting{w.Sign(step.Submission.Agency, step.Submission.Body), e.Time.AddDate(0, 0, lag)})
	}
	slices.SortStableFunc(list, func(a, b waiting) int { return a.at.Compare(b.at) })
	last := b.records[len(b.records)-1].Recorded
	for _, l := range list {
		if last = last.Add(time.Microsecond); l.at.After(last) {
			last = l.at
		}
		b.records = append(b.records, b.Record(b.records, l.Submission, last))
	}
	var err error
	b.roster, err = roster.Start(b.records[0])
	return b, err
}

// log gives the files of the log of a book, as far as one checkpoint.
func (b *book) log(t *testing.T) transparency.Fetch {
	t.Helper()
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, at := range indexes {
			out[i] = stored[at]
		}
		return out, nil
	})
	for i, r := range b.records {
		more, err := tlog.StoredHashes(int64(i), r.Leaf(), read)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
	}
	root, err := tlog.TreeHash(int64(len(b.records)), read)
	if err != nil {
		t.Fatal(err)
	}
	signer, _, _ := b.NoteKeys("")
	signed, err := ledger.SignCheckpoint(ledger.Checkpoint{Origin: b.Origin, Size: ledger.Position(len(b.records)), Root: ledger.Hash(root)}, signer)
	if err != nil {
		t.Fatal(err)
	}
	return func(_ context.Context, path string) ([]byte, error) {
		if path == "checkpoint" {
			return signed, nil
		}
		tile, err := ledger.ParseTile(path)
		if err != nil {
			return nil, errors.New("there is no " + path)
		}
		return tlog.ReadTileData(tlog.Tile{H: 8, L: tile.Level, N: int64(tile.Index), W: tile.Width}, read)
	}
}

// newLiveShelf serves a book to the public: no credential, no demo.
func newLiveShelf(t *testing.T, name string, b *book) *shelf {
	t.Helper()
	tokens, _ := bearers(t)
	return shelve(t, b, name, func(_ *shelf, c *Config) {
		c.Demo, c.Open, c.Tokens, c.Files, c.Now = "", false, tokens, b.log(t), func() time.Time { return imported }
	})
}
