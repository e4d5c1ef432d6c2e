package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/berkas-ledger/berkas/agencies"
	"github.com/berkas-ledger/berkas/eventstore"
	"github.com/berkas-ledger/berkas/internal/local"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
	"github.com/berkas-ledger/berkas/vault"
)

// TestExitCodes: the codes that every command's help lists, whatever the error
// was wrapped in.
func TestExitCodes(t *testing.T) {
	for want, list := range map[int][]error{
		0: {nil},
		1: {errors.New("something else"), agencies.ErrDenied, eventstore.ErrPoisoned, context.Canceled},
		2: {usage("--x is wrong"), errors.New("unknown command \"x\""), errors.New("unknown flag: --x")},
		3: {
			unreachable("", "no ledger is running"), agencies.ErrUnreachable, &agencies.NoReceiptError{Cause: context.DeadlineExceeded},
			&pgconn.ConnectError{}, &net.OpError{Err: errors.New("refused")}, local.ErrNoPostgres, projections.ErrNoTables,
		},
		4: {notFound("no case"), fs.ErrNotExist, &projections.ErrNotSettled{}, eventstore.ErrNoJournal, vault.ErrNoKey},
		5: {&ledger.ErrBroken{}, &quietError{exitVerify}},
		6: {
			ledger.Refuse(ledger.CodeStaleVersion, "", ""), &quietError{exitConflict}, eventstore.ErrLocked, local.ErrInUse,
			vault.ErrInUse, agencies.ErrOutboxInUse,
		},
	} {
		for _, err := range list {
			if got := exitCode(err); got != want {
				t.Errorf("%v: exit code %d, want %d", err, got, want)
			}
			if err == nil {
				continue
			}
			if got := exitCode(fmt.Errorf("while at it: %w", err)); got != want && want != exitUsage {
				t.Errorf("%v, wrapped: exit code %d, want %d", err, got, want)
			}
		}
	}
}
