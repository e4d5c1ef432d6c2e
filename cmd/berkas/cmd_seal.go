package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/agencies"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/seal"
	"github.com/berkas-ledger/berkas/vault"
)

// openRing opens the key ring of a data directory and makes it if it is missing.
func (h home) openRing() (*vault.Ring, error) {
	r, err := vault.Open(h.ring())
	if !errors.Is(err, fs.ErrNotExist) {
		return r, err
	}
	if err := os.MkdirAll(filepath.Dir(h.ring()), 0o700); err != nil {
		return nil, err
	}
	return vault.Create(h.ring())
}

type placeFlags struct{ caseID, event, pointer string }

func (p *placeFlags) register(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&p.caseID, "case", "", "the case")
	f.StringVar(&p.event, "event", "", "the event that holds the value")
	f.StringVar(&p.pointer, "pointer", "", "its place in that event, such as /data/respondents/0/identity (required)")
}

func newSeal(o *options) *cobra.Command {
	var p placeFlags
	var holder, keyFile string
	c := &cobra.Command{
		Use:   "seal < TEXT",
		Short: "Seal a personal text for one place in one event",
		Long: `Read a text from standard input and print it sealed: under a data key of its holder
in this case, for one place in one event. Moved elsewhere it is refused. Case and
event ids that are not given are drawn; use them with 'berkas emit --case --id'.

The key is one of the vault in --data, or, with --data-key, one that the ledger gave
over HTTP: the file is the answer of POST /v1/data-keys, which names the case.

The text is never taken from the command line, where others could read it.

` + exitHelp,
		Example: `  printf '{"name":"Contoh Satu"}' | berkas seal --holder r1 --pointer /data/respondents/0/identity -o json
  berkas seal --genesis genesis.leaf --data-key keys.json --holder r1 --pointer /data/respondents/0/identity < text`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			genesis, err := o.genesis()
			if err != nil {
				return err
			}
			text, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), seal.MaxPlaintext+1))
			if err != nil {
				return err
			}
			defer clear(text)
			sealed, err := o.sealText(&p, holder, keyFile, genesis.Origin, text)
			if err != nil {
				return err
			}
			t := table{columns: []string{"case", "event", "pointer", "sealed"}}
			t.add(p.caseID, p.event, p.pointer, sealed)
			return t.print(cmd.OutOrStdout(), o.output)
		},
	}
	p.register(c)
	c.Flags().StringVar(&holder, "holder", "", "whose data it is: r1, r2, ... or reporter (required)")
	c.Flags().StringVar(&keyFile, "data-key", "", "file with the answer of POST /v1/data-keys; default: the vault in --data")
	return c
}

// sealText seals under a key that the ledger gave, or one of the vault's ring.
// Ids that are missing in the place are filled in.
func (o *options) sealText(p *placeFlags, holder, keyFile, origin string, text []byte) (_ string, err error) {
	if p.event == "" {
		if p.event, err = agencies.NewID(); err != nil {
			return "", err
		}
	}
	if keyFile != "" {
		key, caseID, err := readDataKey(keyFile, holder)
		if err != nil {
			return "", err
		}
		if p.caseID != "" && p.caseID != caseID {
			return "", usage("the keys of %s are of another case than --case", keyFile)
		}
		p.caseID = caseID
		return seal.Seal(key, p.place(origin), text)
	}
	if p.caseID == "" {
		if p.caseID, err = agencies.NewID(); err != nil {
			return "", err
		}
	}
	h, err := o.home()
	if err != nil {
		return "", err
	}
	ring, err := h.openRing()
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, ring.Close()) }()
	kid, err := ring.KeyFor(vault.Holder{Case: p.caseID, Label: holder}, time.Now())
	if err != nil {
		return "", err
	}
	return ring.Seal(kid, p.place(origin), text)
}

func (p placeFlags) place(origin string) seal.Place {
	return seal.Place{Ledger: origin, Case: p.caseID, Event: p.event, Pointer: p.pointer}
}

