package web

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// The auditor's desk: what shows what happened when, and how to check it without
// believing this server. It quotes and computes; it judges nothing.

const (
	deskPath        = "/desk"
	checkpointsPath = "/desk/checkpoints"
	consistencyPath = "/desk/consistency"
	replayPath      = "/desk/replay"
	comparePath     = "/desk/compare"
	auditsPath      = "/desk/audits"
	samplePath      = "/desk/sample"
)

// describeDesk serves the desk. Checkpoints are for everybody, like the log's
// files that they are made of; what names records or cases is not.
func (s *Server) describeDesk() {
	s.page("GET "+deskPath, needNothing, s.showDesk)
	s.page("GET "+checkpointsPath, needNothing, s.showCheckpoints)
	s.serve("GET "+consistencyPath, needNothing, s.showConsistency)
	s.serve("GET "+comparePath, needCases, s.showCompare)
	s.serve("GET "+replayPath, needCases, s.showReplay)
	s.page("GET "+replayPath+"/{id}", needCases, s.showCaseReplay)
	s.serve("GET "+samplePath, needCases, s.showSample)
	s.page("GET "+auditsPath, needCases, s.showAudits)
	s.serve("GET "+auditsPath+"/{name}", needCases, s.getAudit)
}

type deskPage struct {
	Newest    *deskCheckpoint
	Older     []deskCheckpoint // the ones before
	Age       age
	Behind    uint64 // records that it does not cover yet
	Witnesses []witnessLine
	Quorum    quorum
	Own       bool // witnesses run in the operator's own process
	Audits    []auditLine
	HasAudits bool // the operator has named a directory of reports
	Tools     []deskTool
	Address   string // of this server, as the reader reached it
	Origin    string
	Genesis   string // its log key, to compare
}

// deskTool is a way onwards.
type deskTool struct {
	Href string
	Name text
	Says text
}

var deskTools = []deskTool{
	{checkpointsPath, text{"Titik periksa", "Checkpoints"}, text{
		"Semua titik periksa yang pernah terbit, dan bukti bahwa buku besar hanya bertambah di antara dua di antaranya.",
		"Every checkpoint ever published, and a proof that the ledger only grew between any two of them.",
	}},
	{replayPath, text{"Putar ulang", "Replay"}, text{
		"Satu kasus atau seluruh buku besar, catatan demi catatan: apa yang diketahui kapan.",
		"A case or the whole ledger, record by record: what was known when.",
	}},
	{comparePath, text{"Bandingkan dua saat", "Compare two moments"}, text{
		"Setiap ukuran pada dua saat, kasus yang masuk dan keluar, dan catatan yang menyebabkannya.",
		"Every measure at two moments, which cases came in and went out, and the record that did it.",
	}},
	{auditsPath, text{"Laporan audit", "Audit reports"}, text{
		"Apa yang ditulis para auditor tentang buku besar ini, dikutip apa adanya.",
		"What auditors wrote about this ledger, quoted as they wrote it.",
	}},
	{samplePath, text{"Undian sampel", "Random samples"}, text{
		"Kasus yang diundi dengan benih yang diumumkan; siapa pun mengundi hasil yang sama.",
		"Cases drawn by a published seed; anybody draws the same.",
	}},
	{verifyPath, text{"Periksa satu kasus sendiri", "Check one case yourself"}, text{
		"Halaman yang memeriksa berkas satu kasus di peramban Anda, tanpa jaringan.",
		"A page that checks the file of one case in your browser, without a network.",
	}},
}

// witnessLine is a witness of the operator's policy and what it did.
type witnessLine struct {
	Name string // in the policy
	Key  string // name of its key
	// At is its cosignature's time on the newest checkpoint, zero if it has none.
	At time.Time
	// Seen is the newest time at which a published checkpoint shows it.
	Seen  time.Time
	Size  ledger.Position // of that checkpoint
	Asked bool            // the operator's program has told how it did
	Away  bool            // it did not cosign when it was asked last
	Own   bool
}

// quorum says whom the policy asks for.
type quorum struct {
	Name    string
	Need    int // 0: a single witness or none
	Of      []string
	None    bool
	Missing []string // of the policy's witnesses, on the newest checkpoint
	Reached bool
}

// age is how old something is, in words that do not change every second.
type age struct{ D time.Duration }

