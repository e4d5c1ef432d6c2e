package transparency

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sys/unix"

	"github.com/berkas-ledger/berkas/ledger"
)

// Witness cosigns checkpoints of the logs it is told of, as C2SP tlog-witness
// says: none that does not begin with all that it has cosigned before. It knows
// nothing of what the records say.
//
// Its directory holds key (private), vkey, lock, state/<origin>.checkpoint (the
// newest checkpoint that it cosigned) and evidence/. The state is on the disk
// before a cosignature leaves. A witness that forgot its state would cosign a
// second history without knowing, so a log without state is an error, not a
// beginning.
type Witness struct {
	WitnessConfig
	secret witnessSecret
	lock   *os.File
	logs   map[string]*watched // by origin; never changes
	slots  chan struct{}       // requests at work
}

// WitnessConfig says what a witness is made of. Its zero values are sound but for
// Dir and Policies.
type WitnessConfig struct {
	Dir string
	// Policies name the logs: their origins and keys are taken from them.
	Policies []ledger.Policy
	// First lets a log without state begin: one that this witness has never seen.
	First bool
	Now   func() time.Time // default time.Now
	Log   *slog.Logger     // default: says nothing
}

// watched is one log as the witness sees it.
type watched struct {
	origin string
	log    note.Verifier
	file   string // of the state

	mu     sync.Mutex        // held from the comparison until the state is on the disk
	latest ledger.Checkpoint // Size 0: none yet
	signed []byte            // that one, with the log's signature and the witness's; nil: none yet
}

var (
	// ErrWitnessLocked says that another process runs this witness.
	ErrWitnessLocked = errors.New("another process runs this witness")
	// ErrWitnessState says that what a witness has cosigned is not known: its state
	// is missing, damaged or another's.
	ErrWitnessState = errors.New("the witness's state cannot be relied on")
	// ErrNoWitness says that a directory is no witness's.
	ErrNoWitness = errors.New("no witness here")
)

const (
	witnessKeyFile  = "key"
	witnessVKeyFile = "vkey"
	// unseen is what the state's file says of a log before its first checkpoint.
	unseen = "berkas/witness/v1 has cosigned nothing yet of "
)

// CreateWitness makes a witness with a new key in a new or empty directory. The
// logs it is told of here may begin.
func CreateWitness(dir, name string, policies ...ledger.Policy) (ledger.WitnessKey, error) {
	if list, err := os.ReadDir(dir); err == nil && len(list) > 0 {
		return ledger.WitnessKey{}, fmt.Errorf("%s is not empty: a witness is made once, in a directory of its own", dir)
	}
	secret, text, err := newWitnessSecret(name)
	if err != nil {
		return ledger.WitnessKey{}, err
	}
	for _, sub := range []string{dir, filepath.Join(dir, "state"), filepath.Join(dir, "evidence")} {
		if err := os.MkdirAll(sub, 0o700); err != nil {
			return ledger.WitnessKey{}, err
		}
	}
	for _, p := range policies {
		if err := replaceFile(stateFile(dir, p.Origin), []byte(unseen+p.Origin+"\n"), 0o600); err != nil {
			return ledger.WitnessKey{}, err
		}
	}
	if err := replaceFile(filepath.Join(dir, witnessVKeyFile), []byte(secret.key.String()+"\n"), 0o644); err != nil {
		return ledger.WitnessKey{}, err
	}
	// The key is last: a directory without one was never a witness.
	return secret.key, replaceFile(filepath.Join(dir, witnessKeyFile), []byte(text+"\n"), 0o600)
}

// ReadWitnessKey gives the public key of the witness in a directory.
func ReadWitnessKey(dir string) (ledger.WitnessKey, error) {
	s, err := readWitnessSecret(dir)
	return s.key, err
}

