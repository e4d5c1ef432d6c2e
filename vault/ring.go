// Package vault keeps the data keys under which personal data is sealed, and
// opens sealed values only after the reason has been recorded.
//
// This first vault is a key ring in one file. The file holds the keys in clear:
// whoever reads it reads everything sealed under them, and whoever loses it
// loses that for good. It belongs on an encrypted disk, apart from copies of
// the ledger, and its copies must be erased with it (a key erased here lives on
// in a copy).
//
// # A key for each holder in each case
//
// A key belongs to one holder in one case: "r1" to "rN" for its respondents,
// "reporter" for who reported it. Erasing a person's data means destroying a
// key, so a key must not outlive or serve anybody else: with one key for a case,
// erasing one respondent would erase all of them, and whoever may open the
// respondents could open the reporter. A key for each person across cases would
// tie the cases of one person together by the key id, which stands in clear in
// every sealed value. A key for each value would erase no better and need many
// more keys: what is kept about one holder in one case ends together.
package vault

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"sync"
	"time"

	"github.com/berkas-ledger/berkas/seal"
)

var (
	// ErrInUse says that another process, or another Ring of this one, has the
	// ring open. Waiting helps.
	ErrInUse = errors.New("vault: key ring is in use")
	// ErrPermissions says that others than the owner may use the ring's file, or
	// that it is not a plain file. Nothing was read from it.
	ErrPermissions = errors.New("vault: key ring must be a plain file that only its owner may read and write (chmod 600)")
	// ErrDamaged says that the file is not a ring as this package writes it. A
	// copy must be restored; the vault repairs nothing.
	ErrDamaged = errors.New("vault: key ring is damaged")
	// ErrNoKey says that the ring has no such key: it was erased, or is
	// somebody else's.
	ErrNoKey = errors.New("vault: no such key")
	// ErrHolder says that a holder is not a case id with "r1" to "r9999" or
	// "reporter".
	ErrHolder = errors.New("vault: not a holder of a key")
	// ErrOtherCase says that a key of one case was named for a place in another.
	ErrOtherCase = errors.New("vault: key is of another case")
	// ErrClosed says that the ring was closed.
	ErrClosed = errors.New("vault: key ring is closed")
)

// Holder is whose personal data a key seals.
type Holder struct {
	Case  string // case id, UUIDv7 in lower case
	Label string // in that case: "r1" to "r9999", or "reporter"
}

var (
	casePattern  = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	labelPattern = regexp.MustCompile(`^(r[1-9][0-9]{0,3}|reporter)$`)
)

func (h Holder) valid() bool {
	return casePattern.MatchString(h.Case) && labelPattern.MatchString(h.Label)
}

// Entry describes a key without its bytes.
type Entry struct {
	Kid     string // the key's id, which values sealed under it carry
	Holder  Holder
	Created time.Time // UTC, full seconds
}

// kept is a key of the ring. At most one key lives for a holder, and no two
// have the same id.
type kept struct {
	Entry
	key seal.Key
}

// Ring is an open key ring. It is safe for concurrent use, and the only one
// open on its file until Close.
//
// What is in memory is what is in the file: a change is made there first, and
// here only once it is durable.
type Ring struct {
	path string
	disk disk

	mu   sync.RWMutex
	lock *os.File // nil once closed
	keys []kept   // in order of creation
}

// Create makes an empty ring at path, in a directory that exists, and opens it.
//
// Errors: fs.ErrExist if there is anything at path, ErrInUse.
func Create(path string) (*Ring, error) { return open(path, realDisk, disk.create) }

// Open opens the ring at path.
//
// Errors: fs.ErrNotExist, ErrInUse, ErrPermissions, ErrDamaged.
func Open(path string) (*Ring, error) { return open(path, realDisk, disk.read) }

// open takes the lock before load looks at anything, and gives it back if load
// fails.
func open(path string, d disk, load func(disk, string) ([]kept, error)) (*Ring, error) {
	lock, err := lockRing(path)
	if err != nil {
		return nil, err
	}
	keys, err := load(d, path)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &Ring{path: path, disk: d, lock: lock, keys: keys}, nil
}

// Close forgets the keys and lets others open the ring. Go may have left copies
// of them elsewhere in memory. A second Close does nothing.
func (r *Ring) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lock == nil {
		return nil
	}
	clear(r.keys)
	r.keys = nil
	lock := r.lock
	r.lock = nil
	return lock.Close()
}

// Format writes the path and no key, whatever the verb.
func (r *Ring) Format(state fmt.State, _ rune) {
	_, _ = io.WriteString(state, "key ring "+r.path) // State has nowhere to report an error to
}

// KeyFor returns the id of the holder's key. If the holder has none, a new one
// is made, and it is durable before its id is returned; created is taken from
// now.
//
// Errors: ErrHolder, ErrClosed, and those of the disk, after which no new key
// is in use and the call may be made again.
func (r *Ring) KeyFor(holder Holder, now time.Time) (kid string, err error) {
	kids, err := r.KeysFor([]Holder{holder}, now)
	if err != nil {
		return "", err
	}
	return kids[0], nil
}

// KeysFor is KeyFor for many holders with one replacement of the file. It
// returns an id for each holder in their order, or an error and no key at all.
func (r *Ring) KeysFor(holders []Holder, now time.Time) (kids []string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.keysFor(holders, now)
}

// keysFor is KeysFor with the ring's lock held.
func (r *Ring) keysFor(holders []Holder, now time.Time) (kids []string, err error) {
	if r.lock == nil {
		return nil, ErrClosed
	}
	have := make(map[Holder]string, len(r.keys)+len(holders))
	for _, k := range r.keys {
		have[k.Holder] = k.Kid
	}
	next := r.keys
	for _, holder := range holders {
		if !holder.valid() {
			return nil, ErrHolder
		}
		if have[holder] == "" {
			key, err := seal.NewKey(rand.Reader)
			if err != nil {
				return nil, err
			}
			have[holder] = key.ID
			next = append(next, kept{Entry{key.ID, holder, now.UTC().Truncate(time.Second)}, key})
		}
		kids = append(kids, have[holder])
	}
	if len(next) > len(r.keys) {
		if err := r.disk.write(r.path, next); err != nil {
			return nil, err
		}
	}
	r.keys = next // the keys are durable
	return kids, nil
}

// Keys lists the keys of a case in order of creation. A closed ring has none.
func (r *Ring) Keys(caseID string) []Entry {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var entries []Entry
	for _, k := range r.keys {
		if k.Holder.Case == caseID {
			entries = append(entries, k.Entry)
		}
	}
	return entries
}

// Seal returns text, at most seal.MaxPlaintext bytes, sealed for place under
// the key with that id, which must be of the place's case.
//
// Errors: ErrNoKey, ErrOtherCase, ErrClosed and those of seal.Seal.
func (r *Ring) Seal(kid string, place seal.Place, text []byte) (string, error) {
	key, err := r.keyAt(kid, place)
	if err != nil {
		return "", err
	}
	return seal.Seal(key, place, text)
}

// keyAt finds the key with that id and checks that it serves the place's case.
func (r *Ring) keyAt(kid string, place seal.Place) (seal.Key, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.lock == nil {
		return seal.Key{}, ErrClosed
	}
	for _, k := range r.keys {
		switch {
		case k.Kid != kid:
		case k.Holder.Case != place.Case:
			return seal.Key{}, ErrOtherCase
		default:
			return k.key, nil
		}
	}
	return seal.Key{}, ErrNoKey
}
