package ledger_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

// swap replaces one piece of a text; a piece that is not there fails the test.
func swap(t testing.TB, text, old, replacement string) string {
	t.Helper()
	if strings.Count(text, old) != 1 {
		t.Fatalf("%q stands %d times in %s", old, strings.Count(text, old), text)
	}
	return strings.Replace(text, old, replacement, 1)
}

// change is a piece of the golden event and what stands there instead.
type change struct{ old, new string }

// badEvent is a change that makes bytes no event, and the answer.
type badEvent struct {
	name string
	change
	code    ledger.Code
	pointer string
}

// Pieces of the golden event.
const (
	goldenID     = `"id":"01759a2b-7c00-7000-8000-0000000000e1"`
	goldenSource = `"source":"/agencies/bawaslu"`
	goldenType   = `"type":"id.berkas.case.opened.v1"`
	goldenCase   = `"subject":"01759a2b-7c00-7000-8000-0000000000c1"`
	goldenTime   = `"time":"2020-10-03T02:30:00.25Z"`
	goldenSchema = `"dataschema":"urn:berkas:schema:case.opened.v1"`
	goldenMedia  = `"datacontenttype":"application/json"`
	goldenLedger = `"ledger":"berkas.example/pilkada-2020"`
	goldenSpec   = `"specversion":"1.0"`
	goldenCorr   = `"correlationid":"01759a2b-7c00-7000-8000-0000000000aa"`
	goldenCause  = `"causationid":"01759a2b-7c00-7000-8000-0000000000bb"`
	goldenTrace  = `"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"`
	goldenSeen   = `"caseversion":0`
	goldenData   = `"data":{"channel":"office",`
	goldenClass  = `"class":"camat-lurah"`
)

