package web

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	jsonv2 "github.com/go-json-experiment/json"

	"github.com/berkas-ledger/berkas/ledger"
)

// Bounds of a bulk request beside those of Limits.
const (
	// maxBulkLine holds an event of 48 KiB in base64 and sixteen signatures.
	maxBulkLine = 80 << 10
	bulkLife    = 15 * time.Minute
	// bulkPause is how long the other side may be silent, or deaf.
	bulkPause = 60 * time.Second
	bulkType  = "application/x-ndjson"
)

// bulkLine is one submission of a bulk request.
type bulkLine struct {
	Signature []string `json:"signature" doc:"Values of Berkas-Signature" minItems:"1" maxItems:"16"`
	Event     string   `json:"event" doc:"The event's bytes in standard base64" contentEncoding:"base64"`
}

// bulkResult is what became of one line.
type bulkResult struct {
	Line    int      `json:"line" doc:"Number of the line, from 1"`
	Status  int      `json:"status" doc:"As POST /v1/events would have answered; 424 for a line that was not sent because an earlier one about the same subject was not admitted"`
	SHA256  string   `json:"sha256,omitempty" doc:"Of the event's bytes"`
	Event   string   `json:"event,omitempty" doc:"The event's id"`
	Receipt string   `json:"receipt,omitempty" doc:"The signed receipt of an admitted event"`
	Problem *Problem `json:"problem,omitempty"`
}

func (s *Server) describeBulk() {
	s.operation(operation{
		Operation: huma.Operation{
			OperationID: "submit-bulk", Method: http.MethodPost, Path: "/v1/events:bulk", Tags: []string{"submit"},
			Summary: "Submit many signed events",
			Description: "One submission a line; one result a line comes back in the same order, while the request is still being sent. " +
				"Lines about one subject are decided one after the other, and when one is not admitted the following ones about that subject are not sent. " +
				"Lines about different subjects are decided side by side. An answer that ends early says nothing about the lines it does not name: send them again.",
			RequestBody: &huma.RequestBody{
				Required: true, Description: "NDJSON, at most 10,000 lines of 80 KiB; the schema is that of one line",
				Content: map[string]*huma.MediaType{bulkType: {Schema: s.schemaOf(bulkLine{}), Example: exampleBulk()}},
			},
		},
		Limit:   bulkLife,
		Answers: map[int]answerKind{200: {Says: "NDJSON; the schema is that of one line", Media: bulkType, Body: bulkResult{}}},
	}, s.postBulk)
}

var (
	errBulkType  = problem(http.StatusUnsupportedMediaType, string(ledger.CodeContentType), text{"Content-Type harus " + bulkType + ".", "Content-Type has to be " + bulkType + "."})
	errBulkLine  = problem(http.StatusBadRequest, "bad-line", text{"Baris bukan satu objek JSON dengan signature dan event.", "The line is not one JSON object with signature and event."})
	errBulkHuge  = problem(http.StatusRequestEntityTooLarge, string(ledger.CodeTooLarge), text{"Baris terlalu panjang.", "The line is too long."})
	errBulkMany  = problem(http.StatusRequestEntityTooLarge, "too-many-lines", text{"Terlalu banyak baris; baris ini dan seterusnya tidak dibaca.", "Too many lines; this one and those after it were not read."})
	errBulkHeld  = problem(http.StatusFailedDependency, "held-back", text{"Tidak dikirim: baris sebelumnya tentang subjek yang sama tidak diterima.", "Not sent: an earlier line about the same subject was not admitted."}).again(0)
	errBulkCrowd = problem(http.StatusServiceUnavailable, "crowded", text{"Terlalu banyak permintaan massal sedang dikerjakan.", "Too many bulk requests are under way."}).again(10)
)

// job is a line on its way.
type job struct {
	line   int
	body   []byte
	header http.Header
	after  *job // the line before it about the same subject
	result bulkResult
	done   chan struct{} // closed when result stands
}

// bulk is one bulk request.
type bulk struct {
	s    *Server
	ctx  context.Context
	last map[string]*job // by subject; of the window only
	full int             // how many subjects last may hold before it is looked through
	jobs chan *job       // in order, as many as may be under way
}

func (s *Server) postBulk(w http.ResponseWriter, r *http.Request) error {
	if r.Header.Get("Content-Type") != bulkType {
		return errBulkType
	}
	select {
	case s.bulks <- struct{}{}:
		defer func() { <-s.bulks }()
	default:
		return errBulkCrowd
	}
	// The request outlives an ordinary one; what bounds it instead is a total
	// and the silence of the other side.
	ctx, cancel := context.WithTimeout(r.Context(), bulkLife)
	defer cancel()
	control := http.NewResponseController(w)
	if err := control.EnableFullDuplex(); err != nil && r.ProtoMajor == 1 {
		return fmt.Errorf("bulk: %w", err)
	}
	b := &bulk{s: s, ctx: ctx, last: map[string]*job{}, jobs: make(chan *job, s.Limits.BulkWindow)}
	read := make(chan error, 1)
	go func() {
		defer close(b.jobs)
		read <- b.read(r.Body, control)
	}()
	w.Header().Set("Content-Type", bulkType)
	w.WriteHeader(http.StatusOK)
	err := b.write(w, control)
	if err != nil {
		cancel() // nobody listens: what is not handed in yet need not be
		_ = control.SetReadDeadline(time.Now())
	}
	for j := range b.jobs {
		<-j.done
	}
	if err := <-read; err != nil {
		s.Log.Info("a bulk request ended early", "request", trailOf(ctx).id, "because", fmt.Sprintf("%T", err))
	}
	return nil // the answer has begun; the log has its length
}

