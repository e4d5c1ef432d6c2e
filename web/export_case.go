package web

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"

	"github.com/berkas-ledger/berkas/exports"
	"github.com/berkas-ledger/berkas/ledger"
)

// A case on paper. What it says is what /v1/cases/{id} says, in words.

func (s *Server) getCasePaper(w http.ResponseWriter, r *http.Request) error {
	at, err := parseCasePoint(r.URL.RawQuery)
	if err != nil {
		return err
	}
	who, err := s.callerOf(r)
	if err != nil {
		return err
	}
	leave, err := s.exports.take(who, errExports) // a long case takes seconds of a processor
	if err != nil {
		return err
	}
	defer leave()
	a, err := s.caseAt(r.Context(), r.PathValue("id"), at, stepsAsked{})
	if err != nil {
		return err
	}
	paper, err := s.paperOf(r, &a)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := exports.WriteCase(&b, paper); err != nil {
		return err
	}
	w.Header().Set("Content-Type", pdfType)
	attach(w.Header(), "berkas-kasus.pdf")
	_, _ = w.Write(b.Bytes()) // whoever has gone gets nothing
	return nil
}

// paperAddress is that of a case's paper at the two times of its page.
func paperAddress(id string, at casePoint) string {
	q := question{Query: ledger.Query{Unit: ledger.UnitRespondent, AsOf: at.asOf}}
	if at.knownAt != 0 {
		q.Known = strconv.FormatUint(uint64(at.knownAt), 10)
	}
	return q.address(exportPath + "/cases/" + id)
}

func (s *Server) paperOf(r *http.Request, a *caseAnswer) (exports.Case, error) {
	l := langOf(r.Context())
	say := func(id, en string) string { return text{id, en}.in(l) }
	known, made := lastOf(a.Timeline)
	out := exports.Case{Lang: string(l), Demo: s.Demo, ID: a.Case, Made: made, Proof: s.proofOf(r, known)}
	out.Facts = []exports.Line{
		{Name: say("Dibuka", "Opened"), Text: l.moment(a.Opened)},
		{Name: say("Pemegang kasus", "Held by"), Text: word("agency", string(a.Holder)).in(l)},
		{Name: say("Dilihat oleh", "Seen by"), Text: agencyWords(l, a.SeenBy)},
		{Name: say("Jumlah catatan", "Records"), Text: l.number(len(a.Timeline))},
	}
	if a.AsOf != nil {
		out.Facts = append(out.Facts, exports.Line{Name: say("Yang terjadi sampai", "What had happened by"), Text: l.moment(*a.AsOf)})
	}
	if a.KnownAt != nil {
		out.Facts = append(out.Facts, exports.Line{Name: say("Yang tercatat sampai", "What was recorded by"), Text: say("posisi ", "position ") + strconv.FormatUint(*a.KnownAt, 10)})
	}
	if a.DuplicateOf != "" {
		out.Facts = append(out.Facts, exports.Line{Name: say("Duplikat dari", "Duplicate of"), Text: a.DuplicateOf})
	}
	for _, p := range a.Respondents {
		parts := []string{word("class", p.Class).in(l), regionWord(p.Institution).in(l), say("tahap: ", "stage: ") + word("stage", string(p.Stage)).in(l)}
		if p.Control != "" && p.Control != ledger.ControlNone {
			parts = append(parts, say("pengendalian: ", "control: ")+word("control", string(p.Control)).in(l))
		}
		out.Persons = append(out.Persons, exports.Line{Name: p.ID, Text: strings.Join(parts, "; ")})
	}
	for i := range a.Timeline {
		e, err := eventOnPaper(l, &a.Timeline[i])
		if err != nil {
			return out, err
		}
		out.Events = append(out.Events, e)
	}
	out.Commands = []string{
		"berkas bundle " + a.Case + " --out kasus.json",
		"berkas verify kasus.json --policy policy.txt",
	}
	if page := s.pageAddress(r, verifyPath); page != "" {
		out.Commands = append(out.Commands, say("atau di peramban: ", "or in a browser: ")+page)
	}
	return out, nil
}

// pageAddress is the address of a page of this server, "" if it does not know its name.
func (s *Server) pageAddress(r *http.Request, path string) string {
	if !hostForm.MatchString(r.Host) {
		return ""
	}
	if s.SecureCookies {
		return "https://" + r.Host + path
	}
	return "http://" + r.Host + path
}

func agencyWords(l lang, list []ledger.AgencyID) string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = word("agency", string(a)).in(l)
	}
	return strings.Join(out, ", ")
}

func eventOnPaper(l lang, s *stepAnswer) (exports.CaseEvent, error) {
	leaf, err := ledger.ParseHash(s.Leaf)
	out := exports.CaseEvent{
		Position: ledger.Position(s.Position), Kind: word("kind", string(s.Kind)).in(l), Agency: word("agency", string(s.Agency)).in(l),
		Happened: s.Happened, Recorded: s.Recorded, Late: s.Late, ID: s.Event, Leaf: leaf, Corrected: ledger.Position(s.Corrected), Void: s.Void,
	}
	for _, k := range s.Keys {
		out.Keys = append(out.Keys, string(k))
	}
	for _, f := range factsOf(s.Data) {
		name := f.Label.in(l)
		if f.Label.ID != f.Label.EN { // words, not the id of a respondent
			name = strings.ToUpper(name[:1]) + name[1:]
		}
		out.Notes = append(out.Notes, exports.Line{Name: shortened(name, 26), Text: shortened(f.Value.in(l), 2000)})
	}
	return out, err
}

// shortened cuts what a kind of the future may say at length.
func shortened(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "\u2026"
	}
	return s
}
