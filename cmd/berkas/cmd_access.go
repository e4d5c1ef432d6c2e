package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/eventstore"
	"github.com/berkas-ledger/berkas/ledger"
)

// access is what an agency's program has to be told of a ledger. It holds paths
// of secrets and no secret.
type access struct {
	Agency  ledger.AgencyID `json:"agency"`
	Origin  string          `json:"origin"`
	Receipt string          `json:"receipt_key"` // public, of the genesis record
	Genesis string          `json:"genesis"`     // file, public
	NATS    string          `json:"nats"`
	Seed    string          `json:"nats_seed"` // file
	HTTP    string          `json:"http,omitempty"`
	Key     string          `json:"key_file,omitempty"` // "": the agency has its own elsewhere
}

func newAccess(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "access AGENCY",
		Short: "Print what an agency's program needs to submit to the ledger that runs here",
		Long: `Print where the running ledger listens, what it is called, with which public key
its receipts are checked, and the files of the agency's login to NATS and of its
signing key. The file of the key is left out when the key is not in this data
directory, as it should be for a ledger that counts.

With -o json this is the file that the programs of examples/agency-go,
examples/agency-node and examples/agency-sh read.

` + exitHelp,
		Example: `  berkas access bawaslu -o json > access.json`,
		Args:    exactArgs("an agency such as bawaslu"),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := o.access(ledger.AgencyID(args[0]))
			if err != nil {
				return err
			}
			t := table{columns: []string{"what", "value"}, value: a}
			for _, row := range [][2]string{
				{"agency", string(a.Agency)},
				{"origin", a.Origin},
				{"receipt key", a.Receipt},
				{"genesis", a.Genesis},
				{"NATS", a.NATS},
				{"NATS seed", a.Seed},
				{"HTTP", a.HTTP},
				{"key file", a.Key},
			} {
				if row[1] != "" {
					t.add(row[0], row[1])
				}
			}
			return t.print(cmd.OutOrStdout(), o.output)
		},
	}
}

func (o *options) access(a ledger.AgencyID) (access, error) {
	h, err := o.home()
	if err != nil {
		return access{}, err
	}
	r, err := h.runs("name its directory with --data")
	if err != nil {
		return access{}, err
	}
	g, err := o.genesis()
	if err != nil {
		return access{}, err
	}
	out := access{Agency: a, Origin: g.Origin, Receipt: g.Receipt, Genesis: h.genesisFile(), NATS: r.NATS, HTTP: r.HTTP}
	out.Seed = h.seedFile(eventstore.User{Role: eventstore.RoleAgency, Name: string(a)})
	if _, err := os.Stat(out.Seed); !a.Valid() || err != nil {
		return access{}, notFound("the ledger has no participant %q", a)
	}
	if file := h.keyFile(ledger.KeyID(a + "/event")); exists(file) {
		out.Key = file
	}
	return out, nil
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}
