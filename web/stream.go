package web

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/berkas-ledger/berkas/ledger"
)

// The feed: every record as it is recorded, as server-sent events. The id of an
// event is a position, which is the whole state of a reader: whoever asks again
// with the last one that he has misses nothing and gets nothing twice, whatever
// happened in between to him, to this program or to LEDGER.

const streamPath = "/v1/stream"

// Events that are no record's; kinds of records have a dot in their names.
const (
	feedAt  = "position" // nothing more that fits up to here
	feedEnd = "end"
)

// Times of a stream.
const (
	// feedLife ends a stream that is well: its reader comes again, to a server
	// that may have been replaced and with a credential that is looked at anew.
	feedLife = time.Hour
	// feedPortion is how many bytes are handed to the connection at once.
	feedPortion = 32 << 10
	// feedAhead is how long a position may be ahead of the head that this server
	// knows: the journal is ahead of it for a moment.
	feedAhead      = time.Second
	feedRetry      = 2 * time.Second
	maxStreamLimit = 100_000
	maxStreamKinds = 64
)

var (
	errNoFollow     = problem(http.StatusServiceUnavailable, "unavailable", text{"Peladen ini tidak memberi umpan.", "This server gives no feed."}).again(30)
	errStreamsTaken = problem(http.StatusServiceUnavailable, "crowded", text{"Terlalu banyak umpan terbuka.", "Too many streams are open."}).again(10)
	errAhead        = problem(http.StatusConflict, "ahead-of-ledger", text{
		"Posisi itu di depan catatan terakhir: buku besar ini bukan yang dibaca sebelumnya, atau mundur. Berhentilah dan periksa dengan 'berkas audit'.",
		"That position lies ahead of the last record: this is not the ledger that was read before, or it went back. Stop, and judge it with 'berkas audit'.",
	})
	eventName  = regexp.MustCompile(`^[a-z0-9.-]{1,64}$`)
	casePrefix = regexp.MustCompile(`^[0-9a-f-]{1,36}$`)
)

// streamedRecord is a record as the feed tells it: all that its leaf is made of,
// so that signatures and leaf hash can be checked by whoever reads it.
type streamedRecord struct {
	Position   uint64          `json:"position"`
	Recorded   string          `json:"recorded"`
	Subject    string          `json:"subject"`
	Kind       string          `json:"kind"`
	Version    int             `json:"kind_version"`
	Agency     ledger.AgencyID `json:"agency"`
	Event      string          `json:"event"`
	Keys       []ledger.KeyID  `json:"keys"`
	Signatures []string        `json:"signatures"`
	Leaf       string          `json:"leaf"`
	Bytes      string          `json:"bytes"`
}

func (s *Server) describeStream() {
	s.operation(operation{
		Operation: huma.Operation{
			OperationID: "stream", Method: http.MethodGet, Path: streamPath, Tags: []string{"read"},
			Summary: "Every record as it is recorded, as server-sent events",
			Description: "The id of an event is the record's position, its name the record's kind, its data one line of JSON: position, recorded, subject, kind, kind_version, agency, event (its id), keys, signatures, leaf, and bytes (the event's own bytes in base64: what the signatures cover). " +
				"A reader that comes again with Last-Event-ID misses nothing and gets nothing twice. " +
				"The event 'position' says how far the feed has come where nothing fits the filters or nothing happens; its id counts like any other. " +
				"The event 'end' is the last one of an answer and says why: limit, time, restart, slow, credential, broken. After all but broken, come again. " +
				"The same records stand on the stream LEDGER of schemas/asyncapi.json.",
			Parameters: []*huma.Param{
				inQuery("after", "Begin after this position; 0: with the first record. Without it and without Last-Event-ID: with what is recorded from now on", "0"),
				{Name: "Last-Event-ID", In: "header", Description: "The id of the last event that was read; goes before after", Schema: &huma.Schema{Type: "string"}},
				inQuery("kind", "Only these kinds, separated by commas", "case.opened,ledger.genesis"),
				inQuery("agency", "Only events of this agency", nil),
				inQuery("case", "Only cases whose id begins so", nil),
				inQuery("limit", "End after so many records, up to 100000", "1"),
			},
		},
		Needs: needCases, Limit: feedLife + s.Limits.StreamStall,
		Answers: map[int]answerKind{200: {Says: "Events until the reader, the server or the limit ends them", Media: streamType, Body: ""}},
	}, s.getStream)
}

// streamQuestion is what a reader wants of the feed.
type streamQuestion struct {
	after  ledger.Position
	now    bool // from the head on
	kinds  []ledger.Kind
	agency ledger.AgencyID
	prefix string // of the case's id
	limit  int    // 0: none
}

