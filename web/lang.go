package web

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// lang is a language of the pages.
type lang string

const (
	indonesian lang = "id"
	english    lang = "en"
)

// text is a sentence in both languages.
type text struct{ ID, EN string }

func (t text) in(l lang) string {
	if l == english {
		return t.EN
	}
	return t.ID
}

const langCookie = "bahasa"

type langKey struct{}

func langOf(ctx context.Context) lang {
	if l, ok := ctx.Value(langKey{}).(lang); ok {
		return l
	}
	return indonesian
}

// chooseLang takes ?lang=, which is remembered, then the cookie. Browsers' own
// preferences are not asked: two officials who compare a page see the same one.
func chooseLang(next http.Handler, secure bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		chosen := indonesian
		if c, err := r.Cookie(langCookie); err == nil && lang(c.Value) == english {
			chosen = english
		}
		if r.URL.RawQuery != "" && r.Method == http.MethodGet {
			if asked := lang(r.URL.Query().Get("lang")); asked == indonesian || asked == english {
				chosen = asked
				http.SetCookie(w, &http.Cookie{
					Name: langCookie, Value: string(chosen), Path: "/", MaxAge: 365 * 24 * 3600,
					HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
				})
			}
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), langKey{}, chosen)))
	})
}

// months: Go's packages for languages have no dates.
var months = map[lang][12]string{
	indonesian: {"Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September", "Oktober", "November", "Desember"},
	english:    {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
}

func (l lang) dayOf(t time.Time) string {
	t = t.In(ledger.Jakarta)
	return fmt.Sprintf("%d %s %d", t.Day(), months[l][t.Month()-1], t.Year())
}

// day writes a date, which is a day in Jakarta.
func (l lang) day(d ledger.Date) string {
	t, err := time.ParseInLocation(time.DateOnly, string(d), ledger.Jakarta)
	if err != nil {
		return string(d)
	}
	return l.dayOf(t)
}

// moment writes a time in Jakarta, to the second.
func (l lang) moment(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	clock := "15.04.05"
	if l == english {
		clock = "15:04:05"
	}
	return l.dayOf(t) + ", " + t.In(ledger.Jakarta).Format(clock) + " WIB"
}
