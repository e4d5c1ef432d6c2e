package web

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/transparency"
)

// Checkpoints as they were published, and proofs between any two of them.

// deskCheckpoint is a published checkpoint as the desk shows it.
type deskCheckpoint struct {
	Size   ledger.Position
	Root   ledger.Hash
	Signed []byte
	By     []ledger.Cosignature // of the operator's policy's witnesses
	Names  []string             // of all who signed, as the note says
	Enough bool                 // the operator's policy is met
	Raw    string               // address of the note
	Since  string               // address of the proof from the one before, "" for the first
	Newest string               // address of the proof to the newest, "" for it
}

func (c *deskCheckpoint) at(witness string) (time.Time, bool) {
	for _, by := range c.By {
		if by.Witness == witness {
			return by.At, true
		}
	}
	return time.Time{}, false
}

// First and last cosignature; zero without witnesses: a checkpoint says no time
// of its own.
func (c *deskCheckpoint) last() (t time.Time) {
	for _, by := range c.By {
		if by.At.After(t) {
			t = by.At
		}
	}
	return t
}

// First is for templates.
func (c deskCheckpoint) First() (t time.Time) {
	for _, by := range c.By {
		if t.IsZero() || by.At.Before(t) {
			t = by.At
		}
	}
	return t
}

// Last is for templates.
func (c deskCheckpoint) Last() time.Time { return c.last() }

// Root64 is the root as the note writes it.
func (c deskCheckpoint) Root64() string { return base64.StdEncoding.EncodeToString(c.Root[:]) }

// keptFor is how long a list of checkpoints is shown before it is read again: a busy
// ledger publishes one a second, and listing a directory takes time. The newest is added
// at once.
const keptFor = 10 * time.Second

// keptList lists the sizes of the published checkpoints, oldest first.
func (s *Server) keptList(ctx context.Context) ([]ledger.Position, error) {
	if s.Files == nil {
		return nil, nil
	}
	_, newest, err := s.newest(ctx)
	if err != nil {
		return nil, err
	}
	var listed []ledger.Position
	if s.Desk.Kept != nil {
		listed, err = s.kept.get(ctx, s.Now, keptFor, func([]ledger.Position) ([]ledger.Position, bool, error) {
			list, err := s.Desk.Kept()
			return list, true, err
		})
		if err != nil {
			return nil, fmt.Errorf("list checkpoints: %w", err)
		}
	}
	// What is being published just now is not shown before it is.
	end, _ := slices.BinarySearch(listed, newest.Size+1)
	out := listed[:end:end]
	if newest.Size > 0 && (len(out) == 0 || out[len(out)-1] != newest.Size) {
		out = append(out, newest.Size)
	}
	return out, nil
}

func (s *Server) signedAt(ctx context.Context, size ledger.Position) ([]byte, error) {
	signed, newest, err := s.newest(ctx)
	if err != nil {
		return nil, err
	}
	if newest.Size == size && size > 0 {
		return signed, nil
	}
	return s.file(ctx, "checkpoints/"+strconv.FormatUint(uint64(size), 10))
}

// notesRead remembers checkpoints as they were read: a handful of signatures each takes
// longer to verify than the file to read, and the desk is for everybody.
type notesRead struct {
	mu sync.Mutex // not held while anything is read
	by map[ledger.Position]noteRead
}

// noteRead is a checkpoint of these very bytes, by this policy.
type noteRead struct {
	signed, policy string
	c              deskCheckpoint
}

// mostNotes bounds what is remembered, some kilobytes each.
const mostNotes = 1000

// deskCheckpoint reads a published checkpoint.
func (s *Server) deskCheckpoint(ctx context.Context, size ledger.Position) (deskCheckpoint, error) {
	signed, err := s.signedAt(ctx, size)
	if err != nil {
		return deskCheckpoint{}, err
	}
	policy, _ := s.deskPolicy()
	key := noteRead{signed: string(signed), policy: policy.Text()}
	s.notes.mu.Lock()
	read, ok := s.notes.by[size]
	s.notes.mu.Unlock()
	if ok && read.signed == key.signed && read.policy == key.policy {
		return read.c, nil
	}
	if key.c, err = s.judgedCheckpoint(size, signed); err != nil {
		return deskCheckpoint{}, err
	}
	s.notes.mu.Lock()
	defer s.notes.mu.Unlock()
	if len(s.notes.by) >= mostNotes {
		clear(s.notes.by)
	}
	s.notes.by[size] = key
	return key.c, nil
}

func (s *Server) judgedCheckpoint(size ledger.Position, signed []byte) (deskCheckpoint, error) {
	w, enough, err := s.readCheckpoint(signed)
	if err != nil {
		return deskCheckpoint{}, fmt.Errorf("the checkpoint of %d records: %w", size, err)
	}
	c := deskCheckpoint{Size: w.Size, Root: w.Root, Signed: signed, By: w.By, Enough: enough, Raw: "/checkpoints/" + strconv.FormatUint(uint64(size), 10)}
	_, lines, _ := strings.Cut(string(signed), "\n\n")
	for _, line := range strings.Split(lines, "\n") {
		if words := strings.Fields(line); len(words) == 3 && words[0] == "—" {
			c.Names = append(c.Names, words[1])
		}
	}
	return c, nil
}

type checkpointsPage struct {
	Lines    []deskCheckpoint
	Total    int
	From, To int
	Before   string
	After    string
	Newest   ledger.Position
	First    ledger.Position
}

