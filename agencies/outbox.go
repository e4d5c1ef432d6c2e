package agencies

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sys/unix"

	"github.com/berkas-ledger/berkas/ledger"
)

var (
	// ErrOutboxInUse says that another process has the outbox open.
	ErrOutboxInUse = errors.New("outbox is in use")
	// ErrOutboxDamaged says that a file of the outbox is not what was written.
	// Nothing is guessed: Check lists the files, and somebody has to look.
	ErrOutboxDamaged = errors.New("outbox is damaged")
)

// Outbox keeps submissions in a directory from before they are sent until the
// registrar's receipt stands beside them, across crashes and power cuts. What a
// crash interrupts is sent again with the same bytes. It is safe for concurrent
// use, and the only one open on its directory.
//
// Each submission is a file <number>-<digest>.submission, numbered in the order
// of Put; its receipt is the signed note in <number>-<digest>.receipt. Together
// the two are the agency's proof of what it handed in and what it was told.
type Outbox struct {
	dir  string
	lock *os.File

	mu      sync.Mutex
	entries map[ledger.Hash]*entry
	last    uint64 // the last number given
}

// entry is one submission of the outbox. Only those that wait are in memory.
type entry struct {
	number  uint64
	settled bool
	waits   ledger.Submission // zero when settled
}

// OpenOutbox opens the outbox in dir, which it makes if it is missing, and reads
// what waits. What a crash left half written was never sent and is removed.
//
// Errors: ErrOutboxInUse, ErrOutboxDamaged.
func OpenOutbox(dir string) (_ *Outbox, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open outbox: %w", err)
	}
	lock, err := lockOutbox(dir)
	if err != nil {
		return nil, fmt.Errorf("open outbox %s: %w", dir, err)
	}
	o := &Outbox{dir: dir, lock: lock, entries: map[ledger.Hash]*entry{}}
	if err := o.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("open outbox %s: %w", dir, err), lock.Close())
	}
	return o, nil
}

func lockOutbox(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrOutboxInUse
		}
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Close gives the directory up. What waits stays there.
func (o *Outbox) Close() error { return o.lock.Close() }

// load reads the names of all files and the content of those that wait.
func (o *Outbox) load() error {
	names, err := o.list()
	if err != nil {
		return err
	}
	for _, n := range names {
		if n.temporary {
			if err := os.Remove(filepath.Join(o.dir, n.name)); err != nil {
				return err
			}
			continue
		}
		if n.receipt || n.foreign {
			continue // read with its submission; foreign files are Check's business
		}
		e := &entry{number: n.number}
		o.last = max(o.last, n.number)
		if e.settled, err = exists(filepath.Join(o.dir, n.stem+receiptSuffix)); err != nil {
			return err
		}
		if !e.settled {
			if e.waits, err = o.read(n); err != nil {
				return err
			}
		}
		o.entries[n.sum] = e
	}
	return nil
}

// read reads a submission's file and checks it against its name.
func (o *Outbox) read(n fileName) (ledger.Submission, error) {
	data, err := os.ReadFile(filepath.Join(o.dir, n.name))
	if err != nil {
		return ledger.Submission{}, err
	}
	s, err := parseSubmissionFile(data)
	if err == nil && s.Sum() != n.sum {
		err = fmt.Errorf("%w: it holds another submission", ErrOutboxDamaged)
	}
	if err != nil {
		return ledger.Submission{}, fmt.Errorf("%s: %w", n.name, err)
	}
	return s, nil
}