var notEvents = []badEvent{
	{"another CloudEvents", change{goldenSpec, `"specversion":"0.3"`}, ledger.CodeBadEnvelope, "/specversion"},
	{"specversion a number", change{goldenSpec, `"specversion":1.0`}, ledger.CodeBadEnvelope, "/specversion"},
	{"no specversion", change{goldenSpec + ",", ""}, ledger.CodeBadEnvelope, "/specversion"},
	{"no id", change{goldenID + ",", ""}, ledger.CodeBadEnvelope, "/id"},
	{"id of version 4", change{goldenID, `"id":"01759a2b-7c00-4000-8000-0000000000e1"`}, ledger.CodeBadEnvelope, "/id"},
	{"id of another variant", change{goldenID, `"id":"01759a2b-7c00-7000-c000-0000000000e1"`}, ledger.CodeBadEnvelope, "/id"},
	{"id in capitals", change{goldenID, `"id":"01759A2B-7c00-7000-8000-0000000000e1"`}, ledger.CodeBadEnvelope, "/id"},
	{"id in braces", change{goldenID, `"id":"{01759a2b-7c00-7000-8000-0000000000e1}"`}, ledger.CodeBadEnvelope, "/id"},
	{"id as a URN", change{goldenID, `"id":"urn:uuid:01759a2b-7c00-7000-8000-0000000000e1"`}, ledger.CodeBadEnvelope, "/id"},
	{"id without hyphens", change{goldenID, `"id":"01759a2b7c00700080000000000000e1"`}, ledger.CodeBadEnvelope, "/id"},
	{"id with a line break", change{goldenID, `"id":"01759a2b-7c00-7000-8000-0000000000e1\n"`}, ledger.CodeBadEnvelope, "/id"},
	{"id null", change{goldenID, `"id":null`}, ledger.CodeBadEnvelope, "/id"},
	{"no source", change{goldenSource + ",", ""}, ledger.CodeBadEnvelope, "/source"},
	{"source elsewhere", change{goldenSource, `"source":"/bawaslu"`}, ledger.CodeBadEnvelope, "/source"},
	{"source in capitals", change{goldenSource, `"source":"/agencies/Bawaslu"`}, ledger.CodeBadEnvelope, "/source"},
	{"source with a path", change{goldenSource, `"source":"/agencies/bawaslu/x"`}, ledger.CodeBadEnvelope, "/source"},
	{"the registrar as an agency", change{goldenSource, `"source":"/agencies/registrar"`}, ledger.CodeBadEnvelope, "/source"},
	{"no type", change{goldenType + ",", ""}, ledger.CodeBadEnvelope, "/type"},
	{"type of others", change{goldenType, `"type":"com.example.opened.v1"`}, ledger.CodeBadEnvelope, "/type"},
	{"type without version", change{goldenType, `"type":"id.berkas.case.opened"`}, ledger.CodeBadEnvelope, "/type"},
	{"version 0", change{goldenType, `"type":"id.berkas.case.opened.v0"`}, ledger.CodeBadEnvelope, "/type"},
	{"version with a zero", change{goldenType, `"type":"id.berkas.case.opened.v01"`}, ledger.CodeBadEnvelope, "/type"},
	{"version with a sign", change{goldenType, `"type":"id.berkas.case.opened.v+1"`}, ledger.CodeBadEnvelope, "/type"},
	{"version too large", change{goldenType, `"type":"id.berkas.case.opened.v1000"`}, ledger.CodeBadEnvelope, "/type"},
	{"kind of one word", change{goldenType, `"type":"id.berkas.opened.v1"`}, ledger.CodeBadEnvelope, "/type"},
	{"kind in capitals", change{goldenType, `"type":"id.berkas.case.Opened.v1"`}, ledger.CodeBadEnvelope, "/type"},
	{"kind with digits", change{goldenType, `"type":"id.berkas.case.opened2.v1"`}, ledger.CodeBadEnvelope, "/type"},
	{"kind of a nameless word", change{goldenType, `"type":"id.berkas.case..opened.v1"`}, ledger.CodeBadEnvelope, "/type"},
	{"kind with a leading hyphen", change{goldenType, `"type":"id.berkas.case.-opened.v1"`}, ledger.CodeBadEnvelope, "/type"},
	{"kind too long", change{goldenType, `"type":"id.berkas.case.` + strings.Repeat("o", 60) + `.v1"`}, ledger.CodeBadEnvelope, "/type"},
	{"no subject", change{goldenCase + ",", ""}, ledger.CodeBadEnvelope, "/subject"},
	{"no case", change{goldenCase, `"subject":""`}, ledger.CodeBadEnvelope, "/subject"},
	{"case id of version 4", change{goldenCase, `"subject":"01759a2b-7c00-4000-8000-0000000000c1"`}, ledger.CodeBadEnvelope, "/subject"},
	{"no time", change{goldenTime + ",", ""}, ledger.CodeBadEnvelope, "/time"},
	{"leap second", change{goldenTime, `"time":"2016-12-31T23:59:60Z"`}, ledger.CodeBadEnvelope, "/time"},
	{"seven decimals", change{goldenTime, `"time":"2020-10-03T02:30:00.1234567Z"`}, ledger.CodeBadEnvelope, "/time"},
	{"a point and no decimals", change{goldenTime, `"time":"2020-10-03T02:30:00.Z"`}, ledger.CodeBadEnvelope, "/time"},
	{"decimals after a comma", change{goldenTime, `"time":"2020-10-03T02:30:00,25Z"`}, ledger.CodeBadEnvelope, "/time"},
	{"t in lower case", change{goldenTime, `"time":"2020-10-03t02:30:00Z"`}, ledger.CodeBadEnvelope, "/time"},
	{"z in lower case", change{goldenTime, `"time":"2020-10-03T02:30:00z"`}, ledger.CodeBadEnvelope, "/time"},
	{"a space for T", change{goldenTime, `"time":"2020-10-03 02:30:00Z"`}, ledger.CodeBadEnvelope, "/time"},
	{"no zone", change{goldenTime, `"time":"2020-10-03T02:30:00"`}, ledger.CodeBadEnvelope, "/time"},
	{"zone without colon", change{goldenTime, `"time":"2020-10-03T02:30:00+0700"`}, ledger.CodeBadEnvelope, "/time"},
	{"zone of 24 hours", change{goldenTime, `"time":"2020-10-03T02:30:00+24:00"`}, ledger.CodeBadEnvelope, "/time"},
	{"zone of 60 minutes", change{goldenTime, `"time":"2020-10-03T02:30:00+07:60"`}, ledger.CodeBadEnvelope, "/time"},
	{"no such day", change{goldenTime, `"time":"2020-02-30T02:30:00Z"`}, ledger.CodeBadEnvelope, "/time"},
	{"hour 24", change{goldenTime, `"time":"2020-10-03T24:00:00Z"`}, ledger.CodeBadEnvelope, "/time"},
	{"a date", change{goldenTime, `"time":"2020-10-03"`}, ledger.CodeBadEnvelope, "/time"},
	{"before year 1", change{goldenTime, `"time":"0000-06-01T00:00:00Z"`}, ledger.CodeBadEnvelope, "/time"},
	{"before year 1 in UTC", change{goldenTime, `"time":"0001-01-01T00:00:00+07:00"`}, ledger.CodeBadEnvelope, "/time"},
	{"year 10000 in UTC", change{goldenTime, `"time":"9999-12-31T23:59:59-07:00"`}, ledger.CodeBadEnvelope, "/time"},
	{"no dataschema", change{goldenSchema + ",", ""}, ledger.CodeBadEnvelope, "/dataschema"},
	{"schema of another kind", change{goldenSchema, `"dataschema":"urn:berkas:schema:case.received.v1"`}, ledger.CodeBadEnvelope, "/dataschema"},
	{"schema of another version", change{goldenSchema, `"dataschema":"urn:berkas:schema:case.opened.v2"`}, ledger.CodeBadEnvelope, "/dataschema"},
	{"no datacontenttype", change{goldenMedia + ",", ""}, ledger.CodeBadEnvelope, "/datacontenttype"},
	{"data of another type", change{goldenMedia, `"datacontenttype":"application/json; charset=utf-8"`}, ledger.CodeBadEnvelope, "/datacontenttype"},
	{"no ledger", change{goldenLedger + ",", ""}, ledger.CodeBadEnvelope, "/ledger"},
	{"ledger with a scheme", change{goldenLedger, `"ledger":"https://berkas.example/pilkada-2020"`}, ledger.CodeBadEnvelope, "/ledger"},
	{"ledger in capitals", change{goldenLedger, `"ledger":"Berkas.example"`}, ledger.CodeBadEnvelope, "/ledger"},
	{"ledger with an empty part", change{goldenLedger, `"ledger":"berkas.example//x"`}, ledger.CodeBadEnvelope, "/ledger"},
	{"correlationid no UUID", change{goldenCorr, `"correlationid":"1"`}, ledger.CodeBadEnvelope, "/correlationid"},
	{"correlationid empty", change{goldenCorr, `"correlationid":""`}, ledger.CodeBadEnvelope, "/correlationid"},
	{"causationid in capitals", change{goldenCause, `"causationid":"01759A2B-7c00-7000-8000-0000000000bb"`}, ledger.CodeBadEnvelope, "/causationid"},
	{"traceparent of version 01", change{goldenTrace, `"traceparent":"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"`}, ledger.CodeBadEnvelope, "/traceparent"},
	{"traceparent empty", change{goldenTrace, `"traceparent":""`}, ledger.CodeBadEnvelope, "/traceparent"},
	{"caseversion a string", change{goldenSeen, `"caseversion":"0"`}, ledger.CodeBadEnvelope, "/caseversion"},
	{"caseversion below 0", change{goldenSeen, `"caseversion":-1`}, ledger.CodeBadEnvelope, "/caseversion"},
	{"caseversion with a fraction", change{goldenSeen, `"caseversion":1.0`}, ledger.CodeBadEnvelope, "/caseversion"},
	{"caseversion with an exponent", change{goldenSeen, `"caseversion":1e3`}, ledger.CodeBadEnvelope, "/caseversion"},
	{"caseversion beyond 31 bits", change{goldenSeen, `"caseversion":2147483648`}, ledger.CodeBadEnvelope, "/caseversion"},
	{"caseversion null", change{goldenSeen, `"caseversion":null`}, ledger.CodeBadEnvelope, "/caseversion"},
	{"attribute longer than 256", change{goldenCase, `"subject":"` + strings.Repeat("x", 257) + `"`}, ledger.CodeBadEnvelope, "/subject"},
	{"data an array", change{goldenData, `"data":[{"channel":"office"}],"x":{`}, ledger.CodeUnknownAttribute, ""},
	{"unknown attribute", change{goldenSeen, `"caseversion":0,"partitionkey":"x"`}, ledger.CodeUnknownAttribute, ""},
	{"attribute in capitals", change{goldenSource, `"Source":"/agencies/bawaslu"`}, ledger.CodeUnknownAttribute, ""},
	{"data_base64", change{goldenSeen, `"data_base64":"e30="`}, ledger.CodeUnknownAttribute, ""},

	{"id twice", change{goldenSource, goldenSource + "," + goldenID}, ledger.CodeDuplicateKey, "/id"},
	{"id twice, once escaped", change{goldenSource, goldenSource + `,"\u0069d":"x"`}, ledger.CodeDuplicateKey, "/id"},
	{"member of data twice", change{goldenData, goldenData + `"channel":"office",`}, ledger.CodeDuplicateKey, "/data/channel"},
	{"member twice, deep down", change{goldenClass, goldenClass + "," + goldenClass}, ledger.CodeDuplicateKey, "/data/respondents/1/class"},
	{"made-up member twice", change{goldenClass, goldenClass + `,"siti":{"x":1,"x":2}`}, ledger.CodeDuplicateKey, "/data/respondents/1"},

	{"trailing comma", change{goldenClass, goldenClass + ","}, ledger.CodeNotJSON, ""},
	{"comment", change{goldenClass, goldenClass + "/* */"}, ledger.CodeNotJSON, ""},
	{"single quotes", change{goldenClass, `'class':"x"`}, ledger.CodeNotJSON, ""},
	{"name without quotes", change{goldenSpec, `specversion:"1.0"`}, ledger.CodeNotJSON, ""},
	{"number as a name", change{goldenSpec, `1:"1.0"`}, ledger.CodeNotJSON, ""},
	{"leading zero", change{goldenSeen, `"caseversion":00`}, ledger.CodeNotJSON, ""},
	{"NaN", change{goldenSeen, `"caseversion":NaN`}, ledger.CodeNotJSON, ""},
	{"raw line break in a string", change{`camat-lurah`, "camat\nlurah"}, ledger.CodeNotJSON, ""},
	{"unknown escape", change{`camat-lurah`, `camat\xlurah`}, ledger.CodeNotJSON, ""},
	{"high surrogate alone", change{`camat-lurah`, `camat\ud83d`}, ledger.CodeNotJSON, ""},
	{"low surrogate alone", change{`camat-lurah`, `camat\ude00`}, ledger.CodeNotJSON, ""},
	{"surrogates in wrong order", change{`camat-lurah`, `\ude00\ud83d`}, ledger.CodeNotJSON, ""},
	{"surrogate alone in a name", change{goldenClass, `"\ud83d":"x"`}, ledger.CodeNotJSON, ""},

	{"Latin-1", change{`camat-lurah`, "camat-lur\xe4h"}, ledger.CodeNotUTF8, ""},
	{"overlong", change{`camat-lurah`, "camat\xc0\xaflurah"}, ledger.CodeNotUTF8, ""},
	{"surrogate as bytes", change{`camat-lurah`, "camat\xed\xa0\xbd"}, ledger.CodeNotUTF8, ""},
	{"cut in the middle of a character", change{`camat-lurah`, "camat\xe2\x82"}, ledger.CodeNotUTF8, ""},

	{"deeper than 16 levels", change{goldenData, goldenData + `"copies":` + strings.Repeat("[", 16) + strings.Repeat("]", 16) + ","}, ledger.CodeBadEnvelope, "/data"},
	{"deeper than the decoder goes", change{goldenData, goldenData + `"copies":` + strings.Repeat("[", 10001) + strings.Repeat("]", 10001) + ","}, ledger.CodeNotJSON, ""},
	{"deep where no depth is", change{goldenID, `"id":` + strings.Repeat("[", 100) + strings.Repeat("]", 100)}, ledger.CodeBadEnvelope, "/id"},
}

