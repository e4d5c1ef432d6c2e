package agencies

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/berkas-ledger/berkas/ledger"
)

// Clients submit for several agencies, each over its own connection.
type Clients map[ledger.AgencyID]*Client

// Result is what became of one submission of many.
type Result struct {
	Index      int // of the submission in the order given, from 0
	Submission ledger.Submission
	Receipt    ledger.Receipt // admitted or refused; zero when there is none
	Note       []byte         // the signed note of the receipt
	// Err is nil when admitted, *RefusedError when refused, and otherwise says
	// why nothing is known; see Client.Submit.
	Err error

	lane   string // the case it belongs to, "" for none
	roster bool
}

// MaxWindow bounds how many submissions may be under way at a time.
const MaxWindow = 16384

// SubmitAll hands in submissions with at most window of them under way, and
// yields what became of them as it becomes known, not in the order given.
//
// Order is kept where it matters. Events of one case are sent one after the
// other, each when the one before is admitted, whichever agencies they are of;
// a roster event is sent when all before it are answered, and nothing is sent
// until it is answered. Merely to publish in order would not do: when INTAKE
// turns one away, or the connection breaks, those behind it overtake it and are
// refused.
//
// When an event is not admitted, later ones of its case are not sent and yield
// ErrHeldBack. When ctx ends no more are taken, and those under way yield a
// *NoReceiptError. To stop early, break.
func (cs Clients) SubmitAll(ctx context.Context, submissions iter.Seq[ledger.Submission], window int) iter.Seq[Result] {
	return func(yield func(Result) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		next, stop := iter.Pull(submissions)
		defer stop()
		b := &bulk{
			clients: cs, next: next, window: min(max(window, 1), MaxWindow),
			lanes: map[string][]Result{}, broken: map[string]bool{},
		}
		b.done = make(chan Result, b.window)
		b.run(ctx, yield)
		cancel()
		for ; b.flying > 0; b.flying-- {
			<-b.done
		}
	}
}

// bulk is the state of one SubmitAll, all of it owned by one goroutine; done is
// where the others report to.
type bulk struct {
	clients Clients
	next    func() (ledger.Submission, bool)
	window  int
	done    chan Result

	count   int // taken from next
	pending int // taken and not answered, at most window
	flying  int // of those: sent
	// lanes holds, for each case of which an event is under way, those that
	// wait behind it.
	lanes  map[string][]Result
	broken map[string]bool // cases of which an event was not admitted
	// barrier is a roster event that was taken and waits for all before it.
	barrier *Result
	alone   bool // it is under way
	ended   bool
}

func (b *bulk) run(ctx context.Context, yield func(Result) bool) {
	for {
		for !b.ended && b.pending < b.window && b.barrier == nil && !b.alone {
			if held, ok := b.take(ctx); ok && !yield(held) {
				return
			}
		}
		if b.barrier != nil && b.pending == 1 {
			r := *b.barrier
			b.barrier, b.alone = nil, true
			b.send(ctx, r)
		}
		if b.pending == 0 {
			if b.ended {
				return
			}
			continue
		}
		r := <-b.done
		b.flying--
		b.pending--
		b.alone = false
		if !yield(r) {
			return
		}
		for _, held := range b.release(ctx, r) {
			if !yield(held) {
				return
			}
		}
	}
}

// take gets one more submission and sends it or lets it wait. It returns one
// that is held back.
func (b *bulk) take(ctx context.Context) (held Result, ok bool) {
	if ctx.Err() != nil {
		b.ended = true
		return Result{}, false
	}
	s, more := b.next()
	if !more {
		b.ended = true
		return Result{}, false
	}
	r := Result{Index: b.count, Submission: s}
	b.count++
	r.lane, r.roster = laneOf(s.Body)
	if b.broken[r.lane] {
		r.Err = ErrHeldBack
		return r, true
	}
	b.pending++
	queue, busy := b.lanes[r.lane]
	switch {
	case r.roster:
		b.barrier = &r
	case r.lane == "":
		b.send(ctx, r)
	case busy:
		b.lanes[r.lane] = append(queue, r)
	default:
		b.lanes[r.lane] = nil
		b.send(ctx, r)
	}
	return Result{}, false
}

// release lets the next of a case go when one was admitted, or holds back all
// that wait behind one that was not.
func (b *bulk) release(ctx context.Context, r Result) (held []Result) {
	if r.lane == "" {
		return nil
	}
	lane, queue := r.lane, b.lanes[r.lane]
	if r.Err != nil {
		b.broken[lane] = true
		delete(b.lanes, lane)
		b.pending -= len(queue)
		for i := range queue {
			queue[i].Err = ErrHeldBack
		}
		return queue
	}
	if len(queue) == 0 {
		delete(b.lanes, lane)
		return nil
	}
	b.lanes[lane] = queue[1:]
	b.send(ctx, queue[0])
	return nil
}

func (b *bulk) send(ctx context.Context, r Result) {
	b.flying++
	c := b.clients[r.Submission.Agency]
	if c == nil {
		r.Err = fmt.Errorf("%w: there is no connection for %q", ErrDenied, r.Submission.Agency)
		b.done <- r // has room for the whole window
		return
	}
	go func() {
		var a answer
		a, r.Err = c.submit(ctx, r.Submission)
		r.Receipt, r.Note = a.receipt, a.note
		var refused *RefusedError
		if errors.As(r.Err, &refused) {
			r.Receipt, r.Note = refused.Receipt, refused.Note
		}
		b.done <- r
	}()
}

// laneOf tells which submissions must keep their order: those of one case, and
// roster events against all. It reads no more of the envelope than it needs;
// bytes that are no event keep no order, and the registrar refuses them.
func laneOf(body []byte) (lane string, roster bool) {
	kind, subject := typeAndSubject(body)
	info, known := ledger.LookupType(kind)
	switch {
	case known && info.Stream == ledger.StreamRoster:
		return "", true
	case known && info.Stream != ledger.StreamCase:
		return "", false
	default:
		return subject, false
	}
}

func typeAndSubject(body []byte) (kind, subject string) {
	d := jsontext.NewDecoder(bytes.NewReader(body))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return "", ""
	}
	for kind == "" || subject == "" {
		t, err := d.ReadToken()
		if err != nil || t.Kind() != '"' {
			return "", ""
		}
		var into *string
		switch t.String() {
		case "type":
			into = &kind
		case "subject":
			into = &subject
		}
		if into == nil {
			if d.SkipValue() != nil {
				return "", ""
			}
			continue
		}
		if t, err = d.ReadToken(); err != nil || t.Kind() != '"' {
			return "", ""
		}
		*into = t.String()
	}
	return kind, subject
}
