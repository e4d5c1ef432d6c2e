package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/berkas-ledger/berkas/projections"
)

// Calendars of deadlines, to download and to subscribe to.

const calendarPath = "/v1/worklist.ics"

func (s *Server) describeCalendars() {
	answers := map[int]answerKind{200: {Says: "The calendar (RFC 5545)", Media: "text/calendar", Body: ""}}
	s.operation(operation{
		Operation: huma.Operation{
			OperationID: "worklistCalendar", Method: http.MethodGet, Path: calendarPath, Tags: []string{"read"},
			Summary: "The work list as a calendar to download",
			Description: "An entry for the whole of each due day in Jakarta, with a UID that stays when the day moves. It names cases by their ids, and no person, " +
				"institution or place. With all=true what is over is in it as cancelled; at most 5000 entries, what is overdue first.",
			Parameters: workParams(),
		},
		Needs: needCases, Answers: answers,
	}, s.getWorklistCalendar)
	s.operation(operation{
		Operation: huma.Operation{
			OperationID: "calendar", Method: http.MethodGet, Path: "/v1/calendars/{token}", Tags: []string{"read"},
			Summary: "The latest work list as a calendar to subscribe to",
			Description: "Calendar programs take only an address, so the credential is part of it: a token of role calendar, which opens nothing else. " +
				"What is done is gone from the next answer. Programs are asked to come again every six hours.",
			Parameters: []*huma.Param{inPath("token", "A token that 'berkas tokens new --role calendar' made", "berkas-contoh")},
		},
		Needs: needNothing, Answers: answers,
	}, s.getCalendar)
}

func (s *Server) getWorklistCalendar(w http.ResponseWriter, r *http.Request) error {
	q, err := parseWork(r.URL.RawQuery)
	if err != nil {
		return err
	}
	if q.Query.Offset > 0 {
		return badQuery("offset", "a calendar has no pages")
	}
	q.Query.Limit = maxListedWork
	name := "berkas-tenggat"
	if q.Query.Agency != "" {
		name += "-" + string(q.Query.Agency) // letters, digits and dashes
	}
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`.ics"`)
	return s.sendCalendar(w, r, q)
}

// getCalendar serves whoever knows the address. The log has its pattern only.
func (s *Server) getCalendar(w http.ResponseWriter, r *http.Request) error {
	if _, err := parseValues(r.URL.RawQuery, "lang"); err != nil {
		return err
	}
	q := workRequest{Query: projections.WorkQuery{Limit: maxListedWork}}
	if !s.Open {
		t, ok := s.Tokens.find(r.PathValue("token"))
		if !ok {
			return errNotFound // there is no such address
		}
		trailOf(r.Context()).caller = caller{token: t}.String()
		if t.Reader != ReaderCalendar {
			return errTooMuch
		}
		q.Query.Agency = t.Agency
	}
	return s.sendCalendar(w, r, q)
}

func (s *Server) sendCalendar(w http.ResponseWriter, r *http.Request, q workRequest) error {
	list, err := s.dated(r.Context(), q)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", keepPrivate) // ids of cases
	body := []byte(Calendar(list, langOf(r.Context()) == english))
	s.content(w, r, calendarMedia, tagOf(body), body)
	return nil
}

// dated answers a question about what has a due day.
func (s *Server) dated(ctx context.Context, q workRequest) (projections.WorkList, error) {
	if f := &q.Query.Filter; !f.Undated && f.DueFrom == "" {
		f.DueFrom = "0001-01-01" // whatever has a day
	}
	return s.work(ctx, q)
}
