package projections

import (
	"container/list"

	"github.com/google/uuid"

	"github.com/berkas-ledger/berkas/ledger"
)

// heldCase is a case in memory: its events in order, and its rows.
type heldCase struct {
	id     uuid.UUID
	events []ledger.CaseEvent
	rows   rows
	batch  uint64 // the last batch that changed it
}

// caseCache keeps the cases used last, up to a number of events. A case that a
// batch on its way to the tables has changed is kept whatever the number: it
// could not be read from the tables yet.
type caseCache struct {
	limit  int
	events int
	byID   map[uuid.UUID]*list.Element // of *heldCase
	used   *list.List                  // the one used last in front
}

func newCaseCache(limit int) *caseCache {
	return &caseCache{limit: limit, byID: make(map[uuid.UUID]*list.Element), used: list.New()}
}

func (c *caseCache) has(id uuid.UUID) bool { _, ok := c.byID[id]; return ok }

// get gives the case, an empty one if there is none.
func (c *caseCache) get(id uuid.UUID) *heldCase {
	if e, ok := c.byID[id]; ok {
		c.used.MoveToFront(e)
		return e.Value.(*heldCase)
	}
	h := &heldCase{id: id}
	c.put(h)
	return h
}

func (c *caseCache) put(h *heldCase) {
	c.byID[h.id] = c.used.PushFront(h)
	c.events += len(h.events)
}

// grown counts events that were added to a case.
func (c *caseCache) grown(n int) { c.events += n }

// trim forgets the cases used longest ago until the number of events fits;
// committed is the last batch that stands in the tables.
func (c *caseCache) trim(committed uint64) {
	for e := c.used.Back(); e != nil && c.events > c.limit; {
		h, before := e.Value.(*heldCase), e.Prev()
		if h.batch <= committed {
			c.used.Remove(e)
			delete(c.byID, h.id)
			c.events -= len(h.events)
		}
		e = before
	}
}