// checkpointLines is how many checkpoints a page lists.
const checkpointLines = 50

func (s *Server) showCheckpoints(r *http.Request) (view, error) {
	values, err := parseValues(r.URL.RawQuery, "page", "lang")
	if err != nil {
		return view{}, err
	}
	number, err := pageIn(values)
	if err != nil {
		return view{}, err
	}
	list, err := s.keptList(r.Context())
	if err != nil {
		return view{}, err
	}
	first := len(list) - number*checkpointLines // the end of the next page
	last := first + checkpointLines             // of this one
	if last <= 0 && number > 1 {
		return view{}, errNotFound
	}
	page := checkpointsPage{Total: len(list), From: (number-1)*checkpointLines + 1}
	for i := last - 1; i >= max(0, first); i-- {
		c, err := s.deskCheckpoint(r.Context(), list[i])
		if err != nil {
			return view{}, err
		}
		if i > 0 {
			c.Since = proofAddress(list[i-1], list[i])
		}
		if i < len(list)-1 {
			c.Newest = proofAddress(list[i], list[len(list)-1])
		}
		page.Lines = append(page.Lines, c)
	}
	page.To = page.From + len(page.Lines) - 1
	if len(list) > 0 {
		page.First, page.Newest = list[0], list[len(list)-1]
	}
	if number > 1 {
		page.Before = checkpointsPath + "?page=" + strconv.Itoa(number-1)
	}
	if first > 0 {
		page.After = checkpointsPath + "?page=" + strconv.Itoa(number+1)
	}
	return view{Template: "desk-checkpoints", Title: text{"Titik periksa", "Checkpoints"}, Data: page}, nil
}

func proofAddress(from, to ledger.Position) string {
	return fmt.Sprintf("%s?from=%d&to=%d", consistencyPath, uint64(from), uint64(to))
}

// proofNames name the files that the desk gives for a proof.
func proofNames(from, to ledger.Position) (older, proof string) {
	return fmt.Sprintf("%d.checkpoint", uint64(from)), fmt.Sprintf("%d-%d.consistency", uint64(from), uint64(to))
}

type consistencyPage struct {
	From, To deskCheckpoint
	Hashes   []string // base64
	Raw      string   // address of the proof as a file
	Older    string   // names of the files that the command takes
	File     string
	Address  string
}

var errNoCheckpoint = problem(http.StatusNotFound, "no-such-checkpoint", text{
	"Tidak ada titik periksa dengan jumlah catatan itu.", "No checkpoint with that number of records was published.",
})

// showConsistency proves that the log only grew between two checkpoints, from the
// log's tiles, each of which is held against the newer root first.
func (s *Server) showConsistency(w http.ResponseWriter, r *http.Request) error {
	values, err := parseValues(r.URL.RawQuery, "from", "to", "format", "lang")
	if err != nil {
		return err
	}
	from, err := sizeIn(values, "from")
	if err != nil {
		return err
	}
	to, err := sizeIn(values, "to")
	if err != nil {
		return err
	}
	if from > to {
		from, to = to, from
	}
	list, err := s.keptList(r.Context())
	if err != nil {
		return err
	}
	for _, size := range []ledger.Position{from, to} {
		if _, found := slices.BinarySearch(list, size); !found {
			return errNoCheckpoint
		}
	}
	page, proof, err := s.consistencyPage(r, from, to)
	if err != nil {
		return err
	}
	switch values.Get("format") {
	case "":
		return s.render(w, r, view{Template: "desk-consistency", Title: text{"Bukti antara dua titik periksa", "Proof between two checkpoints"}, Data: page})
	case "proof":
		_, name := proofNames(from, to)
		w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
		body := proof.Text()
		s.content(w, r, noteType, tagOf(body), body)
		return nil
	}
	return badQuery("format", "it is proof, or is left out")
}

func (s *Server) consistencyPage(r *http.Request, from, to ledger.Position) (consistencyPage, transparency.Consistency, error) {
	ctx := r.Context()
	var page consistencyPage
	var err error
	if page.From, err = s.deskCheckpoint(ctx, from); err != nil {
		return page, transparency.Consistency{}, err
	}
	if page.To, err = s.deskCheckpoint(ctx, to); err != nil {
		return page, transparency.Consistency{}, err
	}
	newer := ledger.Checkpoint{Origin: s.origin, Size: to, Root: page.To.Root}
	hashes, err := transparency.NewProver(s.Files, newer).Consistency(ctx, from)
	if err != nil {
		return page, transparency.Consistency{}, err
	}
	for _, h := range hashes {
		page.Hashes = append(page.Hashes, base64.StdEncoding.EncodeToString(h[:]))
	}
	page.Older, page.File = proofNames(from, to)
	page.Raw = proofAddress(from, to) + "&format=proof"
	page.Address = addressOf(r, s.SecureCookies)
	return page, transparency.Consistency{Older: from, Hashes: hashes, Newer: page.To.Signed}, nil
}

func sizeIn(values url.Values, name string) (ledger.Position, error) {
	raw := values.Get(name)
	n, err := strconv.ParseUint(raw, 10, 63)
	if err != nil || n == 0 || strconv.FormatUint(n, 10) != raw {
		return 0, badQuery(name, "it is the number of records of a checkpoint")
	}
	return ledger.Position(n), nil
}
