package eventstore

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/berkas-ledger/berkas/ledger"
)

// TestOnlyRecordsAreRecords: message and leaf determine each other, so nothing
// may stand in a message that the leaf does not have.
func TestOnlyRecordsAreRecords(t *testing.T) {
	want := newRecord(5, "", 100)
	for name, c := range map[string]struct {
		change func(*nats.Msg)
		ok     bool
	}{
		"as published":         {func(*nats.Msg) {}, true},
		"with its expectation": {func(m *nats.Msg) { expect(m, 4) }, true},
		"of a batch": {func(m *nats.Msg) {
			m.Header.Set(headerBatchID, "x")
			m.Header.Set(headerBatchSeq, "1")
			m.Header.Set(headerBatchCommit, "1")
		}, true},
		"with a message id":     {func(m *nats.Msg) { m.Header.Set("Nats-Msg-Id", "x") }, false},
		"with a life span":      {func(m *nats.Msg) { m.Header.Set("Nats-TTL", "1h") }, false},
		"with a header of ours": {func(m *nats.Msg) { m.Header.Set("Berkas-Position", "5") }, false},
		"with any header":       {func(m *nats.Msg) { m.Header.Set("X", "y") }, false},
		"in another spelling": {func(m *nats.Msg) {
			m.Header["content-type"] = m.Header[ledger.HeaderContentType]
			m.Header.Del(ledger.HeaderContentType)
		}, false},
		"without a signature":     {func(m *nats.Msg) { m.Header.Del(ledger.HeaderSignature) }, false},
		"on a subject of no kind": {func(m *nats.Msg) { m.Subject = "ledger.other" }, false},
	} {
		m := messageOf(want, "")
		c.change(m)
		got, err := recordOf(5, m.Subject, m)
		if c.ok && (err != nil || got.LeafHash() != want.LeafHash()) || !c.ok && err == nil {
			t.Errorf("%s: %v, %v", name, got.Position, err)
		}
	}
}

func TestDeliveryOf(t *testing.T) {
	want := delivery{position: 17, number: 9, pending: 4}
	for _, reply := range []string{
		"$JS.ACK.LEDGER.auditor.1.17.9.1700000000000000000.4",
		"$JS.ACK._.ACCHASH.LEDGER.auditor.1.17.9.1700000000000000000.4",
		"$JS.ACK.hub.ACCHASH.LEDGER.auditor.1.17.9.1700000000000000000.4.more",
	} {
		if got, err := deliveryOf(reply); err != nil || got != want {
			t.Errorf("%s: %v, %v", reply, got, err)
		}
	}
	for _, reply := range []string{
		"", "_INBOX.x", "$JS.ACK.LEDGER.auditor.1.17.9.1700000000000000000", "$JS.ACK.LEDGER.auditor.1.x.9.1.4", "$JS.ACK.LEDGER.auditor.1.17.x.1.4",
		"$JS.ACK.LEDGER.auditor.1.17.9.1.-4", "$JS.API.LEDGER.auditor.1.17.9.1.4",
	} {
		if got, err := deliveryOf(reply); err == nil {
			t.Errorf("%s: %v", reply, got)
		}
	}
}

func TestReadAck(t *testing.T) {
	for text, want := range map[string]pubAck{
		`{"stream":"LEDGER","seq":12}`:                            {Stream: "LEDGER", Seq: 12},
		`{"stream":"LEDGER", "seq":12}`:                           {Stream: "LEDGER", Seq: 12},
		`{"stream":"LEDGER","seq":12,"batch":"b","count":3}`:      {Stream: "LEDGER", Seq: 12, Batch: "b", Count: 3},
		`{"stream":"LEDGER","seq":9223372036854775807}`:           {Stream: "LEDGER", Seq: 9223372036854775807},
		`{"stream":"LEDGER","seq":12,"domain":"hub"}`:             {Stream: "LEDGER", Seq: 12},
		`{"type":"x","stream":"LEDGER","seq":1,"duplicate":true}`: {Stream: "LEDGER", Seq: 1},
	} {
		if got, err := readAck(&nats.Msg{Data: []byte(text)}); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for text, code := range map[string]int{
		`{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 3"},"stream":"LEDGER","seq":0}`: codeWrongLastSequence,
		`{"error":{"code":400,"err_code":10164,"description":"wrong last sequence"}}`:                              codeWrongLastConstant,
		`{"stream":"OTHER","seq":1}`: 0, `{"stream":"LEDGER","seq":`: 0, `x`: 0, ``: 0,
	} {
		if got, err := readAck(&nats.Msg{Data: []byte(text)}); err == nil || code != 0 && !isCode(err, code) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	none := &nats.Msg{Header: nats.Header{headerStatus: {"503"}}}
	if _, err := readAck(none); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("nobody there: %v", err)
	}
}

func FuzzReadAck(f *testing.F) {
	f.Add([]byte(`{"stream":"LEDGER","seq":12}`))
	f.Add([]byte(`{"stream":"LEDGER","seq":00012}`))
	f.Add([]byte(`{"error":{"code":400,"err_code":10071}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := readAck(&nats.Msg{Data: bytes.Clone(data)})
		if err == nil && (a.Stream != streamLedger || a.Error != nil) {
			t.Fatalf("%q is taken for %v", data, a)
		}
	})
}

func FuzzDeliveryOf(f *testing.F) {
	f.Add("$JS.ACK.LEDGER.auditor.1.17.9.1700000000000000000.4")
	f.Add("$JS.ACK._.ACCHASH.LEDGER.auditor.1.17.9.1700000000000000000.4")
	f.Fuzz(func(t *testing.T, reply string) {
		if _, err := deliveryOf(reply); err == nil && !strings.HasPrefix(reply, "$JS.ACK.") {
			t.Fatalf("%q is taken for a delivery", reply)
		}
	})
}
