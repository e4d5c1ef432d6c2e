package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/agencies"
	"github.com/berkas-ledger/berkas/ledger"
)

// draftFlags describe an event on the command line.
type draftFlags struct {
	agency, kind, subject, at, id, whole string
	caseVersion                          int64
}

func (d *draftFlags) register(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&d.agency, "agency", "", "the agency that says it (required)")
	f.StringVar(&d.kind, "kind", "", "what happened, such as case.opened; see 'berkas codes kinds'")
	f.StringVar(&d.subject, "case", "", "the case; default for case.opened: a new one. For other kinds: what the event is about")
	f.StringVar(&d.at, "at", "", "when it happened, RFC 3339 (default now)")
	f.StringVar(&d.id, "id", "", "the event's id, where sealed values name it (default: a new one)")
	f.Int64Var(&d.caseVersion, "case-version", -1, "the version of the case that was seen: refused if the case has moved on")
	f.StringVar(&d.whole, "event", "", "file with a whole CloudEvent instead: its bytes are signed as they are")
}

// checkWords names what of the command line is no kind or no data.
func checkWords(kind, file string, data []byte) error {
	if _, ok := ledger.LookupKind(ledger.Kind(kind), 1); !ok {
		return usage("unknown kind %q; see 'berkas codes kinds'", kind)
	}
	if !jsontext.Value(data).IsValid() {
		return usage("%s is not one JSON value", file)
	}
	return nil
}

// body gives the bytes of the event: composed from data, or a file's.
func (d *draftFlags) body(origin string, args []string, in io.Reader, now time.Time) ([]byte, error) {
	agency := ledger.AgencyID(d.agency)
	if !agency.Valid() {
		return nil, usage("--agency is needed, such as bawaslu")
	}
	if d.whole != "" {
		if d.kind+d.subject+d.at+d.id != "" || d.caseVersion >= 0 || len(args) > 0 {
			return nil, usage("--event is the whole event: give it without --kind, --case, --at, --id, --case-version and without a data file")
		}
		return os.ReadFile(filepath.Clean(d.whole))
	}
	if d.kind == "" || len(args) != 1 {
		return nil, usage("give --kind and a file with the event's data ('-' for standard input), or --event FILE")
	}
	data, err := readArgument(args[0], in)
	if err != nil {
		return nil, err
	}
	if err := checkWords(d.kind, args[0], data); err != nil {
		return nil, err
	}
	return d.compose(origin, agency, data, now)
}

// compose writes the event around its data.
func (d *draftFlags) compose(origin string, agency ledger.AgencyID, data []byte, now time.Time) (_ []byte, err error) {
	at := now
	if d.at != "" {
		if at, err = time.Parse(time.RFC3339, d.at); err != nil {
			return nil, usage("--at %q is not a time such as 2020-09-30T10:00:00+07:00", d.at)
		}
	}
	subject := d.subject
	if subject == "" && ledger.Kind(d.kind) == ledger.CaseOpenedKind {
		if subject, err = agencies.NewID(); err != nil {
			return nil, err
		}
	}
	if subject == "" {
		return nil, usage("--case is needed: the case the event is about")
	}
	var options []agencies.Option
	if d.id != "" {
		options = append(options, agencies.WithID(d.id))
	}
	if d.caseVersion >= 0 {
		options = append(options, agencies.WithCaseVersion(uint64(d.caseVersion)))
	}
	draft, err := agencies.Compose(origin, agency, ledger.Kind(d.kind), subject, at, jsontext.Value(data), options...)
	if err != nil {
		return nil, usage("%w", err)
	}
	return draft.Body, nil
}

const maxInput = 1 << 20

// readArgument reads a file, or standard input for "-".
func readArgument(name string, in io.Reader) ([]byte, error) {
	if name != "-" {
		f, err := os.Open(filepath.Clean(name))
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxInput+1))
	if err == nil && len(raw) > maxInput {
		err = fmt.Errorf("%s is larger than 1 MiB", name)
	}
	return raw, err
}

