package local

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats-server/v2/conf"
	"github.com/nats-io/nats-server/v2/server"
)

// setAccounts puts accounts, given as NATS configuration text, into the options
// of a server and names them, true for those that have JetStream. Text that
// would change anything else is refused, and so is text that the server would
// take and that leaves it open to all or without streams.
func setAccounts(o *server.Options, text string) (map[string]bool, error) {
	m, err := conf.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("accounts: %w", err)
	}
	for key := range m {
		if key != "accounts" && key != "system_account" {
			return nil, fmt.Errorf("accounts: %q does not belong there, only accounts and system_account do", key)
		}
	}
	if err := o.ProcessConfigString(text); err != nil {
		// It is a list, each with its line and column, or a panic in words.
		return nil, fmt.Errorf("accounts: %s", strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; "))
	}
	if len(o.Nkeys)+len(o.Users) == 0 {
		return nil, errors.New("accounts: there is no user in them, which would open the server to all")
	}
	isSystem := func(a *server.Account) bool { return a.Name == o.SystemAccount }
	if o.SystemAccount != "" && !slices.ContainsFunc(o.Accounts, isSystem) {
		return nil, fmt.Errorf("accounts: the system account %q is not one of them", o.SystemAccount)
	}
	accounts, streams := map[string]bool{}, false
	all, _ := m["accounts"].(map[string]any)
	for name, a := range all {
		settings, _ := a.(map[string]any)
		accounts[name] = name != o.SystemAccount && enabled(settings["jetstream"])
		streams = streams || accounts[name]
	}
	// A system account alone would moreover let in everybody who has no key.
	if !streams {
		return nil, errors.New(`accounts: none has "jetstream: enabled"`)
	}
	return accounts, nil
}

// forgetAccounts takes the accounts out of the options that a server was given
// and keeps. It only reads them there to compare them with those of a reload,
// and by then they are tied to the accounts in use, with all their clients: the
// comparison would walk through maps that others change meanwhile, which ends
// the program.
func forgetAccounts(o *server.Options) {
	o.Accounts, o.Nkeys, o.Users = nil, nil, nil
}

// enabled reads what the server takes for an account's JetStream: a word, a
// truth value or a block of limits.
func enabled(jetstream any) bool {
	switch v := jetstream.(type) {
	case bool:
		return v
	case string:
		return strings.HasPrefix(strings.ToLower(v), "enable")
	}
	return jetstream != nil
}