func (a age) words() text {
	one := func(n int, id, en string) text {
		plural := "s"
		if n == 1 {
			plural = ""
		}
		return text{fmt.Sprintf("%d %s", n, id), fmt.Sprintf("%d %s%s", n, en, plural)}
	}
	switch d := max(0, a.D); {
	case d < time.Minute:
		return one(int(d/time.Second), "detik", "second")
	case d < time.Hour:
		return one(int(d/time.Minute), "menit", "minute")
	case d < 48*time.Hour:
		return one(int(d/time.Hour), "jam", "hour")
	default:
		return one(int(d/(24*time.Hour)), "hari", "day")
	}
}

// Words are for templates.
func (a age) Words() text { return a.words() }

// deskSeen is how many checkpoints back the desk looks for a witness.
const deskSeen = 20

func (s *Server) showDesk(r *http.Request) (view, error) {
	ctx := r.Context()
	page := deskPage{Origin: s.origin, Genesis: s.Roster().Genesis().Log, Address: addressOf(r, s.SecureCookies)}
	for _, tool := range deskTools {
		if s.serves(tool.Href) {
			page.Tools = append(page.Tools, tool)
		}
	}
	list, err := s.keptList(ctx)
	if err != nil {
		return view{}, err
	}
	var shown []deskCheckpoint
	for _, size := range slices.Backward(list[max(0, len(list)-deskSeen):]) {
		c, err := s.deskCheckpoint(ctx, size)
		if err != nil {
			return view{}, err
		}
		shown = append(shown, c)
	}
	if len(shown) > 0 {
		page.Newest, page.Older = &shown[0], shown[1:min(len(shown), 6)]
		page.Behind = uint64(s.Head() - min(s.Head(), shown[0].Size))
		if last := shown[0].last(); !last.IsZero() {
			page.Age = age{s.Now().Sub(last)}
		}
	}
	page.witnesses(s, shown)
	if s.allow(r, needCases) == nil { // whose reports there are is for who may read them
		if err := s.deskAudits(ctx, &page); err != nil {
			return view{}, err
		}
	}
	return view{Template: "desk", Title: text{"Meja auditor", "Auditor's desk"}, Data: page}, nil
}

// addressOf is the server's address as the reader reached it, for commands that
// he copies: his own browser's word.
func addressOf(r *http.Request, tls bool) string {
	scheme := "http://"
	if tls || r.TLS != nil {
		scheme = "https://"
	}
	if strings.ContainsFunc(r.Host, func(c rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]", c)
	}) {
		return "https://ledger.example"
	}
	return scheme + r.Host
}

// witnesses says of each of the policy's what the newest checkpoints show of it.
func (p *deskPage) witnesses(s *Server, shown []deskCheckpoint) {
	policy, ok := s.deskPolicy()
	if !ok {
		p.Quorum.None = true
		return
	}
	var states []DeskWitness
	if s.Desk.Witnesses != nil {
		states = s.Desk.Witnesses()
	}
	for _, w := range policy.Witnesses {
		line := witnessLine{Name: w.Name, Key: w.Key.Name()}
		for i := range shown {
			if at, ok := shown[i].at(w.Name); ok && at.After(line.Seen) {
				line.Seen, line.Size = at, shown[i].Size
			}
		}
		if len(shown) > 0 {
			line.At, _ = shown[0].at(w.Name)
		}
		for _, st := range states {
			if st.Name == w.Name {
				line.Asked, line.Away, line.Own = true, st.Err != nil, st.Own
				p.Own = p.Own || st.Own
			}
		}
		if line.At.IsZero() {
			p.Quorum.Missing = append(p.Quorum.Missing, w.Name)
		}
		p.Witnesses = append(p.Witnesses, line)
	}
	p.Quorum.Name, p.Quorum.None = policy.Quorum, policy.Quorum == ledger.QuorumNone
	p.Quorum.Reached = len(shown) > 0 && shown[0].Enough
	for _, g := range policy.Groups {
		if g.Name == policy.Quorum {
			p.Quorum.Need, p.Quorum.Of = g.Threshold, g.Members
		}
	}
}

// deskPolicy is the operator's policy; false if nobody has given any.
func (s *Server) deskPolicy() (ledger.Policy, bool) {
	if s.Desk.Policy == nil {
		return ledger.PolicyOf(s.Roster().Genesis(), ledger.Hash{}), false
	}
	return s.Desk.Policy(), true
}

// readCheckpoint reads a signed checkpoint by the operator's policy. Fewer
// witnesses than it asks for are no error: older checkpoints may have had fewer.
func (s *Server) readCheckpoint(signed []byte) (ledger.Witnessed, bool, error) {
	policy, _ := s.deskPolicy()
	w, err := policy.Open(signed)
	if errors.Is(err, ledger.ErrNoQuorum) {
		return w, false, nil
	}
	return w, err == nil, err
}
