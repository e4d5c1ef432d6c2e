package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/webhooks"
)

func newWebhooks(o *options) *cobra.Command {
	c := &cobra.Command{
		Use:   "webhooks",
		Short: "Tell other programs of new records by HTTP (Standard Webhooks)",
		Long: `Endpoints are addresses of institutions' programs that are told of each new record as
soon as it is recorded: which one, of which case, by whom, with its leaf hash, and
nothing of what it says. 'berkas serve' and 'berkas dev' deliver, and heed within a
second what these commands change. docs/webhooks.md is for whoever receives.

A message is sent until it is taken (a status of 2xx), later and later up to each hour.
An endpoint that answers 410, or takes one message for three days not at all, is
disabled; 'list' and /readyz say so, and 'resume' or 'replay' let it begin again.

` + exitHelp,
		Example: `  berkas webhooks add bkn https://bkn.example/berkas --kind case.recommended
  berkas webhooks list
  berkas webhooks replay bkn --from 1`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newWebhooksAdd(o), newWebhooksList(o), newWebhooksTest(o), newWebhooksRotate(o),
		newWebhooksChange(o, "pause", "Send an endpoint nothing until it is resumed", func(e *webhooks.Endpoint) { e.Paused = true }),
		newWebhooksChange(o, "resume", "Go on where an endpoint stopped, also one that was disabled", func(e *webhooks.Endpoint) { e.Paused = false }),
		newWebhooksReplay(o), newWebhooksRemove(o))
	return c
}

// endpoints is the directory of this ledger's endpoints.
func (o *options) endpoints() (webhooks.Store, home, error) {
	h, err := o.home()
	if err == nil && !h.exists() {
		err = notFound("no ledger in %s", h.dir)
	}
	return webhooks.Store{Dir: h.webhooks()}, h, err
}

func endpointError(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return notFound("no endpoint %s; see 'berkas webhooks list'", name)
	}
	return err
}

func newWebhooksAdd(o *options) *cobra.Command {
	var kinds []string
	var agency, from, ca string
	var private bool
	c := &cobra.Command{
		Use:   "add NAME URL",
		Short: "Add an endpoint, and print its secret",
		Long: `Add an endpoint and print the secret that its messages are signed with, which its
receiver needs to verify them; hand it over as you would a password. It is kept in the
data directory, readable by its owner only.

The address is https. http is taken for 127.0.0.1, ::1 and localhost, by rehearsals
only. Names that lead to private addresses, to this machine or the like are refused when
the connection is made, unless --private says that it is meant.

` + exitHelp,
		Example: `  berkas webhooks add bkn https://bkn.example/berkas
  berkas webhooks add intern https://10.0.0.7/hook --private --ca-file ca.pem --from 1`,
		Args: exactArgs("a name", "a URL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			store, _, err := o.endpoints()
			if err != nil {
				return err
			}
			e := webhooks.NewEndpoint(args[0], args[1])
			e.Private, e.Agency = private, ledger.AgencyID(agency)
			for _, k := range kinds {
				e.Kinds = append(e.Kinds, ledger.Kind(k))
			}
			if ca != "" {
				pem, err := os.ReadFile(ca)
				if err != nil {
					return err
				}
				e.CA = string(pem)
			}
			if e.First, err = o.firstFor(cmd.Context(), from); err != nil {
				return err
			}
			e.Order.After = e.First
			if err := e.Check(); err != nil {
				return usage("%w", err)
			}
			switch err := store.Add(e); {
			case errors.Is(err, webhooks.ErrThere):
				return &codedError{exitConflict, fmt.Errorf("there is an endpoint %s already", e.Name), "Remove it first, or choose another name."}
			case errors.Is(err, webhooks.ErrMany):
				return usage("%w", err)
			case err != nil:
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), e.Secrets[0].Value)
			return err
		},
	}
	f := c.Flags()
	f.StringSliceVar(&kinds, "kind", nil, "only records of these kinds; may be repeated")
	f.StringVar(&agency, "agency", "", "only events of this agency")
	f.StringVar(&from, "from", "", "first position to tell of; default: what is recorded from now on")
	f.StringVar(&ca, "ca-file", "", "PEM of the authority that its certificate is of; default: those of the system")
	f.BoolVar(&private, "private", false, "the endpoint is inside the operator's own network")
	return c
}

