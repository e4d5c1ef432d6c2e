// Package verify judges a ledger by its bytes and by public keys alone. It
// believes neither the registrar nor any table made from the ledger, opens
// nothing and reads no clock: whoever uses it fetches the bytes and brings the
// policy (ledger.Policy), without which nothing is valid.
//
// An Auditor takes every leaf of a log in order. It recomputes the Merkle root
// from all of them and judges each record anew by the rules under which it was
// to be admitted: its form, its signatures by keys valid at its position, its
// mandates at both times, its schema, and what its case allowed. What is not as
// it has to be is a Finding; after one the audit goes on.
package verify
