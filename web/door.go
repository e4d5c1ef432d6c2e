package web

import (
	"sync"

	"github.com/berkas-ledger/berkas/ledger"
)

// door looks at submissions before they may touch INTAKE.
type door struct {
	mu      sync.Mutex
	turned  map[ledger.Code]uint64 // turned away, by reason; nothing else is kept of them
	passed  uint64
	pending uint64 // no receipt within the wait
}

// doorCounts is what the door did since the program started.
type doorCounts struct {
	Passed  uint64                 `json:"passed"`
	Pending uint64                 `json:"pending"`
	Turned  map[ledger.Code]uint64 `json:"turned_away"`
}

func (d *door) counts() doorCounts {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := doorCounts{d.passed, d.pending, map[ledger.Code]uint64{}}
	for c, n := range d.turned {
		out.Turned[c] = n
	}
	return out
}

func (d *door) turn(c ledger.Code) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.turned == nil {
		d.turned = map[ledger.Code]uint64{}
	}
	d.turned[c]++
}

func (d *door) pass() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.passed++
}

func (d *door) pend() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pending++
}
