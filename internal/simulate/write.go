package simulate

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"sync"

	"github.com/go-json-experiment/json"

	"github.com/berkas-ledger/berkas/ledger"
)

// chunk is how many entries are written out at a time.
const chunk = 1024

// inOrder makes entries on one goroutine, has them written out on all cores, and
// takes what comes of them in their order. first is the number of a list's first
// entry, from 0. An error of write or take ends it.
func inOrder[T any](ctx context.Context, entries func(func(entry) bool), write func(first int, list []entry) (T, error), take func(T) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type written struct {
		what T
		err  error
	}
	// As many as are under way; who makes them waits when all are.
	due := make(chan chan written, 2*runtime.GOMAXPROCS(0))
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	var working sync.WaitGroup
	working.Add(1)
	go func() {
		defer working.Done()
		defer close(due)
		first, list := 0, make([]entry, 0, chunk)
		send := func() bool {
			out, from, part := make(chan written, 1), first, list
			first, list = first+len(list), make([]entry, 0, chunk)
			select {
			case due <- out:
			case <-ctx.Done():
				return false
			}
			free <- struct{}{}
			working.Go(func() {
				what, err := write(from, part)
				out <- written{what, err}
				<-free
			})
			return true
		}
		ended := false
		entries(func(e entry) bool {
			list = append(list, e)
			if len(list) == chunk {
				ended = !send()
			}
			return !ended
		})
		if !ended && len(list) > 0 {
			send()
		}
	}()
	defer working.Wait()
	defer cancel()
	for out := range due {
		w := <-out
		if w.err != nil {
			return w.err
		}
		if err := take(w.what); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// written gives the payload as it is written.
func (e *entry) written() (any, error) {
	r, ok := e.payload.(replaced)
	if !ok {
		return e.payload, nil
	}
	data, err := json.Marshal(r.payload, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("simulate: %w", err)
	}
	return ledger.EventCorrected{Event: r.event, Kind: r.kind, Version: 1, Action: ledger.ActionReplace, Reason: "wrong-data", Data: data}, nil
}

// Lines writes the course as NDJSON that `berkas import` takes: a line for each
// event that an agency states with its own key. It tells counted, if that is not
// nil, how many there were so far. Recorded times are not in it: whoever imports
// it records it then.
func (c Course) Lines(ctx context.Context, w io.Writer, counted func(int)) error {
	total := 0
	write := func(_ int, list []entry) ([]byte, error) {
		out := make([]byte, 0, len(list)*512)
		for i := range list {
			var err error
			if out, err = list[i].appendLine(out); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return inOrder(ctx, newCourse(c).own, write, func(lines []byte) error {
		if _, err := w.Write(lines); err != nil {
			return err
		}
		if counted != nil {
			for _, b := range lines {
				if b == '\n' {
					total++
				}
			}
			counted(total)
		}
		return nil
	})
}

// appendLine writes an event as a description of one. Its strings are codes that
// need no quoting.
func (e *entry) appendLine(out []byte) ([]byte, error) {
	payload, err := e.written()
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(payload, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("simulate: %w", err)
	}
	for _, m := range [...]struct{ name, value string }{
		{`{"agency":`, string(e.by)}, {`,"kind":`, string(e.kind)}, {`,"case":`, e.subject}, {`,"id":`, e.id}, {`,"time":`, e.at.time().Format("2006-01-02T15:04:05Z")},
	} {
		out = append(out, m.name...)
		out = strconv.AppendQuote(out, m.value)
	}
	out = append(out, `,"data":`...)
	out = append(out, data...)
	return append(out, "}\n"...), nil
}
