package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/berkas-ledger/berkas/agencies"
	"github.com/berkas-ledger/berkas/eventstore"
	"github.com/berkas-ledger/berkas/internal/local"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
	"github.com/berkas-ledger/berkas/registrar"
	"github.com/berkas-ledger/berkas/vault"
)

// Exit codes are part of the command's contract.
const (
	exitOK          = 0
	exitFailure     = 1 // the work could not be done
	exitUsage       = 2 // the command line is wrong
	exitUnreachable = 3 // a server, database or running ledger is not there
	exitNotFound    = 4 // no such case, event, moment
	exitVerify      = 5 // something does not verify, or figures differ
	exitConflict    = 6 // refused: it contradicts the ledger as it stands
)

const exitHelp = `Exit codes:
  0 ok, 1 failure, 2 usage, 3 dependency unreachable, 4 not found,
  5 verification failed or figures differ, 6 refused or in conflict`

// codedError gives an error its exit code.
type codedError struct {
	code int
	err  error
	hint string
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

// quietError ends the command with a code when everything has been said.
type quietError struct{ code int }

func (e *quietError) Error() string { return fmt.Sprintf("exit %d", e.code) }

func usage(format string, args ...any) error {
	return &codedError{code: exitUsage, err: fmt.Errorf(format, args...)}
}

func notFound(format string, args ...any) error {
	return &codedError{code: exitNotFound, err: fmt.Errorf(format, args...)}
}

func unreachable(hint, format string, args ...any) error {
	return &codedError{code: exitUnreachable, err: fmt.Errorf(format, args...), hint: hint}
}

// exitCode finds the code of an error, wherever it was made.
func exitCode(err error) int {
	var coded *codedError
	var quiet *quietError
	var broken *ledger.ErrBroken
	var refusal *ledger.Refusal
	var settled *projections.ErrNotSettled
	var connect *pgconn.ConnectError
	var network *net.OpError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &quiet):
		return quiet.code
	case errors.As(err, &coded):
		return coded.code
	case errors.As(err, &broken):
		return exitVerify
	case errors.As(err, &refusal), isAny(err, eventstore.ErrLocked, local.ErrInUse, vault.ErrInUse, agencies.ErrOutboxInUse):
		return exitConflict
	case errors.As(err, &settled), isAny(err, projections.ErrNotFound, eventstore.ErrNoJournal, vault.ErrNoKey, fs.ErrNotExist):
		return exitNotFound
	case errors.As(err, &connect), errors.As(err, &network),
		isAny(err, agencies.ErrUnreachable, local.ErrNoPostgres, projections.ErrNoTables, context.DeadlineExceeded):
		return exitUnreachable
	case strings.HasPrefix(err.Error(), "unknown command"), strings.HasPrefix(err.Error(), "unknown flag"):
		return exitUsage
	default:
		return exitFailure
	}
}

func isAny(err error, list ...error) bool {
	return slices.ContainsFunc(list, func(e error) bool { return errors.Is(err, e) })
}

// hintFor says what to do next, where the error does not say it itself.
func hintFor(err error) string {
	var coded *codedError
	if errors.As(err, &coded) && coded.hint != "" {
		return coded.hint
	}
	var clock *registrar.ClockError
	var broken *ledger.ErrBroken
	switch {
	case errors.As(err, &clock):
		return "Nothing was recorded. A clock that runs wrong would date records wrongly for ever."
	case errors.As(err, &broken):
		return "Nothing was changed. Keep the data directory as it is; 'berkas doctor' says what differs where, and what can be repaired."
	case exitCode(err) == exitUnreachable:
		return "Is the ledger running? Start it with 'berkas dev', or name servers with --nats and --database."
	case exitCode(err) == exitUsage:
		return "Run 'berkas --help' or 'berkas COMMAND --help'."
	}
	return ""
}
