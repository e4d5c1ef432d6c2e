package main

import (
	"slices"

	"github.com/berkas-ledger/berkas/ledger"
)

// truth is what the copies of a ledger prove of it together.
type truth struct {
	// leaves are the leaf hashes by position, from 1 at index 0; zero where they
	// are not known: no copy has it, or copies differ and nothing says which is
	// right.
	leaves []ledger.Hash
	// proven: up to here they give the root of a signed checkpoint, named by.
	proven ledger.Position
	by     string
	newest ledger.Position // size of the newest signed checkpoint, 0 if there is none
	tree   *tree           // of the leaves up to the first that is not known
}

// at is the leaf hash of a position, zero if it is not known.
func (t *truth) at(p ledger.Position) ledger.Hash { return hashAt(t.leaves, p) }

func hashAt(leaves []ledger.Hash, p ledger.Position) ledger.Hash {
	if p < 1 || p > ledger.Position(len(leaves)) {
		return ledger.Hash{}
	}
	return leaves[p-1]
}

// end is the last position before the first that is not known.
func (t *truth) end() ledger.Position { return t.tree.size }

// prove finds what the copies prove: leaf hashes that give the root of the newest
// signed checkpoint. Where copies differ each record is taken from whichever makes
// it so, since the root proves all of them at once. Behind the checkpoint a record
// counts when journal and LEDGER have the same, or the journal has it alone: it is
// written first, and a start completes LEDGER from it.
func prove(journal, stream, tiles []ledger.Hash, signed []signedFile) (*truth, error) {
	t := &truth{}
	if len(signed) > 0 {
		t.newest = signed[0].Size
	}
	copies := [][]ledger.Hash{journal, stream, tiles}
	var best []ledger.Hash
	for _, f := range signed { // the largest first
		if f.Size == 0 || f.Size <= t.proven {
			break
		}
		leaves, err := give(f.Checkpoint, copies, f.Size == t.newest)
		if err != nil {
			return nil, err
		}
		if leaves != nil {
			best, t.proven, t.by = leaves, f.Size, f.path
		}
	}
	t.leaves = slices.Clone(best)
	for p := t.proven + 1; p <= ledger.Position(max(len(journal), len(stream))); p++ {
		t.leaves = append(t.leaves, agreed(hashAt(journal, p), hashAt(stream, p), hashAt(tiles, p), p <= t.newest))
	}
	var err error
	t.tree, err = treeOf(t.leaves)
	return t, err
}

// agreed is a record that no checkpoint proves: what journal and LEDGER have, or
// the journal alone. Under a checkpoint whose root is not to be had nothing is taken
// from one copy only, nor if a tile says otherwise.
func agreed(journal, stream, tile ledger.Hash, covered bool) ledger.Hash {
	none := ledger.Hash{}
	if stream != none && stream != journal || covered && (stream == none || tile != none && tile != journal) {
		return none
	}
	return journal
}

// give finds leaves that give a checkpoint's root, nil if there are none. hard:
// also by trying combinations.
func give(c ledger.Checkpoint, copies [][]ledger.Hash, hard bool) ([]ledger.Hash, error) {
	chosen, doubtful := choose(c.Size, copies)
	tries := [][]ledger.Hash{chosen}
	for _, one := range copies {
		if ledger.Position(len(one)) >= c.Size {
			tries = append(tries, one[:c.Size])
		}
	}
	for _, leaves := range tries {
		if ok, err := gives(leaves, c); ok || err != nil {
			return leaves, err
		}
	}
	if !hard {
		return nil, nil
	}
	return combine(c, chosen, doubtful)
}

func gives(leaves []ledger.Hash, c ledger.Checkpoint) (bool, error) {
	t, err := treeOf(leaves)
	return err == nil && t.size == c.Size && t.gives(c), err
}

// doubt is a position at which copies differ.
type doubt struct {
	position ledger.Position
	choices  []ledger.Hash
}

// choose takes for each position what most copies have.
func choose(size ledger.Position, copies [][]ledger.Hash) (chosen []ledger.Hash, doubtful []doubt) {
	chosen = make([]ledger.Hash, size)
	for p := ledger.Position(1); p <= size; p++ {
		var choices []ledger.Hash
		votes := 0
		for _, one := range copies {
			h := hashAt(one, p)
			if h == (ledger.Hash{}) {
				continue
			}
			n := 0
			for _, other := range copies {
				if hashAt(other, p) == h {
					n++
				}
			}
			if n > votes {
				chosen[p-1], votes = h, n
			}
			if !slices.Contains(choices, h) {
				choices = append(choices, h)
			}
		}
		if len(choices) > 1 {
			doubtful = append(doubtful, doubt{p, choices})
		}
	}
	return chosen, doubtful
}

// mostHashes bounds what trying combinations may cost: some seconds.
const mostHashes = 20_000_000

// combine tries every combination of what the copies have where they differ.
func combine(c ledger.Checkpoint, chosen []ledger.Hash, doubtful []doubt) ([]ledger.Hash, error) {
	cost := uint64(c.Size)
	for _, d := range doubtful {
		if cost *= uint64(len(d.choices)); cost > mostHashes {
			return nil, nil
		}
	}
	leaves := slices.Clone(chosen)
	var try func(rest []doubt) (bool, error)
	try = func(rest []doubt) (bool, error) {
		if len(rest) == 0 {
			return gives(leaves, c)
		}
		for _, h := range rest[0].choices {
			leaves[rest[0].position-1] = h
			if ok, err := try(rest[1:]); ok || err != nil {
				return ok, err
			}
		}
		return false, nil
	}
	ok, err := try(doubtful)
	if !ok || err != nil {
		return nil, err
	}
	return leaves, nil
}
