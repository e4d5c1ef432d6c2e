package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/eventstore"
	"github.com/berkas-ledger/berkas/internal/local"
	"github.com/berkas-ledger/berkas/ledger"
)

func testLog() *slog.Logger { return slog.New(slog.DiscardHandler) }

// readLEDGER is what who follows LEDGER gets, after a start has provisioned it: by
// the feed, by subjects, and its head.
func readLEDGER(t *testing.T, h home, subjects []string) (leaves []ledger.Hash, why error) {
	t.Helper()
	temp := home{openTempDir(t)}
	defer func() { _ = os.RemoveAll(temp.dir) }()
	store := filepath.Join(temp.dir, "store")
	if err := copyTree(eventstore.LedgerDir(h.nats()), eventstore.LedgerDir(store)); err != nil {
		t.Fatal(err)
	}
	accounts, err := h.accounts(nil)
	if err != nil {
		t.Fatal(err)
	}
	server, err := local.StartNATS(local.NATSConfig{Dir: store, Accounts: accounts, MaxPayload: eventstore.MaxPayload})
	if err != nil {
		return nil, err
	}
	defer func() { _ = server.Stop() }()
	return followAll(t, h, server.ClientURL(), subjects)
}

func followAll(t *testing.T, h home, url string, subjects []string) (leaves []ledger.Hash, err error) {
	t.Helper()
	about, err := eventstore.ScanJournal(t.Context(), h.journal(), eventstore.JournalOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer about.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	provision, err := h.login(url, eventstore.User{Role: eventstore.RoleProvision})
	if err != nil {
		t.Fatal(err)
	}
	if err := eventstore.Provision(ctx, eventstore.Provisioning{
		Login: provision, Journal: about.ID, Origin: about.Origin, Followers: []string{followerProjections, followerCommands},
	}); err != nil {
		return nil, err
	}
	login, err := h.login(url, eventstore.User{Role: eventstore.RoleFollower, Name: followerProjections})
	if err != nil {
		t.Fatal(err)
	}
	follower, err := eventstore.Follow(ctx, eventstore.FollowConfig{Login: login, Follower: followerProjections, Origin: about.Origin})
	if err != nil {
		return nil, err
	}
	defer follower.Close()
	head, err := follower.Head(ctx)
	if err != nil || head == 0 {
		return nil, errors.Join(err, fmt.Errorf("its head is %d", head))
	}
	enough := errors.New("enough")
	err = follower.Feed()(ctx, 0, func(records []ledger.Record) error {
		for _, r := range records {
			leaves = append(leaves, r.LeafHash())
		}
		if ledger.Position(len(leaves)) >= head {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		return leaves, errors.Join(err, fmt.Errorf("the feed ended at %d of %d", len(leaves), head))
	}
	seen := map[ledger.Position]ledger.Hash{}
	for _, subject := range subjects {
		if err := follower.Subject(subject)(ctx, 0, func(records []ledger.Record) error {
			for _, r := range records {
				seen[r.Position] = r.LeafHash()
			}
			return nil
		}); err != nil {
			return leaves, err
		}
	}
	for i, want := range leaves {
		if seen[ledger.Position(i+1)] != want {
			return leaves, fmt.Errorf("asked by its subject, record %d is another", i+1)
		}
	}
	return leaves, nil
}

// allSubjects are those of every record.
func allSubjects() []string {
	return []string{ledger.SubjectRoster, "ledger.case.>", "ledger.figures.>", "ledger.refusal.>"}
}

// tableFiles names the files of what holds rows of the read models.
func tableFiles(t *testing.T, h home) map[string]bool {
	t.Helper()
	pg, err := local.StartPostgres(t.Context(), local.PostgresConfig{Dir: h.postgres(), BinDir: os.Getenv("PG_BINDIR"), Throwaway: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pg.Stop() }()
	conn, err := pgx.Connect(t.Context(), pg.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	rows, err := conn.Query(t.Context(), `
		WITH t AS (SELECT c.oid, c.reltoastrelid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'projection' AND c.relkind = 'r'),
			r AS (SELECT oid FROM t UNION SELECT reltoastrelid FROM t WHERE reltoastrelid <> 0)
		SELECT pg_relation_filepath(oid) FROM r UNION SELECT pg_relation_filepath(indexrelid) FROM pg_index WHERE indrelid IN (SELECT oid FROM r)`)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, file := range list {
		out[file] = true
	}
	return out
}
