// Command agency-go is an agency's program: it opens a case about one civil
// servant, whose name is sealed, loses the receipt and gets it again, and meets a
// refusal.
//
//	go run ./examples/agency-go access.json outbox
//
// access.json is what "berkas access bawaslu -o json" prints. docs/emit.md
// explains each step.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/agencies"
	"github.com/berkas-ledger/berkas/ledger"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: agency-go ACCESS.JSON OUTBOX-DIRECTORY")
		os.Exit(2)
	}
	if err := run(ctx, os.Stdout, os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "agency-go:", err)
		os.Exit(1)
	}
}

// access is what the agency was told of the ledger.
type access struct {
	Agency  ledger.AgencyID `json:"agency"`
	Origin  string          `json:"origin"`
	Receipt string          `json:"receipt_key"`
	NATS    string          `json:"nats"`
	Seed    string          `json:"nats_seed"`
	HTTP    string          `json:"http"`
	Key     string          `json:"key_file"`
}

// program is what stays the same from event to event.
type program struct {
	bawaslu agencies.Bawaslu
	office  agencies.Office
	signer  agencies.Signer
	desk    agencies.KeyDesk
	client  *agencies.Client
}

func run(ctx context.Context, out io.Writer, accessFile, outboxDir string) (err error) {
	p, err := start(ctx, accessFile)
	if err != nil {
		return err
	}
	defer p.client.Close()
	opened, err := p.opening(ctx, out)
	if err != nil {
		return err
	}

	// The outbox keeps bytes and signature on the disk before they are sent, and
	// sends them again until it holds the receipt. Here the first receipt is lost:
	// as if the program had died between sending and keeping the answer.
	outbox, err := agencies.OpenOutbox(outboxDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, outbox.Close()) }()
	if err := outbox.Put(opened); err != nil {
		return err
	}
	lost, err := p.client.Submit(ctx, opened)
	if err != nil {
		return err
	}
	receipt, err := outbox.Submit(ctx, p.client, opened)
	if err != nil {
		return err
	}
	if receipt.Text() != lost.Text() {
		return errors.New("the same bytes were answered with another receipt")
	}
	fmt.Fprintln(out, "sent twice, one receipt")
	fmt.Fprintf(out, "%s at position %d, leaf %s\n", receipt.Outcome, receipt.Position, receipt.Leaf)
	return p.meetRefusal(ctx, out)
}

func start(ctx context.Context, accessFile string) (*program, error) {
	raw, err := os.ReadFile(accessFile)
	if err != nil {
		return nil, err
	}
	var a access
	if err := json.Unmarshal(raw, &a); err != nil {
		return nil, fmt.Errorf("%s: %w", accessFile, err)
	}
	verifier, err := note.NewVerifier(a.Receipt)
	if err != nil {
		return nil, err
	}
	signer, err := agencies.LoadSigner(a.Key)
	if err != nil {
		return nil, err
	}
	client, err := agencies.Dial(ctx, agencies.Config{
		URL: a.NATS, SeedFile: a.Seed, Agency: a.Agency, Origin: a.Origin, Receipts: verifier,
	})
	if err != nil {
		return nil, err
	}
	office := agencies.Office{Origin: a.Origin}
	return &program{
		bawaslu: agencies.NewBawaslu(office), office: office, signer: signer, client: client,
		desk: agencies.KeyDesk{URL: a.HTTP, Origin: a.Origin, Signer: signer},
	}, nil
}

// payload is what the case is about.
func payload(employment string) ledger.CaseOpened {
	return ledger.CaseOpened{
		Channel: ledger.ChannelOffice, Origin: ledger.OriginFinding, Contest: "pilkada-2020",
		Act: ledger.Act{Date: "2020-06-14", Region: "73.71"}, Catalogue: ledger.CatalogueSKB2020, Items: []string{"social-media"},
		Respondents: []ledger.NewRespondent{{
			ID: "r1", Employment: employment, Class: "pelaksana",
			Institution: ledger.Institution{Kind: "city", Region: "73.71", Office: "IV"},
		}},
	}
}

// opening makes the signed event. The ids come first: a sealed value names the
// case and the event it stands in.
func (p *program) opening(ctx context.Context, out io.Writer) (ledger.Submission, error) {
	caseID, err := agencies.NewID()
	if err != nil {
		return ledger.Submission{}, err
	}
	eventID, err := agencies.NewID()
	if err != nil {
		return ledger.Submission{}, err
	}
	keys, err := p.desk.Ask(ctx, time.Now(), caseID, "r1")
	if err != nil {
		return ledger.Submission{}, err
	}
	opened := payload("pns")
	persons := agencies.Persons{Respondents: []string{`{"name":"Contoh Satu"}`}}
	if err := p.office.SealInto(&opened, caseID, eventID, persons, keys.Seal); err != nil {
		return ledger.Submission{}, err
	}
	draft, err := p.bawaslu.OpenCase(caseID, time.Now(), opened, agencies.WithID(eventID))
	if err != nil {
		return ledger.Submission{}, err
	}
	fmt.Fprintf(out, "case %s\nevent %s\n", caseID, eventID)
	return agencies.Sign(p.bawaslu.ID(), draft, p.signer)
}

// meetRefusal submits what the schema does not allow. A refusal is a signed
// receipt too: it says why, and where in the event.
func (p *program) meetRefusal(ctx context.Context, out io.Writer) error {
	caseID, err := agencies.NewID()
	if err != nil {
		return err
	}
	draft, err := p.bawaslu.OpenCase(caseID, time.Now(), payload("boss"))
	if err != nil {
		return err
	}
	submission, err := agencies.Sign(p.bawaslu.ID(), draft, p.signer)
	if err != nil {
		return err
	}
	_, err = p.client.Submit(ctx, submission)
	var refused *agencies.RefusedError
	if !errors.As(err, &refused) {
		return fmt.Errorf("not refused: %w", err)
	}
	r := refused.Receipt
	fmt.Fprintf(out, "%s at position %d: %s at %s\n", r.Outcome, r.Position, r.Reason, strings.Join(r.Pointers, ", "))
	return nil
}