// wholly are bytes that have nothing of the golden event.
var wholly = []struct {
	name, body string
	code       ledger.Code
}{
	{"nothing", "", ledger.CodeNotJSON},
	{"blank", " \n", ledger.CodeNotJSON},
	{"null", "null", ledger.CodeNotJSON},
	{"array", "[]", ledger.CodeNotJSON},
	{"string", `"x"`, ledger.CodeNotJSON},
	{"byte order mark", "\ufeff{}", ledger.CodeNotJSON},
	{"open object", "{", ledger.CodeNotJSON},
	{"open name", `{"id`, ledger.CodeNotJSON},
	{"name and no value", `{"id"`, ledger.CodeNotJSON},
	{"open value", `{"id":"x`, ledger.CodeNotJSON},
	{"closed wrongly", `{"id":"x"]`, ledger.CodeNotJSON},
	{"XML", "<event/>", ledger.CodeNotJSON},
	{"zeros", "\x00\x00", ledger.CodeNotJSON},
	{"empty object", "{}", ledger.CodeBadEnvelope},
	{"too large", strings.Repeat(" ", ledger.MaxBody+1), ledger.CodeTooLarge},
	{"too large and not UTF-8", strings.Repeat("\xff", ledger.MaxBody+1), ledger.CodeTooLarge},
}

