package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
	"github.com/berkas-ledger/berkas/schemas"
)

// Server answers HTTP. Make one with New.
type Server struct {
	Config
	origin       string
	mux          *http.ServeMux
	handler      http.Handler
	assets       map[string]asset
	pages        pages
	sessions     sessions
	door         door
	keys         keyDesk
	bulks        chan struct{}               // bulk requests under way
	streams      streams                     // of records, that are open
	exports      *seats                      // of files being made
	extents      *lately[projections.Extent] // of the pages
	workshop     *workshop                   // of what is prepared beside requests
	prepared     chan struct{}               // closed by havePrepared
	havePrepared func()
	releases     releases                          // of the public page
	comparisons  *prepared[comparedKey, *compared] // of published figures
	// figuresCompared is how many figures of one publisher are compared at a time.
	figuresCompared int
	kept            *lately[[]ledger.Position] // which checkpoints there are, for the desk
	notes           notesRead                  // likewise
	audits          *lately[[]auditRead]       // likewise

	rosterSteps rosterSteps // of case pages
	live        live

	validator   *schemas.Validator
	description *huma.OpenAPI
	openAPI     []byte
}

// New puts a server together; it opens nothing.
func New(c Config) (*Server, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	s := &Server{Config: c, origin: c.Roster().Genesis().Origin, mux: http.NewServeMux()}
	s.sessions.byID = map[string]session{}
	s.bulks = make(chan struct{}, c.Limits.BulkAtOnce)
	s.streams = newStreams(c.Limits)
	s.exports = newSeats(c.Limits.Exports, c.Limits.ExportsEach)
	s.extents, s.audits, s.kept = newLately[projections.Extent](), newLately[[]auditRead](), newLately[[]ledger.Position]()
	s.notes.by = map[ledger.Position]noteRead{}
	s.keys.began = s.Now()
	s.live = live{figures: s.Figures, seats: newSeats(c.Limits.Live, c.Limits.LiveEach), streams: map[chan reached]bool{}, ending: make(chan struct{})}
	s.prepared = make(chan struct{})
	s.havePrepared = sync.OnceFunc(func() { close(s.prepared) })
	s.workshop = newWorkshop(c.Limits.Prepared, s.live.ending, c.Log)
	s.releases = newReleases(s.workshop)
	s.comparisons = newPrepared[comparedKey, *compared](s.workshop, mostCompared)
	s.figuresCompared = figuresCompared
	var err error
	if s.validator, err = schemas.New(); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	if s.assets, err = readAssets(); err != nil {
		return nil, fmt.Errorf("web: static files: %w", err)
	}
	if s.pages, err = readPages(s.assets); err != nil {
		return nil, fmt.Errorf("web: templates: %w", err)
	}
	s.description = newDescription()
	s.routes()
	if s.openAPI, err = s.OpenAPI(); err != nil {
		return nil, fmt.Errorf("web: description of the API: %w", err)
	}
	crossOrigin := http.NewCrossOriginProtection()
	crossOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.fail(w, r, errForeignOrigin) }))
	inner := s.watch(crossOrigin.Handler(s.crowd(http.HandlerFunc(s.route))))
	s.handler = secure(chooseLang(inner, c.SecureCookies), c.Demo, c.SecureCookies)
	return s, nil
}

func (s *Server) routes() {
	s.serve("GET /healthz", needNothing, s.health)
	s.serve("GET /readyz", needNothing, s.ready)
	s.serve("GET /static/{name...}", needNothing, s.serveAsset)
	s.page("GET /login", needNothing, s.showLogin)
	s.serve("POST /login", needNothing, s.login)
	s.serve("POST /logout", needNothing, s.logout)
	s.page("GET /{$}", needNothing, s.showHome)
	s.serve("GET /national", needFigures, s.showNational)
	s.serveWithin(streamLife, "GET "+livePath, needFigures, s.showLive)
	s.serve("GET /published", needFigures, s.showPublished)
	s.serve("GET /published/{position}/{ordinal}", needCases, s.showTrace)
	s.serve("GET /treatment", needFigures, s.showTreatment)
	s.serve("GET /treatment/{what}", needFigures, s.showTreatment)
	s.serve("GET /cases", needCases, s.showCases)
	s.serve("GET /cases/{id}", needCases, s.showCase)
	s.serve("GET /backlog", needFigures, s.showBacklog)
	s.serve("GET /worklist", needCases, s.showWorklist)
	s.describePublic()
	s.describeEvents()
	s.describeBulk()
	s.describeKeys()
	s.describeCases()
	s.describeSearch()
	s.describeStream()
	s.describeExports()
	s.describeNational()
	s.describeWorklist()
	s.describeCalendars()
	s.describeLog()
	s.describeBundles()
	s.describeDesk()
	s.describeContract()
}

// route answers what no pattern matches as everything else is answered.
func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	if _, pattern := s.mux.Handler(r); pattern != "" {
		s.mux.ServeHTTP(w, r)
		return
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := s.mux.Handler(other); pattern != "" {
			w.Header().Set("Allow", method)
			s.fail(w, r, errMethod)
			return
		}
	}
	s.fail(w, r, errNotFound)
}

// ServeHTTP makes the server a handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Times of a connection. A bulk request moves its own on as it goes.
const (
	headerTime = 5 * time.Second
	slack      = 20 * time.Second // beside the time of an answer, for bodies to come and go
	idleTime   = 2 * time.Minute
	maxHeader  = 32 << 10
	// grace is how long requests that are under way may go on at the end.
	grace = 10 * time.Second
)

// Serve answers on a listener until the context ends, then lets what is under
// way come to its end.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	// A read that is overdue ends the request's context even when the body has
	// come, so it must not be due before the answer.
	longest := max(s.Limits.Request, s.Limits.ReceiptWait) + slack
	server := &http.Server{
		Handler: s, ReadHeaderTimeout: headerTime, ReadTimeout: longest, WriteTimeout: longest, IdleTimeout: idleTime,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}
	base, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	server.RegisterOnShutdown(s.live.end) // streams would outlast the grace
	server.BaseContext = func(net.Listener) context.Context { return base }
	server.RegisterOnShutdown(s.streams.end) // they would go on for as long as their readers like
	var preparing sync.WaitGroup
	defer s.workshop.under.Wait()
	defer preparing.Wait()
	defer stop()
	defer s.live.end()
	preparing.Go(func() { s.prepare(base) })
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve HTTP: %w", err)
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := server.Shutdown(last)
	if errors.Is(err, context.DeadlineExceeded) {
		stop()
		err = server.Close()
	}
	if gone := <-ended; !errors.Is(gone, http.ErrServerClosed) {
		err = errors.Join(err, gone)
	}
	return err
}
