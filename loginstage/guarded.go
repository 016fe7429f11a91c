package loginstage

import (
	"context"
	"iter"
	"net/http"
	"strings"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
)

// NewContext returns a context in which [Current] returns s: for the unit tests
// of handlers that a guard protects. No guard takes it for its own.
func NewContext(ctx context.Context, s session.Session) context.Context {
	g := &guarded{finding: findingOf(&s, nil, nil)}
	g.admitted = true
	return g.within(ctx)
}

type guardedKey struct{}

// guarded is what a guard has found out about a request, and the context of the
// request that it passes on.
type guarded struct {
	context.Context // of the request as it came

	// key and val are what Value finds. They have the names that
	// context.WithValue gives them, since Fiber copies the values of a context by
	// these names (CopyContextToFiberContext in gofiber/fiber's adaptor).
	key, val any

	login *UserLogin
	finding
	response response
}

// A finding is what was found out about the session of a request: make one with findingOf.
// A guard inside another one of its stage takes over the finding of that one.
type finding struct {
	session  session.Snapshot // nil: none
	err      error            // why there is none
	denial   Denial           // why a request with it is denied where it is required; empty: it is not
	dpop     bool             // the session has a DPoP key
	admitted bool             // Current returns the session
}

// foundIn returns what a guard of this stage has found out about the request with this
// context, or Authenticate about the call: the innermost of the stage, whatever those of
// other stages inside it found. nil: the request came through none.
func (l *UserLogin) foundIn(ctx context.Context) *guarded {
	g, _ := ctx.Value(guardedKey{}).(*guarded)
	for g != nil && !l.is(g.login) {
		g = g.outside()
	}
	return g
}

// outside returns what the guard around the one of g found out; nil: there is none.
func (g *guarded) outside() *guarded {
	outer, _ := g.Context.Value(guardedKey{}).(*guarded)
	return outer
}

// nobody is the finding of a request without a session: err says why.
func nobody(err error) finding { return findingOf(&session.Session{}, nil, err) }

// findingOf returns what admit returned of a request: err, or s, which a store has as kept
// says if that is not nil.
func findingOf(s *session.Session, kept session.Snapshot, err error) finding {
	f := finding{err: err, denial: denialOf(s, err), dpop: s.Drift.Key.Kind == devicekey.DPoP}
	switch {
	case err != nil:
	case kept != nil:
		f.session = kept
	default:
		f.session = &held{*s}
	}
	return f
}

// current returns the session; the zero Session: there is none.
func (f *finding) current() session.Session {
	if f.session == nil {
		return session.Session{}
	}
	return f.session.Session()
}

// held is a session that no store has as it is.
type held struct{ session session.Session }

func (h *held) Session() session.Session { return h.session }

// within makes g a context within ctx, and returns it.
func (g *guarded) within(ctx context.Context) *guarded {
	g.Context, g.key, g.val = ctx, guardedKey{}, g
	return g
}

// Value returns the guarded itself for guardedKey.
func (g *guarded) Value(key any) any {
	if key == (guardedKey{}) {
		return g
	}
	return g.Context.Value(key)
}

// passAnonymous passes r on as it is, unless the audience is of signed-in users: nothing
// is known of it that a handler could ask for.
func (l *UserLogin) passAnonymous(w http.ResponseWriter, r *http.Request, next http.Handler, whom audience) {
	if whom.denies(DenialSignIn) {
		l.deny(w, r, l.accessError(DenialSignIn, session.Session{}, session.ErrNotFound))
		return
	}
	response := &response{ResponseWriter: w, login: l}
	defer response.finish()
	next.ServeHTTP(response.writer(), r)
}

// passed is a guarded with the request that is passed on: one allocation.
type passed struct {
	guarded
	request http.Request
}

// pass passes r on with what was found out about it.
func (l *UserLogin) pass(w http.ResponseWriter, r *http.Request, next http.Handler, p *passed) {
	g := &p.guarded
	g.response.ResponseWriter, g.response.login, g.response.personal = w, l, g.session != nil
	if r.ContentLength < 0 && r.Trailer == nil {
		// A trailer that was not announced becomes a new map in the server's
		// request, and is added to one that is there (net/http's readTrailer).
		r.Trailer = http.Header{}
	}
	p.request = *r.WithContext(g.within(r.Context()))
	defer func() {
		g.response.finish()
		carryBack(r, &p.request, g)
	}()
	next.ServeHTTP(g.response.writer(), &p.request)
}

// carryBack does to r what the handlers did to the copy of r that had the context
// ctx: middleware outside the guard reads the pattern that matched, and the server
// removes the files of forms. It writes only what they changed.
func carryBack(r, copied *http.Request, ctx *guarded) {
	if copied.Context() != ctx {
		*r = *copied // a handler wrote *r = *r.WithContext(…) to pass something out
		return
	}
	if r.Pattern != copied.Pattern {
		r.Pattern = copied.Pattern
		for name := range wildcards(copied.Pattern) {
			r.SetPathValue(name, copied.PathValue(name))
		}
	}
	if r.Method != copied.Method { // an override of the method, for the log outside
		r.Method = copied.Method
	}
	if r.RemoteAddr != copied.RemoteAddr {
		r.RemoteAddr = copied.RemoteAddr
	}
	if r.Host != copied.Host {
		r.Host = copied.Host
	}
	if r.URL != copied.URL {
		r.URL = copied.URL
	}
	if r.Form == nil && copied.Form != nil {
		r.Form = copied.Form
	}
	if r.PostForm == nil && copied.PostForm != nil {
		r.PostForm = copied.PostForm
	}
	if r.MultipartForm != copied.MultipartForm {
		r.MultipartForm = copied.MultipartForm
	}
}

// wildcards yields the names of the wildcards in a pattern of a ServeMux, or of
// another router that writes them alike: {name}, {name...}, {name:regexp}.
func wildcards(pattern string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for {
			_, rest, found := strings.Cut(pattern, "{")
			if !found {
				return
			}
			inside, after, closed := strings.Cut(rest, "}")
			if !closed {
				return
			}
			name, _, _ := strings.Cut(strings.TrimSuffix(inside, "..."), ":")
			if name != "" && name != "$" && !yield(name) {
				return
			}
			pattern = after
		}
	}
}
