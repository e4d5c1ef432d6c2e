package ledger_test

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

// TestItems: seven items of ethics and twelve of discipline, numbered without a
// gap; the older catalogue says no family and is unsure throughout.
func TestItems(t *testing.T) {
	count := map[string]int{}
	codes := map[string]bool{}
	conflicts := []string{}
	for _, it := range ledger.Items {
		if codes[it.Code] || it.Act == "" {
			t.Errorf("item %+v is doubled or says nothing", it)
		}
		codes[it.Code] = true
		count[it.Catalogue+" "+it.Family]++
		switch it.Catalogue {
		case ledger.CatalogueSKB2022:
			if !regexp.MustCompile("^" + it.Family + "-[1-9][0-9]?$").MatchString(it.Code) {
				t.Errorf("item %s is of the family %s", it.Code, it.Family)
			}
			if it.Doubt != ledger.DoubtNone {
				conflicts = append(conflicts, it.Code+" "+string(it.Doubt))
			}
		default:
			if it.Doubt != ledger.DoubtUnsure {
				t.Errorf("item %s of %s: doubt %s", it.Code, it.Catalogue, it.Doubt)
			}
		}
	}
	want := map[string]int{"skb-2022 ethics": 7, "skb-2022 discipline": 12, "skb-2020 ": 8}
	if !maps.Equal(count, want) {
		t.Errorf("items %v, want %v", count, want)
	}
	for i := range 12 {
		if n := "discipline-" + string(rune('1'+i)); i < 9 && !codes[n] {
			t.Errorf("no item %s", n)
		}
	}
	if want := []string{"discipline-3 conflict", "discipline-8 conflict"}; !slices.Equal(conflicts, want) {
		t.Errorf("sources disagree on %v, want %v", conflicts, want)
	}
}

func TestMeasureTable(t *testing.T) {
	names := map[string]bool{}
	for i, m := range ledger.MeasureTable {
		if int(m.Measure) != i || ledger.Measure(i).String() != m.Name {
			t.Errorf("measure %d of the table is %d, %s", i, m.Measure, m.Name)
		}
		if names[m.Name] || m.English == "" || m.Indonesian == "" || !regexp.MustCompile(`^[a-z_]+$`).MatchString(m.Name) {
			t.Errorf("measure %+v is doubled or not defined", m)
		}
		names[m.Name] = true
	}
	if len(ledger.MeasureTable) != ledger.MeasureCount {
		t.Errorf("%d measures in the table, %d constants", len(ledger.MeasureTable), ledger.MeasureCount)
	}
	for _, m := range []ledger.Measure{-1, ledger.Measure(ledger.MeasureCount)} {
		if !strings.HasPrefix(m.String(), "measure(") {
			t.Errorf("measure %d is called %s", int(m), m)
		}
	}
}

func TestSanctionKinds(t *testing.T) {
	used := map[string]bool{}
	codes := map[string]bool{}
	for _, k := range ledger.SanctionKinds {
		if codes[k.Code] || !slices.Contains(ledger.Sanctions, k.Level) || k.Basis == "" {
			t.Errorf("sanction %+v is doubled, of no level or without basis", k)
		}
		codes[k.Code], used[k.Level] = true, true
	}
	for _, level := range ledger.Sanctions {
		if !used[level] {
			t.Errorf("no sanction of level %s", level)
		}
	}
}

// TestListsHoldEachOnce: the closed lists, and the constants that belong in
// them.
func TestListsHoldEachOnce(t *testing.T) {
	lists := map[string][]string{
		"offices": ledger.Offices, "classes": ledger.PositionClasses, "employments": ledger.Employments,
		"institutions": ledger.InstitutionKinds, "authorities": ledger.AuthorityKinds, "sanctions": ledger.Sanctions,
		"filters": ledger.Filters, "mandates": sortedStrings(ledger.Mandates), "stages": sortedStrings(ledger.Stages),
		"units": sortedStrings(ledger.Units),
	}
	sizes := map[string]int{
		"offices": 15, "classes": 8, "employments": 3, "institutions": 4, "authorities": 4, "sanctions": 6,
		"filters": 14, "mandates": 16, "stages": 16, "units": 4,
	}
	for name, list := range lists {
		sorted := slices.Sorted(slices.Values(list))
		if once := slices.Compact(slices.Clone(sorted)); len(once) != sizes[name] || len(sorted) != sizes[name] {
			t.Errorf("%s: %v, want %d different ones", name, list, sizes[name])
		}
	}
}