func readWitnessSecret(dir string) (witnessSecret, error) {
	path := filepath.Join(dir, witnessKeyFile)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return witnessSecret{}, fmt.Errorf("%s: %w", dir, ErrNoWitness)
	}
	if err != nil {
		return witnessSecret{}, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return witnessSecret{}, fmt.Errorf("%s can be read by others; run chmod 600 on it", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return witnessSecret{}, err
	}
	s, err := parseWitnessSecret(strings.TrimSuffix(string(text), "\n"))
	if err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// stateFile is where a log's newest cosigned checkpoint lies. No origin has an
// underscore, so no two share a file; one too long for a file's name is hashed.
func stateFile(dir, origin string) string {
	name := strings.ReplaceAll(origin, "/", "_")
	if len(name) > 200 {
		name = fmt.Sprintf("_%x", sha256.Sum256([]byte(origin)))
	}
	return filepath.Join(dir, "state", name+".checkpoint")
}

// OpenWitness opens a witness that CreateWitness made and checks its state. It
// fails with ErrWitnessLocked while another process has it, and with
// ErrWitnessState when it cannot know what it has cosigned.
func OpenWitness(c WitnessConfig) (_ *Witness, err error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	w := &Witness{WitnessConfig: c, logs: map[string]*watched{}, slots: make(chan struct{}, maxAtWork)}
	if w.secret, err = readWitnessSecret(c.Dir); err != nil {
		return nil, err
	}
	if w.lock, err = lockWitness(filepath.Join(c.Dir, "lock")); err != nil {
		return nil, err
	}
	if len(c.Policies) == 0 {
		return nil, errors.Join(errors.New("a witness needs the policy of at least one log"), w.Close())
	}
	for _, p := range c.Policies {
		if err := w.watch(p); err != nil {
			return nil, errors.Join(err, w.Close())
		}
	}
	return w, nil
}

func lockWitness(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = ErrWitnessLocked
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return f, nil
}

// watch begins to witness the log of a policy from the state on the disk.
func (w *Witness) watch(p ledger.Policy) error {
	log, _, err := p.Verifiers()
	if err != nil {
		return err
	}
	if other := w.logs[p.Origin]; other != nil {
		return fmt.Errorf("two policies name the log %s; a log has one key", other.origin)
	}
	l := &watched{origin: p.Origin, log: log, file: stateFile(w.Dir, p.Origin)}
	text, err := os.ReadFile(l.file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && w.First:
		if err := replaceFile(l.file, []byte(unseen+p.Origin+"\n"), 0o600); err != nil {
			return err
		}
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s has no state of the log %s: %w", w.Dir, p.Origin, ErrWitnessState)
	case err != nil:
		return err
	case string(text) == unseen+p.Origin+"\n":
	default:
		if err := w.resume(l, text); err != nil {
			return fmt.Errorf("%s: %w: %w", l.file, ErrWitnessState, err)
		}
	}
	w.logs[p.Origin] = l
	return nil
}

// resume takes up the state of a log: a checkpoint signed by the log and cosigned
// by this witness. Without its own cosignature it is somebody else's state.
func (w *Witness) resume(l *watched, signed []byte) error {
	c, _, err := ledger.OpenCheckpoint(signed, l.log)
	if err != nil {
		return err
	}
	if _, err := note.Open(signed, note.VerifierList(w.secret.key)); err != nil {
		return fmt.Errorf("this witness did not cosign it: %w", err)
	}
	l.latest, l.signed = c, signed
	return nil
}

// Close gives the directory up.
func (w *Witness) Close() error { return w.lock.Close() }

// Key is the witness's public key.
func (w *Witness) Key() ledger.WitnessKey { return w.secret.key }

// Latest is the newest checkpoint that the witness cosigned of a log, signed by
// the log and by it; nil when there is none.
func (w *Witness) Latest(origin string) []byte {
	l := w.logs[origin]
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.signed)
}

// replaceFile writes a file so that after a crash it is the old one or the new
// one, and is the new one when replaceFile has returned nil.
func replaceFile(path string, text []byte, mode fs.FileMode) error {
	fresh := path + ".new"
	f, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
