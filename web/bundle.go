package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/transparency"
	"github.com/berkas-ledger/berkas/verify"
)

// describeBundles serves cases with their proofs, and the page that checks them.
func (s *Server) describeBundles() {
	s.serve("GET /verify", needNothing, s.serveVerifyPage)
	s.operation(operation{
		Operation: huma.Operation{
			OperationID: "caseBundle", Method: http.MethodGet, Path: "/v1/cases/{id}/bundle", Tags: []string{"read"},
			Summary: "One case with what it takes to check it without asking anybody",
			Description: "A file (berkas/bundle/v1, docs/bundles.md): the case's records and the roster's, a proof for each that it is in the log, " +
				"and the newest published checkpoint. Check it with 'berkas verify', or with the page at /verify. A checkpoint is made for it if need be.",
			Parameters: []*huma.Param{inPath("id", "The case's id", exampleCase())},
		},
		Needs:   needCases,
		Answers: map[int]answerKind{200: {Says: "The bundle", Body: bundleAnswer{}}},
	}, s.getBundle)
}

// bundleAnswer is a bundle for the description: verify.Bundle writes it.
type bundleAnswer struct {
	Format     string `json:"format" enum:"berkas/bundle/v1"`
	Case       string `json:"case"`
	Checkpoint string `json:"checkpoint" doc:"Signed by the log and cosigned by witnesses, C2SP tlog-checkpoint"`
	Records    []struct {
		Leaf      string   `json:"leaf" doc:"The record's leaf, base64"`
		Inclusion []string `json:"inclusion" nullable:"false" doc:"Its inclusion proof, RFC 6962 section 2.1.1, a hash each, base64"`
	} `json:"records" nullable:"false" doc:"The roster's and the case's, in order of position"`
}

func (s *Server) getBundle(w http.ResponseWriter, r *http.Request) error {
	if _, err := parseValues(r.URL.RawQuery, "lang"); err != nil {
		return err
	}
	id := r.PathValue("id")
	b, err := s.bundle(r.Context(), id)
	if err != nil {
		return err
	}
	raw, err := b.Encode()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="`+id+`.bundle.json"`)
	_, _ = w.Write(raw) // whoever has gone hears nothing
	return nil
}

// bundle puts a case together with its proofs, by a checkpoint that covers all
// that there is of it.
func (s *Server) bundle(ctx context.Context, id string) (verify.Bundle, error) {
	if !caseID.MatchString(id) {
		return verify.Bundle{}, errNoCase
	}
	if s.CaseRecords == nil || s.RosterRecords == nil {
		return verify.Bundle{}, errUnavailable
	}
	records, err := s.CaseRecords(ctx, id)
	if err != nil {
		return verify.Bundle{}, err
	}
	if len(records) == 0 {
		return verify.Bundle{}, errNoCase
	}
	proof, err := s.prove(ctx, records[len(records)-1].Position)
	if err != nil {
		return verify.Bundle{}, err
	}
	c, err := ledger.UnverifiedCheckpoint(proof.Checkpoint) // prove has verified it
	if err != nil {
		return verify.Bundle{}, err
	}
	// The checkpoint may cover what came after the case was first read: whatever it
	// covers has to be in the bundle.
	if records, err = s.CaseRecords(ctx, id); err != nil {
		return verify.Bundle{}, err
	}
	roster, err := s.RosterRecords(ctx)
	if err != nil {
		return verify.Bundle{}, err
	}
	var leaves [][]byte
	for _, r := range append(roster, records...) {
		leaves = append(leaves, r.Leaf())
	}
	b, err := verify.MakeBundle(ctx, id, proof.Checkpoint, c, leaves, transparency.NewProver(s.Files, c).Inclusion)
	if errors.Is(err, verify.ErrNoRecords) {
		err = errNotSealed
	}
	return b, err
}

// serveVerifyPage gives the static page that checks bundles in the reader's
// browser. It is for everybody, and asks the server for nothing more.
func (s *Server) serveVerifyPage(w http.ResponseWriter, r *http.Request) error {
	page := verify.Page()
	sum := sha256.Sum256(page)
	w.Header().Set("Content-Security-Policy", verify.PagePolicy()+"; frame-ancestors 'none'")
	s.content(w, r, "text/html; charset=utf-8", hex.EncodeToString(sum[:8]), page)
	return nil
}
