package projections

import (
	"bytes"
	"context"
	"testing"

	"github.com/google/uuid"

	"github.com/berkas-ledger/berkas/internal/testkit"
)

// putInOrder has columns put in order, few cases at a time, and looks at what comes of
// it: blocks of the base come by id, every case stands once and is found, and no cases
// stand after the base where they are many.
func putInOrder(t failer, r *Reader) {
	t.Helper()
	c := r.columns
	c.turn <- struct{}{}
	c.ordering = ordering{from: 1, step: 7}
	<-c.turn
	if err := c.keepOrder(context.Background()); err != nil {
		t.Fatal(err)
	}
	s := c.now.Load()
	if s == nil {
		return // there is nothing, or tables were replaced
	}
	var last uuid.UUID
	stands := make(map[uuid.UUID]bool)
	for i := range s.blocks {
		p := &s.blocks[i]
		for n, id := range p.ids {
			if i < s.base {
				if bytes.Compare(last[:], id[:]) >= 0 {
					t.Fatalf("case %s of block %d of the base comes after %s", id, i, last)
				}
				last = id
			}
			if isDead(p.dead, n) {
				continue
			}
			if at, place, ok := s.find(id); !ok || at != i || place != n || stands[id] {
				t.Fatalf("case %s stands in block %d, and is found in %d", id, i, at)
			}
			stands[id] = true
		}
	}
	if after, all := s.afterBase(); after > 0 && after >= all/orderPart {
		for i, list := range s.between() {
			if s.base == 0 || len(list)*orderDense > s.blocks[i].living() {
				t.Fatalf("%d cases stand after the base that belong to block %d", len(list), i)
			}
		}
	}
}

// TestColumnsInOrder: cases that came, and that records touched, while columns answered
// are put back, and lists are as before. What is put back bit by bit ends as one.
func TestColumnsInOrder(t *testing.T) {
	url := testkit.DB(t)
	b := year(60)
	sql, r := openReader(t, url), openColumnReader(t, url, 100, 40)
	for at := 30; at < len(b.records); at += 40 {
		project(t, url, (&book{records: b.records[:at]}).feed(100))
		awaitColumns(t, r)
		if at%3 == 0 {
			putInOrder(t, r)
		}
	}
	project(t, url, b.feed(100))
	awaitColumns(t, r)
	putInOrder(t, r)
	sameEverywhere(t, r, sql, b)
	s := r.columns.now.Load()
	if after, all := s.afterBase(); s.base < 2 || after > all/orderDense {
		t.Errorf("%d of %d cases stand after %d blocks of the base", after, all, s.base)
	}
	r.columns.turn <- struct{}{} // or the loader is at it, too
	moved, err := r.columns.order()
	if <-r.columns.turn; moved || err != nil {
		t.Errorf("there was more to put back: %v", err)
	}
}
