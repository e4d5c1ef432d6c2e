package eventstore

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/nats-io/nats.go"

	"github.com/berkas-ledger/berkas/ledger"
)

// A record of a message block: length, sequence, time, length of the subject; then
// subject, length of the headers if there are any, headers, body, checksum.
// Source: nats-server, server/filestore.go.
const (
	blockHead    = 4 + 8 + 8 + 2
	blockSum     = 8
	blockHeaders = 1 << 31 // in the length: there are headers
	blockMost    = 32 << 20
	// mostLost is far more messages than a block holds.
	mostLost      = 1 << 20
	blockErased   = 1 << 62 // in the sequence
	blockDeletion = 1 << 63
)

// BlockScan is what stands in the files of LEDGER, read without a server. A server
// must not be started over files with flaws: of 2.15.2 a single flipped bit in the
// sequence of a message takes all the memory there is.
type BlockScan struct {
	Dir    string
	Leaves []ledger.Hash // by position; zero where no record could be read
	Flaws  []Flaw

	at []blockPlace
}

type blockPlace struct {
	file string
	byte int64
}

// ScanBlocks reads the message blocks of LEDGER, whose directory LedgerDir names,
// and changes nothing. Checksums are not looked at: those are the server's.
func ScanBlocks(dir string) (*BlockScan, error) {
	s := &BlockScan{Dir: dir}
	files, err := os.ReadDir(filepath.Join(dir, "msgs"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var numbers []int
	for _, f := range files {
		var n int
		if _, err := fmt.Sscanf(f.Name(), "%d.blk", &n); err == nil && fmt.Sprintf("%d.blk", n) == f.Name() {
			numbers = append(numbers, n)
		}
	}
	slices.SortFunc(numbers, cmp.Compare[int])
	next := ledger.Position(1)
	for _, n := range numbers {
		name := filepath.Join("msgs", fmt.Sprintf("%d.blk", n))
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		next = s.block(name, raw, next)
	}
	return s, nil
}

// block reads one file, whose first message should be the one at a position, and
// gives the position that should follow it.
func (s *BlockScan) block(name string, raw []byte, next ledger.Position) ledger.Position {
	flaw := func(at int, last ledger.Position, why string) {
		s.Flaws = append(s.Flaws, Flaw{File: name, Byte: int64(at), First: next, Last: last, Problem: why})
	}
	for at := 0; at < len(raw); {
		n, why := blockRecord(raw[at:])
		if why != "" {
			flaw(at, next, why)
			return next + 1
		}
		record := raw[at : at+n]
		sequence := binary.LittleEndian.Uint64(record[4:])
		switch p := ledger.Position(sequence); {
		case sequence&(blockErased|blockDeletion) != 0:
			flaw(at, next, "the message is marked as deleted, which nobody may do on LEDGER")
		case p == next:
			s.take(next, name, int64(at), record)
		case p > next && at == 0 && len(s.Flaws) > 0 && p-next < mostLost: // behind a block that could not be read to its end
			next = p
			s.take(next, name, int64(at), record)
		default:
			flaw(at, next, fmt.Sprintf("message %d stands where message %d belongs", sequence, next))
		}
		next++
		at += n
	}
	return next
}

// blockRecord gives the length of the record at the beginning of raw, or says why
// there is none.
func blockRecord(raw []byte) (n int, why string) {
	if len(raw) < blockHead {
		return 0, "the message is incomplete"
	}
	length := binary.LittleEndian.Uint32(raw)
	n = int(length &^ blockHeaders)
	around := blockHead + int(binary.LittleEndian.Uint16(raw[20:])) + blockSum
	if length&blockHeaders != 0 {
		around += 4
	}
	if n < around || n > len(raw) || n > blockMost {
		return 0, "the message's length is wrong"
	}
	return n, ""
}

// take notes the record of a position.
func (s *BlockScan) take(p ledger.Position, name string, at int64, record []byte) {
	for ledger.Position(len(s.Leaves)) < p {
		s.Leaves = append(s.Leaves, ledger.Hash{})
		s.at = append(s.at, blockPlace{"", -1})
	}
	s.at[p-1] = blockPlace{name, at}
	if r, err := blockMessage(p, record); err == nil {
		s.Leaves[p-1] = r.LeafHash()
	}
}

// blockMessage reads the message in a record of a block.
func blockMessage(p ledger.Position, record []byte) (ledger.Record, error) {
	subject := int(binary.LittleEndian.Uint16(record[20:]))
	rest := record[blockHead : len(record)-blockSum]
	m := nats.NewMsg(string(rest[:subject]))
	rest = rest[subject:]
	if binary.LittleEndian.Uint32(record)&blockHeaders != 0 {
		n := binary.LittleEndian.Uint32(rest)
		if rest = rest[4:]; uint64(n) > uint64(len(rest)) {
			return ledger.Record{}, errors.New("its headers are longer than it is")
		}
		var err error
		if m.Header, err = nats.DecodeHeadersMsg(rest[:n]); err != nil {
			return ledger.Record{}, err
		}
		rest = rest[n:]
	}
	m.Data = rest
	return recordOf(p, m.Subject, m)
}

// Where says in which file and at which byte the message of a position begins;
// byte -1 if it was not found.
func (s *BlockScan) Where(p ledger.Position) (file string, at int64) {
	if p < 1 || p > ledger.Position(len(s.at)) {
		return "", -1
	}
	return s.at[p-1].file, s.at[p-1].byte
}

// leaf reads the leaf of a position again.
func (s *BlockScan) leaf(p ledger.Position) ([]byte, error) {
	f, err := os.Open(filepath.Join(s.Dir, s.at[p-1].file))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, blockHead)
	if _, err := f.ReadAt(head, s.at[p-1].byte); err != nil {
		return nil, err
	}
	record := make([]byte, binary.LittleEndian.Uint32(head)&^blockHeaders)
	if _, err := f.ReadAt(record, s.at[p-1].byte); err != nil {
		return nil, err
	}
	r, err := blockMessage(p, record)
	return r.Leaf(), err
}

// Scan gives what the files hold as what a server would give out. The stream's
// metadata is read from its file.
func (s *BlockScan) Scan() *LedgerScan {
	out := &LedgerScan{Leaves: s.Leaves, Flaws: s.Flaws, blocks: s}
	var info struct {
		Metadata map[string]string `json:"metadata"`
	}
	if raw, err := os.ReadFile(filepath.Join(s.Dir, "meta.inf")); err == nil && json.Unmarshal(raw, &info) == nil {
		out.Journal, out.Origin = info.Metadata[metaJournal], info.Metadata[metaOrigin]
	}
	return out
}

// CheckStored looks at the heads of all messages in a server's directory for a
// sequence that runs far ahead of the one before it. No server stores such a thing,
// and one that is started over it counts up to it in memory (2.15.2).
func CheckStored(store string) error {
	files, err := filepath.Glob(filepath.Join(store, "jetstream", "*", "streams", "*", "msgs", "*.blk"))
	if err != nil {
		return err
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if at := farAhead(raw); at >= 0 {
			return fmt.Errorf("%s at byte %d: a message's sequence is damaged, and a server over such files takes all memory", file, at)
		}
	}
	return nil
}

// farAhead gives the byte of the first message of a block whose sequence cannot be
// its own, -1 for none.
func farAhead(raw []byte) int {
	last := uint64(0)
	for at := 0; at < len(raw); {
		n, why := blockRecord(raw[at:])
		if why != "" {
			return -1 // the server stops there, too
		}
		sequence := binary.LittleEndian.Uint64(raw[at+4:])
		if sequence&blockDeletion == 0 {
			sequence &^= blockErased
			if last > 0 && sequence > last+mostLost {
				return at
			}
			last = max(last, sequence)
		}
		at += n
	}
	return -1
}