// read turns lines into jobs. A full window makes it wait, and so the sender.
func (b *bulk) read(body io.Reader, control *http.ResponseController) error {
	lines := bufio.NewReaderSize(body, 64<<10)
	for n := 1; ; n++ {
		if err := control.SetReadDeadline(time.Now().Add(bulkPause)); err != nil {
			return err
		}
		if b.ctx.Err() != nil {
			return b.ctx.Err() // or the deadline just set would outlive the one set at the end
		}
		line, err := readLine(lines)
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return nil
		}
		j := &job{line: n, done: make(chan struct{})}
		j.result.Line = n
		switch {
		case n > b.s.Limits.BulkLines:
			j.settle(errBulkMany)
		case errors.Is(err, errLineTooLong):
			j.settle(errBulkHuge)
		case err != nil && !errors.Is(err, io.EOF):
			return err // cut in the middle of a line, which is no line
		default:
			b.start(j, line)
		}
		select {
		case b.jobs <- j:
		case <-b.ctx.Done():
			return b.ctx.Err()
		}
		if n > b.s.Limits.BulkLines || errors.Is(err, io.EOF) {
			return nil
		}
	}
}

// start reads a line and lets it go its way.
func (b *bulk) start(j *job, line []byte) {
	header, body, err := parseBulkLine(line)
	if err != nil {
		j.settle(errBulkLine)
		return
	}
	j.header, j.body = header, body
	j.result.SHA256 = ledger.Submission{Body: body}.Sum().String()
	subject := ""
	if event, bad := ledger.Decode(body); bad == nil {
		subject, j.result.Event = event.Subject, event.ID
	}
	if subject != "" {
		j.after, b.last[subject] = b.last[subject], j
	}
	go j.run(b.ctx, b.s)
	if len(b.last) > b.full {
		b.forget()
	}
}

// forget drops subjects whose last line went well: nothing has to wait for it.
// The others stay, so the next look is due when there are twice as many: or a
// file of bad lines, which a stranger may send, would be looked through for each.
func (b *bulk) forget() {
	defer func() { b.full = max(4*b.s.Limits.BulkWindow, 2*len(b.last)) }()
	for subject, j := range b.last {
		select {
		case <-j.done:
			if j.result.Problem == nil {
				delete(b.last, subject)
			}
		default:
		}
	}
}

func (j *job) run(ctx context.Context, s *Server) {
	defer close(j.done)
	if j.after != nil {
		<-j.after.done
		failed := j.after.result.Problem != nil
		j.after = nil // or the first line of a long file would never be let go
		if failed {
			j.set(errBulkHeld)
			return
		}
	}
	a := s.submit(ctx, j.header, j.body)
	j.header, j.body = nil, nil
	if a.problem != nil {
		j.set(a.problem)
		return
	}
	j.result.Status, j.result.Receipt = a.status, string(a.note)
}

// settle ends a line that is not sent.
func (j *job) settle(p *Problem) {
	j.set(p)
	close(j.done)
}

func (j *job) set(p *Problem) {
	out := *p
	out.Type, out.Title = "urn:berkas:problem:"+p.Code, http.StatusText(p.Status)
	j.result.Status, j.result.Problem = p.Status, &out
}

// write answers line by line, and lets go what has gathered when it has to wait.
func (b *bulk) write(w http.ResponseWriter, control *http.ResponseController) error {
	out := bufio.NewWriterSize(w, 32<<10)
	flush := func() error {
		if err := control.SetWriteDeadline(time.Now().Add(bulkPause)); err != nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
		return control.Flush()
	}
	for j := range b.jobs {
		select {
		case <-j.done:
		default:
			if err := flush(); err != nil {
				<-j.done
				return err
			}
			<-j.done
		}
		if j.result.Problem != nil {
			j.result.Problem.Request = trailOf(b.ctx).id
		}
		line, err := json.Marshal(j.result)
		if err != nil {
			return err
		}
		if _, err := out.Write(append(line, '\n')); err != nil {
			return err
		}
		if len(b.jobs) == 0 {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

var errLineTooLong = errors.New("line too long")

// readLine reads up to a line feed and gives the line without it. A line that is
// too long is read to its end and left out, so that the next one is served.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	long := false
	for {
		part, err := in.ReadSlice('\n')
		if !long && len(line)+len(part) > maxBulkLine+1 {
			long, line = true, nil
		}
		if !long {
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err == nil && long:
			return nil, errLineTooLong
		case err == nil:
			return line[:len(line)-1], nil
		case long && errors.Is(err, io.EOF):
			return nil, errLineTooLong
		default:
			return line, err
		}
	}
}

// parseBulkLine reads one line strictly: known members, none twice, canonical
// base64.
func parseBulkLine(line []byte) (http.Header, []byte, error) {
	var l bulkLine
	if err := jsonv2.Unmarshal(line, &l, jsonv2.RejectUnknownMembers(true)); err != nil {
		return nil, nil, errBulkLine
	}
	body, err := base64.StdEncoding.Strict().DecodeString(l.Event)
	if err != nil || base64.StdEncoding.EncodeToString(body) != l.Event || len(body) == 0 {
		return nil, nil, errBulkLine
	}
	return http.Header{ledger.HeaderContentType: {ledger.ContentType}, ledger.HeaderSignature: l.Signature}, body, nil
}
