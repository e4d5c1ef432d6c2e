package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/berkas-ledger/berkas/ledger"
)

// writeJSON answers with a value.
func writeJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // a caller who has gone hears nothing
	return nil
}

// health says that the process answers.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// ErrMissing marks, among Config.Parts, what is missing and not missed: enough
// others do its work, such as those of a witness while there is a quorum.
var ErrMissing = errors.New("missing")

// Cause is why a part does not work, in words that anybody may read: no paths, no
// addresses. Other causes are in the program's log only.
type Cause struct {
	Why string
	Err error
}

func (c *Cause) Error() string { return c.Err.Error() }
func (c *Cause) Unwrap() error { return c.Err }

// readiness is what /readyz answers.
type readiness struct {
	Ready bool              `json:"ready"`
	Parts map[string]string `json:"parts"`
	// Because says of parts that fail why, where a Cause was given.
	Because map[string]string `json:"because,omitempty"`
	// Position is the last record's, at least that of every receipt that has left.
	Position ledger.Position `json:"position"`
	Door     doorCounts      `json:"door"`
}

// ready says whether every part works, 503 if not.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) error {
	out := readiness{Ready: true, Parts: map[string]string{}, Because: map[string]string{}, Position: s.Head(), Door: s.door.counts()}
	if s.Parts != nil {
		parts := s.Parts(r.Context())
		names := make([]string, 0, len(parts))
		for name := range parts {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			out.Parts[name] = "ok"
			if err := parts[name]; errors.Is(err, ErrMissing) {
				out.Parts[name] = "missing"
			} else if err != nil {
				out.Ready, out.Parts[name] = false, "failing"
				s.Log.Warn("a part is not ready", "part", name, "error", err)
				if cause := (*Cause)(nil); errors.As(err, &cause) {
					out.Because[name] = cause.Why
				}
			}
		}
	}
	status := http.StatusOK
	if !out.Ready {
		status = http.StatusServiceUnavailable
	}
	return writeJSON(w, status, out)
}
