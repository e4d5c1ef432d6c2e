package web

import (
	"net/url"
	"strconv"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// What single parameters of an address say.

// What parameters are when they cannot be read.
const (
	saysMoment = "it is a date such as 2020-11-26 or a time with its zone"
	saysPage   = "it is the number of a page, counted from 1"
)

// mostPages bounds the number of a page.
const mostPages = 1_000_000

// momentIn reads a moment; zero where none is written.
func momentIn(values url.Values, name string) (t time.Time, err error) {
	text := values.Get(name)
	if text == "" {
		return t, nil
	}
	if t, err = ledger.ParseMoment(text); err != nil {
		return t, badQuery(name, saysMoment)
	}
	return t, nil
}

// numberIn reads a whole number from least to most; absent where none is written.
func numberIn(values url.Values, name string, absent, least, most int, says string) (int, error) {
	text := values.Get(name)
	if text == "" {
		return absent, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, badQuery(name, says)
	}
	return n, nil
}

// pageIn reads the number of a page.
func pageIn(values url.Values) (int, error) {
	return numberIn(values, "page", 1, 1, mostPages, saysPage)
}

// pageText is a page's number in an address.
func pageText(page int) string {
	if page <= 1 {
		return ""
	}
	return strconv.Itoa(page)
}