func parseStream(r *http.Request) (streamQuestion, error) {
	q := streamQuestion{}
	values, err := parseValues(r.URL.RawQuery, "after", "kind", "agency", "case", "limit")
	if err != nil {
		return q, err
	}
	if err := q.begin(values.Get("after"), r.Header.Values("Last-Event-ID")); err != nil {
		return q, err
	}
	if q.kinds, err = parseKinds(values.Get("kind")); err != nil {
		return q, err
	}
	if q.agency = ledger.AgencyID(values.Get("agency")); q.agency != "" && !q.agency.Valid() {
		return q, badQuery("agency", "it is an agency of /v1/codes/agencies")
	}
	if q.prefix = values.Get("case"); q.prefix != "" && !casePrefix.MatchString(q.prefix) {
		return q, badQuery("case", "it is the beginning of a case's id")
	}
	if text := values.Get("limit"); text != "" {
		if q.limit, err = strconv.Atoi(text); err != nil || q.limit < 1 || q.limit > maxStreamLimit {
			return q, badQuery("limit", "it is a number from 1 to "+strconv.Itoa(maxStreamLimit))
		}
	}
	return q, nil
}

// begin reads where to begin; Last-Event-ID goes before after.
func (q *streamQuestion) begin(after string, last []string) error {
	name := "after"
	if len(last) > 0 {
		after, name = last[0], "Last-Event-ID"
	}
	if len(last) > 1 {
		return badQuery(name, "it stands more than once")
	}
	if after == "" {
		q.now = true
		return nil
	}
	n, err := strconv.ParseUint(after, 10, 63)
	if err != nil || strconv.FormatUint(n, 10) != after {
		return badQuery(name, "it is a position, or 0 for the beginning")
	}
	q.after = ledger.Position(n)
	return nil
}

// parseKinds reads kinds separated by commas; none: every kind.
func parseKinds(list string) ([]ledger.Kind, error) {
	if list == "" {
		return nil, nil
	}
	var out []ledger.Kind
	for k := range strings.SplitSeq(list, ",") {
		if _, known := ledger.LookupKind(ledger.Kind(k), 1); !known || len(out) == maxStreamKinds {
			return nil, badQuery("kind", "it is a list of kinds of /v1/codes/kinds, separated by commas")
		}
		out = append(out, ledger.Kind(k))
	}
	return out, nil
}

// wants tells whether a record fits the filters.
func (q *streamQuestion) wants(r ledger.Record, e ledger.Event) bool {
	return (len(q.kinds) == 0 || slices.Contains(q.kinds, e.Kind)) &&
		(q.agency == "" || e.Source == q.agency) &&
		(q.prefix == "" || strings.HasPrefix(r.CaseID(), q.prefix))
}

// streams are those that are open.
type streams struct {
	*seats
	ended chan struct{} // closed when the server ends
	end   func()
}

func newStreams(l Limits) streams {
	ended := make(chan struct{})
	return streams{newSeats(l.Streams, l.StreamsEach), ended, sync.OnceFunc(func() { close(ended) })}
}

func (s *Server) getStream(w http.ResponseWriter, r *http.Request) error {
	q, err := parseStream(r)
	if err != nil {
		return err
	}
	if s.Feed == nil {
		return errNoFollow
	}
	who, err := s.callerOf(r)
	if err != nil {
		return err
	}
	leave, err := s.streams.take(who, errStreamsTaken)
	if err != nil {
		return err
	}
	defer leave()
	if err := s.begin(r.Context(), &q); err != nil {
		return err
	}
	w.Header().Set("Content-Type", streamType)
	w.Header().Set("X-Accel-Buffering", "no") // of nginx, which would hold events back
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	out := &portions{w: w, control: http.NewResponseController(w), stall: s.Limits.StreamStall, slow: s.Limits.StreamSlow}
	// Nothing more is read from this connection; a reader who has gone is noticed
	// by what is written.
	if err := out.control.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("stream: %w", err)
	}
	st := &stream{s: s, q: q, reached: q.after, out: bufio.NewWriterSize(out, feedPortion), portions: out}
	if err := st.run(r); err != nil { // the answer has begun: it ends here, and its reader comes again
		s.Log.Info("a stream was cut", "request", trailOf(r.Context()).id, "because", fmt.Sprintf("%T", err))
	}
	return nil
}

