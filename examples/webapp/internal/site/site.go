package site

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/mooring-go/mooring/binding/maxmind"
	"github.com/mooring-go/mooring/examples/webapp/internal/storage"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/sink"
	"github.com/mooring-go/mooring/session"
)

// Main runs the program with the arguments of the command line until it is
// interrupted. Sessions are kept in a store of one of the kinds, by default of the
// first.
func Main(kinds ...storage.Kind) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, kinds, os.Args[1:], os.Stdout, (*app).handler); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "webapp:", err)
		os.Exit(1)
	}
}

// run serves what handler makes of the application until ctx is done.
func run(ctx context.Context, kinds []storage.Kind, args []string, out io.Writer, handler func(*app) http.Handler) error {
	settings, err := parseSettings(kinds, args, out)
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(out, nil))
	locator, err := openLocator(settings, logger)
	if err != nil {
		return err
	}
	store, err := storage.Open(ctx, kinds, settings.store, settings.storage)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }() // nothing is left to be written
	app, err := newApp(settings, store.Store, locator, logger)
	if err != nil {
		return err
	}
	listener, err := listen(settings.addr)
	if err != nil {
		return err
	}
	app.origin = settings.origin(listener.Addr())
	announce(out, settings, app.origin, store.Place, app.certificate)
	return serve(ctx, listener, app, handler(app))
}

// app is the web application.
type app struct {
	login    *loginstage.UserLogin
	store    session.Store // of login
	accounts *accounts
	events   *eventLog
	locator  *maxmind.DB
	demo     *demo // nil: not in demo mode
	durable  bool  // endings are told from the store

	mail       *mailer       // nil: nobody is told of sign-ins
	origin     string        // of the links in mails; the Host of a request is the client's to choose
	warnBefore time.Duration // how long before its end a page says that the session ends

	keyScript   string           // where browsers get the script for device keys; empty: sessions have none
	certificate *tls.Certificate // nil: plain HTTP
	logger      *slog.Logger
}

func newApp(s settings, store session.Store, locator *maxmind.DB, logger *slog.Logger) (*app, error) {
	var known []demoAccount
	if s.demoAccounts {
		known = demoAccounts
	}
	accounts, err := newAccounts(known)
	if err != nil {
		return nil, err
	}
	a := &app{
		store: store, accounts: accounts, events: newEventLog(), locator: locator, logger: logger,
		mail: &mailer{out: s.out}, warnBefore: warnBefore,
	}

	config := s.login
	config.Store = store
	config.Locator = locator
	config.LoginURL = "/login"
	config.StepUpURL = "/confirm"
	config.RequiredURL = "/password"
	config.Account = accounts.active
	config.Deny = a.denied
	config.Events = sink.FanOut(a.events, sink.Log(logger))
	config.Logger = logger
	_, a.durable = store.(session.Journal)
	config.DurableEvents = a.durable
	if s.demo {
		a.demo = newDemo(s)
		config.ClientIP = a.demo // demo only: never let a client choose its address
	}
	if a.login, err = loginstage.New(config); err != nil {
		return nil, err
	}
	if config.DeviceKey != loginstage.DeviceKeyOff {
		a.keyScript = keysPath + "/device-key.js"
	}
	if s.tls {
		host, _, _ := net.SplitHostPort(s.addr) // settings.go has looked at it
		a.certificate, err = selfSigned(host)
	}
	return a, err
}

// warnBefore is how long before its end a page says that the session ends (WCAG 2.2,
// 2.2.1: 20 seconds at the least).
const warnBefore = 2 * time.Minute

// keysPath is where browsers register and prove device keys.
const keysPath = loginstage.DefaultDeviceKeyPath

