// Package ledger is the language of Berkas: what an agency submits, what the
// registrar records, what a case is and how it moves, and how it is counted.
//
// A Submission (bytes and signatures) is decoded into an Event, judged by Check
// against the Case it belongs to, and becomes a Record when it has a position.
// Records are folded into cases; a record is never refused for a rule that
// changed after it was recorded.
//
// The package is pure: it opens nothing, reads no clock and imports no other
// package of this module. Times come in as values.
package ledger
