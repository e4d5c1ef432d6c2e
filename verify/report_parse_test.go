package verify_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/berkas-ledger/berkas/verify"
)

func goldenReports(t testing.TB) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, name := range []string{"good", "bad"} {
		raw, err := os.ReadFile(filepath.Join("testdata", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		out[name] = raw
	}
	return out
}

func compiledReportSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile("audit-report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// TestReportsAreRead: the golden reports fit the published schema, and read and
// written again they are the same bytes.
func TestReportsAreRead(t *testing.T) {
	schema := compiledReportSchema(t)
	for name, raw := range goldenReports(t) {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		r, err := verify.ParseReport(raw)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		again, err := json.Marshal(r, json.Deterministic(true), jsontext.WithIndent("  "))
		if err != nil || string(again)+"\n" != string(raw) {
			t.Errorf("%s: read and written again it is\n%s (%v)", name, again, err)
		}
		newer := bytes.Replace(raw, []byte(`"from": 1`), []byte(`"of_tomorrow": {"a": [1]}, "from": 1`), 1)
		if _, err := verify.ParseReport(newer); err != nil {
			t.Errorf("%s: a member of a later program: %v", name, err)
		}
	}
}

// TestBadReports: what is no report, or contradicts itself, is not shown.
func TestBadReports(t *testing.T) {
	golden := goldenReports(t)
	schema := compiledReportSchema(t)
	for name, x := range map[string]struct {
		of, old, fresh string
		bySchema       bool // the schema sees it, too
	}{
		"not JSON":                     {"good", "{", "[", true},
		"another format":               {"good", "report/v1", "report/v2", true},
		"a name twice":                 {"good", `"from": 1`, `"from": 1, "from": 1`, false},
		"a member is missing":          {"good", `"findings_total": 0,`, "", true},
		"a number is a text":           {"good", `"size": 17`, `"size": "17"`, true},
		"another size than signed":     {"good", `"size": 17`, `"size": 18`, false},
		"another root than signed":     {"good", `"root": "be`, `"root": "bf`, false},
		"another ledger than signed":   {"good", `"origin": "berkas.example/uji"`, `"origin": "berkas.example/lain"`, false},
		"no origin":                    {"good", `"origin": "berkas.example/uji"`, `"origin": ""`, true},
		"sound, with findings":         {"bad", `"valid": false`, `"valid": true`, false},
		"fewer findings than counted":  {"bad", `"findings_total": 3`, `"findings_total": 2`, false},
		"a finding that is not in sum": {"bad", `"signature-invalid": 1`, `"signature-missing": 1`, false},
		"a code with a space":          {"bad", `"log-forked": 1`, `"log forked": 1`, true},
		"a time that is none":          {"good", `"at": "2020-06-15T04:00:00Z"`, `"at": "yesterday"`, true},
		"a record's time that is none": {"good", `"recorded": "2020-06-15T03:00:09.000000Z"`, `"recorded": "x"`, true},
		"control signs":                {"bad", "key bawaslu/a", `key \u0007`, false},
		"long words":                   {"bad", "key bawaslu/a", strings.Repeat("a", 5000), true},
		"an agency that is none":       {"bad", `"agency": "bawaslu"`, `"agency": "Bawaslu RI"`, true},
		"null":                         {"good", `"held": [`, `"held": null, "old": [`, true},
		"a count is missing":           {"good", `"unread": 0`, `"other": 0`, true},
		"a negative count":             {"good", `"records": 17`, `"records": -1`, true},
	} {
		raw := golden[x.of]
		if !bytes.Contains(raw, []byte(x.old)) {
			t.Fatalf("%s: the report has no %s", name, x.old)
		}
		raw = bytes.Replace(raw, []byte(x.old), []byte(x.fresh), 1)
		if r, err := verify.ParseReport(raw); err == nil {
			t.Errorf("%s: read as %+v", name, r)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err == nil {
			err = schema.Validate(value)
		}
		if (err != nil) != x.bySchema {
			t.Errorf("%s: the schema says %v", name, err)
		}
	}
	if _, err := verify.ParseReport(make([]byte, verify.MaxReport+1)); err == nil {
		t.Error("a report without bound is read")
	}
}

// FuzzParseReport: whatever is read can be written and read again, and the
// published schema takes it.
func FuzzParseReport(f *testing.F) {
	schema := compiledReportSchema(f)
	for _, raw := range goldenReports(f) {
		f.Add(raw)
	}
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := verify.ParseReport(raw)
		if err != nil {
			return
		}
		again, err := json.Marshal(r, json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := verify.ParseReport(again); err != nil {
			t.Fatalf("written again it is not read: %v", err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Fatalf("read, and against the schema: %v", err)
		}
	})
}
