package transparency

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// maxKept bounds how much evidence of a kind a witness keeps of all its logs
// together. Kinds do not crowd one another out: only the log can make a fork,
// while anybody can send an old checkpoint, or a wrong proof with a true one.
const maxKept = 1000

// keep writes evidence of a refused checkpoint, once. The caller holds the log's
// lock. What cannot be kept is said in the log, in full: the refusal stands.
func (w *Witness) keep(l *watched, kind Misbehaviour, proof []ledger.Hash, offered []byte) {
	e := Evidence{Kind: kind, At: w.Now().UTC().Truncate(time.Second), Witness: w.secret.key, Proof: proof, Known: l.signed, Offered: offered}
	// The same checkpoint offered again, with whatever proof, is one finding. For
	// an older one it does not matter what was known by then.
	about := string(offered)
	if kind != Rollback {
		about = l.latest.Text() + about
	}
	sum := sha256.Sum256([]byte(about))
	path := filepath.Join(w.Dir, "evidence", fmt.Sprintf("%s-%x.txt", kind, sum[:16]))
	if _, err := os.Stat(path); err == nil {
		return
	}
	err := w.room(kind)
	if err == nil {
		err = replaceFile(path, []byte(e.Text()), 0o600)
	}
	if err != nil {
		w.Log.Error("refused a checkpoint; its evidence could not be kept", "kind", string(kind), "origin", l.origin, "evidence", e.Text(), "error", err)
		return
	}
	w.Log.Warn("refused a checkpoint and kept the evidence", "kind", string(kind), "origin", l.origin, "file", path)
}

func (w *Witness) room(kind Misbehaviour) error {
	list, err := os.ReadDir(filepath.Join(w.Dir, "evidence"))
	if errors.Is(err, fs.ErrNotExist) {
		return os.MkdirAll(filepath.Join(w.Dir, "evidence"), 0o700)
	}
	if err != nil {
		return err
	}
	n := 0
	for _, entry := range list {
		if strings.HasPrefix(entry.Name(), string(kind)+"-") {
			n++
		}
	}
	if n >= maxKept {
		return fmt.Errorf("%d files of this kind are kept; move them elsewhere", n)
	}
	return nil
}
