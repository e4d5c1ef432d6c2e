package ledger

import (
	"context"
	"fmt"
)

// Feed yields the records after a position, in order and without a gap, in
// batches of what is at hand (a follower that catches up gets large ones, a
// live one small ones). It returns nil when the context ends it or, for a feed
// of fixed length, at its end; an error of yield stops it and is returned. The
// slice belongs to the callee after the call; bodies may be kept.
type Feed func(ctx context.Context, after Position, yield func([]Record) error) error

// Chain checks what every follower has to check (promise P3): positions run on
// without a gap, and the record at the follower's own position is still the one
// it saw. Its zero value stands before the first record.
type Chain struct {
	Position Position
	Leaf     Hash // leaf hash of the record at Position
}

// ErrBroken says that the ledger read is not the ledger seen before. It is not
// to be retried: somebody has to look.
type ErrBroken struct {
	Position Position
	Problem  string
}

func (e *ErrBroken) Error() string {
	return fmt.Sprintf("ledger broken at position %d: %s; stop and run an audit", e.Position, e.Problem)
}

// Next moves the chain over one record and returns its leaf hash. A record at
// the chain's own position is compared and passed over.
func (c *Chain) Next(r Record) (Hash, error) {
	h := r.LeafHash()
	switch {
	case r.Position == c.Position && c.Position != 0:
		if h != c.Leaf {
			return h, &ErrBroken{r.Position, "the record differs from the one seen before"}
		}
	case r.Position != c.Position+1:
		return h, &ErrBroken{c.Position + 1, fmt.Sprintf("found position %d instead", r.Position)}
	}
	c.Position, c.Leaf = r.Position, h
	return h, nil
}

// Resume is the position to ask a feed for, so that the record at the chain's
// own position comes first and is compared.
func (c Chain) Resume() Position {
	if c.Position == 0 {
		return 0
	}
	return c.Position - 1
}
