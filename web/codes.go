package web

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/schemas"
)

// KindCode is a kind of event in the table of codes.
type KindCode struct {
	Kind    ledger.Kind    `json:"kind"`
	Version int            `json:"version"`
	Type    string         `json:"type"`
	Schema  string         `json:"schema"`
	Mandate ledger.Mandate `json:"mandate,omitempty"`
}

// Codes lists the closed vocabularies by name; the agencies are those of a
// ledger's roster.
func Codes(agencies []ledger.AgencyID) map[string]any {
	kinds := make([]KindCode, len(ledger.Kinds))
	for i, k := range ledger.Kinds {
		kinds[i] = KindCode{k.Kind, k.Version, k.Type(), k.Schema(), k.Mandate}
	}
	return map[string]any{
		"agencies":  agencies,
		"provinces": ledger.Provinces(),
		"regencies": ledger.Regencies(),
		"items":     ledger.Items,
		"classes":   ledger.PositionClasses,
		"offices":   ledger.Offices,
		"sanctions": ledger.SanctionKinds,
		"mandates":  ledger.Mandates,
		"stages":    ledger.Stages,
		"measures":  ledger.MeasureTable,
		"filters":   ledger.Filters,
		"kinds":     kinds,
		"reasons":   ledger.Reasons(),
	}
}

// schemaEntry is a schema in the list of them.
type schemaEntry struct {
	Name string `json:"name" doc:"Kind and version, or common"`
	ID   string `json:"id" doc:"The schema's $id, as dataschema names it"`
	Href string `json:"href"`
}

type schemaList struct {
	Schemas []schemaEntry `json:"schemas"`
}

func (s *Server) describeContract() {
	kept := "What there is; it has an ETag and may be kept as long as that is the same"
	s.operation(operation{
		Operation: huma.Operation{
			OperationID: "codes", Method: http.MethodGet, Path: "/v1/codes", Tags: []string{"contract"},
			Summary: "All closed vocabularies, by name",
		},
		Answers: map[int]answerKind{200: {Says: kept, Body: map[string]any{}}},
	}, s.getCodes)
	s.operation(operation{
		Operation: huma.Operation{
			OperationID: "codes-table", Method: http.MethodGet, Path: "/v1/codes/{table}", Tags: []string{"contract"},
			Summary:    "One closed vocabulary: reasons, measures, kinds, items, ...",
			Parameters: []*huma.Param{inPath("table", "A name of /v1/codes", "reasons")},
		},
		Answers: map[int]answerKind{200: {Says: kept, Body: []any{}}},
	}, s.getCodes)
	s.operation(operation{
		Operation: huma.Operation{
			OperationID: "schemas", Method: http.MethodGet, Path: "/v1/schemas", Tags: []string{"contract"},
			Summary: "The JSON Schemas of events' data",
		},
		Answers: map[int]answerKind{200: {Says: kept, Body: schemaList{}}},
	}, s.getSchemas)
	s.operation(operation{
		Operation: huma.Operation{
			OperationID: "schema", Method: http.MethodGet, Path: "/v1/schemas/{kind}", Tags: []string{"contract"},
			Summary:    "The JSON Schema (2020-12) of one kind and version",
			Parameters: []*huma.Param{inPath("kind", "A name of /v1/schemas", "case.opened.v1")},
		},
		Answers: map[int]answerKind{200: {Says: kept, Media: "application/schema+json", Body: map[string]any{}}},
	}, s.getSchema)
	s.serve("GET /openapi.json", needNothing, s.serveOpenAPI)
}

// getCodes gives one table, or all.
func (s *Server) getCodes(w http.ResponseWriter, r *http.Request) error {
	var agencies []ledger.AgencyID
	for _, i := range s.Roster().Institutions() {
		agencies = append(agencies, i.ID)
	}
	tables := Codes(agencies)
	var out any = tables
	if name := r.PathValue("table"); name != "" {
		table, ok := tables[name]
		if !ok {
			return problem(http.StatusNotFound, "no-such-table", text{
				"Tidak ada tabel kode bernama itu; lihat /v1/codes.",
				"There is no table of that name; see /v1/codes. There are " + joined(slices.Sorted(maps.Keys(tables))) + ".",
			})
		}
		out = table
	}
	body, err := json.Marshal(out)
	if err != nil {
		return err
	}
	s.content(w, r, "application/json", tagOf(body), body)
	return nil
}

func (s *Server) getSchemas(w http.ResponseWriter, r *http.Request) error {
	var out schemaList
	for _, n := range schemas.Names() {
		out.Schemas = append(out.Schemas, schemaEntry{n, "urn:berkas:schema:" + n, "/v1/schemas/" + n})
	}
	body, err := json.Marshal(out)
	if err != nil {
		return err
	}
	s.content(w, r, "application/json", tagOf(body), body)
	return nil
}

func (s *Server) getSchema(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("kind")
	if !slices.Contains(schemas.Names(), name) {
		return errNoSchema
	}
	body, err := schemas.File(name)
	if errors.Is(err, fs.ErrNotExist) {
		return errNoSchema
	}
	if err != nil {
		return err
	}
	s.content(w, r, "application/schema+json", tagOf(body), body)
	return nil
}

var errNoSchema = problem(http.StatusNotFound, "no-such-schema", text{"Tidak ada skema bernama itu; lihat /v1/schemas.", "There is no schema of that name; see /v1/schemas."})

// tagOf names bytes for ETag.
func tagOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:16])
}
