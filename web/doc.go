// Package web is the ledger's HTTP server: the door through which agencies
// submit without NATS, an API to read with, and pages for people. It is given
// functions and decides nothing about cases; what a rule says stands in ledger.
//
// # To add a page
//
// Put a template that defines "content" into templates, and register it with a
// function from the request to a view:
//
//	s.page("GET /worklist", needFigures, s.showWorklist)
//
//	func (s *Server) showWorklist(r *http.Request) (view, error) {
//		return view{Template: "worklist", Title: text{"Daftar kerja", "Work list"}, Data: ...}, nil
//	}
//
// The template is read with the language of the request: {{say "teks" "text"}},
// {{moment .At}}, {{day .Date}}, {{asset "berkas.css"}}. The layout, the demo
// mark, the choice of language and the headers come by themselves. Codes are shown
// in words: {{word "stage" .Stage}}, {{value "office" .Office}}, of the catalogue in
// page_words.go, and numbers as {{number .Value}}. What several pages show stands in
// templates/part_*.html: every number comes with {{template "asked" .Asked}}. Errors are
// returned: a *Problem shows itself, anything else is an internal error that is
// logged and not shown. There is no inline style or script: the policy of every
// answer forbids it.
//
// # To add an operation of the API
//
// Describe it and register it with a handler in the same file:
//
//	s.operation(operation{
//		Operation: huma.Operation{OperationID: "worklist", Method: "GET", Path: "/v1/worklist", Summary: "..."},
//		Needs:     needFigures,
//		Answers:   map[int]any{200: worklistAnswer{}},
//	}, s.getWorklist)
//
//	func (s *Server) getWorklist(w http.ResponseWriter, r *http.Request) error
//
// Give its parameters and its body examples, with which TestExamples asks the
// running server, and write schemas/openapi.json anew: go test ./web -run
// TestOpenAPI -update (and before that, if submissions in examples change,
// -run TestExamples -update). Errors are returned, as by pages.
package web
