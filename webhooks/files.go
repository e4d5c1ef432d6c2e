package webhooks

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/berkas-ledger/berkas/ledger"
)

const (
	endpointEnd = ".endpoint.json"
	stateEnd    = ".state.json"
	maxFile     = 256 << 10
	// MaxEndpoints bounds how many there are.
	MaxEndpoints = 64
)

// State is how far an endpoint has come, as the dispatcher keeps it.
type State struct {
	Endpoint  string          `json:"endpoint"` // id of the endpoint that it is of
	Order     uint64          `json:"order"`    // number of the last one that was followed
	Position  ledger.Position `json:"position"` // every record up to here was delivered, or was not wanted
	Leaf      string          `json:"leaf,omitempty"`
	Delivered uint64          `json:"delivered"`        // messages that were taken
	Last      time.Time       `json:"last,omitzero"`    // when the last one was
	Failing   *Failure        `json:"failing,omitzero"` // of the message after Position
	Disabled  *Disabled       `json:"disabled,omitzero"`
}

// Failure is what goes wrong with one message.
type Failure struct {
	Since    time.Time `json:"since"`
	Attempts int       `json:"attempts"`
	Last     time.Time `json:"last"`
	Next     time.Time `json:"next"`
	Why      string    `json:"why"` // a few words, nothing of what was sent or answered
}

// Disabled says that nothing is sent until the operator says so.
type Disabled struct {
	At  time.Time `json:"at"`
	Why string    `json:"why"`
}

// parse reads one of our files strictly.
func parse(raw []byte, to any) error {
	if err := jsonv2.Unmarshal(raw, to, jsonv2.RejectUnknownMembers(true)); err != nil {
		return errors.New("it is not one JSON object of the members that are known") // the cause would quote a secret
	}
	return nil
}

// ParseEndpoint reads an endpoint's file; its errors quote nothing of it.
func ParseEndpoint(raw []byte) (Endpoint, error) {
	var e Endpoint
	if err := parse(raw, &e); err != nil {
		return e, err
	}
	return e, e.Check()
}

// ParseState reads a state's file.
func ParseState(raw []byte) (State, error) {
	var s State
	if err := parse(raw, &s); err != nil {
		return s, err
	}
	if s.Leaf != "" {
		if _, err := ledger.ParseHash(s.Leaf); err != nil {
			return s, err
		}
	}
	return s, nil
}

// Store is a directory of endpoints.
type Store struct{ Dir string }

func (s Store) endpointFile(name string) string { return filepath.Join(s.Dir, name+endpointEnd) }
func (s Store) stateFile(name string) string    { return filepath.Join(s.Dir, name+stateEnd) }

// read reads a small file that nobody else may read.
func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others, and holds a secret: run chmod 600 on it", path)
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, maxFile)
	}
	return os.ReadFile(path)
}

// Names lists the endpoints.
func (s Store) Names() ([]string, error) {
	list, err := os.ReadDir(s.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var out []string
	for _, f := range list {
		if name, ok := strings.CutSuffix(f.Name(), endpointEnd); ok && nameForm.MatchString(name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out, err
}

// Endpoint reads an endpoint; fs.ErrNotExist if there is none of that name.
func (s Store) Endpoint(name string) (Endpoint, error) {
	if !nameForm.MatchString(name) {
		return Endpoint{}, fs.ErrNotExist
	}
	raw, err := read(s.endpointFile(name))
	if err != nil {
		return Endpoint{}, err
	}
	e, err := ParseEndpoint(raw)
	if err == nil && e.Name != name {
		err = errors.New("it is the file of another endpoint")
	}
	if err != nil {
		return e, fmt.Errorf("%s: %w", s.endpointFile(name), err)
	}
	return e, nil
}

// State reads how far an endpoint has come; the zero State if it has not begun.
func (s Store) State(name string) (State, error) {
	raw, err := read(s.stateFile(name))
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, nil
	}
	if err != nil {
		return State{}, err
	}
	out, err := ParseState(raw)
	if err != nil {
		err = fmt.Errorf("%s: %w", s.stateFile(name), err)
	}
	return out, err
}

// Save writes an endpoint, durably and whole.
func (s Store) Save(e Endpoint) error {
	if err := e.Check(); err != nil {
		return err
	}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return err
	}
	return write(s.endpointFile(e.Name), e)
}

// Change changes an endpoint: whoever else changes one waits, so that no change is lost,
// above all no secret that was handed over.
func (s Store) Change(name string, change func(*Endpoint) error) error {
	return s.alone(func() error {
		e, err := s.Endpoint(name)
		if err != nil {
			return err
		}
		if err := change(&e); err != nil {
			return err
		}
		return s.Save(e)
	})
}

// Errors of Add.
var (
	ErrThere = errors.New("there is an endpoint of that name already")
	ErrMany  = fmt.Errorf("there are %d endpoints, which is the most", MaxEndpoints)
)

// Add writes an endpoint that is not there yet.
func (s Store) Add(e Endpoint) error {
	if err := e.Check(); err != nil {
		return err
	}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return err
	}
	return s.alone(func() error {
		names, err := s.Names()
		switch {
		case err != nil:
			return err
		case slices.Contains(names, e.Name):
			return ErrThere
		case len(names) >= MaxEndpoints:
			return ErrMany
		}
		return s.Save(e)
	})
}

// lockFile is held by the program that changes an endpoint.
const lockFile = "changing"

// alone does something while no other program changes an endpoint.
func (s Store) alone(do func() error) error {
	f, err := os.OpenFile(filepath.Join(s.Dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return do() // there is no directory, and so no endpoint
	}
	if err != nil {
		return err
	}
	defer f.Close() // which lets go
	for {
		if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX); !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		return err
	}
	return do()
}

func (s Store) saveState(name string, st State) error { return write(s.stateFile(name), st) }

// Remove forgets an endpoint. The state goes last: without the endpoint it means
// nothing.
func (s Store) Remove(name string) error {
	return s.alone(func() error {
		if err := os.Remove(s.endpointFile(name)); err != nil {
			return err
		}
		if err := os.Remove(s.stateFile(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return syncDir(s.Dir)
	})
}

// write replaces a file: after a crash the old or the new one is there, and once it
// returns the new one.
func write(path string, v any) (err error) {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(raw, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
