package ledger

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// Policy is what somebody has to hold in his own hands to call anything of a
// ledger valid: which ledger, by which keys, from which first record, and which
// witnesses must have seen a checkpoint. Nothing in it may be taken from the
// ledger that it is to judge.
type Policy struct {
	Origin  string
	Log     string // verifier key of checkpoints, as golang.org/x/mod/sumdb/note writes it
	Receipt string // verifier key of receipts, likewise
	Genesis Hash   // leaf hash of the record at position 1

	Witnesses []PolicyWitness
	Groups    []PolicyGroup
	// Quorum names the witness or group that has to have cosigned; QuorumNone
	// asks for no witness at all.
	Quorum string
}

// QuorumNone is the quorum of a policy that asks for no witness.
const QuorumNone = "none"

// PolicyWitness is a witness as a policy knows it.
type PolicyWitness struct {
	Name string // within the policy
	Key  WitnessKey
	URL  string // of its service, for who gathers cosignatures; may be ""
}

// PolicyGroup counts as having cosigned when Threshold of its members have.
type PolicyGroup struct {
	Name      string
	Threshold int
	Members   []string // witnesses or groups named before it
}

const (
	policyMagic = "berkas/policy/v1"
	// MaxPolicy bounds a policy's text, in bytes.
	MaxPolicy = 64 << 10
)

// Text writes the policy. The lines log, witness, group and quorum are those of
// C2SP tlog-policy.
func (p Policy) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\norigin %s\nlog %s\nreceipt %s\ngenesis %s\n", policyMagic, p.Origin, p.Log, p.Receipt, p.Genesis)
	for _, w := range p.Witnesses {
		fmt.Fprintf(&b, "witness %s %s", w.Name, w.Key)
		if w.URL != "" {
			b.WriteString(" " + w.URL)
		}
		b.WriteByte('\n')
	}
	for _, g := range p.Groups {
		fmt.Fprintf(&b, "group %s %d %s\n", g.Name, g.Threshold, strings.Join(g.Members, " "))
	}
	fmt.Fprintf(&b, "quorum %s\n", p.Quorum)
	return b.String()
}

// ParsePolicy reads a policy: its first line, then a line for each thing, in any
// order but groups after their members. Empty lines and lines that begin with #
// are passed over. Errors name the line.
func ParsePolicy(text string) (Policy, error) {
	var p Policy
	if len(text) > MaxPolicy {
		return p, fmt.Errorf("a policy has at most %d bytes, not %d", MaxPolicy, len(text))
	}
	lines := strings.Split(text, "\n")
	if strings.TrimSpace(lines[0]) != policyMagic {
		return p, fmt.Errorf("policy, line 1: not %q; 'berkas trust' prints a policy", policyMagic)
	}
	for i, line := range lines[1:] {
		words := strings.Fields(line)
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		if err := p.set(words[0], words[1:]); err != nil {
			return Policy{}, fmt.Errorf("policy, line %d: %w", i+2, err)
		}
	}
	return p, p.complete()
}

func (p *Policy) set(name string, args []string) error {
	switch name {
	case "origin":
		return once(&p.Origin, args, func(s string) error {
			if !ValidOrigin(s) {
				return errors.New("not the origin of a ledger")
			}
			return nil
		})
	case "log":
		return once(&p.Log, args, verifierKey)
	case "receipt":
		return once(&p.Receipt, args, verifierKey)
	case "genesis":
		var text string
		if p.Genesis != (Hash{}) {
			return errors.New("genesis is said twice")
		}
		return once(&text, args, func(s string) (err error) {
			p.Genesis, err = ParseHash(s)
			return err
		})
	case "witness":
		return p.addWitness(args)
	case "group":
		return p.addGroup(args)
	case "quorum":
		return once(&p.Quorum, args, func(string) error { return nil })
	}
	return fmt.Errorf("unknown word %.20q; known are origin, log, receipt, genesis, witness, group and quorum", name)
}