// readDataKey finds a holder's key in an answer of POST /v1/data-keys. Its errors
// quote nothing of the file.
func readDataKey(file, holder string) (seal.Key, string, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return seal.Key{}, "", err
	}
	defer clear(raw)
	caseID, keys, err := agencies.ParseDataKeys(raw)
	if err != nil {
		return seal.Key{}, "", fmt.Errorf("%s: %w", file, err)
	}
	if key, ok := keys[holder]; ok {
		return key, caseID, nil
	}
	return seal.Key{}, "", notFound("%s has no key of %s", file, holder)
}

func newOpen(o *options) *cobra.Command {
	var p placeFlags
	var reason, agency, officer string
	c := &cobra.Command{
		Use:   "open",
		Short: "Open a sealed value of the ledger, once its reason is recorded",
		Long: `Record on the ledger who opens which sealed value and why, wait until that is
durable, and only then print the text. If it cannot be recorded nothing is printed.

Reasons: ` + strings.Join(reasonNames(), ", ") + `.

` + exitHelp,
		Example: `  berkas open --case 0193... --event 0193... --pointer /data/respondents/0/identity \
    --agency bawaslu --officer intake-17 --reason case-handling`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			s, err := o.submitter()
			if err != nil {
				return err
			}
			value, err := o.sealedAt(cmd.Context(), p)
			if err != nil {
				return err
			}
			ring, err := s.home.openRing()
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, ring.Close()) }()
			text, err := ring.Unseal(cmd.Context(), vault.UnsealRequest{
				Sealed: value, Place: seal.Place{Ledger: s.genesis.Origin, Case: p.caseID, Event: p.event, Pointer: p.pointer},
				Reason: vault.Reason(reason), Agency: ledger.AgencyID(agency), Officer: officer,
			}, s.recordUnsealing)
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(append(text, '\n'))
			clear(text)
			return err
		},
	}
	p.register(c)
	f := c.Flags()
	f.StringVar(&reason, "reason", "", "why it is opened (required)")
	f.StringVar(&agency, "agency", "", "the agency that asks (required)")
	f.StringVar(&officer, "officer", "", "the asking officer's code, not a name (required)")
	return c
}

func reasonNames() []string {
	var out []string
	for _, r := range vault.Reasons() {
		out = append(out, string(r))
	}
	return out
}

// recordUnsealing submits what is about to be opened, as the vault.
func (s *submitter) recordUnsealing(ctx context.Context, caseID string, payload ledger.Unsealed) error {
	draft, err := agencies.NewVault(agencies.Office{Origin: s.genesis.Origin}).RecordUnsealing(caseID, time.Now(), payload)
	if err != nil {
		return err
	}
	_, err = s.submit(ctx, ledger.Vault, draft.Body, nil)
	return err
}

// sealedAt reads the sealed value that stands in a place of a recorded event.
func (o *options) sealedAt(ctx context.Context, p placeFlags) (string, error) {
	v, err := o.view(ctx)
	if err != nil {
		return "", err
	}
	defer v.close()
	var found string
	err = v.subject(ledger.SubjectCase(p.caseID))(ctx, 0, func(records []ledger.Record) error {
		for _, r := range records {
			e, err := ledger.DecodeRecord(r)
			if err != nil {
				return err
			}
			if e.ID == p.event {
				found = stringAt(r.Body, p.pointer)
			}
		}
		return nil
	})
	if err == nil && found == "" {
		err = notFound("no sealed value at %s of event %s", p.pointer, p.event)
	}
	return found, err
}

// stringAt reads the string that stands at a JSON pointer, "" if none does.
func stringAt(body []byte, pointer string) string {
	var value any
	if json.Unmarshal(body, &value) != nil {
		return ""
	}
	for token := range jsontext.Pointer(pointer).Tokens() {
		switch v := value.(type) {
		case map[string]any:
			value = v[token]
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(v) {
				return ""
			}
			value = v[i]
		default:
			return ""
		}
	}
	s, _ := value.(string)
	return s
}
