package loginstage_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
)

// A nest is guards in each other, the outermost first: a letter, G for Guard, A for
// AllowRestricted, R for Require, and the number of the stage.
type nest []string

// nests returns every nest of the guards that is one to most deep.
func nests(guards []string, most int) []nest {
	if most == 0 {
		return nil
	}
	var all []nest
	for _, guard := range guards {
		all = append(all, nest{guard})
		for _, inside := range nests(guards, most-1) {
			all = append(all, append(nest{guard}, inside...))
		}
	}
	return all
}

// handler returns the guards around next.
func (n nest) handler(stages map[byte]*loginstagetest.Stage, next http.Handler) http.Handler {
	for i := len(n) - 1; i >= 0; i-- {
		stage := stages[n[i][1]]
		switch n[i][0] {
		case 'G':
			next = stage.Guard(next)
		case 'A':
			next = stage.AllowRestricted(next)
		case 'R':
			next = stage.Require(next)
		}
	}
	return next
}

// want returns what a handler inside finds, by what the guards promise, and "denied"
// where it gets no request. A guard of a stage goes by what the first one of that stage
// found, and Check too, whatever guards of the other one are between.
func (n nest) want(visitor string) string {
	var innermost byte
	admitted := map[byte]bool{'1': visitor == "free", '2': visitor == "free"}
	for _, guard := range n {
		innermost = guard[1]
		if guard[0] == 'A' && visitor == "restricted" {
			admitted[innermost] = true
		}
		if guard[0] == 'R' && !admitted[innermost] {
			return "denied"
		}
	}
	return fmt.Sprint(admitted[innermost], visitor == "restricted", admitted['1'], admitted['2'])
}

// Guards of a stage, and of one that admits its sessions, stand in each other in every
// order.
func TestGuardsInEachOther(t *testing.T) {
	config := steppingUp
	config.Store = loginstagetest.NewStore(nil)
	stages := map[byte]*loginstagetest.Stage{'1': loginstagetest.New(t, config)}
	config.Name, config.AlsoAdmit = "second", []string{loginstage.DefaultName}
	stages['2'] = loginstagetest.New(t, config)
	found := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, current := loginstage.Current(r.Context())
		_, restricted := loginstage.Restricted(r.Context())
		_, first := stages['1'].Check(w, r)
		_, second := stages['2'].Check(w, r)
		_, _ = fmt.Fprint(w, current, restricted, first == nil, second == nil)
	})
	all := nests([]string{"G1", "A1", "R1", "G2", "A2", "R2"}, 3)
	mux := http.NewServeMux()
	mux.Handle("/", app(stages['1'].UserLogin))
	for _, n := range all {
		mux.Handle("/in/"+strings.Join(n, ""), n.handler(stages, found))
	}
	visitors := map[string]*loginstagetest.Browser{}
	for _, name := range []string{"anonymous", "free", "restricted"} {
		visitors[name] = loginstagetest.NewBrowser(t, mux)
	}
	signIn(t, visitors["free"], "ada")
	signIn(t, visitors["restricted"], "bob")
	visitors["restricted"].MoveTo(bindingtest.Paris)
	require.Equal(t, "nobody", whoami(visitors["restricted"]))
	for _, n := range all {
		for name, browser := range visitors {
			response := browser.Call("GET", "/in/"+strings.Join(n, ""), nil)
			if response.StatusCode == http.StatusUnauthorized {
				response.Text = "denied"
			}
			assert.Equal(t, n.want(name), response.Text, "%s behind %v", name, n)
		}
	}
}
