package web

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/transparency"
)

// tileType is the media type of tiles and bundles of entries (C2SP tlog-tiles).
const tileType = "application/octet-stream"

// What of the log may be kept, and by whom. Whatever has a size or a width in its
// address never changes. Entries are asked about each time, so that a browser
// shows them to nobody after its session has ended.
const (
	keepForEver = "public, max-age=31536000, immutable"
	keepPrivate = "private, no-cache"
)

// sealWait is how long a proof waits for a checkpoint that covers its record.
const sealWait = 10 * time.Second

var (
	errNotInLog    = problem(http.StatusNotFound, "not-in-log", text{"Log belum memuatnya, atau alamat itu bukan alamat berkas log.", "The log does not have it yet, or this is not the address of a file of a log."})
	errNoRecord    = problem(http.StatusNotFound, "no-such-record", text{"Tidak ada catatan itu.", "There is no such record."})
	errCaseMissing = problem(http.StatusBadRequest, "case-missing", text{
		"Id peristiwa hanya unik dalam kasusnya: tambahkan ?case=<id kasus>, atau sebut posisi catatan, yang tertulis pada tanda terimanya.",
		"The id of an event is unique in its case only: add ?case=<id of the case>, or name the record's position, which its receipt says.",
	})
	errNotSealed = problem(http.StatusServiceUnavailable, "not-sealed", text{
		"Catatan itu belum dicakup titik periksa yang terbit. Coba lagi sebentar.",
		"No published checkpoint covers the record yet. Try again in a moment.",
	}).again(2)
)

// describeLog serves the files of the log, and proofs from them.
func (s *Server) describeLog() {
	s.serve("GET /checkpoint", needNothing, s.getCheckpoint)
	s.serve("GET /checkpoints/{size}", needNothing, s.getKept)
	s.serve("GET /tile/{path...}", needNothing, s.getTile)
	s.serve("GET /tile/entries/{path...}", needCases, s.getEntries)
	s.operation(operation{
		Operation: huma.Operation{
			OperationID: "proof", Method: http.MethodGet, Path: "/v1/events/{id}/proof", Tags: []string{"read"},
			Summary: "Proof that a record is in the log",
			Description: "A C2SP tlog-proof: position, hashes, and the newest published checkpoint with its signatures. Who has the record's leaf and the policy checks it without asking anybody: 'berkas proof --check'. " +
				"A checkpoint is made for it if need be.",
			Parameters: []*huma.Param{
				inPath("id", "The record's position, or the event's id together with ?case=", "1"),
				inQuery("case", "The case of an event that is named by its id, which is unique in its case only", nil),
			},
		},
		Needs:   needCases,
		Answers: map[int]answerKind{200: {Says: "The proof, text", Media: "text/plain", Body: ""}},
	}, s.getProof)
}

// file reads one of the log's files. What it gives is not for the reader to
// trust, so nothing here verifies it.
func (s *Server) file(ctx context.Context, path string) ([]byte, error) {
	if s.Files == nil {
		return nil, errUnavailable
	}
	raw, err := s.Files(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		err = errNotInLog
	}
	return raw, err
}

func (s *Server) getCheckpoint(w http.ResponseWriter, r *http.Request) error {
	signed, err := s.file(r.Context(), "checkpoint")
	if err == nil {
		s.content(w, r, noteType, tagOf(signed), signed) // asked about each time
	}
	return err
}

// getKept gives a checkpoint as it was published.
func (s *Server) getKept(w http.ResponseWriter, r *http.Request) error {
	size, err := strconv.ParseUint(r.PathValue("size"), 10, 63)
	if err != nil || strconv.FormatUint(size, 10) != r.PathValue("size") {
		return errNotInLog
	}
	signed, err := s.file(r.Context(), "checkpoints/"+r.PathValue("size"))
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", keepForEver)
	s.content(w, r, noteType, tagOf(signed), signed)
	return nil
}

func (s *Server) getTile(w http.ResponseWriter, r *http.Request) error {
	t, err := ledger.ParseTile("tile/" + r.PathValue("path"))
	if err != nil || t.Level == ledger.LevelEntries {
		return errNotInLog
	}
	return s.serveTile(w, r, t, keepForEver)
}

