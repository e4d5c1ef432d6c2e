package eventstore

import "errors"

var (
	// ErrConflict says that somebody else wrote to LEDGER at the expected
	// place. None of the batch was promised; in a cluster none of it is on
	// LEDGER. Call Recover, read what is new from Feed, then decide again.
	ErrConflict = errors.New("another writer was first on LEDGER")

	// ErrUnknown says that it cannot be told whether the batch is on LEDGER (a
	// timeout, a lost connection). Nothing was promised. Call Recover and look
	// for the records in Feed; do not decide anew before that.
	ErrUnknown = errors.New("it is not known whether LEDGER took the records")

	// ErrPoisoned says that a write or an fsync of the journal failed. What is
	// on the disk is not known and asking again may lie, so the journal takes
	// nothing more: end the process, look at the disk, start again.
	ErrPoisoned = errors.New("the journal failed to reach the disk; end the process and check the disk")

	// ErrNoSpace says that the disk is full. Nothing was promised and the
	// journal is as it was; the same call may succeed when there is room.
	ErrNoSpace = errors.New("no space left for the journal; make room and retry")

	// ErrLocked says that another process holds the journal.
	ErrLocked = errors.New("another process holds the journal; stop it or wait for it")

	// ErrNoJournal says that the directory holds no journal.
	ErrNoJournal = errors.New("no journal here; name the right data directory, or make a new ledger with berkas init")

	// ErrWrongJournal says that the journal is sound but not the expected one:
	// another origin, or another id than the one LEDGER names.
	ErrWrongJournal = errors.New("this is the journal of another ledger; name the right data directory")

	// ErrNotProvisioned says that a stream or consumer is missing or not as it
	// has to be, and that this process has no right to change that.
	ErrNotProvisioned = errors.New("the streams are not provisioned; give berkas serve the provisioning seed (--provision-seed)")

	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("the store is closed")
)
