package eventstore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/berkas-ledger/berkas/ledger"
)

// Headers of JetStream that come with a record and are not part of it.
const (
	headerExpected    = "Nats-Expected-Last-Sequence"
	headerBatchID     = "Nats-Batch-Id"
	headerBatchSeq    = "Nats-Batch-Sequence"
	headerBatchCommit = "Nats-Batch-Commit"

	headerSequence = "Nats-Sequence"
	headerSubject  = "Nats-Subject"
	headerPending  = "Nats-Num-Pending"
	headerStatus   = "Status"

	headerDelivered = "Nats-Last-Consumer"
)

// storedHeaders are what this package publishes records with and the server
// stores with them. Any other header makes a message no record.
var storedHeaders = []string{headerExpected, headerBatchID, headerBatchSeq, headerBatchCommit}

// directHeaders are what the server adds to a message that is read directly.
var directHeaders = []string{"Nats-Stream", headerSubject, headerSequence, "Nats-Time-Stamp", headerPending, "Nats-Last-Sequence"}

// recordOf reads a message of LEDGER. It takes headers out of the message.
func recordOf(p ledger.Position, subject string, m *nats.Msg) (ledger.Record, error) {
	for _, name := range storedHeaders {
		delete(m.Header, name)
	}
	return ledger.ParseRecord(p, subject, m.Header, m.Data)
}

// messageOf makes the message of a record; the position before it is expected
// to be LEDGER's last, unless the record is not the first of an atomic batch.
func messageOf(r ledger.Record, reply string) *nats.Msg {
	return &nats.Msg{Subject: r.Subject, Reply: reply, Header: r.Header(), Data: r.Body}
}

func expect(m *nats.Msg, last ledger.Position) {
	m.Header[headerExpected] = []string{strconv.FormatUint(uint64(last), 10)}
}

// delivery is where a message stands, read off the subject that would
// acknowledge it: $JS.ACK.<stream>.<consumer>.<n>.<stream seq>.<consumer
// seq>.<time>.<pending>, or the same with domain and account before the stream.
type delivery struct {
	position ledger.Position
	number   uint64 // since the consumer was reset, from 1
	pending  uint64 // how many follow
}

func deliveryOf(reply string) (delivery, error) {
	parts := strings.Split(reply, ".")
	at := 5
	if len(parts) >= 11 {
		at = 7
	}
	if len(parts) < 9 || parts[0] != "$JS" || parts[1] != "ACK" {
		return delivery{}, fmt.Errorf("%q is no delivery of JetStream", reply)
	}
	var n [3]uint64
	for i, k := range []int{at, at + 1, at + 3} {
		var err error
		if n[i], err = strconv.ParseUint(parts[k], 10, 64); err != nil {
			return delivery{}, fmt.Errorf("%q is no delivery of JetStream", reply)
		}
	}
	return delivery{ledger.Position(n[0]), n[1], n[2]}, nil
}

// directOf reads a message that came by a direct request, and takes the
// server's headers out of it.
func directOf(m *nats.Msg) (*positioned, error) {
	seq, err := strconv.ParseUint(m.Header.Get(headerSequence), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("read LEDGER: a message without its sequence: %w", err)
	}
	p := &positioned{m, ledger.Position(seq), m.Header.Get(headerSubject)}
	for _, name := range directHeaders {
		delete(m.Header, name)
	}
	return p, nil
}

// statusOf gives the code of a message that is none but says how a request
// fares; 0 for others.
func statusOf(m *nats.Msg) int {
	if len(m.Data) > 0 {
		return 0
	}
	values := m.Header[headerStatus]
	if len(values) != 1 {
		return 0
	}
	code, err := strconv.Atoi(values[0])
	if err != nil {
		return 0
	}
	return code
}

// Statuses. Source: nats.go, and nats-server, server/consumer.go.
const (
	statusHeartbeat   = 100
	statusEndOfBatch  = 204
	statusNoMessages  = 404
	statusExpired     = 408
	statusConflict    = 409 // of many kinds; the description tells
	statusNoResponder = 503
)

// pubAck is JetStream's answer to a published message.
type pubAck struct {
	Stream string    `json:"stream"`
	Seq    uint64    `json:"seq"`
	Batch  string    `json:"batch"`
	Count  int       `json:"count"`
	Error  *apiError `json:"error"`
}

var ackPrefix = []byte(`{"stream":"` + streamLedger + `","seq":`)

// readAck reads an acknowledgement of LEDGER. A thousand come with each batch,
// so the usual form is read without the general parser.
func readAck(m *nats.Msg) (pubAck, error) {
	if statusOf(m) == statusNoResponder {
		return pubAck{}, nats.ErrNoResponders
	}
	if rest, ok := bytes.CutPrefix(m.Data, ackPrefix); ok {
		var seq uint64
		i := 0
		for ; i < len(rest) && i < 19 && '0' <= rest[i] && rest[i] <= '9'; i++ {
			seq = seq*10 + uint64(rest[i]-'0')
		}
		if i > 0 && string(rest[i:]) == "}" {
			return pubAck{Stream: streamLedger, Seq: seq}, nil
		}
	}
	var a pubAck
	if err := json.Unmarshal(m.Data, &a); err != nil {
		return a, fmt.Errorf("an acknowledgement that is none: %w", err)
	}
	if a.Error != nil {
		return a, a.Error
	}
	if a.Stream != streamLedger {
		return a, fmt.Errorf("an acknowledgement of stream %q", a.Stream)
	}
	return a, nil
}