// Put keeps submissions. When it returns without error they are durable and may
// be sent. Bytes that the outbox has already are not kept twice; those that were
// refused wait again, since they may be decided anew.
func (o *Outbox) Put(submissions ...ledger.Submission) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	fresh := make(map[ledger.Hash]*entry, len(submissions))
	for _, s := range submissions {
		e, err := o.stage(s)
		if err != nil {
			return fmt.Errorf("outbox: %w", err)
		}
		if e != nil {
			fresh[s.Sum()] = e
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	if err := syncDir(o.dir); err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	for sum, e := range fresh {
		o.entries[sum] = e
	}
	return nil
}

// stage writes one submission's file; nil when the outbox has it.
func (o *Outbox) stage(s ledger.Submission) (*entry, error) {
	sum := s.Sum()
	e := &entry{number: o.last + 1, waits: s}
	if old := o.entries[sum]; old != nil {
		if !old.settled && slices.Equal(old.waits.Signatures, s.Signatures) {
			return nil, nil
		}
		e.number = old.number
		if old.settled {
			signed, err := os.ReadFile(o.path(old.number, sum, receiptSuffix))
			if err != nil {
				return nil, err
			}
			if outcomeOf(signed) == ledger.Admitted {
				return nil, nil
			}
			if err := os.Remove(o.path(old.number, sum, receiptSuffix)); err != nil {
				return nil, err
			}
		}
	}
	if err := o.write(o.path(e.number, sum, submissionSuffix), formatSubmissionFile(s)); err != nil {
		return nil, err
	}
	o.last = max(o.last, e.number)
	return e, nil
}

// write puts a file in place whole or not at all; the caller syncs the
// directory.
func (o *Outbox) write(path string, data []byte) error {
	temporary := path + temporarySuffix
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return os.Rename(temporary, path)
}

// Pending lists the submissions without a receipt in the order of Put.
func (o *Outbox) Pending() []ledger.Submission {
	o.mu.Lock()
	defer o.mu.Unlock()
	var waiting []*entry
	for _, e := range o.entries {
		if !e.settled {
			waiting = append(waiting, e)
		}
	}
	slices.SortFunc(waiting, func(a, b *entry) int { return cmp.Compare(a.number, b.number) })
	out := make([]ledger.Submission, len(waiting))
	for i, e := range waiting {
		out[i] = e.waits
	}
	return out
}

// settle puts a receipt, which the client has verified, beside its submission
// and makes it durable. From then on the submission no longer waits.
func (o *Outbox) settle(sum ledger.Hash, signed []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	e := o.entries[sum]
	if e == nil || e.settled {
		return nil
	}
	if err := o.write(o.path(e.number, sum, receiptSuffix), signed); err != nil {
		return fmt.Errorf("outbox: keep receipt: %w", err)
	}
	if err := syncDir(o.dir); err != nil {
		return fmt.Errorf("outbox: keep receipt: %w", err)
	}
	e.settled, e.waits = true, ledger.Submission{}
	return nil
}

// Submit keeps a submission, hands it in, and keeps its receipt. Bytes that were
// admitted before are not sent again: their receipt is at hand.
//
// Errors: those of Client.Submit and of the disk. Whatever error comes, a
// submission that Put has kept is sent again by Send.
func (o *Outbox) Submit(ctx context.Context, c *Client, s ledger.Submission) (ledger.Receipt, error) {
	if err := o.Put(s); err != nil {
		return ledger.Receipt{}, err
	}
	if signed, ok, err := o.receipt(s.Sum()); err != nil || ok {
		if err != nil {
			return ledger.Receipt{}, err
		}
		a, err := c.open(signed, s.Sum())
		return a.receipt, err
	}
	a, err := c.submit(ctx, s)
	if a.note != nil {
		err = errors.Join(err, o.settle(s.Sum(), a.note))
	}
	return a.receipt, err
}

// receipt reads the receipt of a submission, if it has one.
func (o *Outbox) receipt(sum ledger.Hash) (signed []byte, ok bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	e := o.entries[sum]
	if e == nil || !e.settled {
		return nil, false, nil
	}
	signed, err = os.ReadFile(o.path(e.number, sum, receiptSuffix))
	return signed, err == nil, err
}

// Send hands in everything that waits, as SubmitAll does, and keeps the
// receipts: what a program does first after a crash. A receipt that could not be
// kept is an error of its Result, and the submission waits again.
func (o *Outbox) Send(ctx context.Context, clients Clients, window int) iter.Seq[Result] {
	return func(yield func(Result) bool) {
		for r := range clients.SubmitAll(ctx, slices.Values(o.Pending()), window) {
			if r.Note != nil {
				if err := o.settle(r.Submission.Sum(), r.Note); err != nil {
					r.Err = errors.Join(r.Err, err)
				}
			}
			if !yield(r) {
				return
			}
		}
	}
}

// Prune removes submissions that were admitted, and their receipts. With them
// goes the agency's own proof: it is for agencies that keep a copy of the
// ledger. It returns how many went.
func (o *Outbox) Prune() (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for sum, e := range o.entries {
		if !e.settled {
			continue
		}
		signed, err := os.ReadFile(o.path(e.number, sum, receiptSuffix))
		if err != nil {
			return n, fmt.Errorf("prune outbox: %w", err)
		}
		if outcomeOf(signed) != ledger.Admitted {
			continue
		}
		// The submission goes first: a receipt alone is harmless, a submission
		// alone would be sent again.
		for _, suffix := range []string{submissionSuffix, receiptSuffix} {
			if err := os.Remove(o.path(e.number, sum, suffix)); err != nil {
				return n, fmt.Errorf("prune outbox: %w", err)
			}
		}
		delete(o.entries, sum)
		n++
	}
	return n, syncDir(o.dir)
}

// Problem is something wrong with a file of an outbox.
type Problem struct {
	File string
	Err  error
}

// CheckOutbox reads every file of the outbox in dir, without changing any:
// submissions that are torn or altered, receipts that are not the registrar's
// word on the submission beside them, files that do not belong there.
func CheckOutbox(dir string, verifier note.Verifier, origin string) ([]Problem, error) {
	o := &Outbox{dir: dir}
	names, err := o.list()
	if err != nil {
		return nil, fmt.Errorf("check outbox: %w", err)
	}
	sums := map[string]ledger.Submission{} // by stem
	var found []Problem
	for _, n := range names {
		switch {
		case n.foreign:
			found = append(found, Problem{n.name, fmt.Errorf("%w: the file does not belong here", ErrOutboxDamaged)})
		case n.temporary || n.receipt:
		default:
			if s, err := o.read(n); err != nil {
				found = append(found, Problem{n.name, err})
			} else {
				sums[n.stem] = s
			}
		}
	}
	for _, n := range names {
		if !n.receipt || n.temporary {
			continue
		}
		if err := o.checkReceipt(n, sums, verifier, origin); err != nil {
			found = append(found, Problem{n.name, err})
		}
	}
	return found, nil
}

func (o *Outbox) checkReceipt(n fileName, sums map[string]ledger.Submission, verifier note.Verifier, origin string) error {
	s, ok := sums[n.stem]
	if !ok {
		return fmt.Errorf("%w: the submission beside the receipt is gone or damaged", ErrOutboxDamaged)
	}
	signed, err := os.ReadFile(filepath.Join(o.dir, n.name))
	if err != nil {
		return err
	}
	_, err = verifyReceipt(signed, verifier, origin, s.Agency, s.Sum())
	return err
}

// list reads the directory, in order of names; the lock is left out.
func (o *Outbox) list() ([]fileName, error) {
	entries, err := os.ReadDir(o.dir)
	if err != nil {
		return nil, err
	}
	var names []fileName
	for _, e := range entries {
		if e.Name() == "lock" && e.Type()&fs.ModeType == 0 {
			continue
		}
		names = append(names, parseFileName(e.Name()))
	}
	return names, nil
}

func (o *Outbox) path(number uint64, sum ledger.Hash, suffix string) string {
	return filepath.Join(o.dir, stem(number, sum)+suffix)
}
