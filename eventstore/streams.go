package eventstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/berkas-ledger/berkas/ledger"
)

const (
	// maxMessage is the largest submission that INTAKE takes, headers included:
	// an event of ledger.MaxBody and sixteen signatures fit.
	maxMessage = 64 << 10

	// Names in LEDGER's metadata.
	metaJournal = "berkas-journal"
	metaOrigin  = "berkas-origin"

	// ackWait is how long a message may be in work before it comes again. Coming
	// again does no harm, it is recognised; but for a message that was lost on
	// the way it is the wait. A registrar that starts takes up at once what
	// another has left (see Intake).
	ackWait = 30 * time.Second
	// inWork bounds what the registrar may have taken and not acknowledged from
	// one agency.
	inWork = 8 * MaxBatch
)

// Provisioning says which streams and consumers there have to be.
type Provisioning struct {
	Login   Login  // in the provisioning role
	Journal string // id of the journal
	Origin  string // the ledger's origin

	Agencies  []ledger.AgencyID // each gets an INTAKE stream
	Followers []string          // names under which processes follow LEDGER

	Replicas int // of every stream; zero is 1, a cluster has 3 or 5
	// IntakeBytes bounds what may wait in one INTAKE stream, in bytes; when it
	// is full further submissions are turned away. Zero is 256 MiB.
	IntakeBytes int64
}

// streamConfig is the part of a stream's configuration that is chosen here.
// Source: nats-server, server/stream.go, StreamConfig.
type streamConfig struct {
	Name        string            `json:"name"`
	Subjects    []string          `json:"subjects"`
	Retention   string            `json:"retention"`
	Storage     string            `json:"storage"`
	Discard     string            `json:"discard"`
	Replicas    int               `json:"num_replicas"`
	MaxMsgs     int64             `json:"max_msgs"`
	MaxBytes    int64             `json:"max_bytes"`
	MaxAge      time.Duration     `json:"max_age"`
	MaxMsgsPer  int64             `json:"max_msgs_per_subject"`
	MaxMsgSize  int32             `json:"max_msg_size"`
	Duplicates  time.Duration     `json:"duplicate_window"`
	DenyDelete  bool              `json:"deny_delete"`
	DenyPurge   bool              `json:"deny_purge"`
	AllowRollup bool              `json:"allow_rollup_hdrs"`
	AllowAtomic bool              `json:"allow_atomic"`
	AllowBatch  bool              `json:"allow_batched"`
	AllowDirect bool              `json:"allow_direct"`
	PersistMode string            `json:"persist_mode,omitempty"`
	Metadata    map[string]string `json:"metadata,omitempty"`
}

// consumerConfig likewise. Source: nats-server, server/consumer.go.
type consumerConfig struct {
	Durable       string        `json:"durable_name"`
	Deliver       string        `json:"deliver_policy"`
	Ack           string        `json:"ack_policy"`
	AckWait       time.Duration `json:"ack_wait,omitempty"`
	MaxDeliver    int           `json:"max_deliver"`
	MaxAckPending int           `json:"max_ack_pending,omitempty"`
	Memory        bool          `json:"mem_storage"`
	Replicas      int           `json:"num_replicas"`
	// To be told a consumer that sends to a subject of somebody's choice.
	DeliverSubject string `json:"deliver_subject,omitempty"`
	Filter         string `json:"filter_subject,omitempty"`
}

// Message ids are of no use here and cannot be switched off; 100 ms is the
// shortest memory of them that the server takes.
const noDuplicates = 100 * time.Millisecond

func ledgerStream(journal, origin string, replicas int) streamConfig {
	return streamConfig{
		Name: streamLedger, Subjects: []string{ledger.SubjectsLedger},
		Retention: "limits", Storage: "file", Discard: "new", Replicas: replicas,
		MaxMsgs: -1, MaxBytes: -1, MaxMsgsPer: -1, MaxMsgSize: -1, Duplicates: noDuplicates,
		DenyDelete: true, DenyPurge: true, AllowAtomic: true, AllowDirect: true,
		Metadata: map[string]string{metaJournal: journal, metaOrigin: origin},
	}
}

func intakeStream(a ledger.AgencyID, replicas int, maxBytes int64) streamConfig {
	return streamConfig{
		Name: streamIntake(a), Subjects: []string{prefixIntake + string(a)},
		Retention: "workqueue", Storage: "file", Discard: "new", Replicas: replicas,
		MaxMsgs: -1, MaxBytes: maxBytes, MaxMsgsPer: -1, MaxMsgSize: maxMessage, Duplicates: noDuplicates,
		DenyDelete: true, DenyPurge: true,
	}
}

// readConsumer delivers LEDGER to one reader, who says from where by resetting
// it. What it has delivered is worth nothing, so in a cluster its state is kept
// in memory.
func readConsumer(name string, replicas int) consumerConfig {
	return consumerConfig{Durable: name, Deliver: "all", Ack: "none", MaxDeliver: -1, Memory: replicas > 1}
}

func intakeConsumer() consumerConfig {
	return consumerConfig{Durable: consumerRegistrar, Deliver: "all", Ack: "explicit", AckWait: ackWait, MaxDeliver: -1, MaxAckPending: inWork}
}