func wantRefusal(t *testing.T, bad *ledger.Refusal, code ledger.Code, pointer string) {
	t.Helper()
	var want []string
	if pointer != "" {
		want = []string{pointer}
	}
	switch {
	case bad == nil:
		t.Errorf("admitted, want %s at %q", code, pointer)
	case bad.Code != code || !slices.Equal(bad.Pointers, want):
		t.Errorf("refused %s at %q, want %s at %q", bad.Code, bad.Pointers, code, want)
	}
}

func TestNotEvents(t *testing.T) {
	golden := string(goldenFile(t, "event.json"))
	for _, tt := range notEvents {
		t.Run(tt.name, func(t *testing.T) {
			_, bad := ledger.Decode([]byte(swap(t, golden, tt.old, tt.new)))
			wantRefusal(t, bad, tt.code, tt.pointer)
		})
	}
	for _, tt := range wholly {
		t.Run(tt.name, func(t *testing.T) {
			_, bad := ledger.Decode([]byte(tt.body))
			pointer := ""
			if tt.code == ledger.CodeBadEnvelope {
				pointer = "/specversion"
			}
			wantRefusal(t, bad, tt.code, pointer)
		})
	}
	for name, data := range map[string]string{"null": "null", "string": `"{}"`, "array": "[]", "number": "1"} {
		t.Run("data "+name, func(t *testing.T) {
			head, _, _ := strings.Cut(golden, goldenData)
			_, bad := ledger.Decode([]byte(head + `"data":` + data + "}"))
			wantRefusal(t, bad, ledger.CodeBadEnvelope, "/data")
		})
	}
	for _, tail := range []string{"x", "{}", "]", "}", "\x00", ",", "null"} {
		t.Run("followed by "+tail, func(t *testing.T) {
			_, bad := ledger.Decode([]byte(golden + tail))
			wantRefusal(t, bad, ledger.CodeNotJSON, "")
		})
	}
}

