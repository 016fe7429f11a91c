package loginstage_test

import (
	"net/http"
	"net/netip"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
)

// traveller is the browser of somebody who moves about, with ada signed in.
type traveller struct {
	*loginstagetest.Browser
	handler http.Handler
	t       *testing.T
	stage   *loginstagetest.Stage
	proved  loginstage.User // who proves who they are to Confirm
	confirm error           // the result of the latest Confirm
	current session.Session // as the latest guarded request found it
}

// travel signs ada in, in Berlin. Tests run in a bubble, where no sink is slow.
func travel(t *testing.T, config loginstage.Config) *traveller {
	t.Helper()
	v := newTraveller(t, loginstagetest.New(t, config))
	v.signIn()
	return v
}

func newTraveller(t *testing.T, stage *loginstagetest.Stage) *traveller {
	v := &traveller{t: t, stage: stage, proved: loginstage.User{ID: "ada"}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /begin", func(w http.ResponseWriter, r *http.Request) {
		if _, err := stage.Begin(w, r, loginstage.User{ID: "ada"}); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
		}
	})
	mux.HandleFunc("POST /finish", func(w http.ResponseWriter, r *http.Request) {
		if err := stage.Finish(w, r, loginstage.Answer{}); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
		}
	})
	mux.HandleFunc("POST /confirm", func(w http.ResponseWriter, r *http.Request) {
		if v.confirm = stage.Confirm(w, r, v.proved); v.confirm != nil {
			w.WriteHeader(http.StatusForbidden)
		}
	})
	mux.Handle("/open", stage.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, ok := loginstage.Current(r.Context())
		if !ok {
			s, ok = loginstage.Restricted(r.Context())
		}
		if !ok {
			w.WriteHeader(http.StatusForbidden)
		}
		v.current = s
	})))
	mux.Handle("/private", stage.Require(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	mux.Handle("/mooring/", stage.DeviceKeys())
	v.handler = mux
	v.Browser = loginstagetest.NewBrowser(t, mux)
	return v
}

func (v *traveller) signIn() {
	v.t.Helper()
	require.Equal(v.t, http.StatusOK, v.PostForm("/begin", url.Values{}).StatusCode)
}

// visit returns the status of a guarded page, asked for from ip by a script.
func (v *traveller) visit(ip netip.Addr) int {
	v.t.Helper()
	v.MoveTo(ip)
	return v.Call("GET", "/open", nil).StatusCode
}

// stored returns the one session of ada, as the store has it.
func (v *traveller) stored() session.Session {
	v.t.Helper()
	all, err := v.stage.Sessions(v.t.Context(), "ada")
	require.NoError(v.t, err)
	require.Len(v.t, all, 1)
	return all[0]
}

func (v *traveller) told(action loginstage.Action) []loginstage.Event {
	return v.stage.Events.Of(action)
}

// ended says which fact the session ended for.
func (v *traveller) ended() binding.Reason {
	v.t.Helper()
	events := v.told(loginstage.ActionLogout)
	require.Len(v.t, events, 1)
	require.Equal(v.t, session.CauseBroken, events[0].Cause)
	require.NotNil(v.t, events[0].Context.Binding)
	return events[0].Context.Binding.Reason
}

const (
	passes    = http.StatusOK
	denied    = http.StatusUnauthorized
	anonymous = http.StatusForbidden
	fourth    = "192.0.2.4" // in Berlin, beside the others
	fifth     = "192.0.2.5"
	newer6    = "2001:db8:3::1" // in Berlin, in the same network over another IPv6 prefix
	newerIn   = "2001:db8:3::/48"
)
