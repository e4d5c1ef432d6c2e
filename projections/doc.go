// Package projections keeps the national view in PostgreSQL: read models that
// are a pure function of the ledger (promise P5), and the questions asked of
// them.
//
// A Projector follows a ledger.Feed and writes; a Reader answers. The tables of
// one generation stand in the schema "projection"; Rebuild fills another
// generation beside it and switches in one transaction, so a reader sees the
// old tables or the new ones, never a half of either.
//
// The rules that make rows and count them stand in ledger (History, Count).
// Nothing is decided here: what a table holds about a respondent is what
// ledger.History said.
package projections
