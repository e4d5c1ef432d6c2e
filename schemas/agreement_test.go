package schemas_test

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/berkas-ledger/berkas/ledger"
)

// TestStructsAgree: each payload struct and its schema name the same members at
// every depth, of the same types, and agree on which may be absent.
func TestStructsAgree(t *testing.T) {
	for _, k := range ledger.Kinds {
		p, err := ledger.DecodePayload(k.Kind, k.Version, accepted(t, k, 1))
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(k.Schema(), "urn:berkas:schema:")
		a := agreement{t: t, root: readSchema(t, name)}
		a.compare(reflect.TypeOf(p).Elem(), a.root, name)
	}
}

// agreement walks one schema; root is the file that local references mean.
type agreement struct {
	t    *testing.T
	root node
}

// resolve follows references; rules beside a reference do not occur.
func (a agreement) resolve(n node) (agreement, node) {
	for {
		ref, ok := n["$ref"].(string)
		if !ok {
			return a, n
		}
		file, def, _ := strings.Cut(ref, "#/$defs/")
		if file != "" {
			a.root = readSchema(a.t, strings.TrimPrefix(file, "urn:berkas:schema:"))
		}
		n = a.root["$defs"].(node)[def].(node)
	}
}

func (a agreement) compare(typ reflect.Type, n node, at string) {
	a, n = a.resolve(n)
	if typ == reflect.TypeFor[jsontext.Value]() {
		a.want(n, at, "object") // any payload; see TestReplacementsFitTheirKind
		return
	}
	switch typ.Kind() {
	case reflect.Pointer:
		a.compare(typ.Elem(), n, at)
	case reflect.Struct:
		a.object(typ, n, at)
	case reflect.Map:
		a.want(n, at, "object")
		a.filters(n, at)
	case reflect.Slice:
		a.want(n, at, "array")
		a.compare(typ.Elem(), n["items"].(node), at+"/items")
	case reflect.String:
		a.want(n, at, "string")
	case reflect.Bool:
		a.want(n, at, "boolean")
	case reflect.Int, reflect.Uint64:
		a.want(n, at, "integer")
	default:
		a.t.Errorf("%s: payloads have no %s", at, typ.Kind())
	}
}

func (a agreement) want(n node, at, typ string) {
	if n["type"] != typ {
		a.t.Errorf("%s has type %v, the struct says %s", at, n["type"], typ)
	}
}

func (a agreement) object(typ reflect.Type, n node, at string) {
	a.want(n, at, "object")
	props, _ := n["properties"].(node)
	required, _ := n["required"].([]any)
	seen := map[string]bool{}
	for _, f := range reflect.VisibleFields(typ) {
		if f.Anonymous || !f.IsExported() {
			continue // its fields are visible themselves; or it is no member
		}
		name, option, _ := strings.Cut(f.Tag.Get("json"), ",")
		seen[name] = true
		child, ok := props[name].(node)
		if !ok {
			a.t.Errorf("%s: the schema has no member %q of %s.%s", at, name, typ, f.Name)
			continue
		}
		if optional := option == "omitempty" || option == "omitzero"; optional == slices.Contains(required, any(name)) {
			a.t.Errorf("%s/%s: the schema requires it: %v; the struct may leave it out: %v", at, name, !optional, optional)
		}
		a.compare(f.Type, child, at+"/"+name)
	}
	for name := range props {
		if !seen[name] {
			a.t.Errorf("%s: %s has no member %q of the schema", at, typ, name)
		}
	}
}

// filters: the only map of payloads is the filter of a figure.
func (a agreement) filters(n node, at string) {
	props, _ := n["properties"].(node)
	for _, name := range ledger.Filters {
		if _, ok := props[name]; !ok {
			a.t.Errorf("%s: the schema has no filter %q", at, name)
		}
	}
	if len(props) != len(ledger.Filters) {
		a.t.Errorf("%s: the schema has %d filters, the ledger %d", at, len(props), len(ledger.Filters))
	}
}