func TestKinds(t *testing.T) {
	types := map[string]bool{}
	for _, k := range ledger.Kinds {
		if types[k.Type()] {
			t.Errorf("%s stands twice", k.Type())
		}
		types[k.Type()] = true
		got, ok := ledger.LookupKind(k.Kind, k.Version)
		if !ok || got != k {
			t.Errorf("%s is looked up as %+v", k.Kind, got)
		}
		if want := "id.berkas." + string(k.Kind) + ".v1"; k.Type() != want {
			t.Errorf("type %s, want %s", k.Type(), want)
		}
		if want := "urn:berkas:schema:" + string(k.Kind) + ".v1"; k.Schema() != want {
			t.Errorf("schema %s, want %s", k.Schema(), want)
		}
		if (k.Party == ledger.PartyMandate) != (k.Mandate != "") || k.Mandate != "" && !slices.Contains(ledger.Mandates, k.Mandate) {
			t.Errorf("%s: party %d with the mandate %q", k.Kind, k.Party, k.Mandate)
		}
		if p, err := ledger.DecodePayload(k.Kind, 1, []byte("{}")); err != nil || p == nil {
			t.Errorf("%s has no payload: %v", k.Kind, err)
		}
	}
	for _, k := range []struct {
		kind    ledger.Kind
		version int
	}{{"case.praised", 1}, {ledger.CaseOpenedKind, 0}, {ledger.CaseOpenedKind, 2}, {"", 1}} {
		if _, ok := ledger.LookupKind(k.kind, k.version); ok {
			t.Errorf("%s.v%d is known", k.kind, k.version)
		}
		if p, err := ledger.DecodePayload(k.kind, k.version, []byte("{}")); err == nil {
			t.Errorf("%s.v%d has the payload %T", k.kind, k.version, p)
		}
	}
}

// TestPayloadsAreStrict: names are exact, and there are no others.
func TestPayloadsAreStrict(t *testing.T) {
	for _, data := range []string{
		`{"Result":"complete"}`, `{"result":"complete","x":1}`, `{"result":"complete","result":"complete"}`, `{"result":1}`,
		`{"result":"complete"} {}`, `[]`, `"x"`, ``, `{"result":"complete"`, `{"result":"\ud83d"}`,
	} {
		if p, err := ledger.DecodePayload(ledger.CompletenessCheckedKind, 1, []byte(data)); err == nil {
			t.Errorf("%s decodes to %+v", data, p)
		}
	}
	for _, data := range []string{`{"first":-1}`, `{"first":1.0}`, `{"first":1e3}`, `{"first":"1"}`, `{"first":18446744073709551616}`} {
		if p, err := ledger.DecodePayload(ledger.SubmissionRefusedKind, 1, []byte(data)); err == nil {
			t.Errorf("%s decodes to %+v", data, p)
		}
	}
}

// TestMemberNames: pointers keep the names of members of payloads, of attributes
// and of filters, and no others.
func TestMemberNames(t *testing.T) {
	names := map[string]bool{}
	for _, k := range ledger.Kinds {
		p, err := ledger.DecodePayload(k.Kind, k.Version, []byte("{}"))
		if err != nil {
			t.Fatal(err)
		}
		membersOf(reflect.TypeOf(p).Elem(), names)
	}
	for _, f := range ledger.Filters {
		names[f] = true
	}
	for _, a := range []string{
		"specversion", "id", "source", "type", "subject", "time", "dataschema", "datacontenttype", "ledger", "data",
		"caseversion", "correlationid", "causationid", "traceparent",
	} {
		names[a] = true
	}
	for name := range names {
		if p := "/data/" + name; ledger.SafePointer(p) != p {
			t.Errorf("the member %s is cut off", name)
		}
	}
	if want := ledger.KnownNames(); len(want) != len(names) {
		t.Errorf("%d names are known, %d are used", len(want), len(names))
	}
	for _, name := range []string{"siti", "Data", "data ", "", "1000", "00", "-1", "198001012005011001", "~1", "respondents~1"} {
		if got := ledger.SafePointer("/data/" + name + "/id"); got != "/data" {
			t.Errorf("a pointer with the name %q is cut to %q", name, got)
		}
	}
	for _, p := range []string{"", "/data/respondents/0/id", "/data/respondents/199", "/data/figures/0/filter/ppk-kind"} {
		if ledger.SafePointer(p) != p {
			t.Errorf("%q is cut to %q", p, ledger.SafePointer(p))
		}
	}
}

// membersOf collects the JSON names of a struct at every depth.
func membersOf(typ reflect.Type, names map[string]bool) {
	switch typ.Kind() {
	case reflect.Pointer, reflect.Slice:
		membersOf(typ.Elem(), names)
	case reflect.Struct:
		for i := range typ.NumField() {
			f := typ.Field(i)
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
				names[name] = true
			}
			membersOf(f.Type, names)
		}
	default:
	}
}