func newEmit(o *options) *cobra.Command {
	var d draftFlags
	var keyFiles []string
	var wait time.Duration
	c := &cobra.Command{
		Use:   "emit [DATA.json|-]",
		Short: "Sign and submit one event, and wait for its receipt",
		Long: `Sign one event of an agency, submit it, and wait for the registrar's signed receipt.

The file holds the event's data as its schema says ('berkas codes kinds' lists the
kinds, schemas/examples has examples). The bytes are kept in an outbox in the data
directory until the receipt is there; a lost receipt is asked for by sending the
same bytes again: 'berkas emit --agency A' without an event sends what still waits.

` + exitHelp,
		Example: `  berkas emit --agency bawaslu --kind case.opened case.json
  berkas emit --agency bawaslu --kind case.registered --case 0193... register.json
  berkas emit --agency bawaslu --event event.json
  berkas emit --agency bawaslu    # send again what has no receipt yet`,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), wait)
			defer cancel()
			s, err := o.submitter()
			if err != nil {
				return err
			}
			if d.kind == "" && d.whole == "" && len(args) == 0 && d.agency != "" {
				return s.resend(ctx, cmd.OutOrStdout(), o.output, ledger.AgencyID(d.agency))
			}
			body, err := d.body(s.genesis.Origin, args, cmd.InOrStdin(), time.Now())
			if err != nil {
				return err
			}
			receipt, err := s.submit(ctx, ledger.AgencyID(d.agency), body, keyFiles)
			var refused *agencies.RefusedError
			if err != nil && !errors.As(err, &refused) {
				return err
			}
			if refused != nil {
				receipt = refused.Receipt
			}
			if err := printReceipt(cmd.OutOrStdout(), o.output, receipt, body); err != nil {
				return err
			}
			if receipt.Outcome == ledger.Refused {
				return &quietError{exitConflict}
			}
			return nil
		},
	}
	d.register(c)
	c.Flags().StringArrayVar(&keyFiles, "key", nil, "file of a key to sign with, several for roster events (default: the agency's event key in the data directory)")
	c.Flags().DurationVar(&wait, "wait", 30*time.Second, "how long to wait for the receipt")
	return c
}

// submit signs bytes, keeps them in the outbox, and sends them until the receipt
// is there.
func (s *submitter) submit(ctx context.Context, a ledger.AgencyID, body []byte, keyFiles []string) (ledger.Receipt, error) {
	signers, err := s.home.signersFor(a, keyFiles)
	if err != nil {
		return ledger.Receipt{}, err
	}
	sub, err := agencies.SignBytes(a, body, signers...)
	if err != nil {
		return ledger.Receipt{}, err
	}
	client, err := s.dial(ctx, a)
	if err != nil {
		return ledger.Receipt{}, err
	}
	defer client.Close()
	outbox, err := agencies.OpenOutbox(s.home.path("outbox", string(a)))
	if err != nil {
		return ledger.Receipt{}, err
	}
	receipt, err := outbox.Submit(ctx, client, sub)
	return receipt, errors.Join(err, outbox.Close())
}

// resend sends what waits in an agency's outbox, with the bytes and signatures
// that were kept.
func (s *submitter) resend(ctx context.Context, w io.Writer, format string, a ledger.AgencyID) error {
	client, err := s.dial(ctx, a)
	if err != nil {
		return err
	}
	defer client.Close()
	outbox, err := agencies.OpenOutbox(s.home.path("outbox", string(a)))
	if err != nil {
		return err
	}
	t := tally{Rows: len(outbox.Pending())}
	code := exitOK
	for result := range outbox.Send(ctx, agencies.Clients{a: client}, demoWindow) {
		var refused *agencies.RefusedError
		switch {
		case result.Err == nil:
			t.Admitted++
		case errors.As(result.Err, &refused):
			t.Refused++
			code = exitConflict
		default:
			t.Failed++
			err = errors.Join(err, result.Err)
		}
	}
	if err := errors.Join(err, outbox.Close()); err != nil {
		return err
	}
	out := table{columns: []string{"waited", "admitted", "refused", "still waiting"}, value: t}
	out.add(strconv.Itoa(t.Rows), strconv.Itoa(t.Admitted), strconv.Itoa(t.Refused), strconv.Itoa(t.Failed))
	if err := out.print(w, format); err != nil {
		return err
	}
	if code != exitOK {
		return &quietError{code}
	}
	return nil
}

func printReceipt(w io.Writer, format string, r ledger.Receipt, body []byte) error {
	t := table{columns: []string{"outcome", "position", "recorded", "case", "event", "reason", "at", "leaf"}}
	subject := "-"
	if e, bad := ledger.Decode(body); bad == nil {
		subject = e.Subject
	}
	reason, pointers := "-", "-"
	if r.Outcome == ledger.Refused {
		reason, pointers = string(r.Reason), joined(r.Pointers)
	}
	t.add(string(r.Outcome), strconv.FormatUint(uint64(r.Position), 10), r.Recorded.Format(time.RFC3339), subject, r.Event, reason, pointers, r.Leaf.String())
	if err := t.print(w, format); err != nil {
		return err
	}
	if m, ok := ledger.ReasonOf(r.Reason); ok && format == "table" {
		fmt.Fprintf(w, "%s\n%s\n", m.English, m.Indonesian)
	}
	return nil
}