func words[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

func itemsOf(catalogue string) []string {
	var out []string
	for _, i := range ledger.Items {
		if catalogue == "" || i.Catalogue == catalogue {
			out = append(out, i.Code)
		}
	}
	return out
}

// sanctionsOf lists the kinds of a level; of all with "".
func sanctionsOf(level string) []string {
	var out []string
	for _, k := range ledger.SanctionKinds {
		if level == "" || k.Level == level {
			out = append(out, k.Code)
		}
	}
	return out
}

// TestVocabulariesAgree: enumerations are those of package ledger, in its order.
func TestVocabulariesAgree(t *testing.T) {
	var codes, measures []string
	for _, r := range ledger.Reasons() {
		codes = append(codes, string(r.Code))
	}
	for _, m := range ledger.MeasureTable {
		measures = append(measures, m.Name)
	}
	const (
		none = ""
		defs = "$defs/"
	)
	tests := []struct {
		schema, at string
		want       []string
	}{
		{"common.v1", defs + "mandate", words(ledger.Mandates)},
		{"common.v1", defs + "scope", words([]ledger.Scope{ledger.ScopeAll, ledger.ScopeOwnRecommendations, ledger.ScopePredecessor, ledger.ScopeNotPredecessor})},
		{"common.v1", defs + "doubt", words([]ledger.Doubt{ledger.DoubtNone, ledger.DoubtUnsure, ledger.DoubtConflict})},
		{"common.v1", defs + "unit", words(ledger.Units)},
		{"common.v1", defs + "office", ledger.Offices},
		{"common.v1", defs + "class", ledger.PositionClasses},
		{"common.v1", defs + "employment", ledger.Employments},
		{"common.v1", defs + "institution/properties/kind", ledger.InstitutionKinds},
		{"common.v1", defs + "authority/properties/kind", ledger.AuthorityKinds},
		{"common.v1", defs + "catalogue", []string{ledger.CatalogueSKB2020, ledger.CatalogueSKB2022}},
		{"common.v1", defs + "item", itemsOf(none)},
		{"common.v1", defs + "items_2020/items", itemsOf(ledger.CatalogueSKB2020)},
		{"common.v1", defs + "items_2022/items", itemsOf(ledger.CatalogueSKB2022)},
		{"common.v1", defs + "family", []string{ledger.FamilyEthics, ledger.FamilyDiscipline}},
		{"common.v1", defs + "sanction", ledger.Sanctions},
		{"common.v1", defs + "sanction_kind", sanctionsOf(none)},
		{"common.v1", defs + "participant_kind", []string{ledger.KindInstitution, ledger.KindService}},
		{"case.opened.v1", "properties/channel", []string{ledger.ChannelOffice, ledger.ChannelSharedSystem}},
		{"case.opened.v1", "properties/origin", []string{ledger.OriginReport, ledger.OriginFinding}},
		{"verification.concluded.v1", "properties/result", []string{ledger.OutcomeAccepted, ledger.OutcomeRejected}},
		{"case.assessed.v1", defs + "respondent/properties/outcome", []string{ledger.OutcomeViolation, ledger.OutcomeNotAViolation}},
		{"case.clarified.v1", defs + "respondent/properties/outcome", []string{ledger.OutcomePending, ledger.OutcomeProven, ledger.OutcomeNotProven, ledger.OutcomeIncomplete}},
		{"decision.recorded.v1", defs + "respondent/properties/outcome", []string{ledger.OutcomeSanctioned, ledger.OutcomeNotProven}},
		{"remedy.filed.v1", "properties/remedy", ledger.Remedies},
		{"remedy.decided.v1", "properties/remedy", ledger.Remedies},
		{"remedy.decided.v1", defs + "respondent/properties/outcome", ledger.RemedyOutcomes},
		{"case.linked.v1", "properties/link", []string{ledger.LinkDuplicate, ledger.LinkRelated}},
		{"event.corrected.v1", "properties/action", []string{ledger.ActionVoid, ledger.ActionReplace}},
		{"event.corrected.v1", "properties/kind", correctable()},
		{"key.added.v1", "properties/role", []string{ledger.RoleEvent, ledger.RoleRoot}},
		{"submission.refused.v1", "properties/reason", codes},
		{"regime.published.v1", defs + "milestone", words(ledger.Milestones)},
		{"figures.published.v1", defs + "filter/properties/origin", []string{ledger.OriginFinding, ledger.OriginReport}},
		{"figures.published.v1", defs + "filter/properties/ppk-kind", ledger.AuthorityKinds},
		{"figures.published.v1", defs + "filter/properties/institution-kind", ledger.InstitutionKinds},
	}
	for _, tt := range tests {
		n := readSchema(t, tt.schema)
		for _, step := range strings.Split(tt.at, "/") {
			n, _ = n[step].(node)
		}
		if got := enumOf(n); !slices.Equal(got, tt.want) {
			t.Errorf("%s %s: schema %q, ledger %q", tt.schema, tt.at, got, tt.want)
		}
	}
	all := "(" + strings.Join(measures, "|") + ")"
	want := fmt.Sprintf(`^%s(\+%s){0,3}$`, all, all)
	if got := readSchema(t, "common.v1")["$defs"].(node)["measure"].(node)["pattern"]; got != want {
		t.Errorf("pattern of measures: schema %q, ledger %q", got, want)
	}
}

func enumOf(n node) []string {
	list, _ := n["enum"].([]any)
	out := make([]string, len(list))
	for i, v := range list {
		out[i], _ = v.(string)
	}
	return out
}

func correctable() []string {
	var out []string
	for _, k := range ledger.Kinds {
		if ledger.Correctable(k.Kind, k.Version) {
			out = append(out, string(k.Kind))
		}
	}
	return out
}

// TestReplacementsFitTheirKind: what replaces an event is held to the schema of
// the event's kind, at places below /data.
func TestReplacementsFitTheirKind(t *testing.T) {
	v := newValidator(t)
	for _, k := range ledger.Kinds {
		correction := func(data []byte) []byte {
			return fmt.Appendf(nil, `{"event":"01930a2c-7c00-7000-8000-0000000000e0","kind":%q,"version":%d,"action":"replace","reason":"wrong-data","data":%s}`,
				k.Kind, k.Version, data)
		}
		if !ledger.Correctable(k.Kind, k.Version) {
			if v.Validate(ledger.EventCorrectedKind, 1, correction(accepted(t, k, 1))) == nil {
				t.Errorf("%s can be corrected", k.Kind)
			}
			continue
		}
		for n := 1; n <= 2; n++ {
			data := correction(accepted(t, k, n))
			if found := v.Validate(ledger.EventCorrectedKind, 1, data); found != nil {
				t.Errorf("%s accepted-%d as a replacement: %v", k.Kind, n, found)
			}
			p, err := ledger.DecodePayload(ledger.EventCorrectedKind, 1, data)
			if err != nil || p.(*ledger.EventCorrected).Replacement() == nil {
				t.Errorf("%s accepted-%d as a replacement does not decode: %v", k.Kind, n, err)
			}
		}
		for _, x := range refused(t, k) {
			found := v.Validate(ledger.EventCorrectedKind, 1, correction(x.Data))
			if len(found) == 0 {
				t.Errorf("%s %s is taken as a replacement", k.Kind, x.Name)
			}
			for _, p := range found {
				if p.Pointer != "/data"+x.Pointer {
					t.Errorf("%s %s as a replacement: %s at %q", k.Kind, x.Name, p.Keyword, p.Pointer)
				}
			}
		}
	}
}

// TestSanctionRules: decision.recorded allows under each level the kinds of that
// level and no other, and the moral levels with ethics only.
func TestSanctionRules(t *testing.T) {
	v := newValidator(t)
	moral := regexp.MustCompile(`^moral-`)
	for _, family := range []string{ledger.FamilyEthics, ledger.FamilyDiscipline} {
		for _, level := range ledger.Sanctions {
			for _, kind := range ledger.SanctionKinds {
				data := fmt.Sprintf(`{"decree":{"number":"CONTOH-1","date":"2020-10-01"},"respondents":[
					{"id":"r1","outcome":"sanctioned","family":%q,"level":%q,"kind":%q}]}`, family, level, kind.Code)
				want := kind.Level == level && moral.MatchString(level) == (family == ledger.FamilyEthics)
				if got := v.Validate(ledger.DecisionRecordedKind, 1, []byte(data)); (got == nil) != want {
					t.Errorf("%s %s %s: accepted %v, want %v", family, level, kind.Code, got == nil, want)
				}
			}
		}
	}
}
