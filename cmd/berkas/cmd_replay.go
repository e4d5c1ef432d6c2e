package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/ledger"
)

type replayFlags struct {
	from, since, caseID, agency, kind string
	follow, bytes                     bool
	limit                             int
}

func newReplay(o *options) *cobra.Command {
	var f replayFlags
	c := &cobra.Command{
		Use:   "replay",
		Short: "Read the ledger again, record by record, as NDJSON",
		Long: `Print records one JSON object a line, in order of position: where each stands, when
it was recorded, who signed it, its leaf hash, and the event. --bytes adds the
event's exact bytes in base64: what the signatures cover. That positions run on
without a gap is checked on the way.

` + exitHelp,
		Example: `  berkas replay --from 100 --limit 10
  berkas replay --case 01746ac6-7800-7cc3-9bd1-2f5a6c0d4e11
  berkas replay --agency kasn --since 2026-11-21T10:00:00+07:00 --follow`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := onlyJSON(cmd, o.output); err != nil {
				return err
			}
			v, err := o.view(cmd.Context())
			if err != nil {
				return err
			}
			defer v.close()
			return f.run(cmd.Context(), v, cmd.OutOrStdout())
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.from, "from", "1", "first position")
	fl.StringVar(&f.since, "since", "", "only what was recorded at or after a date or time")
	fl.StringVar(&f.caseID, "case", "", "only this case")
	fl.StringVar(&f.agency, "agency", "", "only events of this agency")
	fl.StringVar(&f.kind, "kind", "", "only events of this kind")
	fl.BoolVarP(&f.follow, "follow", "f", false, "go on with what comes")
	fl.BoolVar(&f.bytes, "bytes", false, "add the event's exact bytes in base64")
	fl.IntVar(&f.limit, "limit", 0, "end after so many records")
	return c
}

// replayed is one line of output.
type replayed struct {
	Position   ledger.Position `json:"position"`
	Recorded   string          `json:"recorded"`
	Subject    string          `json:"subject"`
	Signatures []string        `json:"signatures"`
	Leaf       string          `json:"leaf"`
	Event      json.RawMessage `json:"event"`
	Bytes      string          `json:"bytes,omitempty"`
}

func (f *replayFlags) run(ctx context.Context, v *view, out io.Writer) error {
	from, err := strconv.ParseUint(f.from, 10, 64)
	if err != nil || from == 0 {
		return usage("--from is a position, counted from 1, not %q", f.from)
	}
	since, err := f.start()
	if err != nil {
		return err
	}
	if err := f.checkWords(ctx, v); err != nil {
		return err
	}
	feed, err := f.feed(ctx, v)
	if err != nil {
		return err
	}
	p := printer{flags: f, since: since, w: bufio.NewWriter(out), chain: ledger.Chain{Position: ledger.Position(from - 1)}}
	p.enc = json.NewEncoder(p.w)
	p.enc.SetEscapeHTML(false)
	err = feed(ctx, p.chain.Position, p.print)
	if errors.Is(err, errEnough) {
		err = nil
	}
	if err := errors.Join(err, p.w.Flush()); err != nil {
		return err
	}
	if p.n == 0 && f.caseID != "" && !f.follow {
		return notFound("no such records of case %s", f.caseID)
	}
	return nil
}

// checkWords refuses names that nothing on this ledger can have, rather than
// print nothing.
func (f *replayFlags) checkWords(ctx context.Context, v *view) error {
	if f.kind != "" {
		if _, known := ledger.LookupKind(ledger.Kind(f.kind), 1); !known {
			return usage("unknown kind %q; see 'berkas codes kinds'", f.kind)
		}
	}
	agency := ledger.AgencyID(f.agency)
	if agency == "" || agency == ledger.Registrar {
		return nil
	}
	r, err := rosterOf(ctx, v.subject(ledger.SubjectRoster))
	if err != nil {
		return err
	}
	var ids []string
	for _, i := range r.Institutions() {
		if i.ID == agency {
			return nil
		}
		ids = append(ids, string(i.ID))
	}
	return usage("no agency %q on the roster; there are %s", agency, strings.Join(ids, ", "))
}

// start reads --since: a span begins with the beginning of its first day.
func (f *replayFlags) start() (time.Time, error) {
	if d := ledger.Date(f.since); d.Valid() {
		return d.Start(), nil
	}
	if f.since == "" {
		return time.Time{}, nil
	}
	t, err := ledger.ParseMoment(f.since)
	if err != nil {
		return t, usage("--since: %w", err)
	}
	return t, nil
}

// printer writes the records that are wanted, and checks on the way that
// positions run on.
type printer struct {
	flags *replayFlags
	since time.Time
	w     *bufio.Writer
	enc   *json.Encoder
	chain ledger.Chain
	n     int
}

func (p *printer) print(records []ledger.Record) error {
	for _, r := range records {
		if p.flags.caseID == "" { // the positions of one case do not run on
			if _, err := p.chain.Next(r); err != nil {
				return err
			}
		}
		wanted, err := p.flags.wants(r, p.since)
		if err != nil {
			return err
		}
		if !wanted {
			continue
		}
		if err := p.enc.Encode(p.flags.line(r)); err != nil {
			return err
		}
		if p.n++; p.n == p.flags.limit {
			return errEnough
		}
	}
	return p.w.Flush()
}

func (f *replayFlags) feed(ctx context.Context, v *view) (ledger.Feed, error) {
	switch {
	case f.follow && v.follower == nil:
		return nil, unreachable("Start the ledger with 'berkas dev', or name a server with --nats.", "nothing can be followed while the ledger is not running")
	case f.follow:
		return v.live(), nil
	case f.caseID != "":
		return v.subject(ledger.SubjectCase(f.caseID)), nil
	default:
		return v.feed(ctx)
	}
}

func (f *replayFlags) wants(r ledger.Record, since time.Time) (bool, error) {
	if r.Recorded.Before(since) || f.caseID != "" && r.CaseID() != f.caseID {
		return false, nil
	}
	if f.agency == "" && f.kind == "" {
		return true, nil
	}
	e, err := ledger.DecodeRecord(r)
	return (f.agency == "" || string(e.Source) == f.agency) && (f.kind == "" || string(e.Kind) == f.kind), err
}

func (f *replayFlags) line(r ledger.Record) replayed {
	out := replayed{
		Position: r.Position, Recorded: r.Recorded.Format(ledger.RecordedFormat), Subject: r.Subject,
		Leaf: r.LeafHash().String(), Event: json.RawMessage(r.Body),
	}
	for _, s := range r.Signatures {
		out.Signatures = append(out.Signatures, s.String())
	}
	if f.bytes {
		out.Bytes = base64.StdEncoding.EncodeToString(r.Body)
	}
	return out
}
