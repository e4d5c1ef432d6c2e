package eventstore

import (
	"errors"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

func TestProvisionCreatesAndChecks(t *testing.T) {
	s := startServer(t, t.TempDir())
	journal := newJournal(t, 0)
	p := s.provisioning(t, journal)
	check(t, Provision(t.Context(), p))
	check(t, Provision(t.Context(), p)) // and may be repeated
	p.Agencies = append(p.Agencies, ledger.BKN)
	check(t, Provision(t.Context(), p))

	c := s.connect(t, User{Role: RoleProvision})
	for name, want := range map[string]streamConfig{
		"LEDGER":         ledgerStream(p.Journal, testOrigin, 1),
		"INTAKE-bawaslu": intakeStream("bawaslu", 1, 256<<20),
		"INTAKE-bkn":     intakeStream("bkn", 1, 256<<20),
	} {
		var info streamInfo
		check(t, ask(t.Context(), c, "STREAM.INFO."+name, nil, &info))
		info.Config.Metadata, want.Metadata = nil, nil
		check(t, differs(name, info.Config, want))
	}

	other := p
	other.Journal = strings.Repeat("0", 32)
	if err := Provision(t.Context(), other); !errors.Is(err, ErrWrongJournal) {
		t.Errorf("another journal: %v", err)
	}
	smaller := p
	smaller.IntakeBytes = 1 << 20
	if err := Provision(t.Context(), smaller); !errors.Is(err, ErrNotProvisioned) || !strings.Contains(err.Error(), "max_bytes is 268435456, not 1048576") {
		t.Errorf("a lower limit: %v", err)
	}
	var info streamInfo
	check(t, ask(t.Context(), c, "STREAM.INFO.INTAKE-bawaslu", nil, &info))
	if info.Config.MaxBytes != 256<<20 {
		t.Error("a limit was changed")
	}
}

func TestProvisionRefuses(t *testing.T) {
	good := Provisioning{Journal: "0", Origin: testOrigin}
	for name, change := range map[string]func(*Provisioning){
		"no journal":      func(p *Provisioning) { p.Journal = "" },
		"no origin":       func(p *Provisioning) { p.Origin = "" },
		"two replicas":    func(p *Provisioning) { p.Replicas = 2 },
		"a tiny intake":   func(p *Provisioning) { p.IntakeBytes = 10 },
		"a wild agency":   func(p *Provisioning) { p.Agencies = []ledger.AgencyID{"*"} },
		"a role's name":   func(p *Provisioning) { p.Agencies = []ledger.AgencyID{"registrar"} },
		"a wild follower": func(p *Provisioning) { p.Followers = []string{">"} },
		"the registrar's": func(p *Provisioning) { p.Followers = []string{"registrar"} },
	} {
		p := good
		change(&p)
		if err := Provision(t.Context(), p); err == nil || strings.Contains(err.Error(), "connect") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