// firstFor is the position that an endpoint begins after: that of --from, or else the last
// record there is now.
func (o *options) firstFor(ctx context.Context, from string) (*ledger.Position, error) {
	after, err := afterFlag(from)
	if err != nil {
		return nil, err
	}
	head, err := o.head(ctx)
	switch {
	case err != nil:
		return nil, fmt.Errorf("find the last record: %w", err)
	case after == nil:
		after = &head
	case *after > head:
		return nil, usage("--from %d lies beyond the next record, %d", *after+1, head+1)
	}
	return after, nil
}

// head is the position of the last record, of a running ledger or of a stopped one's
// journal.
func (o *options) head(ctx context.Context) (ledger.Position, error) {
	if h, err := o.home(); err == nil {
		if r, ok := h.found(); ok && r.HTTP != "" {
			return askPosition(ctx, r.HTTP)
		}
	}
	v, err := o.view(ctx)
	if err != nil {
		return 0, err
	}
	defer v.close()
	if v.journal != nil {
		return v.journal.Len(), nil
	}
	return v.follower.Head(ctx)
}

// afterFlag turns a first position into the one before it; nil for none.
func afterFlag(from string) (*ledger.Position, error) {
	if from == "" {
		return nil, nil //nolint:nilnil // no position is an answer
	}
	n, err := strconv.ParseUint(from, 10, 63)
	if err != nil || n == 0 {
		return nil, usage("--from is a position, counted from 1, not %q", from)
	}
	after := ledger.Position(n - 1)
	return &after, nil
}

func newWebhooksList(o *options) *cobra.Command {
	var urls bool
	c := &cobra.Command{
		Use:   "list",
		Short: "Say of each endpoint how far it is, and what goes wrong",
		Long: `Print the endpoints: where they are, what they want, up to which position they have
been told, and why one gets nothing. Secrets are not printed, and of addresses the host
alone, since a path may be the receiver's secret; --urls prints them whole.

` + exitHelp,
		Example: `  berkas webhooks list -o json`,
		Args:    exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, _, err := o.endpoints()
			if err != nil {
				return err
			}
			names, err := store.Names()
			if err != nil {
				return err
			}
			t := table{columns: []string{"name", "state", "position", "delivered", "last", "wants", "because", "url"}}
			for _, name := range names {
				e, err := store.Endpoint(name)
				var s webhooks.State
				if err == nil {
					s, err = store.State(name)
				}
				if err != nil {
					t.add(name, "unreadable", "-", "-", "-", "-", err.Error(), "-")
					continue
				}
				line := webhookLine(e, s)
				if urls {
					line[len(line)-1] = e.URL
				}
				t.add(line...)
			}
			return t.print(cmd.OutOrStdout(), o.output)
		},
	}
	c.Flags().BoolVar(&urls, "urls", false, "print addresses whole")
	return c
}

// hostOf is an address without what may be secret in it.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "-"
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return u.Scheme + "://" + u.Host + "/..."
	}
	return u.Scheme + "://" + u.Host
}

func webhookLine(e webhooks.Endpoint, s webhooks.State) []string {
	if s.Endpoint != e.ID {
		s = webhooks.State{}
	}
	state, because, last := "active", "", ""
	switch {
	case e.Paused:
		state = "paused"
	case s.Order < e.Order.Number:
		state, because = "waiting", "the ledger is not running, or has not looked yet"
	case s.Disabled != nil:
		state, because = "disabled", fmt.Sprintf("%s, since %s", s.Disabled.Why, wib(s.Disabled.At))
	case s.Failing != nil:
		state, because = "failing", fmt.Sprintf("%s; %d attempts, the next one %s", s.Failing.Why, s.Failing.Attempts, wib(s.Failing.Next))
	}
	if !s.Last.IsZero() {
		last = wib(s.Last)
	}
	wants := strings.TrimSpace(strings.ReplaceAll(joined(e.Kinds), "-", "every kind"))
	if len(e.Kinds) > 0 {
		wants = joined(e.Kinds)
	}
	if e.Agency != "" {
		wants += " of " + string(e.Agency)
	}
	return []string{
		e.Name, state, strconv.FormatUint(uint64(s.Position), 10), strconv.FormatUint(s.Delivered, 10), dash(last), wants, dash(because), hostOf(e.URL),
	}
}

// newWebhooksChange makes a command that changes an endpoint and gives an order.
func newWebhooksChange(o *options, name, short string, change func(*webhooks.Endpoint)) *cobra.Command {
	return &cobra.Command{
		Use: name + " NAME", Short: short,
		Long:    short + ".\n\n" + exitHelp,
		Example: "  berkas webhooks " + name + " bkn",
		Args:    exactArgs("a name"),
		RunE: func(_ *cobra.Command, args []string) error {
			return o.orderEndpoint(args[0], func(e *webhooks.Endpoint) { change(e) })
		},
	}
}

