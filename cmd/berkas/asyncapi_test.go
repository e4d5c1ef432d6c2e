package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/berkas-ledger/berkas/agencies"
	"github.com/berkas-ledger/berkas/eventstore"
	"github.com/berkas-ledger/berkas/ledger"
)

// asyncDoc is schemas/asyncapi.json as an outsider reads it.
type asyncDoc struct {
	raw        any
	Components struct {
		Messages map[string]struct {
			Name     string
			Payload  json.RawMessage
			Examples []asyncExample
		}
	}
}

type asyncExample struct {
	Name    string
	Headers map[string]string
	Payload json.RawMessage
}

func readAsyncAPI(t *testing.T) *asyncDoc {
	t.Helper()
	text, err := os.ReadFile(repository(t, "schemas", "asyncapi.json"))
	if err != nil {
		t.Fatal(err)
	}
	var d asyncDoc
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	if d.raw, err = jsonschema.UnmarshalJSON(bytes.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	return &d
}

// fits checks a value against a schema of the description.
func (d *asyncDoc) fits(t *testing.T, at string, value any) {
	t.Helper()
	c := jsonschema.NewCompiler()
	if err := c.AddResource("https://berkas.example/asyncapi", d.raw); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("https://berkas.example/asyncapi#/components/" + at)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(value); err != nil {
		t.Errorf("not as %s says: %v", at, err)
	}
}

// TestAsyncAPIExamples hands every example of the description in to a running
// ledger, in the order of their names, and looks at each message that follows:
// receipts and records are as described.
func TestAsyncAPIExamples(t *testing.T) {
	d := readAsyncAPI(t)
	h := background(t, folder(t), "is running", "dev")
	running, _ := h.found()
	g, err := readGenesis(h.genesisFile())
	if err != nil {
		t.Fatal(err)
	}
	clients := agencies.Clients{}
	for _, a := range institutions {
		if clients[a], err = dialAs(t.Context(), h, running.NATS, a, g); err != nil {
			t.Fatal(err)
		}
		defer clients[a].Close()
	}
	var examples []asyncExample
	for name, m := range d.Components.Messages {
		for _, e := range m.Examples {
			if name == "receipt" {
				d.checkReceipt(t, []byte(e.Payload), nil)
				continue
			}
			examples = append(examples, e)
		}
	}
	slices.SortFunc(examples, func(a, b asyncExample) int { return strings.Compare(a.Name, b.Name) })
	if len(examples) < 10 {
		t.Fatalf("only %d examples", len(examples))
	}
	var last ledger.Position
	for _, e := range examples {
		t.Run(e.Name, func(t *testing.T) { last = d.tryAsync(t, h, clients, e) })
	}
	for p := ledger.Position(1); p <= last; p++ {
		d.checkRecord(t, h, running.NATS, p)
	}
}

// tryAsync signs an example with the key of its agency, as the placeholder of a
// signature says, and expects it to be admitted.
func (d *asyncDoc) tryAsync(t *testing.T, h home, clients agencies.Clients, e asyncExample) ledger.Position {
	var body bytes.Buffer
	if err := json.Compact(&body, e.Payload); err != nil {
		t.Fatal(err)
	}
	event, bad := ledger.Decode(body.Bytes())
	if bad != nil {
		t.Fatal(bad)
	}
	d.fits(t, "schemas/submission-headers", map[string]any{"Content-Type": e.Headers["Content-Type"], "Berkas-Signature": e.Headers["Berkas-Signature"]})
	placeholder, err := ledger.ParseSignature(e.Headers["Berkas-Signature"])
	if err != nil {
		t.Fatal(err)
	}
	signer, err := h.signer(placeholder.Key)
	if err != nil {
		t.Fatal(err)
	}
	s, err := agencies.SignBytes(event.Source, body.Bytes(), signer)
	if err != nil {
		t.Fatal(err)
	}
	for r := range clients.SubmitAll(t.Context(), slices.Values([]ledger.Submission{s}), 1) {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		text, err := json.Marshal(string(r.Note))
		if err != nil {
			t.Fatal(err)
		}
		d.checkReceipt(t, text, &r.Receipt)
		return r.Receipt.Position
	}
	t.Fatal("no answer")
	return 0
}

// checkReceipt looks at a receipt, given as a JSON string.
func (d *asyncDoc) checkReceipt(t *testing.T, text []byte, want *ledger.Receipt) {
	t.Helper()
	var signed string
	if err := json.Unmarshal(text, &signed); err != nil {
		t.Fatal(err)
	}
	d.fits(t, "messages/receipt/payload", signed)
	body, _, _ := strings.Cut(signed, "\n\n")
	r, err := ledger.ParseReceipt(body + "\n")
	if err != nil {
		t.Fatal(err)
	}
	if want != nil && r.Text() != want.Text() {
		t.Errorf("another receipt:\n%s", signed)
	}
}

// checkRecord reads a message of LEDGER as NATS has it.
func (d *asyncDoc) checkRecord(t *testing.T, h home, url string, p ledger.Position) {
	t.Helper()
	u := eventstore.User{Role: eventstore.RoleFollower, Name: followerCommands}
	login, err := nats.NkeyOptionFromSeed(h.seedFile(u))
	if err != nil {
		t.Fatal(err)
	}
	c, err := nats.Connect(url, login, nats.CustomInboxPrefix(eventstore.InboxPrefix(u)))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	m, err := c.Request("$JS.API.DIRECT.GET.LEDGER", fmt.Appendf(nil, `{"seq":%d}`, p), 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	headers := map[string]any{}
	for name, values := range m.Header {
		if !strings.HasPrefix(name, "Nats-") { // what NATS says about the message
			headers[name] = values[0]
		}
	}
	d.fits(t, "schemas/record-headers", headers)
	event, bad := ledger.Decode(m.Data)
	if bad != nil {
		t.Fatal(bad)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(m.Data))
	if err != nil {
		t.Fatal(err)
	}
	d.fits(t, fmt.Sprintf("schemas/event.%s.v%d", event.Kind, event.Version), value)
}
