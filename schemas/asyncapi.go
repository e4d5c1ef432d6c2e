package schemas

import (
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/berkas-ledger/berkas/ledger"
)

// object is a JSON object under construction.
type object = map[string]any

// asyncOrigin is the ledger of the examples: the one that "berkas dev" makes.
const asyncOrigin = "berkas.example/dev"

// Patterns that the description shares with package ledger's own checks.
const (
	asyncAgency    = "^[a-z0-9-]{1,32}$"
	asyncUUID      = "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
	asyncTime      = `^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z$`
	asyncSignature = "^[a-z0-9-]{1,32}/[a-z0-9-]{1,32} [A-Za-z0-9+/]{86}==$"
	asyncReceipt   = `^berkas/receipt/v1\norigin: .+\nagency: [a-z0-9-]{1,32}\nevent: .+\nsha256: [0-9a-f]{64}\noutcome: (admitted|refused)\n` +
		`position: [1-9][0-9]*\nrecorded: .{27}\nleaf: [0-9a-f]{64}\n` +
		`(reason: [a-z-]+\n(pointer: /.*\n)*nonce: [0-9a-f]{64}\n(first: [1-9][0-9]*\n)?)?` + "\n\u2014 .+ .+\n$"
)

// asyncStory is a history that "berkas dev" admits event by event: the examples
// of the description.
var asyncStory = []struct {
	kind ledger.Kind
	by   ledger.AgencyID
}{
	{ledger.ContestPublishedKind, ledger.Bawaslu},
	{ledger.CaseOpenedKind, ledger.Bawaslu},
	{ledger.CaseRegisteredKind, ledger.Bawaslu},
	{ledger.CaseAssessedKind, ledger.Bawaslu},
	{ledger.CaseForwardedKind, ledger.Bawaslu},
	{ledger.CaseReceivedKind, ledger.KASN},
	{ledger.CaseClarifiedKind, ledger.KASN},
	{ledger.CaseRecommendedKind, ledger.KASN},
	{ledger.DecisionRecordedKind, ledger.BKN},
	{ledger.FiguresPublishedKind, ledger.BKN},
}

// AsyncAPI writes the description of the streams, AsyncAPI 3.1, as schemas/asyncapi.json
// holds it. Kinds come from ledger.Kinds, data from the schemas of this package.
func AsyncAPI() ([]byte, error) {
	a := asyncDoc{messages: object{}, schemas: object{}, intake: object{}, streams: map[ledger.Stream]object{}}
	if err := a.bundle(); err != nil {
		return nil, err
	}
	examples, err := asyncExamples()
	if err != nil {
		return nil, err
	}
	for _, k := range ledger.Kinds {
		a.addKind(k, examples[k.Kind])
	}
	a.messages["receipt"] = object{
		"name": "receipt", "title": "Receipt", "contentType": "text/plain",
		"summary":  "The registrar's signed word on one submission: a signed note",
		"payload":  object{"type": "string", "pattern": asyncReceipt},
		"examples": []any{object{"name": "admitted", "payload": asyncReceiptExample}},
	}
	text, err := json.Marshal(a.document(), json.Deterministic(true), jsontext.WithIndent("  "), jsontext.EscapeForHTML(false))
	if err != nil {
		return nil, fmt.Errorf("AsyncAPI: %w", err)
	}
	return append(text, '\n'), nil
}

const asyncReceiptExample = "berkas/receipt/v1\norigin: " + asyncOrigin + "\nagency: bawaslu\nevent: 01720000-0000-7000-8000-0000000000e2\n" +
	"sha256: 2e7b2629f653a11ad4a80ca3fa11781dc2f749cab2c2443145ef90c1a22dd113\noutcome: admitted\nposition: 9\nrecorded: 2026-11-26T03:10:00.000000Z\n" +
	"leaf: 2927c328958de8fa6c458d880ec1ad1a850baf29cecef21b183c8d5aa3890b1a\n\n" +
	"\u2014 " + asyncOrigin + "/receipt lOPI7QAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"

type asyncDoc struct {
	messages, schemas, intake object
	streams                   map[ledger.Stream]object
}

func ref(parts ...string) object { return object{"$ref": "#/" + strings.Join(parts, "/")} }

// addKind describes a kind's event as it is submitted and as it is recorded.
func (a *asyncDoc) addKind(k ledger.KindInfo, examples []any) {
	name := fmt.Sprintf("%s.v%d", k.Kind, k.Version)
	a.schemas["event."+name] = object{"allOf": []any{
		ref("components", "schemas", "envelope"),
		object{"properties": object{
			"type": object{"const": k.Type()}, "dataschema": object{"const": k.Schema()}, "data": ref("components", "schemas", name),
		}},
	}}
	message := func(headers string) object {
		return object{
			"name": k.Type(), "title": string(k.Kind), "contentType": ledger.ContentType,
			"headers": ref("components", "schemas", headers), "payload": ref("components", "schemas", "event."+name),
		}
	}
	if k.Party != ledger.PartyRegistrar {
		m := message("submission-headers")
		if len(examples) > 0 {
			m["examples"] = examples
		}
		a.messages[name] = m
		a.intake[name] = ref("components", "messages", name)
	}
	a.messages[name+".record"] = message("record-headers")
	if a.streams[k.Stream] == nil {
		a.streams[k.Stream] = object{}
	}
	a.streams[k.Stream][name] = ref("components", "messages", name+".record")
}

