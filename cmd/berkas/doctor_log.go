package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/ledger"
)

// Files of a log that hold a signed checkpoint: the last one that was signed, the
// last one that was published, and in a directory all that were.
const (
	sealedFile     = "sealed"
	checkpointFile = "checkpoint"
	keptDir        = "checkpoints"
)

// signedFile is a file that should hold a signed checkpoint.
type signedFile struct {
	path string // within the log's directory
	raw  []byte
	ledger.Checkpoint
	err     error // why it is none of this ledger's
	strange []signer
}

// signer is who signed, as a note names it, and is not known.
type signer struct {
	name string
	hash uint32
}

// logScan is what lies in a log's directory.
type logScan struct {
	dir    string
	signed []signedFile // checkpoint, sealed, then the kept ones by size
	tiles  []ledger.Tile
	leaves []ledger.Hash // as the tiles of level 0 have them; zero where none has
}

// scanLog reads a log's directory. Only checkpoints are judged here, by the policy.
// A directory that is not there gives nothing.
func scanLog(dir string, policy ledger.Policy) (*logScan, error) {
	s := &logScan{dir: dir}
	var sizes []ledger.Position
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // gone meanwhile, or never there
		}
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if t, err := ledger.ParseTile(rel); err == nil && t.Level != ledger.LevelEntries {
			s.tiles = append(s.tiles, t)
		} else if rest, ok := strings.CutPrefix(rel, keptDir+"/"); ok {
			var n ledger.Position
			if _, err := fmt.Sscanf(rest, "%d", &n); err == nil && fmt.Sprint(n) == rest {
				sizes = append(sizes, n)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	paths := []string{checkpointFile, sealedFile}
	slices.Sort(sizes)
	for _, n := range sizes {
		paths = append(paths, fmt.Sprintf("%s/%d", keptDir, n))
	}
	for _, path := range paths {
		raw, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(path)))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		s.signed = append(s.signed, openSigned(path, raw, policy))
	}
	return s, s.readLeaves()
}

// openSigned judges one signed checkpoint by the policy: the log's signature, all
// cosignatures, the one form it has, and its place.
func openSigned(path string, raw []byte, policy ledger.Policy) signedFile {
	f := signedFile{path: path, raw: raw}
	log, _, err := policy.Verifiers()
	if err != nil {
		f.err = err
		return f
	}
	c, n, err := ledger.OpenCheckpoint(raw, log)
	if err != nil {
		f.err = err
		return f
	}
	f.Checkpoint = c
	if n := f.named(); n > 0 && n != c.Size {
		f.err = fmt.Errorf("it holds the checkpoint of size %d", c.Size)
	}
	if _, err := policy.Open(raw); err != nil && !errors.Is(err, ledger.ErrNoQuorum) {
		f.err = err
	}
	for _, sig := range slices.Concat(n.Sigs, n.UnverifiedSigs) {
		strict, err := base64.StdEncoding.Strict().DecodeString(sig.Base64)
		if err != nil || base64.StdEncoding.EncodeToString(strict) != sig.Base64 {
			f.err = fmt.Errorf("the signature of %s is not in its one form", sig.Name)
		}
	}
	for _, sig := range n.UnverifiedSigs {
		if !policyKnows(policy, sig) {
			f.strange = append(f.strange, signer{sig.Name, sig.Hash})
		}
	}
	return f
}

// named is the size in the name of a kept checkpoint, 0 for other files.
func (f signedFile) named() ledger.Position {
	rest, ok := strings.CutPrefix(f.path, keptDir+"/")
	n, err := strconv.ParseUint(rest, 10, 63)
	if !ok || err != nil {
		return 0
	}
	return ledger.Position(n)
}

func policyKnows(p ledger.Policy, sig note.Signature) bool {
	return slices.ContainsFunc(p.Witnesses, func(w ledger.PolicyWitness) bool {
		return w.Key.Name() == sig.Name && w.Key.KeyHash() == sig.Hash
	})
}

// readLeaves takes the leaf hashes out of the widest tiles of level 0.
func (s *logScan) readLeaves() error {
	for _, t := range s.tiles {
		if t.Level != 0 {
			continue
		}
		raw, err := s.read(t.Path())
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		first := int(t.Index) * ledger.TileWidth
		for i := 0; i < t.Width && len(raw) >= (i+1)*len(ledger.Hash{}); i++ {
			for len(s.leaves) <= first+i {
				s.leaves = append(s.leaves, ledger.Hash{})
			}
			copy(s.leaves[first+i][:], raw[i*len(ledger.Hash{}):])
		}
	}
	return nil
}

func (s *logScan) read(path string) ([]byte, error) {
	return os.ReadFile(filepath.Join(s.dir, filepath.FromSlash(path)))
}

// good gives the checkpoints that verify, the largest first.
func (s *logScan) good() []signedFile {
	var out []signedFile
	for _, f := range s.signed {
		if f.err == nil {
			out = append(out, f)
		}
	}
	slices.SortStableFunc(out, func(a, b signedFile) int { return int(int64(b.Size) - int64(a.Size)) })
	return out
}

// file finds a checkpoint by its path.
func (s *logScan) file(path string) (signedFile, bool) {
	i := slices.IndexFunc(s.signed, func(f signedFile) bool { return f.path == path })
	if i < 0 {
		return signedFile{}, false
	}
	return s.signed[i], true
}

