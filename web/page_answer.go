package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
)

// The frame of every page that answers a question in its address.

// filling asks for what a page shows. With an error of a question that cannot be
// answered yet it gives the page as far as it stands: its form, above all.
type filling func(ctx context.Context) (data any, err error)

// answer reads a page's address, leads to its tidy form, and shows what is asked
// for. What cannot be answered yet is said within the page, so that the form to
// ask otherwise is at hand; templates then have .Problem.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, v view, read func(url.Values) (filling, error)) error {
	values, changed, err := tidy(r.URL.RawQuery)
	if err != nil {
		return err
	}
	tidied := values.Encode()
	v.Latest = latestOf(r.URL.Path, values)
	fill, err := read(values)
	if err != nil {
		return err
	}
	if changed {
		lead(w, r, tidied)
		return nil
	}
	if s.Figures == nil && !v.Records {
		return errUnavailable
	}
	v.Data, err = fill(r.Context())
	return s.renderAnswer(w, r, v, err)
}

// renderAnswer writes a page, also one whose question cannot be answered yet.
func (s *Server) renderAnswer(w http.ResponseWriter, r *http.Request, v view, err error) error {
	if p := unsettled(err); p != nil {
		v.Problem, v.Status, err = p, p.Status, nil
		trailOf(r.Context()).code = p.Code
	}
	if err != nil {
		return err
	}
	return s.render(w, r, v)
}

// lead sends a reader to the tidy address of a page.
func lead(w http.ResponseWriter, r *http.Request, query string) {
	http.Redirect(w, r, (&url.URL{Path: r.URL.Path, RawQuery: query}).String(), http.StatusSeeOther)
}

// timesAsked are the parameters that say of when an answer is.
var timesAsked = []string{"as-of", "known-at", "since", thenAsOf, thenKnown, "page"}

// latestOf is the address of the same question without its times.
func latestOf(path string, values url.Values) string {
	changes := make([]string, 0, 2*len(timesAsked))
	for _, name := range timesAsked {
		changes = append(changes, name, "")
	}
	return addressWith(path, values, changes...)
}

// unsettled is the problem of a question that cannot be answered yet; nil for
// another.
func unsettled(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) && (p.Code == "not-settled" || p.Code == "nothing-recorded") {
		return p
	}
	return nil
}

// addressWith writes an address with parameters and changes to them: name and new
// value in turn, "" to leave one out.
func addressWith(path string, values url.Values, changes ...string) string {
	v := url.Values{}
	for name, list := range values {
		v[name] = slices.Clone(list)
	}
	for i := 0; i+1 < len(changes); i += 2 {
		if v.Del(changes[i]); changes[i+1] != "" {
			v.Set(changes[i], changes[i+1])
		}
	}
	return (&url.URL{Path: path, RawQuery: v.Encode()}).String()
}
