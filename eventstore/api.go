package eventstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
)

// Codes of JetStream's answers that are told apart here.
// Source: nats-server, server/errors.json.
const (
	codeStreamNotFound    = 10059
	codeConsumerNotFound  = 10014
	codeStreamNameInUse   = 10058
	codeWrongLastSequence = 10071 // one server: "wrong last sequence: 12"
	codeWrongLastConstant = 10164 // a replicated stream: "wrong last sequence"
)

// apiError is an error in an answer of JetStream.
type apiError struct {
	Code        int    `json:"code"`
	ErrCode     int    `json:"err_code"`
	Description string `json:"description"`
}

func (e *apiError) Error() string {
	return fmt.Sprintf("JetStream says %q (%d)", e.Description, e.ErrCode)
}

// isCode reports whether err is JetStream's answer with the code.
func isCode(err error, codes ...int) bool {
	var api *apiError
	if !errors.As(err, &api) {
		return false
	}
	for _, c := range codes {
		if api.ErrCode == c {
			return true
		}
	}
	return false
}

// ask sends one request to JetStream's API and reads the answer into out, which
// may be nil. Requests are made by hand, not by the client library, because a
// user has the rights to exactly these.
func ask(ctx context.Context, c *nats.Conn, subject string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	m, err := c.RequestWithContext(ctx, "$JS.API."+subject, body)
	if denied := c.LastError(); err != nil && errors.Is(denied, nats.ErrPermissionViolation) {
		return fmt.Errorf("JetStream %s: %w", subject, denied) // which the asker sees as silence
	}
	if err != nil {
		return fmt.Errorf("JetStream %s: %w", subject, err)
	}
	var failed struct {
		Error *apiError `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &failed); err != nil {
		return fmt.Errorf("JetStream %s: %w", subject, err)
	}
	if failed.Error != nil {
		return fmt.Errorf("JetStream %s: %w", subject, failed.Error)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(m.Data, out); err != nil {
		return fmt.Errorf("JetStream %s: %w", subject, err)
	}
	return nil
}

// absent reports whether an answer means that there is no such stream or
// consumer.
func absent(err error) bool { return isCode(err, codeStreamNotFound, codeConsumerNotFound) }

// resetConsumer makes a consumer deliver from a stream sequence on; 0 is the
// first message that was not acknowledged. It returns how many messages wait
// there. A consumer that is not there does not answer.
func resetConsumer(ctx context.Context, c *nats.Conn, stream, name string, from uint64) (pending uint64, err error) {
	var in any
	if from > 0 {
		in = struct {
			Seq uint64 `json:"seq"`
		}{from}
	}
	var info struct {
		Pending uint64 `json:"num_pending"`
	}
	// A server that has just started may lose the question; it is asked again.
	ctx, cancel := context.WithTimeout(ctx, requestTimeout/4)
	defer cancel()
	err = ask(ctx, c, "CONSUMER.RESET."+stream+"."+name, in, &info)
	return info.Pending, err
}