// sizes are those of the published and the sealed checkpoint, as far as they can
// be told: a kept one has its size in its name, whatever became of what it holds.
func (s *logScan) sizes() (published, sealed ledger.Position) {
	for _, f := range s.signed {
		published = max(published, f.named())
	}
	for _, f := range s.good() {
		if f.path == sealedFile {
			sealed = max(sealed, f.Size)
		} else {
			published = max(published, f.Size)
		}
	}
	return published, max(published, sealed)
}

// compare holds the files against the tree of the proven records. grows: somebody
// seals meanwhile, so that narrow tiles come and go.
func (s *logScan) compare(all *truth, grows bool) []finding {
	t := all.tree
	out := s.compareSigned(all)
	published, sealed := s.sizes()
	seen := map[string]bool{}
	for _, tile := range s.tiles {
		seen[tile.Path()] = true
		if !t.has(tile) {
			continue // of a size that was not sealed, or of records that nobody has
		}
		want, err := t.tile(tile)
		if err != nil {
			out = append(out, finding{Copy: copyLog, File: tile.Path(), Problem: err.Error()})
			continue
		}
		have, err := s.read(tile.Path())
		switch {
		case errors.Is(err, fs.ErrNotExist) && grows:
		case err != nil:
			out = append(out, finding{Copy: copyLog, File: tile.Path(), Problem: err.Error()})
		case !bytes.Equal(have, want):
			out = append(out, finding{Copy: copyLog, File: tile.Path(), Byte: place(differsAt(have, want)), Problem: "the tile is not what the records give"})
		}
	}
	for _, size := range slices.Compact([]ledger.Position{published, sealed}) {
		if size > t.size {
			continue // its records are not known
		}
		for _, tile := range tilesOf(size) {
			if !seen[tile.Path()] && !s.wider(tile) && (!grows || tile.Width == ledger.TileWidth) {
				out = append(out, finding{Copy: copyLog, File: tile.Path(), Problem: "the tile is missing"})
				seen[tile.Path()] = true
			}
		}
	}
	return out
}

// tilesOf lists all tiles that a log of a size has.
func tilesOf(size ledger.Position) []ledger.Tile {
	var out []ledger.Tile
	for level := 0; ; level++ {
		list := ledger.Tiles(level, 0, size)
		if len(list) == 0 {
			return out
		}
		out = append(out, list...)
	}
}

// wider reports whether a file has all that a partial tile has.
func (s *logScan) wider(t ledger.Tile) bool {
	return slices.ContainsFunc(s.tiles, func(o ledger.Tile) bool {
		return o.Level == t.Level && o.Index == t.Index && o.Width > t.Width
	})
}

// differsAt is the first byte in which two files differ.
func differsAt(a, b []byte) int64 {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return int64(i)
		}
	}
	return int64(n)
}

// compareSigned says which checkpoints are not, or not any more, those of the tree.
func (s *logScan) compareSigned(t *truth) []finding {
	var out []finding
	add := func(path, problem string) {
		out = append(out, finding{Copy: copyLog, File: path, Problem: problem})
	}
	strangers := map[signer]map[ledger.Position]bool{}
	for _, f := range s.signed {
		for _, g := range f.strange {
			if strangers[g] == nil {
				strangers[g] = map[ledger.Position]bool{}
			}
			strangers[g][f.Size] = true
		}
	}
	for _, f := range s.signed {
		switch {
		case f.err != nil:
			add(f.path, f.err.Error())
			continue
		case f.Size <= t.proven && !t.tree.gives(f.Checkpoint):
			add(f.path, fmt.Sprintf("it is signed, and says of the first %d records what they are not: keep it, it is evidence", f.Size))
		}
		for _, g := range f.strange {
			if len(strangers[g]) == 1 { // a witness of an earlier policy signed more than one
				add(f.path, fmt.Sprintf("it has a signature by %s+%08x, whom the policy does not know and who signed nothing else", g.name, g.hash))
			}
		}
	}
	return append(out, s.together()...)
}

// together says which checkpoints do not go with one another.
func (s *logScan) together() []finding {
	var out []finding
	published, sealed := s.sizes()
	kept, ok := s.file(fmt.Sprintf("%s/%d", keptDir, published))
	switch current, there := s.file(checkpointFile); {
	case published == 0:
	case !there:
		out = append(out, finding{Copy: copyLog, File: checkpointFile, Problem: "the file is missing"})
	case current.err == nil && current.Size < published:
		out = append(out, finding{Copy: copyLog, File: checkpointFile, Problem: fmt.Sprintf("it is of size %d, and one of size %d was published", current.Size, published)})
	case !ok:
		out = append(out, finding{Copy: copyLog, File: fmt.Sprintf("%s/%d", keptDir, published), Problem: "the file is missing"})
	case current.err == nil && kept.err == nil && !bytes.Equal(current.raw, kept.raw):
		out = append(out, finding{Copy: copyLog, File: checkpointFile, Byte: place(differsAt(current.raw, kept.raw)), Problem: "it is not " + kept.path})
	}
	switch last, there := s.file(sealedFile); {
	case published == 0:
	case !there:
		out = append(out, finding{Copy: copyLog, File: sealedFile, Problem: "the file is missing"})
	case last.err == nil && last.Size < sealed:
		out = append(out, finding{Copy: copyLog, File: sealedFile, Problem: fmt.Sprintf("it is of size %d, and one of size %d was published", last.Size, sealed)})
	}
	return out
}
