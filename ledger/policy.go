package ledger

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

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
	// maxWitnesses bounds witnesses, and groups. Fewer than the hundred signatures
	// that a note may have, so that all may sign, and strangers, too.
	maxWitnesses = 64
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
// order but groups after their members and the quorum after what it names, as
// C2SP tlog-policy says. Words are divided by spaces and tabs. Empty lines and
// lines that begin with # are passed over. Errors name the line.
func ParsePolicy(text string) (Policy, error) {
	var p Policy
	if len(text) > MaxPolicy {
		return p, fmt.Errorf("a policy has at most %d bytes, not %d", MaxPolicy, len(text))
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		// Words that only look divided, or look alike, have no place in what
		// somebody reads in order to trust it.
		if !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }) {
			return p, fmt.Errorf("policy, line %d: a control character, perhaps a carriage return, or not UTF-8", i+1)
		}
	}
	if strings.Trim(lines[0], " \t") != policyMagic {
		return p, fmt.Errorf("policy, line 1: not %q; 'berkas trust' prints a policy", policyMagic)
	}
	for i, line := range lines[1:] {
		words := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' })
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		if err := p.set(words[0], words[1:]); err != nil {
			return Policy{}, fmt.Errorf("policy, line %d: %w", i+2, err)
		}
	}
	if err := p.complete(); err != nil {
		return Policy{}, err
	}
	return p, nil
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
		return once(&p.Quorum, args, func(name string) error {
			if name != QuorumNone && !p.knows(name) {
				return fmt.Errorf("the quorum %.40q is neither %s nor a witness or group named before", name, QuorumNone)
			}
			return nil
		})
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

// verifierKey checks a key of notes, of type 1, in its one form.
func verifierKey(s string) error {
	v, err := note.NewVerifier(s)
	if err != nil {
		return err
	}
	raw, err := keyOf(s)
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return errors.New("not a verifier key of notes (type 1)")
	}
	if again, err := note.NewEd25519VerifierKey(v.Name(), raw); err != nil || again != s {
		return fmt.Errorf("verifier key of %.40q is not in its one form", v.Name())
	}
	return nil
}

// keyOf gives the public key within a verifier key: its base64, in which there
// may be plus signs, too, stands after the second plus sign.
func keyOf(vkey string) (ed25519.PublicKey, error) {
	parts := strings.SplitN(vkey, "+", 3)
	raw, err := base64.StdEncoding.Strict().DecodeString(parts[len(parts)-1])
	if err != nil || len(parts) != 3 || len(raw) < 1 {
		return nil, errors.New("not a verifier key")
	}
	return raw[1:], nil
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
		if !witnessURL(args[2]) {
			return errors.New("a witness's URL is http(s)://host[:port][/path]")
		}
		w.URL = args[2]
	}
	if err := p.fresh(w.Name); err != nil {
		return err
	}
	for _, o := range p.Witnesses {
		if o.Key.public.Equal(key.public) { // under two names it would count twice
			return errors.New("another witness has the same key")
		}
		if o.Key.name == key.name && o.Key.hash == key.hash { // chosen so that they match
			return errors.New("another witness's key has the same name and hash, so signatures could not be told apart")
		}
	}
	if len(p.Witnesses) == maxWitnesses {
		return fmt.Errorf("more than %d witnesses", maxWitnesses)
	}
	p.Witnesses = append(p.Witnesses, w)
	return nil
}

// witnessURL reports whether an address may stand in a policy.
func witnessURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && !strings.ContainsAny(s, "?#")
}

func (p *Policy) addGroup(args []string) error {
	if len(args) < 3 {
		return errors.New("a group has a name, a threshold, and members")
	}
	if len(p.Groups) == maxWitnesses {
		return fmt.Errorf("more than %d groups", maxWitnesses)
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
	// Other programs that read such lines take the words of the language, and what
	// begins with #, for something else.
	if !printable(name) || strings.Contains(name, "#") || slices.Contains([]string{"any", "all", "log", "witness", "group", "quorum"}, name) {
		return fmt.Errorf("a name is a word of at most %d bytes without #, and not one of this file's own words", maxName)
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
	log, _, err := p.Verifiers()
	if err != nil {
		return err
	}
	if log.Name() != p.Origin {
		return fmt.Errorf("policy: the log's key is named %s, not %s", log.Name(), p.Origin)
	}
	return p.keysDiffer()
}

// keysDiffer refuses one key in two roles. Above all the ledger's own may not
// count as a witness of itself.
func (p *Policy) keysDiffer() error {
	logKey, err := keyOf(p.Log)
	if err != nil {
		return err
	}
	receiptKey, err := keyOf(p.Receipt)
	if err != nil {
		return err
	}
	if logKey.Equal(receiptKey) {
		return errors.New("policy: one key signs receipts and checkpoints")
	}
	for _, w := range p.Witnesses {
		if w.Key.public.Equal(logKey) || w.Key.public.Equal(receiptKey) {
			return fmt.Errorf("policy: the key of witness %.40q is the ledger's own", w.Name)
		}
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

// PolicyOf is the policy that a genesis record with a leaf hash stands for, with
// no witnesses. It is for who wrote that record: from anybody else's copy it
// would prove nothing.
func PolicyOf(g Genesis, leaf Hash) Policy {
	return Policy{Origin: g.Origin, Log: g.Log, Receipt: g.Receipt, Genesis: leaf, Quorum: QuorumNone}
}
