package vault

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/seal"
)

// sealedOne returns a ring and a well-formed request to unseal what it sealed.
func sealedOne(t *testing.T) (*Ring, UnsealRequest) {
	t.Helper()
	ring := newRing(t)
	sealed, err := ring.Seal(mustKey(t, ring, first), identity, []byte(person))
	if err != nil {
		t.Fatal(err)
	}
	return ring, UnsealRequest{
		Sealed: sealed, Place: identity,
		Reason: CaseHandling, Agency: ledger.Bawaslu, Officer: "intake-17",
	}
}

func TestUnsealRecordsFirst(t *testing.T) {
	ring, request := sealedOne(t)
	type mark struct{}
	ctx := context.WithValue(t.Context(), mark{}, true)
	for _, reason := range Reasons() {
		request.Reason = reason
		calls := 0
		text, err := ring.Unseal(ctx, request, func(ctx context.Context, caseID string, got ledger.Unsealed) error {
			calls++
			want := ledger.Unsealed{
				Event: identity.Event, Pointer: identity.Pointer, Key: ring.Keys(caseOne)[0].Kid,
				Reason: string(reason), Agency: ledger.Bawaslu, Officer: "intake-17",
			}
			if caseID != caseOne || got != want || ctx.Value(mark{}) == nil {
				t.Errorf("recorded for %s: %+v, want %+v", caseID, got, want)
			}
			return nil
		})
		if err != nil || string(text) != person || calls != 1 {
			t.Errorf("%s: Unseal = %q, %v after %d records", reason, text, err, calls)
		}
	}
}

func TestUnsealWithoutRecord(t *testing.T) {
	ring, request := sealedOne(t)
	down := errors.New("no receipt")
	text, err := ring.Unseal(t.Context(), request, func(context.Context, string, ledger.Unsealed) error { return down })
	if text != nil || !errors.Is(err, down) {
		t.Errorf("Unseal = %q, %v; want no text and the record's error", text, err)
	}
	noLeak(t, err, person)
}

// The text that is held back is wiped, also when recording panics.
func TestHandOutWipes(t *testing.T) {
	for name, recorded := range map[string]func() error{
		"fails":  func() error { return errors.New("no receipt") },
		"panics": func() error { panic("lost") },
	} {
		held := []byte(person)
		func() {
			defer func() { _ = recover() }()
			if text, err := handOut(held, recorded); text != nil || err == nil {
				t.Errorf("recording %s: %q, %v", name, text, err)
			}
		}()
		if string(held) != strings.Repeat("\x00", len(person)) {
			t.Errorf("recording %s: the text is left as %q", name, held)
		}
	}
}

// Nothing is recorded that could not have been opened.
func TestUnsealRefusesBeforeRecording(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Ring, *UnsealRequest)
		want   error
	}{
		"no reason":        {func(_ *Ring, q *UnsealRequest) { q.Reason = "" }, ErrRequest},
		"own reason":       {func(_ *Ring, q *UnsealRequest) { q.Reason = "curiosity" }, ErrRequest},
		"no agency":        {func(_ *Ring, q *UnsealRequest) { q.Agency = "" }, ErrRequest},
		"name as agency":   {func(_ *Ring, q *UnsealRequest) { q.Agency = "Contoh Satu" }, ErrRequest},
		"no officer":       {func(_ *Ring, q *UnsealRequest) { q.Officer = "" }, ErrRequest},
		"name as officer":  {func(_ *Ring, q *UnsealRequest) { q.Officer = person }, ErrRequest},
		"NIP as officer":   {func(_ *Ring, q *UnsealRequest) { q.Officer = "nip-000000000000000000" }, ErrRequest},
		"not sealed":       {func(_ *Ring, q *UnsealRequest) { q.Sealed = person }, seal.ErrMalformed},
		"other event":      {func(_ *Ring, q *UnsealRequest) { q.Place.Event = identity.Case }, seal.ErrMoved},
		"other respondent": {func(_ *Ring, q *UnsealRequest) { q.Place.Pointer = "/data/respondents/1/identity" }, seal.ErrMoved},
		"other ledger":     {func(_ *Ring, q *UnsealRequest) { q.Place.Ledger = "ledger.example/rehearsal" }, seal.ErrMoved},
		"other case":       {func(_ *Ring, q *UnsealRequest) { q.Place.Case = caseTwo }, ErrOtherCase},
		"key erased":       {func(r *Ring, _ *UnsealRequest) { r.keys = nil }, ErrNoKey},
		"ring closed":      {func(r *Ring, _ *UnsealRequest) { _ = r.Close() }, ErrClosed},
		"text tampered": {func(_ *Ring, q *UnsealRequest) {
			dot := strings.LastIndex(q.Sealed, ".")
			q.Sealed = q.Sealed[:dot+1] + strings.Repeat("A", 22)
		}, seal.ErrTampered},
	} {
		t.Run(name, func(t *testing.T) {
			ring, request := sealedOne(t)
			key := ring.keys[0].key.Bytes
			test.change(ring, &request)
			text, err := ring.Unseal(t.Context(), request, func(context.Context, string, ledger.Unsealed) error {
				t.Error("recorded")
				return nil
			})
			if text != nil || !errors.Is(err, test.want) {
				t.Errorf("Unseal = %q, %v; want %v", text, err, test.want)
			}
			noLeak(t, err, person, string(key[:]), fmt.Sprint(key), fmt.Sprintf("%x", key))
		})
	}
}
