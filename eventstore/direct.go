package eventstore

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/berkas-ledger/berkas/ledger"
)

// While the server answers a direct request it takes no message, so one request
// asks for little.
const (
	directBatch = 512
	directBytes = 1 << 20
)

// directRequest reads messages by what they are.
// Source: nats-server, server/jetstream_api.go, JSApiMsgGetRequest.
type directRequest struct {
	From    ledger.Position `json:"seq,omitempty"`
	LastFor string          `json:"last_by_subj,omitempty"`
	NextFor string          `json:"next_by_subj,omitempty"`
	Batch   int             `json:"batch,omitempty"`
	Bytes   int             `json:"max_bytes,omitempty"`
}

// direct sends a request and collects what comes, none if there is none.
func direct(ctx context.Context, c *nats.Conn, request directRequest) ([]*positioned, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	body, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	inbox := c.NewInbox()
	sub, err := c.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := c.PublishRequest("$JS.API.DIRECT.GET."+streamLedger, inbox, body); err != nil {
		return nil, err
	}
	var out []*positioned
	for {
		m, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return nil, fmt.Errorf("read LEDGER: %w", err)
		}
		switch code := statusOf(m); code {
		case statusEndOfBatch, statusNoMessages:
			return out, nil
		case 0:
		default:
			return nil, fmt.Errorf("read LEDGER: the server says %d %s", code, m.Header.Get("Description"))
		}
		p, err := directOf(m)
		if err != nil {
			return nil, err
		}
		if out = append(out, p); request.Batch == 0 {
			return out, nil
		}
	}
}