// begin finds the position to begin after, and refuses one that the ledger has
// not come to.
func (s *Server) begin(ctx context.Context, q *streamQuestion) error {
	if q.now {
		q.after = s.Head()
		return nil
	}
	for wait := 10 * time.Millisecond; q.after > s.Head(); wait *= 2 {
		if wait > feedAhead {
			return errAhead
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
	return nil
}

// portions writes to the connection, and minds how long that takes. Whoever is
// slow is told so and has to come again, so that he does not hold a place for
// ever; whoever is deaf is cut.
type portions struct {
	w           io.Writer
	control     *http.ResponseController
	stall, slow time.Duration
	dragging    bool // a portion took too long
}

func (p *portions) Write(b []byte) (int, error) {
	began := time.Now()
	if err := p.control.SetWriteDeadline(began.Add(p.stall)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	n, err := p.w.Write(b)
	if err == nil {
		if err = p.control.Flush(); errors.Is(err, http.ErrNotSupported) {
			err = nil
		}
	}
	p.dragging = p.dragging || time.Since(began) > p.slow
	return n, err
}

// stream is one answer.
type stream struct {
	s        *Server
	q        streamQuestion
	reached  ledger.Position // every record up to here was told, or does not fit
	told     ledger.Position // of the last event
	sent     int             // records
	out      *bufio.Writer
	portions *portions
}

// run tells records until something ends it. The feed waits while the reader
// does: nothing gathers in memory.
func (st *stream) run(r *http.Request) error {
	ctx, cancel := context.WithCancel(r.Context())
	batches, gone, done := st.follow(ctx)
	defer func() {
		cancel()
		<-done
	}()
	beat, life := time.NewTicker(st.s.Limits.Heartbeat), time.NewTimer(feedLife)
	defer beat.Stop()
	defer life.Stop()
	fmt.Fprintf(st.out, "retry: %d\n\n", feedRetry.Milliseconds())
	if err := st.at(); err != nil {
		return err
	}
	for {
		select {
		case records := <-batches:
			if reason, err := st.tell(records); reason != "" || err != nil {
				return st.finish(reason, err)
			}
		case <-beat.C:
			if st.s.allow(r, needCases) != nil {
				return st.finish("credential", nil)
			}
			if err := st.at(); err != nil {
				return err
			}
		case err := <-gone:
			return st.finish(endOf(err), nil)
		case <-st.s.streams.ended:
			return st.finish("restart", nil)
		case <-life.C:
			return st.finish("time", nil)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// follow hands over what the feed has, a batch at a time, and why it ended.
func (st *stream) follow(ctx context.Context) (batches <-chan []ledger.Record, gone <-chan error, done <-chan struct{}) {
	records, ended, closed := make(chan []ledger.Record), make(chan error, 1), make(chan struct{})
	go func() {
		defer close(closed)
		ended <- st.s.Feed(ctx, st.reached, func(batch []ledger.Record) error {
			select {
			case records <- batch:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	return records, ended, closed
}

// endOf says what the end of a feed means to its reader.
func endOf(err error) string {
	var broken *ledger.ErrBroken
	if errors.As(err, &broken) {
		return "broken"
	}
	return "restart"
}

// tell writes what fits of a batch. A reason ends the stream.
func (st *stream) tell(records []ledger.Record) (reason string, err error) {
	for _, r := range records {
		e, bad := ledger.DecodeRecord(r)
		if bad != nil || r.Position != st.reached+1 {
			st.s.Log.Error("a stream met a record that does not follow", "position", st.reached+1, "error", bad)
			return "broken", nil //nolint:nilerr // the reader is told, and the log
		}
		st.reached = r.Position
		if !st.q.wants(r, e) {
			continue
		}
		if err := st.record(r, e); err != nil {
			return "", err
		}
		st.told = r.Position
		if st.sent++; st.sent == st.q.limit {
			return "limit", nil
		}
		if st.portions.dragging {
			return "slow", nil
		}
	}
	if st.told < st.reached { // so that a reader of few kinds does not begin far back
		err = st.at()
	} else {
		err = st.out.Flush()
	}
	if err == nil && st.portions.dragging {
		reason = "slow"
	}
	return reason, err
}

func (st *stream) record(r ledger.Record, e ledger.Event) error {
	out := streamedRecord{
		Position: uint64(r.Position), Recorded: r.Recorded.UTC().Format(ledger.RecordedFormat), Subject: r.Subject,
		Kind: string(e.Kind), Version: e.Version, Agency: e.Source, Event: e.ID, Leaf: r.LeafHash().String(),
		Bytes: base64.StdEncoding.EncodeToString(r.Body),
	}
	for _, sig := range r.Signatures {
		out.Keys, out.Signatures = append(out.Keys, sig.Key), append(out.Signatures, sig.String())
	}
	name := out.Kind
	if !eventName.MatchString(name) || !strings.Contains(name, ".") {
		name = "unknown.kind"
	}
	return st.event(r.Position, name, out)
}

// at says how far the feed has come, which keeps the connection and moves the
// reader's Last-Event-ID on.
func (st *stream) at() error {
	if err := st.event(st.reached, feedAt, map[string]uint64{"position": uint64(st.reached)}); err != nil {
		return err
	}
	st.told = st.reached
	return st.out.Flush()
}

// finish is the last event of a stream, where the reader can still be told.
func (st *stream) finish(reason string, err error) error {
	if err != nil {
		return err
	}
	err = st.event(st.reached, feedEnd, map[string]any{"position": uint64(st.reached), "reason": reason, "again": reason != "broken"})
	return errors.Join(err, st.out.Flush())
}

func (st *stream) event(id ledger.Position, name string, data any) error {
	line, err := json.Marshal(data) // has no line feed
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(st.out, "id: %d\nevent: %s\ndata: %s\n\n", id, name, line)
	return err
}