// once sets what may be said once.
func once(to *string, args []string, check func(string) error) error {
	if len(args) != 1 {
		return fmt.Errorf("one value is needed, not %d", len(args))
	}
	if *to != "" {
		return errors.New("it is said twice")
	}
	*to = args[0]
	return check(args[0])
}

func verifierKey(s string) error {
	_, err := note.NewVerifier(s)
	return err
}

func (p *Policy) addWitness(args []string) error {
	if len(args) != 2 && len(args) != 3 {
		return errors.New("a witness has a name, a verifier key, and perhaps a URL")
	}
	key, err := ParseWitnessKey(args[1])
	if err != nil {
		return err
	}
	w := PolicyWitness{Name: args[0], Key: key}
	if len(args) == 3 {
		u, err := url.Parse(args[2])
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
			return errors.New("a witness's URL is http(s)://host[:port][/path]")
		}
		w.URL = args[2]
	}
	if err := p.fresh(w.Name); err != nil {
		return err
	}
	// One key under two names would count twice.
	if slices.ContainsFunc(p.Witnesses, func(o PolicyWitness) bool { return o.Key.public.Equal(key.public) }) {
		return errors.New("another witness has the same key")
	}
	p.Witnesses = append(p.Witnesses, w)
	return nil
}

func (p *Policy) addGroup(args []string) error {
	if len(args) < 3 {
		return errors.New("a group has a name, a threshold, and members")
	}
	g := PolicyGroup{Name: args[0], Members: args[2:]}
	switch args[1] {
	case "any":
		g.Threshold = 1
	case "all":
		g.Threshold = len(g.Members)
	default:
		n, err := strconv.Atoi(args[1])
		if err != nil || n < 1 || n > len(g.Members) {
			return fmt.Errorf("the threshold is any, all, or a number from 1 to %d", len(g.Members))
		}
		g.Threshold = n
	}
	if err := p.fresh(g.Name); err != nil {
		return err
	}
	for i, m := range g.Members {
		if !p.knows(m) {
			return fmt.Errorf("member %.40q is neither a witness nor a group named before", m)
		}
		if slices.Contains(g.Members[:i], m) {
			return fmt.Errorf("member %.40q is named twice", m)
		}
	}
	p.Groups = append(p.Groups, g)
	return nil
}

func (p *Policy) knows(name string) bool {
	return slices.ContainsFunc(p.Witnesses, func(w PolicyWitness) bool { return w.Name == name }) ||
		slices.ContainsFunc(p.Groups, func(g PolicyGroup) bool { return g.Name == name })
}

func (p *Policy) fresh(name string) error {
	if name == QuorumNone || p.knows(name) {
		return fmt.Errorf("the name %.40q is taken", name)
	}
	return nil
}

// complete says what is missing or does not fit together.
func (p *Policy) complete() error {
	for _, line := range [][2]string{{"origin", p.Origin}, {"log", p.Log}, {"receipt", p.Receipt}, {"quorum", p.Quorum}} {
		if line[1] == "" {
			return fmt.Errorf("policy: the line %q is missing", line[0])
		}
	}
	if p.Genesis == (Hash{}) {
		return errors.New("policy: the line \"genesis\" is missing")
	}
	if p.Quorum != QuorumNone && !p.knows(p.Quorum) {
		return fmt.Errorf("policy: the quorum %.40q is neither a witness nor a group of it", p.Quorum)
	}
	log, _, err := p.Verifiers()
	if err != nil {
		return err
	}
	if log.Name() != p.Origin {
		return fmt.Errorf("policy: the log's key is named %s, not %s", log.Name(), p.Origin)
	}
	if p.Log[strings.LastIndex(p.Log, "+"):] == p.Receipt[strings.LastIndex(p.Receipt, "+"):] {
		return errors.New("policy: one key signs receipts and checkpoints")
	}
	return nil
}

// Verifiers reads the keys of checkpoints and of receipts.
func (p Policy) Verifiers() (log, receipt note.Verifier, err error) {
	if log, err = note.NewVerifier(p.Log); err != nil {
		return nil, nil, fmt.Errorf("policy, log: %w", err)
	}
	if receipt, err = note.NewVerifier(p.Receipt); err != nil {
		return nil, nil, fmt.Errorf("policy, receipt: %w", err)
	}
	return log, receipt, nil
}