// handler returns the whole application.
func (a *app) handler() http.Handler {
	var whole http.Handler
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", a.showSignIn)
	mux.HandleFunc("POST /login", a.signIn)
	mux.HandleFunc("POST /login/answer", a.answer)
	mux.HandleFunc("POST /logout", a.signOut)

	member := func(pattern string, handler http.HandlerFunc) {
		mux.Handle(pattern, a.login.Require(handler))
	}
	member("GET /{$}", a.showSessions)
	fresh := a.login.RequireFresh(provedFor)
	mux.Handle("POST /sessions/end", fresh(http.HandlerFunc(a.endSession)))
	mux.Handle("POST /sessions/end-others", fresh(http.HandlerFunc(a.endOthers)))
	member("GET /devices", a.showDevices)
	mux.Handle("POST /devices/forget", fresh(http.HandlerFunc(a.forgetDevice)))
	mux.Handle("POST /devices/forget-all", fresh(http.HandlerFunc(a.forgetDevices)))
	confirming := func(pattern string, handler http.HandlerFunc) { // restricted sessions too
		mux.Handle(pattern, a.login.AllowRestricted(a.login.Require(handler)))
	}
	confirming("GET /confirm", a.showConfirm)
	confirming("POST /confirm", a.confirm)
	confirming("GET /password", a.showPassword)
	confirming("POST /password", a.changePassword) // which takes the password itself

	mux.HandleFunc("GET /accounts", a.showAccounts) // those that wait, where none is active
	mux.HandleFunc("POST /accounts/add", a.addAccount)
	mux.HandleFunc("POST /accounts/switch", a.switchAccount)
	mux.HandleFunc("POST /accounts/sign-out", a.signOutAccount)
	mux.HandleFunc("GET /not-me", a.showNotMe)
	mux.HandleFunc("POST /not-me", a.notMe)
	member("GET /events", a.streamEvents)

	if a.demo != nil {
		mux.HandleFunc("POST /demo/place", a.demo.pretend)
		member("POST /demo/theft", a.steal(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { whole.ServeHTTP(w, r) })))
	}
	site := http.NewServeMux()
	site.Handle("/", a.login.Guard(mux))
	site.Handle("GET /static/", staticFiles())      // the same for everybody
	site.Handle(keysPath+"/", a.login.DeviceKeys()) // which need no guard
	site.Handle("GET /session", a.login.Expiry())   // asking when it ends is no use of a session
	site.Handle("GET /session.js", a.login.Expiry())
	whole = secured(http.NewCrossOriginProtection().Handler(http.MaxBytesHandler(site, 64<<10)))
	return whole
}

// serve runs the server, and what it needs besides, until ctx is done.
func serve(ctx context.Context, listener net.Listener, a *app, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      15 * time.Second,
		IdleTimeout:       time.Minute,
		ErrorLog:          slog.NewLogLogger(a.logger.Handler(), slog.LevelWarn),
	}
	server.RegisterOnShutdown(a.events.close) // streams would otherwise hold it up

	ctx, cancel := context.WithCancel(ctx)
	var background sync.WaitGroup
	defer background.Wait()
	defer cancel()
	background.Go(func() {
		if err := a.login.Run(ctx); err != nil {
			a.logger.Error("ending", "error", err)
		}
	})
	background.Go(func() { a.hear(ctx) })

	failed := make(chan error, 1)
	go func() {
		if a.certificate == nil {
			failed <- server.Serve(listener)
			return
		}
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*a.certificate}}
		failed <- server.ServeTLS(listener, "", "")
	}()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, stop := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer stop()
	if err := server.Shutdown(grace); err != nil {
		return errors.Join(err, server.Close())
	}
	return a.login.Flush(grace) // events that are on their way are not lost
}

// hear ends the streams of sessions that end, in this process or another one.
func (a *app) hear(ctx context.Context) {
	if err := a.login.Watch(ctx); err != nil && ctx.Err() == nil {
		a.logger.Error("no stream stays open", "error", err)
	}
}

// listen listens on the address that was asked for or, where none was and the
// usual one is taken, on any free port.
func listen(addr string) (net.Listener, error) {
	if addr != "" {
		return net.Listen("tcp", addr)
	}
	listener, err := net.Listen("tcp", defaultAddr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return net.Listen("tcp", "localhost:0")
	}
	return listener, err
}