// TestStillEvents: spellings that are as good as the golden one.
func TestStillEvents(t *testing.T) {
	golden := string(goldenFile(t, "event.json"))
	want, bad := ledger.Decode([]byte(golden))
	if bad != nil {
		t.Fatal(bad)
	}
	for _, c := range []change{
		{`{"specversion"`, "\n\t{ \"specversion\""},
		{goldenTime, `"time":"2020-10-03T09:30:00.250+07:00"`},
		{goldenTime, `"time":"2020-10-02T20:30:00.25-06:00"`},
		{goldenTime, `"time":"2020-10-03T02:30:00.25-00:00"`},
		{goldenSpec + "," + goldenID, goldenID + "," + goldenSpec},
		{goldenSource, `"source":"\/agencies/b\u0061waslu"`},
	} {
		got, bad := ledger.Decode([]byte(swap(t, golden, c.old, c.new) + " \r\n"))
		if bad != nil {
			t.Errorf("%s: %v", c.new, bad)
			continue
		}
		if a, b := mustEncode(t, got), mustEncode(t, want); string(a) != string(b) {
			t.Errorf("%s: reads as %s", c.new, a)
		}
	}
}

// TestLargestEvent: the limit is inclusive.
func TestLargestEvent(t *testing.T) {
	golden := string(goldenFile(t, "event.json"))
	body := golden + strings.Repeat(" ", ledger.MaxBody-len(golden))
	if _, bad := ledger.Decode([]byte(body)); bad != nil {
		t.Errorf("an event of %d bytes: %v", len(body), bad)
	}
	_, bad := ledger.Decode([]byte(body + " "))
	wantRefusal(t, bad, ledger.CodeTooLarge, "")
}

