package transparency

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/ledger"
)

// answer is what a witness says to add-checkpoint.
type answer struct {
	status      int
	contentType string
	body        string
}

const (
	plainText = "text/plain; charset=utf-8"
	sizeText  = "text/x.tlog.size"
)

func refuse(status int, format string, args ...any) answer {
	return answer{status, plainText, fmt.Sprintf(format, args...) + "\n"}
}

// conflict tells the size of the newest checkpoint that the witness cosigned.
func (l *watched) conflict() answer {
	return answer{http.StatusConflict, sizeText, fmt.Sprintf("%d\n", uint64(l.latest.Size))}
}

// add decides on a request, in the order of the specification: is it one, is the
// log known, did it sign, does the log begin with what was cosigned before.
func (w *Witness) add(ctx context.Context, body []byte) answer {
	r, err := parseAddCheckpoint(body)
	if err != nil {
		return refuse(http.StatusBadRequest, "%v", err)
	}
	origin, _, _ := strings.Cut(string(r.Signed), "\n")
	l := w.logs[origin]
	if l == nil {
		return refuse(http.StatusNotFound, "this witness does not know the log that the checkpoint names")
	}
	c, signed, err := openSigned(r.Signed, l.log)
	if errors.Is(err, errNotSigned) {
		return refuse(http.StatusForbidden, "the checkpoint is not signed by the key of %s that this witness trusts", origin)
	}
	if err != nil {
		return refuse(http.StatusBadRequest, "%v", err)
	}
	if r.Old > c.Size {
		return refuse(http.StatusBadRequest, "old %d is more than the checkpoint's %d records", r.Old, c.Size)
	}
	return w.judge(ctx, l, r, c, signed)
}

// judge compares a checkpoint of the log with the newest that was cosigned, and
// cosigns it if the log begins with that one.
func (w *Witness) judge(ctx context.Context, l *watched, r addCheckpoint, c ledger.Checkpoint, signed []byte) answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	// Who asks has gone: it may have asked for a newer one meanwhile.
	if ctx.Err() != nil {
		return refuse(http.StatusServiceUnavailable, "cancelled")
	}
	seen := l.signed != nil
	switch {
	case seen && c.Size < l.latest.Size:
		w.keep(l, Rollback, r.Proof, signed)
		return l.conflict()
	case seen && c.Size == l.latest.Size && c.Root != l.latest.Root:
		w.keep(l, Fork, r.Proof, signed)
		return l.conflict()
	case r.Old != l.latest.Size:
		return l.conflict()
	}
	if err := ledger.CheckConsistency(l.latest, c, r.Proof); err != nil {
		if c.Size > l.latest.Size && l.latest.Size > 0 {
			w.keep(l, Edited, r.Proof, signed)
		}
		return refuse(http.StatusUnprocessableEntity, "the proof does not show that the log begins with the %d records that this witness has seen", l.latest.Size)
	}
	return w.cosign(l, c, signed)
}

// cosign keeps the checkpoint and then gives the cosignature. The caller holds
// the log's lock.
func (w *Witness) cosign(l *watched, c ledger.Checkpoint, signed []byte) answer {
	line := ledger.Cosign(w.secret.key, w.secret.private, c.Text(), w.Now())
	if l.signed == nil || c != l.latest {
		state := slices.Concat(signed, []byte(line))
		if err := replaceFile(l.file, state, 0o600); err != nil {
			// Memory stays as it was. If the new state did reach the disk, it was
			// cosigned for nobody, and the log is told its size after a restart.
			w.Log.Error("the witness cannot keep its state and cosigns nothing", "origin", l.origin, "size", uint64(c.Size), "error", err)
			return refuse(http.StatusInternalServerError, "the witness cannot keep its state")
		}
		l.latest, l.signed = c, state
	}
	return answer{http.StatusOK, plainText, line}
}

var errNotSigned = errors.New("not signed by the log")

// openSigned verifies a signed checkpoint and gives it with the log's signature
// alone, in its one form: what else was sent along is not kept.
func openSigned(raw []byte, log note.Verifier) (ledger.Checkpoint, []byte, error) {
	if len(raw) > ledger.MaxCheckpoint {
		return ledger.Checkpoint{}, nil, fmt.Errorf("a checkpoint has at most %d bytes, not %d", ledger.MaxCheckpoint, len(raw))
	}
	n, err := note.Open(raw, note.VerifierList(log))
	var invalid *note.InvalidSignatureError
	var none *note.UnverifiedNoteError
	if errors.As(err, &invalid) || errors.As(err, &none) {
		return ledger.Checkpoint{}, nil, errNotSigned
	}
	if err != nil {
		return ledger.Checkpoint{}, nil, fmt.Errorf("checkpoint: %w", err)
	}
	c, err := ledger.ParseCheckpoint(n.Text)
	if err != nil {
		return c, nil, err
	}
	if c.Origin != log.Name() {
		return c, nil, errNotSigned
	}
	line, err := signatureLine(n.Sigs[0])
	return c, []byte(n.Text + "\n" + line), err
}

// signatureLine writes a signature that was read, in its one form.
func signatureLine(s note.Signature) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(s.Base64)
	if err != nil {
		return "", err
	}
	return "— " + s.Name + " " + encode64(raw) + "\n", nil
}