// bundle takes the schemas in, with references that lead inside the document.
func (a *asyncDoc) bundle() error {
	list, err := fs.Glob(files, "*.v*.json")
	if err != nil {
		return fmt.Errorf("AsyncAPI: %w", err)
	}
	for _, file := range list {
		raw, err := files.ReadFile(file)
		if err != nil {
			return fmt.Errorf("AsyncAPI: %w", err)
		}
		var schema object
		if err := json.Unmarshal(raw, &schema); err != nil {
			return fmt.Errorf("AsyncAPI: %s: %w", file, err)
		}
		delete(schema, "$schema")
		delete(schema, "$id")
		name := strings.TrimSuffix(file, ".json")
		inside(schema, name)
		a.schemas[name] = schema
	}
	a.schemas["envelope"] = asyncEnvelope()
	signature := object{"type": "string", "pattern": asyncSignature, "description": "Ed25519 over the DSSE encoding of media type and bytes; may stand up to 16 times"}
	a.schemas["submission-headers"] = object{
		"type": "object", "required": []any{"Content-Type", "Berkas-Signature"},
		"properties": object{"Content-Type": object{"const": ledger.ContentType}, "Berkas-Signature": signature},
	}
	a.schemas["record-headers"] = object{
		"type": "object", "required": []any{"Content-Type", "Berkas-Signature", "Berkas-Recorded"}, "additionalProperties": false,
		"properties": object{
			"Content-Type": object{"const": ledger.ContentType}, "Berkas-Signature": signature,
			"Berkas-Recorded": object{"type": "string", "minLength": 27, "maxLength": 27, "pattern": asyncTime, "description": "When the registrar recorded it"},
		},
	}
	return nil
}

// inside rewrites references: "urn:berkas:schema:common.v1#/..." and "#/...".
func inside(value any, self string) {
	switch v := value.(type) {
	case object:
		if at, ok := v["$ref"].(string); ok {
			file, pointer, _ := strings.Cut(strings.TrimPrefix(at, urn), "#")
			if file == "" {
				file = self
			}
			v["$ref"] = "#/components/schemas/" + file + pointer
		}
		for _, child := range v {
			inside(child, self)
		}
	case []any:
		for _, child := range v {
			inside(child, self)
		}
	}
}

func asyncEnvelope() object {
	text := func(pattern string) object { return object{"type": "string", "pattern": pattern} }
	return object{
		"title": "Event", "description": "CloudEvents 1.0 in structured JSON, at most 48 KiB; these bytes are the event for ever",
		"type": "object", "additionalProperties": false,
		"required": []any{"specversion", "id", "source", "type", "subject", "time", "dataschema", "datacontenttype", "ledger", "data"},
		"properties": object{
			"specversion": object{"const": "1.0"}, "id": text(asyncUUID), "source": text("^/(agencies/[a-z0-9-]{1,32}|registrar)$"),
			"type": text(`^id\.berkas\.[a-z.-]+\.v[1-9][0-9]*$`), "subject": object{"type": "string", "minLength": 1},
			"time": text(asyncTime), "dataschema": text("^urn:berkas:schema:"), "datacontenttype": object{"const": "application/json"},
			"ledger": object{"type": "string", "description": "The ledger's origin"}, "data": object{"type": "object"},
			"caseversion": object{"type": "integer", "minimum": 0}, "correlationid": text(asyncUUIDAny), "causationid": text(asyncUUIDAny),
			"traceparent": text("^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"),
		},
	}
}

const asyncUUIDAny = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"