// TestDeepestEvent: sixteen levels, of which data is the first.
func TestDeepestEvent(t *testing.T) {
	golden := string(goldenFile(t, "event.json"))
	body := swap(t, golden, goldenData, goldenData+`"copies":`+strings.Repeat("[", 15)+strings.Repeat("]", 15)+",")
	if _, bad := ledger.Decode([]byte(body)); bad != nil {
		t.Errorf("sixteen levels: %v", bad)
	}
}

// TestUnknownKindIsAnEvent: kinds and versions of later programs decode, and
// their subject is free.
func TestUnknownKindIsAnEvent(t *testing.T) {
	golden := string(goldenFile(t, "event.json"))
	for _, typ := range []string{"case.opened.v2", "case.praised.v1", "a-b.c-d.e.v999", "case." + strings.Repeat("x", 59) + ".v1"} {
		body := swap(t, golden, goldenType, `"type":"id.berkas.`+typ+`"`)
		body = swap(t, body, goldenSchema, `"dataschema":"urn:berkas:schema:`+typ+`"`)
		body = swap(t, body, goldenCase, `"subject":"anything: at all`+strings.Repeat("x", 240)+`"`) // 256 bytes
		e, bad := ledger.Decode([]byte(body))
		if bad != nil {
			t.Fatalf("%s: %v", typ, bad)
		}
		if got := fmt.Sprintf("%s.v%d", e.Kind, e.Version); got != typ {
			t.Errorf("type %s reads as %s", typ, got)
		}
		if _, known := ledger.LookupKind(e.Kind, e.Version); known {
			t.Errorf("%s is known", typ)
		}
		r := ledger.Record{Position: 9, Subject: ledger.SubjectCase(caseID), Body: []byte(body)}
		if e, err := ledger.DecodeRecord(r); err != nil || e.Payload != nil {
			t.Errorf("a record of %s decodes to %v, %v; want no payload and no error", typ, e.Payload, err)
		}
	}
}

func TestSubjectsOutsideCases(t *testing.T) {
	golden := string(goldenFile(t, "event.json"))
	for _, tt := range []struct {
		kind, subject string
		ok            bool
	}{
		{"figures.published", "bkn20", true},
		{"institution.added", "kpu", true},
		{"institution.added", "KPU", false},
		{"institution.added", "", false},
		{"regime.published", strings.Repeat("x", 64), true},
		{"regime.published", strings.Repeat("x", 65), false},
		{"ledger.genesis", "genesis", true},
		{"ledger.genesis", "berkas.example/x", false},
		{"submission.refused", "kasn", true},
	} {
		body := swap(t, golden, goldenType, `"type":"id.berkas.`+tt.kind+`.v1"`)
		body = swap(t, body, goldenSchema, `"dataschema":"urn:berkas:schema:`+tt.kind+`.v1"`)
		body = swap(t, body, goldenCase, `"subject":"`+tt.subject+`"`)
		_, bad := ledger.Decode([]byte(body))
		if tt.ok && bad != nil {
			t.Errorf("%s about %q: %v", tt.kind, tt.subject, bad)
		} else if !tt.ok {
			wantRefusal(t, bad, ledger.CodeBadEnvelope, "/subject")
		}
	}
}

// TestDecodeRecordIsNotDecode: a record is held to the frozen form and to its
// place, not to rules that may grow.
func TestDecodeRecordIsNotDecode(t *testing.T) {
	r := goldenRecord(t)
	r.Body = []byte(swap(t, string(r.Body), `"code":"4011"`, `"code":"3204110609970001"`))
	if _, bad := ledger.Decode(r.Body); bad == nil || bad.Code != ledger.CodePersonalData {
		t.Fatalf("the event is refused with %v", bad)
	}
	if _, err := ledger.DecodeRecord(r); err != nil {
		t.Errorf("a record that was admitted before a rule grew: %v", err)
	}
	for name, broken := range map[string]ledger.Record{
		"another case":   {Position: 1, Subject: ledger.SubjectCase(eventID(7)), Body: r.Body},
		"another stream": {Position: 1, Subject: ledger.SubjectRoster, Body: r.Body},
		"no event":       {Position: 1, Subject: r.Subject, Body: []byte("{}")},
		"bad payload":    {Position: 1, Subject: r.Subject, Body: []byte(swap(t, string(r.Body), goldenClass, `"class":7`))},
	} {
		if _, err := ledger.DecodeRecord(broken); err == nil {
			t.Errorf("%s: decodes", name)
		}
	}
}
