package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// AgencyID names a participant: [a-z0-9-]{1,32}, for instance "bawaslu".
type AgencyID string

// KeyID names a signing key as "<agency>/<name>".
type KeyID string

// Position is a record's place on the ledger, counted from 1: the sequence in
// the LEDGER stream, and the leaf index of the log plus 1.
type Position uint64

// Hash is a SHA-256 digest.
type Hash [sha256.Size]byte

func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// ParseHash reads 64 lower-case hexadecimal digits.
func ParseHash(s string) (Hash, error) {
	var h Hash
	if !isHash(s) {
		return h, fmt.Errorf("a hash is 64 lower-case hexadecimal digits, not %d characters of something else", len(s))
	}
	_, err := hex.Decode(h[:], []byte(s))
	return h, err
}

// The agencies that the code knows by name. They are participants like any
// other: what each may do is data on the ledger.
const (
	Bawaslu    AgencyID = "bawaslu"
	KASN       AgencyID = "kasn"
	BKN        AgencyID = "bkn"
	KemenPANRB AgencyID = "kemenpanrb"
	Kemendagri AgencyID = "kemendagri"
	// Vault is the service that keeps data keys and records every unsealing.
	Vault AgencyID = "vault"
	// Registrar is the only writer of the ledger.
	Registrar AgencyID = "registrar"
)

// Valid reports whether the id has the form of an agency's.
func (a AgencyID) Valid() bool { return codeClass.fits(string(a), 32) }

// Valid reports whether the id has the form of a key's.
func (k KeyID) Valid() bool { return k.Agency() != "" }

// Agency gives the participant a key id belongs to by its name; "" if the id
// is malformed.
func (k KeyID) Agency() AgencyID {
	agency, name, _ := strings.Cut(string(k), "/")
	if !codeClass.fits(agency, 32) || !codeClass.fits(name, 32) {
		return ""
	}
	return AgencyID(agency)
}

// Date is a calendar day as "2006-01-02", read in Asia/Jakarta.
type Date string

// Valid reports whether the date exists.
func (d Date) Valid() bool {
	if !isDay(string(d)) {
		return false
	}
	_, err := time.Parse(time.DateOnly, string(d))
	return err == nil
}

// Jakarta is Western Indonesian Time, UTC+7 without summer time since 1964.
var Jakarta = time.FixedZone("WIB", int(jakartaEast/time.Second))

const jakartaEast = 7 * time.Hour

// Start is the first moment of the day; the zero time for an invalid date.
//
// Mandates and regimes ask for it many times for every record, so it is read
// without time.Parse.
func (d Date) Start() time.Time {
	if !isDay(string(d)) {
		return time.Time{}
	}
	n := func(from, to int) (v int) {
		for i := from; i < to; i++ {
			v = 10*v + int(d[i]-'0')
		}
		return v
	}
	month, day := time.Month(n(5, 7)), n(8, 10)
	t := time.Date(n(0, 4), month, day, 0, 0, 0, 0, time.UTC)
	if t.Month() != month || t.Day() != day {
		return time.Time{} // there is no such day
	}
	return t.Add(-jakartaEast)
}

// End is the last microsecond of the day: a bare date in a question means it.
func (d Date) End() time.Time {
	t := d.Start()
	if t.IsZero() {
		return t
	}
	return t.AddDate(0, 0, 1).Add(-time.Microsecond)
}

// ParseMoment reads a date (its end in Jakarta) or an RFC 3339 time.
func ParseMoment(s string) (time.Time, error) {
	if d := Date(s); d.Valid() {
		return d.End(), nil
	}
	t, err := parseTime(s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is neither a date (2020-11-26) nor a time (2020-11-26T10:00:00+07:00)", s)
	}
	return t, nil
}

// parseTime reads RFC 3339 with at most microseconds, the finest that every
// part of the system keeps. In UTC, too, the year has to have four digits.
func parseTime(s string) (time.Time, error) {
	if !isTime(s) {
		return time.Time{}, fmt.Errorf("not an RFC 3339 time with at most six decimals")
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, err
	}
	if t = t.UTC(); t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}, fmt.Errorf("not a year from 1 to 9999")
	}
	return t, nil
}

// RecordedFormat is how recorded times are written: UTC, 27 characters.
const RecordedFormat = "2006-01-02T15:04:05.000000Z"

func parseRecorded(s string) (time.Time, error) {
	// The layout for which time.Parse is quick reads the one form alike.
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || len(s) != len(RecordedFormat) || s[19] != '.' || s[26] != 'Z' || !isTime(s) {
		return time.Time{}, fmt.Errorf("a recorded time has the form %s", RecordedFormat)
	}
	return t, nil
}