// asyncExamples writes the events of the story.
func asyncExamples() (map[ledger.Kind][]any, error) {
	out := map[ledger.Kind][]any{}
	for i, step := range asyncStory {
		info, ok := ledger.LookupKind(step.kind, 1)
		if !ok {
			return nil, fmt.Errorf("AsyncAPI: no kind %s", step.kind)
		}
		data, err := Example(step.kind, 1, 1)
		if err != nil {
			return nil, err
		}
		var about struct {
			ID    string `json:"id"`
			Table string `json:"table"`
		}
		if err := json.Unmarshal(data, &about); err != nil {
			return nil, fmt.Errorf("AsyncAPI: %w", err)
		}
		var subject string
		switch info.Stream {
		case ledger.StreamCase:
			subject = "01720000-0000-7000-8000-0000000000c1"
		case ledger.StreamRoster:
			subject = about.ID
		case ledger.StreamFigures:
			subject = about.Table
		case ledger.StreamRefusal: // none is submitted
		}
		event := ledger.Event{
			ID: fmt.Sprintf("01720000-0000-7000-8000-0000000000e%x", i+1), Source: step.by, Kind: step.kind, Version: 1, Subject: subject,
			Time: asyncBegin.Add(time.Duration(i) * 24 * time.Hour), Ledger: asyncOrigin, Data: data,
		}
		body, err := event.Encode()
		if err != nil {
			return nil, fmt.Errorf("AsyncAPI: %w", err)
		}
		headers := object{"Content-Type": ledger.ContentType, "Berkas-Signature": string(step.by) + "/event " + strings.Repeat("A", 86) + "=="}
		out[step.kind] = []any{object{"name": fmt.Sprintf("step-%02d", i+1), "summary": "Sent by " + string(step.by), "headers": headers, "payload": jsontext.Value(body)}}
	}
	return out, nil
}

var asyncBegin = time.Date(2020, 6, 15, 3, 0, 0, 0, time.UTC)

func (a *asyncDoc) document() object {
	agency := object{"description": "Name of an agency, such as bawaslu: " + asyncAgency, "examples": []any{"bawaslu"}}
	channel := func(address, title, description string, messages, parameters object) object {
		c := object{"address": address, "title": title, "description": description, "messages": messages}
		if len(parameters) > 0 {
			c["parameters"] = parameters
		}
		return c
	}
	operation := func(action, name, summary string, more object) object {
		o := object{"action": action, "channel": ref("channels", name), "summary": summary}
		for k, v := range more {
			o[k] = v
		}
		return o
	}
	reply := object{"reply": object{"channel": ref("channels", "receipts"), "messages": []any{ref("channels", "receipts", "messages", "receipt")}}}
	return object{
		"asyncapi": "3.1.0", "defaultContentType": ledger.ContentType, "id": "urn:berkas:streams",
		"info": object{
			"title": "Berkas: streams of the ledger", "version": "1.0.0", "license": object{"name": "see the repository"},
			"description": "Agencies publish signed events to INTAKE streams; the registrar writes the records to LEDGER and answers each submission with a signed receipt. " +
				"All of it is NATS JetStream. docs/emit.md shows how to take part. The records of LEDGER are also to be had over HTTP, as server-sent events (GET /v1/stream, docs/http.md) and as webhooks that name them (docs/webhooks.md). Signatures in the examples are placeholders: a test signs the examples and hands them in to a running ledger, which admits them in this order.",
			"contact": object{"name": "the operator of the ledger"},
		},
		"servers": object{"dev": object{
			"host": "127.0.0.1:4222", "protocol": "nats", "description": "What berkas dev runs. A ledger that counts has TLS.",
			"security": []any{ref("components", "securitySchemes", "nkey")},
		}},
		"channels": object{
			"intake": channel("intake.{agency}", "INTAKE-{agency}", "What waits for the registrar: a work queue of at most 64 KiB a message. Only that agency and the HTTP door may publish.", a.intake, object{"agency": agency}),
			"receipts": channel("receipt.{agency}.{sha256}", "Receipts", "Sent once and stored nowhere: whoever missed one sends the same bytes again.",
				object{"receipt": ref("components", "messages", "receipt")}, object{"agency": agency, "sha256": object{"description": "SHA-256 of the event's bytes, 64 hexadecimal digits"}}),
			"ledgerCase":    channel("ledger.case.{case}", "LEDGER: records of cases", "", a.streams[ledger.StreamCase], object{"case": object{"description": "The case's id"}}),
			"ledgerFigures": channel("ledger.figures.{agency}", "LEDGER: published figures", "", a.streams[ledger.StreamFigures], object{"agency": agency}),
			"ledgerRoster":  channel("ledger.roster", "LEDGER: who takes part, with which keys and mandates, under which rules", "", a.streams[ledger.StreamRoster], nil),
			"ledgerRefusal": channel("ledger.refusal.{agency}", "LEDGER: refusals", "", a.streams[ledger.StreamRefusal], object{"agency": agency}),
		},
		"operations": object{
			"submit":        operation("receive", "intake", "The registrar takes a submission and answers with a receipt", reply),
			"recordCase":    operation("send", "ledgerCase", "A case's event is recorded", nil),
			"recordFigures": operation("send", "ledgerFigures", "Published figures are recorded", nil),
			"recordRoster":  operation("send", "ledgerRoster", "A change of the roster is recorded", nil),
			"recordRefusal": operation("send", "ledgerRefusal", "A refusal is recorded", nil),
		},
		"components": object{
			"messages": a.messages, "schemas": a.schemas,
			"securitySchemes": object{"nkey": object{"type": "asymmetricEncryption", "description": "An nkey: Ed25519, its seed begins with SU"}},
		},
	}
}
