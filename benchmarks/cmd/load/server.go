package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/binding/clientip"
	"github.com/mooring-go/mooring/binding/maxmind"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
)

// serve is the application: it prints the address that it listens at, and serves
// until its input ends.
func serve(ctx context.Context, store string, in io.Reader, out io.Writer) error {
	handler, remove, err := application(ctx, store)
	if err != nil {
		return err
	}
	defer remove()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		_, _ = io.Copy(io.Discard, in)
		_ = server.Close()
	}()
	fmt.Fprintln(out, listener.Addr())
	if err := server.Serve(listener); err != http.ErrServerClosed {
		return err
	}
	return nil
}

// application is the handler with the guard and a store, or without either. It
// believes the header that says where a request is from, since all come from the
// generator.
func application(ctx context.Context, name string) (http.Handler, func(), error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /usage", usage)
	if name == without {
		mux.HandleFunc("POST /sign-in", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
		mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "Hello\n") })
		return mux, func() {}, nil
	}
	store, remove, err := openStore(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	locator, err := maxmind.Load(bindingtest.ASNFile(), bindingtest.CityFile())
	if err != nil {
		return nil, remove, err
	}
	login, err := loginstage.New(loginstage.Config{
		SessionDuration: duration.MustParse("hours=12"),
		NetworkBinding:  binding.NetworkASN,
		GeoIPBinding:    binding.GeoIPCity,
		Store:           store,
		Locator:         locator,
		ClientIP:        clientip.TrustedProxies("X-Forwarded-For", netip.MustParsePrefix("127.0.0.0/8")),
	})
	if err != nil {
		return nil, remove, err
	}
	mux.HandleFunc("POST /sign-in", func(w http.ResponseWriter, r *http.Request) {
		if _, err := login.Begin(w, r, loginstage.User{ID: r.FormValue("user")}); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.Handle("GET /", login.Require(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "Hello\n") })))
	return mux, remove, nil
}

// usage is how many microseconds of processor time this process has taken.
func usage(w http.ResponseWriter, _ *http.Request) {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = fmt.Fprint(w, (used.Utime.Nano()+used.Stime.Nano())/1000)
}
