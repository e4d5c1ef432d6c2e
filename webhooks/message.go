package webhooks

import (
	"encoding/json"
	"net/url"
	"strconv"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// TestType is the type of a message that tells of no record.
const TestType = "webhook.test"

// Message is one notification. Its bytes are the same at every attempt.
type Message struct {
	ID   string // webhook-id
	Body []byte // JSON
}

// told is a message's body: type, timestamp and data are the specification's.
type told struct {
	Type      string `json:"type"`      // the record's kind
	Timestamp string `json:"timestamp"` // when it was recorded
	Data      any    `json:"data"`
}

// toldRecord says which record, and nothing of what it holds. Addresses are those of
// the ledger's HTTP server, which the receiver knows: he does not follow a host that a
// message names.
type toldRecord struct {
	Ledger   string          `json:"ledger"` // origin
	Position ledger.Position `json:"position"`
	Kind     ledger.Kind     `json:"kind"`
	Version  int             `json:"kind_version"`
	Agency   ledger.AgencyID `json:"agency"`
	Subject  string          `json:"subject"`
	Case     string          `json:"case,omitempty"`
	Leaf     string          `json:"leaf"`   // leaf hash
	Record   string          `json:"record"` // where the record is to be had
	InCase   string          `json:"in_case,omitempty"`
}

// messageOf tells of a record. The id is the same whenever this endpoint is told of
// this record, so that its receiver recognises what he has.
func messageOf(endpoint, origin string, r ledger.Record, e ledger.Event) (Message, error) {
	data := toldRecord{
		Ledger: origin, Position: r.Position, Kind: e.Kind, Version: e.Version, Agency: e.Source, Subject: r.Subject, Case: r.CaseID(), Leaf: r.LeafHash().String(),
		Record: "/v1/stream?after=" + strconv.FormatUint(uint64(r.Position-1), 10) + "&limit=1",
	}
	if data.Case != "" {
		data.InCase = "/v1/cases/" + url.PathEscape(data.Case)
	}
	body, err := json.Marshal(told{string(e.Kind), r.Recorded.UTC().Format(time.RFC3339Nano), data})
	return Message{"msg_" + endpoint + "_" + strconv.FormatUint(uint64(r.Position), 10), body}, err
}

// testMessage lets an operator try an endpoint.
func testMessage(endpoint, origin string, now time.Time) (Message, error) {
	body, err := json.Marshal(told{TestType, now.UTC().Format(time.RFC3339Nano), map[string]string{"ledger": origin}})
	return Message{"msg_" + endpoint + "_test_" + strconv.FormatInt(now.UnixNano(), 36), body}, err
}