// Witnessed is a checkpoint that a policy accepts.
type Witnessed struct {
	Checkpoint
	Signed []byte // as it was read
	By     []Cosignature
}

// Cosignature is a witness's verified word that it saw a checkpoint, and none
// that contradicts it.
type Cosignature struct {
	Witness string // its name within the policy
	At      time.Time
}

// ErrNoQuorum says that a checkpoint is the log's, but that fewer witnesses than
// the policy asks for have cosigned it.
var ErrNoQuorum = errors.New("too few witnesses have cosigned")

// Open verifies a signed checkpoint by the policy: the log's signature, and the
// quorum. With ErrNoQuorum the result holds the cosignatures that are there.
func (p Policy) Open(signed []byte) (Witnessed, error) {
	log, _, err := p.Verifiers()
	if err != nil {
		return Witnessed{}, err
	}
	c, _, err := OpenCheckpoint(signed, log)
	if err != nil {
		return Witnessed{}, err
	}
	if c.Origin != p.Origin {
		return Witnessed{}, fmt.Errorf("checkpoint of %s, not of %s", c.Origin, p.Origin)
	}
	by, err := p.cosignatures(signed)
	if err != nil {
		return Witnessed{}, err
	}
	w := Witnessed{Checkpoint: c, Signed: signed, By: by}
	if !p.enough(w.By) {
		return w, fmt.Errorf("%s at size %d: %d of the quorum %q: %w", c.Origin, c.Size, len(w.By), p.Quorum, ErrNoQuorum)
	}
	return w, nil
}

// cosignatures gives those of the policy's witnesses. A signature in a witness's
// name that is not its own is an error: somebody forged it, or it was damaged.
func (p Policy) cosignatures(signed []byte) ([]Cosignature, error) {
	if len(p.Witnesses) == 0 {
		return nil, nil
	}
	keys := make([]note.Verifier, len(p.Witnesses))
	for i, w := range p.Witnesses {
		keys[i] = w.Key
	}
	n, err := note.Open(signed, note.VerifierList(keys...))
	var none *note.UnverifiedNoteError
	if errors.As(err, &none) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cosignatures: %w", err)
	}
	var out []Cosignature
	for _, sig := range n.Sigs {
		i := slices.IndexFunc(p.Witnesses, func(w PolicyWitness) bool { return w.Key.name == sig.Name && w.Key.hash == sig.Hash })
		at, err := CosignedAt(sig)
		if err != nil {
			return nil, err
		}
		out = append(out, Cosignature{p.Witnesses[i].Name, at})
	}
	return out, nil
}

// enough reports whether the quorum has cosigned.
func (p Policy) enough(by []Cosignature) bool {
	if p.Quorum == QuorumNone {
		return true
	}
	done := map[string]bool{}
	for _, c := range by {
		done[c.Witness] = true
	}
	for _, g := range p.Groups { // members come before their groups
		n := 0
		for _, m := range g.Members {
			if done[m] {
				n++
			}
		}
		done[g.Name] = n >= g.Threshold
	}
	return done[p.Quorum]
}

// OpenReceipt verifies a signed receipt by the policy.
func (p Policy) OpenReceipt(signed []byte) (Receipt, error) {
	_, verifier, err := p.Verifiers()
	if err != nil {
		return Receipt{}, err
	}
	r, err := OpenReceipt(signed, verifier)
	if err == nil && r.Origin != p.Origin {
		err = fmt.Errorf("receipt of %s, not of %s", r.Origin, p.Origin)
	}
	return r, err
}

// PolicyOf is the policy that a genesis record with a leaf hash stands for, with
// no witnesses. It is for who wrote that record: from anybody else's copy it
// would prove nothing.
func PolicyOf(g Genesis, leaf Hash) Policy {
	return Policy{Origin: g.Origin, Log: g.Log, Receipt: g.Receipt, Genesis: leaf, Quorum: QuorumNone}
}