// orderEndpoint changes an endpoint and numbers the change as an order. A position
// that an order before it named, and that nobody has followed yet, stands.
func (o *options) orderEndpoint(name string, change func(*webhooks.Endpoint)) error {
	store, _, err := o.endpoints()
	if err != nil {
		return err
	}
	return endpointError(name, store.Change(name, func(e *webhooks.Endpoint) error {
		s, err := store.State(name)
		if err != nil {
			return err
		}
		if s.Endpoint == e.ID && s.Order >= e.Order.Number {
			e.Order.After = nil
		}
		e.Order.Number++
		change(e)
		return nil
	}))
}

func newWebhooksReplay(o *options) *cobra.Command {
	var from string
	c := &cobra.Command{
		Use:   "replay NAME",
		Short: "Tell an endpoint again of every record from a position on",
		Long: `Begin again at a position, also with an endpoint that was disabled or paused. Messages
that it had before come under the webhook-id that they had: a receiver that notes ids
passes them over, so one that wants them again has to forget those ids first.

` + exitHelp,
		Example: `  berkas webhooks replay bkn --from 1`,
		Args:    exactArgs("a name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if from == "" {
				return usage("--from is needed: the first position to tell of")
			}
			after, err := o.firstFor(cmd.Context(), from)
			if err != nil {
				return err
			}
			return o.orderEndpoint(args[0], func(e *webhooks.Endpoint) { e.Order.After, e.Paused = after, false })
		},
	}
	c.Flags().StringVar(&from, "from", "", "first position to tell of (required)")
	return c
}

func newWebhooksRotate(o *options) *cobra.Command {
	var keep time.Duration
	c := &cobra.Command{
		Use:   "rotate NAME",
		Short: "Give an endpoint a new secret, and print it",
		Long: `Draw a new secret and print it. For a while the old one signs too: each message has two
signatures, so the receiver can take the new secret when it suits him.

` + exitHelp,
		Example: `  berkas webhooks rotate bkn --keep 24h`,
		Args:    exactArgs("a name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			store, _, err := o.endpoints()
			if err != nil {
				return err
			}
			if keep < 0 {
				return usage("--keep is not negative")
			}
			now, secret := time.Now().UTC(), ""
			err = store.Change(args[0], func(e *webhooks.Endpoint) (err error) {
				secret, err = e.Rotate(now, now.Add(keep))
				return err
			})
			if errors.Is(err, webhooks.ErrSecrets) {
				return &codedError{exitConflict, err, "Wait until one has ended, or end them all now with --keep 0."}
			}
			if err != nil {
				return endpointError(args[0], err)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), secret)
			return err
		},
	}
	c.Flags().DurationVar(&keep, "keep", 24*time.Hour, "how long the old secret goes on signing; 0: not at all")
	return c
}

func newWebhooksTest(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "test NAME",
		Short: "Send an endpoint a test message, once",
		Long: `Send a signed message of the type webhook.test, which tells of no record, and say
whether it was taken.

` + exitHelp,
		Example: `  berkas webhooks test bkn`,
		Args:    exactArgs("a name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			store, h, err := o.endpoints()
			if err != nil {
				return err
			}
			e, err := store.Endpoint(args[0])
			if err != nil {
				return endpointError(args[0], err)
			}
			g, err := readGenesis(h.genesisFile())
			if err != nil {
				return err
			}
			if err := webhooks.Try(cmd.Context(), e, g.Origin, rehearsalOrigin(g.Origin)); err != nil {
				return &codedError{exitFailure, fmt.Errorf("%s did not take the test message: %w", e.Name, err), ""}
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s took the test message.\n", e.Name)
			return err
		},
	}
}

// rehearsalOrigin reports whether a ledger is one that 'berkas dev' made.
func rehearsalOrigin(origin string) bool { return origin == devOrigin }

func newWebhooksRemove(o *options) *cobra.Command {
	return &cobra.Command{
		Use:     "remove NAME",
		Short:   "Forget an endpoint, its secret and its position",
		Long:    "Forget an endpoint, its secret and its position.\n\n" + exitHelp,
		Example: "  berkas webhooks remove bkn",
		Args:    exactArgs("a name"),
		RunE: func(_ *cobra.Command, args []string) error {
			store, _, err := o.endpoints()
			if err != nil {
				return err
			}
			if _, err := store.Endpoint(args[0]); errors.Is(err, fs.ErrNotExist) { // an unreadable one may go
				return endpointError(args[0], err)
			}
			return store.Remove(args[0])
		},
	}
}
