package schemas_test

import (
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/schemas"
)

func newValidator(t testing.TB) *schemas.Validator {
	t.Helper()
	v, err := schemas.New()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func accepted(t testing.TB, k ledger.KindInfo, n int) []byte {
	t.Helper()
	raw, err := schemas.Example(k.Kind, k.Version, n)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func refused(t testing.TB, k ledger.KindInfo) []schemas.RefusedExample {
	t.Helper()
	out, err := schemas.RefusedExamples(k.Kind, k.Version)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestAcceptedExamples: both fit, differ, decode into the kind's struct, and the
// struct writes the same value again.
func TestAcceptedExamples(t *testing.T) {
	v := newValidator(t)
	for _, k := range ledger.Kinds {
		var values [2]any
		for n := range values {
			data := accepted(t, k, n+1)
			if r := v.Refusal(k.Kind, k.Version, data); r != nil {
				t.Errorf("%s accepted-%d: %v", k.Kind, n+1, r)
			}
			p, err := ledger.DecodePayload(k.Kind, k.Version, data)
			if err != nil {
				t.Errorf("%s accepted-%d: %v", k.Kind, n+1, err)
				continue
			}
			again, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			values[n] = jsonValue(t, data)
			if !reflect.DeepEqual(values[n], jsonValue(t, again)) {
				t.Errorf("%s accepted-%d becomes %s", k.Kind, n+1, again)
			}
		}
		if reflect.DeepEqual(values[0], values[1]) {
			t.Errorf("%s: the accepted examples are the same", k.Kind)
		}
	}
}

// TestAcceptedExamplesInAnEvent: in the event that examples/README.md names, the
// ledger finds no direct identifier in clear and every sealed value in its place.
func TestAcceptedExamplesInAnEvent(t *testing.T) {
	for _, k := range ledger.Kinds {
		for n := 1; n <= 2; n++ {
			subject := "contoh"
			if k.Stream == ledger.StreamCase {
				subject = "01930a2c-7c00-7000-8000-0000000000c1"
			}
			e, bad := ledger.Decode(fmt.Appendf(nil, `{"specversion":"1.0","id":"01930a2c-7c00-7000-8000-0000000000e1","source":"/agencies/bawaslu",
				"type":%q,"subject":%q,"time":"2020-10-03T09:00:00+07:00","dataschema":%q,"datacontenttype":"application/json",
				"ledger":"berkas.example/pilkada-2020","data":%s}`, k.Type(), subject, k.Schema(), accepted(t, k, n)))
			if bad == nil {
				bad = ledger.CheckSealed(e)
			}
			if bad != nil {
				t.Errorf("%s accepted-%d: %v", k.Kind, n, bad)
			}
		}
	}
}

func TestRefusedExamples(t *testing.T) {
	v := newValidator(t)
	for _, k := range ledger.Kinds {
		examples := refused(t, k)
		if len(examples) < 4 {
			t.Errorf("%s has %d refused examples, at least 4", k.Kind, len(examples))
		}
		for _, x := range examples {
			found := v.Validate(k.Kind, k.Version, x.Data)
			if len(found) == 0 {
				t.Errorf("%s %s is accepted", k.Kind, x.Name)
			}
			for _, p := range found {
				if p.Pointer != x.Pointer {
					t.Errorf("%s %s: %s at %q, want only %q", k.Kind, x.Name, p.Keyword, p.Pointer, x.Pointer)
				}
			}
			if x.Why == "" {
				t.Errorf("%s %s does not say why", k.Kind, x.Name)
			}
		}
	}
}

func TestExampleUnknown(t *testing.T) {
	for _, err := range []error{
		errOf(schemas.Example("case.dreamt", 1, 1)), errOf(schemas.Example(ledger.CaseOpenedKind, 2, 1)),
		errOf(schemas.Example(ledger.CaseOpenedKind, 1, 3)), errOf(schemas.RefusedExamples("case.dreamt", 1)),
		errOf(schemas.File("case.dreamt.v1")), errOf(schemas.File("examples/case.opened.v1/accepted-1")),
		errOf(schemas.File("")), errOf(schemas.File("../go")),
	} {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("error %v does not wrap fs.ErrNotExist", err)
		}
	}
}

func errOf[T any](_ T, err error) error { return err }

func TestNames(t *testing.T) {
	want := []string{"common.v1"}
	for _, k := range ledger.Kinds {
		want = append(want, strings.TrimPrefix(k.Schema(), "urn:berkas:schema:"))
	}
	slices.Sort(want)
	if got := schemas.Names(); !slices.Equal(got, want) {
		t.Errorf("files are %v, want %v", got, want)
	}
	for _, n := range want {
		raw, err := schemas.File(n)
		if err != nil || !strings.Contains(string(raw), `"$id": "urn:berkas:schema:`+n+`"`) {
			t.Errorf("file of %s has not its $id: %v", n, err)
		}
	}
}

func TestValidate(t *testing.T) {
	v := newValidator(t)
	type problem = schemas.Problem
	tests := []struct {
		name    string
		kind    ledger.Kind
		version int
		data    string
		want    []problem
	}{
		{"fits", ledger.CaseRegisteredKind, 1, `{"register":"1"}`, nil},
		{"unknown kind", "case.dreamt", 1, `{}`, []problem{{"", "unknown"}}},
		{"unknown version", ledger.CaseRegisteredKind, 2, `{"register":"1"}`, []problem{{"", "unknown"}}},
		{"nothing", ledger.ExaminationBegunKind, 1, ``, []problem{{"", "json"}}},
		{"cut", ledger.ExaminationBegunKind, 1, `{`, []problem{{"", "json"}}},
		{"two values", ledger.ExaminationBegunKind, 1, `{}{}`, []problem{{"", "json"}}},
		{"member twice", ledger.CaseRegisteredKind, 1, `{"register":"1","register":"2"}`, []problem{{"", "json"}}},
		{"not UTF-8", ledger.CaseRegisteredKind, 1, "{\"register\":\"\xff\"}", []problem{{"", "json"}}},
		{"not an object", ledger.ExaminationBegunKind, 1, `[]`, []problem{{"", "type"}}},
		{"null", ledger.ExaminationBegunKind, 1, `null`, []problem{{"", "type"}}},
		{"line break at the end", ledger.CaseRegisteredKind, 1, `{"register":"1\n"}`, []problem{{"/register", "pattern"}}},
		{"other spelling of the name", ledger.CaseRegisteredKind, 1, `{"Register":"1"}`, []problem{{"", "additionalProperties"}, {"/register", "required"}}},
		{
			"several", ledger.CaseForwardedKind, 1, `{"to":"","letter":{"date":"x"},"respondents":["r0"]}`,
			[]problem{{"/letter/date", "format"}, {"/letter/number", "required"}, {"/respondents/0", "pattern"}, {"/to", "pattern"}},
		},
		{
			"both reasons at one place", ledger.MandateGrantedKind, 1, `{"grant":{"agency":"a","mandate":"intake","scope":"all","basis":"x","doubt":"none","predecessor":"A"}}`,
			[]problem{{"/grant/predecessor", "false"}, {"/grant/predecessor", "pattern"}},
		},
		{
			"twice by the same keyword", ledger.PPKAdmonishedKind, 1, `{"letter":{"number":"1","date":"2020-10-27"},"appointing_authority":{"kind":"mayor","region":"x"},"recommendation":{"agency":"kasn","number":"1"}}`,
			[]problem{{"/appointing_authority/region", "pattern"}},
		},
		{"number that is no integer", ledger.HolidaysPublishedKind, 1, `{"year":2020.0,"days":["2020-01-01"],"basis":"x"}`, []problem{{"/year", "type"}}},
		{"number with exponent", ledger.HolidaysPublishedKind, 1, `{"year":2020e0,"days":["2020-01-01"],"basis":"x"}`, []problem{{"/year", "type"}}},
		{"number beyond all bounds", ledger.HolidaysPublishedKind, 1, `{"year":1e999999,"days":["2020-01-01"],"basis":"x"}`, []problem{{"/year", "type"}}},
		{"minus zero", ledger.HolidaysPublishedKind, 1, `{"year":-0,"days":["2020-01-01"],"basis":"x"}`, []problem{{"/year", "type"}}},
	}
	for _, tt := range tests {
		if got := v.Validate(tt.kind, tt.version, []byte(tt.data)); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestRefusal(t *testing.T) {
	v := newValidator(t)
	if r := v.Refusal(ledger.CaseRegisteredKind, 1, []byte(`{"register":"1"}`)); r != nil {
		t.Errorf("data that fits: %v", r)
	}
	if r := v.Refusal("case.dreamt", 1, []byte(`{}`)); r == nil || r.Code != ledger.CodeUnknownKind {
		t.Errorf("unknown kind: %v", r)
	}
	if r := v.Refusal(ledger.CaseRegisteredKind, 1, []byte(`{`)); r == nil || r.Code != ledger.CodeSchema || !slices.Equal(r.Pointers, []string{"/data"}) {
		t.Errorf("not JSON: %v", r)
	}
	r := v.Refusal(ledger.MandateGrantedKind, 1, []byte(`{"grant":{"agency":"Contoh","mandate":"intake","scope":"all","doubt":"none","predecessor":"Rekaan"}}`))
	if r == nil || r.Code != ledger.CodeSchema {
		t.Fatalf("got %v", r)
	}
	if want := []string{"/data/grant/agency", "/data/grant/basis", "/data/grant/predecessor"}; !slices.Equal(r.Pointers, want) {
		t.Errorf("pointers %v, want %v", r.Pointers, want)
	}
	if want := "mandate.granted.v1: pattern at /data/grant/agency; required at /data/grant/basis; false at /data/grant/predecessor; pattern at /data/grant/predecessor"; r.Detail != want {
		t.Errorf("detail %q, want %q", r.Detail, want)
	}
}

// TestRefusalsFitTheirSchema: what the validator says about any example can be
// recorded as submission.refused.
func TestRefusalsFitTheirSchema(t *testing.T) {
	v := newValidator(t)
	for _, k := range ledger.Kinds {
		for _, x := range refused(t, k) {
			r := v.Refusal(k.Kind, k.Version, x.Data)
			data, err := json.Marshal(ledger.SubmissionRefused{
				Agency: "bawaslu", Reason: r.Code, Pointers: r.Pointers, Digest: strings.Repeat("0", 64),
			})
			if err != nil {
				t.Fatal(err)
			}
			if bad := v.Refusal(ledger.SubmissionRefusedKind, 1, data); bad != nil {
				t.Errorf("%s %s: the refusal itself is refused: %v", k.Kind, x.Name, bad)
			}
		}
	}
}

func TestProblemsAreBounded(t *testing.T) {
	v := newValidator(t)
	data := `{"respondents":[` + strings.Repeat(`"Contoh",`, 4000) + `"Contoh"]}`
	if got := v.Validate(ledger.ExaminationBegunKind, 1, []byte(data)); len(got) != ledger.MaxPointers {
		t.Errorf("%d problems, want %d", len(got), ledger.MaxPointers)
	}
}

func TestConcurrentUse(t *testing.T) {
	v := newValidator(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, k := range ledger.Kinds {
				if r := v.Refusal(k.Kind, k.Version, accepted(t, k, 2)); r != nil {
					t.Errorf("%s: %v", k.Kind, r)
				}
				for _, x := range refused(t, k) {
					if got := v.Validate(k.Kind, k.Version, x.Data); len(got) == 0 || got[0].Pointer != x.Pointer {
						t.Errorf("%s %s: got %v", k.Kind, x.Name, got)
					}
				}
			}
		})
	}
	wg.Wait()
}

func jsonValue(t testing.TB, data []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}
