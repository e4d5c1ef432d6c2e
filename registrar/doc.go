// Package registrar decides: it takes submissions, judges each against the
// ledger as it stands, and commits one outcome for every one of them, admitted
// or refused with a reason (promise P1). It is the only writer of the ledger.
//
// Judge holds the state and the rules' order; Registrar puts it to work on a
// store. Memory changes only after a batch is durable.
package registrar
