package main

import (
	"context"
	"fmt"
	"io/fs"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/berkas-ledger/berkas/internal/simulate"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/transparency"
)

// memoryLog is the hashes of a simulated ledger's log, 64 bytes a record: what is
// published for ever names its root.
type memoryLog struct {
	size   int64
	chunks [][]tlog.Hash
}

// chunkHashes keeps the log from being copied as it grows.
const chunkHashes = 1 << 16

// ReadHashes makes it a tlog.HashReader.
func (m *memoryLog) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		out[i] = m.chunks[at/chunkHashes][at%chunkHashes]
	}
	return out, nil
}

func (m *memoryLog) add(r ledger.Record) error {
	more, err := tlog.StoredHashes(m.size, r.Leaf(), m)
	if err != nil {
		return fmt.Errorf("hashes of position %d: %w", r.Position, err)
	}
	for _, h := range more {
		if n := len(m.chunks); n == 0 || len(m.chunks[n-1]) == chunkHashes {
			m.chunks = append(m.chunks, make([]tlog.Hash, 0, chunkHashes))
		}
		last := len(m.chunks) - 1
		m.chunks[last] = append(m.chunks[last], h)
	}
	m.size++
	return nil
}

// files gives checkpoint and tiles, signed with the simulated ledger's key.
func (m *memoryLog) files(l simulate.Ledger) (transparency.Fetch, error) {
	root, err := tlog.TreeHash(m.size, m)
	if err != nil {
		return nil, err
	}
	_, secret, err := l.NoteKeys()
	if err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return nil, err
	}
	signed, err := ledger.SignCheckpoint(ledger.Checkpoint{Origin: l.Origin(), Size: ledger.Position(m.size), Root: ledger.Hash(root)}, signer)
	if err != nil {
		return nil, err
	}
	return func(_ context.Context, path string) ([]byte, error) {
		if path == "checkpoint" {
			return signed, nil
		}
		tile, err := ledger.ParseTile(path)
		if err != nil {
			return nil, fs.ErrNotExist
		}
		return tlog.ReadTileData(tlog.Tile{H: 8, L: tile.Level, N: int64(tile.Index), W: tile.Width}, m)
	}, nil
}