func (s *Server) getEntries(w http.ResponseWriter, r *http.Request) error {
	t, err := ledger.ParseTile("tile/entries/" + r.PathValue("path"))
	if err != nil {
		return errNotInLog
	}
	w.Header().Set("Vary", "Authorization, Cookie")
	return s.serveTile(w, r, t, keepPrivate)
}

func (s *Server) serveTile(w http.ResponseWriter, r *http.Request, t ledger.Tile, keep string) error {
	raw, err := s.file(r.Context(), t.Path())
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", keep)
	s.content(w, r, tileType, tagOf(raw), raw)
	return nil
}

func (s *Server) getProof(w http.ResponseWriter, r *http.Request) error {
	values, err := parseValues(r.URL.RawQuery, "case", "lang")
	if err != nil {
		return err
	}
	p, err := s.positionOf(r.Context(), r.PathValue("id"), values.Get("case"))
	if err != nil {
		return err
	}
	proof, err := s.prove(r.Context(), p)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", noteType)
	_, _ = w.Write([]byte(proof.Text())) // whoever has gone hears nothing
	return nil
}

// positionOf finds the record that a proof is asked for.
func (s *Server) positionOf(ctx context.Context, id, inCase string) (ledger.Position, error) {
	if n, err := strconv.ParseUint(id, 10, 63); err == nil && strconv.FormatUint(n, 10) == id {
		if inCase != "" {
			return 0, badQuery("case", "a position needs no case")
		}
		if n == 0 || ledger.Position(n) > s.Head() {
			return 0, errNoRecord
		}
		return ledger.Position(n), nil
	}
	switch {
	case !caseID.MatchString(id): // ids of events have the form of those of cases
		return 0, errNoRecord
	case inCase == "":
		return 0, errCaseMissing
	}
	return s.eventIn(ctx, inCase, id)
}

// eventIn finds an event of a case.
func (s *Server) eventIn(ctx context.Context, inCase, id string) (ledger.Position, error) {
	if !caseID.MatchString(inCase) {
		return 0, errNoCase
	}
	if s.CaseRecords == nil {
		return 0, errUnavailable
	}
	records, err := s.CaseRecords(ctx, inCase)
	if err != nil {
		return 0, err
	}
	if len(records) == 0 {
		return 0, errNoCase
	}
	for _, rec := range records {
		if !bytes.Contains(rec.Body, []byte(id)) {
			continue
		}
		if e, err := ledger.DecodeRecord(rec); err != nil {
			return 0, err
		} else if e.ID == id {
			return rec.Position, nil
		}
	}
	return 0, errNoRecord
}

// prove makes a proof from the newest checkpoint, and has a newer one published
// for a record that it does not cover.
func (s *Server) prove(ctx context.Context, p ledger.Position) (ledger.Proof, error) {
	signed, c, err := s.newest(ctx)
	if err != nil {
		return ledger.Proof{}, err
	}
	if p > c.Size && s.Seal != nil {
		waiting, cancel := context.WithTimeout(ctx, sealWait)
		_, why := s.Seal(waiting)
		cancel()
		if signed, c, err = s.newest(ctx); err != nil {
			return ledger.Proof{}, err
		}
		if p > c.Size {
			s.Log.Warn("a record is not covered by a checkpoint", "request", trailOf(ctx).id, "error", why)
		}
	}
	if p > c.Size {
		return ledger.Proof{}, errNotSealed
	}
	hashes, err := transparency.NewProver(s.Files, c).Inclusion(ctx, p)
	return ledger.Proof{Position: p, Hashes: hashes, Checkpoint: signed}, err
}

// newest reads the published checkpoint; one of size 0 if there is none yet.
func (s *Server) newest(ctx context.Context) ([]byte, ledger.Checkpoint, error) {
	signed, err := s.file(ctx, "checkpoint")
	if errors.Is(err, errNotInLog) {
		return nil, ledger.Checkpoint{}, nil
	}
	if err != nil {
		return nil, ledger.Checkpoint{}, err
	}
	// Its own word on itself, which is all that a server needs: whether to believe
	// it is for who asks.
	w, err := ledger.PolicyOf(s.Roster().Genesis(), ledger.Hash{}).Open(signed)
	return signed, w.Checkpoint, err
}