func (p *Provisioning) complete() error {
	if p.Replicas == 0 {
		p.Replicas = 1
	}
	if p.IntakeBytes == 0 {
		p.IntakeBytes = 256 << 20
	}
	switch {
	case p.Journal == "" || p.Origin == "":
		return errors.New("provision: the journal's id and the ledger's origin are needed")
	case p.Replicas != 1 && p.Replicas != 3 && p.Replicas != 5:
		return fmt.Errorf("provision: %d replicas; one machine has 1, a cluster 3 or 5", p.Replicas)
	case p.IntakeBytes < maxMessage:
		return fmt.Errorf("provision: %d bytes of intake do not hold one message", p.IntakeBytes)
	}
	for _, a := range p.Agencies {
		if _, err := RightsOf(User{Role: RoleAgency, Name: string(a)}); err != nil {
			return fmt.Errorf("provision: %w", err)
		}
	}
	for _, f := range p.Followers {
		if _, err := RightsOf(User{Role: RoleFollower, Name: f}); err != nil {
			return fmt.Errorf("provision: %w", err)
		}
	}
	return nil
}

// Provision creates the streams and consumers that are missing. One that is
// there is checked and never changed: an update could delete what it holds, so
// a difference is an error that names it. It may be repeated.
func Provision(ctx context.Context, p Provisioning) error {
	if err := p.complete(); err != nil {
		return err
	}
	c, err := p.Login.connect(ctx, User{Role: RoleProvision}, nil)
	if err != nil {
		return err
	}
	defer c.Close()
	readers := append([]string{consumerRegistrar}, p.Followers...)
	if err := provisionLedger(ctx, c.Conn, ledgerStream(p.Journal, p.Origin, p.Replicas), readers); err != nil {
		return err
	}
	if p.Replicas > 1 {
		// On one machine a file does, under the journal's lock.
		if err := haveStream(ctx, c.Conn, sealedStream(p.Journal, p.Origin, p.Replicas)); err != nil {
			return err
		}
	}
	for _, a := range p.Agencies {
		if err := haveStream(ctx, c.Conn, intakeStream(a, p.Replicas, p.IntakeBytes)); err != nil {
			return err
		}
		if err := haveConsumer(ctx, c.Conn, streamIntake(a), intakeConsumer()); err != nil {
			return err
		}
	}
	return nil
}

func provisionLedger(ctx context.Context, c *nats.Conn, s streamConfig, readers []string) error {
	if err := haveStream(ctx, c, s); err != nil {
		return err
	}
	for _, name := range readers {
		if err := haveConsumer(ctx, c, streamLedger, readConsumer(name, s.Replicas)); err != nil {
			return err
		}
	}
	return nil
}

type streamInfo struct {
	Config streamConfig `json:"config"`
	State  struct {
		Msgs  uint64 `json:"messages"`
		First uint64 `json:"first_seq"`
		Last  uint64 `json:"last_seq"`
	} `json:"state"`
}

// haveStream creates a stream, or checks the one that is there.
func haveStream(ctx context.Context, c *nats.Conn, want streamConfig) error {
	var info streamInfo
	err := ask(ctx, c, "STREAM.INFO."+want.Name, nil, &info)
	if isCode(err, codeStreamNotFound) {
		err = ask(ctx, c, "STREAM.CREATE."+want.Name, want, &info)
	}
	if err != nil {
		return err
	}
	have := info.Config
	for _, name := range []string{metaJournal, metaOrigin} {
		if want.Metadata[name] != have.Metadata[name] {
			return fmt.Errorf("stream %s belongs to %s %q, not to %q: %w", want.Name, name, have.Metadata[name], want.Metadata[name], ErrWrongJournal)
		}
	}
	have.Metadata, want.Metadata = nil, nil
	return differs("stream "+want.Name, have, want)
}

func haveConsumer(ctx context.Context, c *nats.Conn, stream string, want consumerConfig) error {
	var info struct {
		Config consumerConfig `json:"config"`
	}
	err := ask(ctx, c, "CONSUMER.INFO."+stream+"."+want.Durable, nil, &info)
	if isCode(err, codeConsumerNotFound) {
		in := struct {
			Stream string         `json:"stream_name"`
			Config consumerConfig `json:"config"`
			Action string         `json:"action"`
		}{stream, want, "create"}
		err = ask(ctx, c, "CONSUMER.CREATE."+stream+"."+want.Durable, in, &info)
	}
	if err != nil {
		return err
	}
	return differs("consumer "+want.Durable+" of "+stream, info.Config, want)
}

// differs names the settings in which what is there is not what has to be. Only
// an operator may mend that, who knows what a change would delete.
func differs(what string, have, want any) error {
	var settings [2]map[string]json.RawMessage
	for i, v := range []any{have, want} {
		text, err := json.Marshal(v)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(text, &settings[i]); err != nil {
			return err
		}
	}
	var list []string
	for name := range settings[0] {
		if _, ok := settings[1][name]; !ok {
			list = append(list, fmt.Sprintf("%s is set", name))
		}
	}
	for name, w := range settings[1] {
		if h := settings[0][name]; !bytes.Equal(h, w) {
			list = append(list, fmt.Sprintf("%s is %s, not %s", name, h, w))
		}
	}
	if len(list) == 0 {
		return nil
	}
	slices.Sort(list)
	return fmt.Errorf("%s is set up differently: %s. Mend it by hand, knowing that lowering a limit deletes: %w", what, strings.Join(list, "; "), ErrNotProvisioned)
}
