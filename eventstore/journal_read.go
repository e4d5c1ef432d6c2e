package eventstore

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/berkas-ledger/berkas/ledger"
)

// readBytes is how much of a segment is read at once. A record that is kept
// keeps the whole buffer it lies in, so it is not larger.
const readBytes = 256 << 10

// Leaf reads the leaf of one record.
func (j *Journal) Leaf(p ledger.Position) ([]byte, error) {
	var out []byte
	err := j.read(p, p, nil, func(b block) error {
		out = b.leaf(0)
		return nil
	})
	return out, err
}

// Leaves hands over the leaves of the records from first to last, both
// included, in order; a leaf is valid during the call only.
func (j *Journal) Leaves(ctx context.Context, first, last ledger.Position, yield func(ledger.Position, []byte) error) error {
	var buf []byte
	for first <= last {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := j.read(first, last, buf, func(b block) error {
			for i := range b.starts {
				if err := yield(first, b.leaf(i)); err != nil {
					return err
				}
				first++
			}
			buf = b.bytes
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// block is a run of entries as they lie in a segment.
type block struct {
	bytes  []byte
	starts []uint32
}

func (b block) leaf(i int) []byte {
	start := b.starts[i] - b.starts[0]
	n := uint32(binary.BigEndian.Uint16(b.bytes[start:]))
	return b.bytes[start+lengthBytes : start+lengthBytes+n : start+lengthBytes+n]
}

// read hands over as many of the entries from first to last as fit readBytes,
// at least one, in buf if it is large enough.
func (j *Journal) read(first, last ledger.Position, buf []byte, use func(block) error) error {
	j.mu.RLock()
	length := j.length
	if first < 1 || last > length || first > last {
		j.mu.RUnlock()
		return fmt.Errorf("journal %s: no records %d to %d, it has %d", j.dir, first, last, length)
	}
	if j.segments == nil {
		j.mu.RUnlock()
		return fmt.Errorf("journal %s: %w", j.dir, ErrClosed)
	}
	per := ledger.Position(j.rig.perSegment)
	s := *j.segments[(first-1)/per]
	j.mu.RUnlock()

	i := int((first - 1) % per)
	k := int(min(ledger.Position(len(s.starts)-i), last-first+1)) + i
	start, end := s.span(i, k)
	for end-start > readBytes && k > i+1 {
		k = i + max(1, (k-i)/2)
		start, end = s.span(i, k)
	}
	if int64(cap(buf)) < end-start {
		buf = make([]byte, end-start)
	}
	buf = buf[:end-start]
	if _, err := s.file.ReadAt(buf, start); err != nil {
		return fmt.Errorf("journal: read record %d: %w", first, err)
	}
	b := block{buf, s.starts[i:k]}
	for n := range b.starts {
		if err := b.check(n); err != nil {
			return fmt.Errorf("%s at byte %d: %w", s.file.Name(), s.starts[i+n], &ledger.ErrBroken{Position: first + ledger.Position(n), Problem: err.Error()})
		}
	}
	return use(b)
}

// check compares an entry's length with the index: the file may have changed
// under a running process.
func (b block) check(i int) error {
	end := uint32(len(b.bytes))
	if i+1 < len(b.starts) {
		end = b.starts[i+1] - b.starts[0]
	}
	start := b.starts[i] - b.starts[0]
	if n := uint32(binary.BigEndian.Uint16(b.bytes[start:])); start+lengthBytes+n != end {
		return fmt.Errorf("the entry's length is not what it was")
	}
	return nil
}

// Feed yields what the journal holds at the moment of the call, then ends.
func (j *Journal) Feed() ledger.Feed {
	return func(ctx context.Context, after ledger.Position, yield func([]ledger.Record) error) error {
		last := j.Len()
		if err := rewound(after, last); err != nil {
			return err
		}
		_, err := j.feed(ctx, after, last, yield)
		return err
	}
}

// Follow yields what the journal holds, then what is appended, until the
// context ends.
func (j *Journal) Follow() ledger.Feed {
	return func(ctx context.Context, after ledger.Position, yield func([]ledger.Record) error) error {
		for {
			j.mu.RLock()
			length, grown := j.length, j.grown
			j.mu.RUnlock()
			if err := rewound(after, length); err != nil {
				return err
			}
			var err error
			if after, err = j.feed(ctx, after, length, yield); err != nil {
				return err
			}
			select {
			case <-ctx.Done():
				return nil
			case <-grown:
			}
		}
	}
}

// feed yields the records after one position up to another and returns how far
// it came.
func (j *Journal) feed(ctx context.Context, after, last ledger.Position, yield func([]ledger.Record) error) (ledger.Position, error) {
	for after < last && ctx.Err() == nil {
		var records []ledger.Record
		err := j.read(after+1, last, nil, func(b block) error {
			records = make([]ledger.Record, len(b.starts))
			for i := range records {
				var err error
				p := after + 1 + ledger.Position(i)
				if records[i], err = ledger.ParseLeaf(b.leaf(i)); err != nil {
					return &ledger.ErrBroken{Position: p, Problem: err.Error()}
				}
				if records[i].Position != p {
					return &ledger.ErrBroken{Position: p, Problem: fmt.Sprintf("found position %d instead", records[i].Position)}
				}
			}
			return nil
		})
		if err != nil {
			return after, err
		}
		if err := yield(records); err != nil {
			return after, err
		}
		after += ledger.Position(len(records))
	}
	return after, nil
}

// rewound says that a reader is ahead of what it reads.
func rewound(after, last ledger.Position) error {
	if after <= last {
		return nil
	}
	return &ledger.ErrBroken{Position: last + 1, Problem: fmt.Sprintf("it ends at position %d, and has been read to %d before", last, after)}
}
