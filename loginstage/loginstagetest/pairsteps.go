package loginstagetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
)

// A pairStep is a step of a stage, and what has to be true once it is made, whatever
// runs beside it.
type pairStep struct {
	name  string
	needs []part // besides what each world has
	do    func(ctx context.Context, d *deed) error

	// on is what the step is about. Where the other step ends it, or has it go on under
	// another token, this one may find that it has ended; one that follows finds it under
	// that token.
	on      part
	follows bool

	ends   []part // what has ended once the step has succeeded
	sweeps bool   // it ends any session of the user, also one that the other step started before
	spares part   // which it does not end, unless that goes on under another token meanwhile
	renews part   // what goes on under another token

	drifts  bool // it adds to the drift of what it is about
	resets  bool // it takes all of that back but the key
	changes bool // what it changes makes the other's change conflict
	once    bool // it succeeds once, so that another one like it may fail

	// holds checks what the step has changed in what it is about, as that is then.
	holds func(d *deed, s session.Session) error
}

// A deed is a step that was made in a world.
type deed struct {
	step   pairStep
	world  *world
	number int // 0 or 1
	err    error

	started session.Session // the zero Session: nothing
}

var (
	sessions = []part{own, other, keyed, overdue}
	devices  = []part{device, otherDevice, keyedDevice}
)

func allOf(all ...[]part) []part { return slices.Concat(all...) }

// pairSteps are all steps.
var pairSteps = []pairStep{
	{
		name: "reauthenticate", on: own, renews: own, resets: true, changes: true,
		do: func(ctx context.Context, d *deed) error { return d.reauthenticate(ctx, d.world.browser) },
		holds: func(d *deed, s session.Session) error {
			return wants(slices.Equal(s.AMR, d.amr()), "AMR %q, want %q", s.AMR, d.amr())
		},
	},
	{
		name: "reauthenticate the keyed one", on: keyed, needs: []part{keyed}, renews: keyed, resets: true, changes: true,
		do: func(ctx context.Context, d *deed) error { return d.reauthenticate(ctx, d.world.bound) },
		holds: func(_ *deed, s session.Session) error {
			return wants(!s.Drift.Key.IsZero(), "it has lost its device key")
		},
	},
	{
		name: "complete the terms", on: own, once: true, needs: []part{terms}, renews: own, changes: true,
		do:    func(ctx context.Context, d *deed) error { return d.complete(ctx, terms) },
		holds: func(_ *deed, s session.Session) error { return wantsDone(s, terms) },
	},
	{
		name: "complete the enrolment", on: own, once: true, needs: []part{terms, enrol}, renews: own, changes: true,
		do:    func(ctx context.Context, d *deed) error { return d.complete(ctx, enrol) },
		holds: func(_ *deed, s session.Session) error { return wantsDone(s, enrol) },
	},
	{
		name: "set the value", on: own, changes: true,
		do: func(ctx context.Context, d *deed) error {
			_, err := d.world.stages.plain.SetValue(ctx, d.world.parts[own], d.number)
			return err
		},
		holds: func(d *deed, s session.Session) error {
			return wants(string(s.Value) == fmt.Sprint(d.number), "its value is %s, want %d", s.Value, d.number)
		},
	},
	{
		name: "revoke the session", on: own, follows: true, ends: []part{own},
		do: func(ctx context.Context, d *deed) error { return d.revoke(ctx, own) },
	},
	{
		name: "revoke another session", on: other, follows: true, ends: []part{other},
		do: func(ctx context.Context, d *deed) error { return d.revoke(ctx, other) },
	},
	{
		name: "revoke the others", ends: allOf(sessions, []part{pending}), sweeps: true, spares: own,
		do: func(ctx context.Context, d *deed) error {
			_, err := d.world.stages.plain.RevokeOthers(ctx, d.world.user, d.world.parts[own].ID, d.world.user)
			return err
		},
	},
	{
		name: "revoke the user", ends: allOf(sessions, []part{pending}), sweeps: true,
		do: func(ctx context.Context, d *deed) error {
			_, err := d.world.stages.plain.RevokeUser(ctx, d.world.user, "admin")
			return err
		},
	},
	{
		name: "change credentials", ends: allOf(sessions, devices, []part{pending}), sweeps: true,
		do: func(ctx context.Context, d *deed) error { return d.changeCredentials(ctx, session.ID{}) },
	},
	{
		name: "change credentials and stay", ends: allOf(sessions, devices, []part{pending}), sweeps: true, spares: own,
		do: func(ctx context.Context, d *deed) error { return d.changeCredentials(ctx, d.world.parts[own].ID) },
	},
	{
		name: "be disabled", on: own, ends: allOf(sessions, devices, []part{pending, notice}), sweeps: true,
		do: func(ctx context.Context, d *deed) error {
			err := d.check(ctx, d.world.stages.disabled, d.world.browser)
			if ended, ok := errors.AsType[*loginstage.AccessError](err); ok && ended.Ending.Cause == session.CauseAccountDisabled {
				return nil
			}
			return cmp.Or(err, errAdmitted)
		},
	},
	{
		name: "sign out", ends: []part{own, pending, waiting}, needs: []part{waiting},
		do: func(ctx context.Context, d *deed) error {
			return d.world.browser.copied().send(ctx, d.world.stages.plain.Logout)
		},
	},
	{
		name: "sign in again", ends: []part{own, device},
		do: func(ctx context.Context, d *deed) error {
			return d.signIn(ctx, d.world.browser.copied(), d.world.stages.plain, d.world.user)
		},
	},
	{
		name: "another user signs in", ends: []part{own},
		do: func(ctx context.Context, d *deed) error {
			return d.signIn(ctx, d.world.browser.copied(), d.world.stages.plain, "carol-"+d.world.user)
		},
	},
	{
		name: "the waiting user signs in", ends: []part{own, waiting}, needs: []part{waiting},
		do: func(ctx context.Context, d *deed) error {
			return d.signIn(ctx, d.world.browser.copied(), d.world.stages.plain, d.world.neighbour)
		},
	},
	{
		name: "sign in elsewhere",
		do: func(ctx context.Context, d *deed) error {
			return d.signIn(ctx, newClient(bindingtest.Berlin), d.world.stages.plain, d.world.user)
		},
	},
	{
		name: "sign in alone", ends: sessions, sweeps: true,
		do: func(ctx context.Context, d *deed) error {
			return d.signIn(ctx, newClient(bindingtest.Berlin), d.world.stages.alone, d.world.user)
		},
	},
	{
		name: "sign in as the only one", ends: []part{own, other, keyed}, sweeps: true,
		do: func(ctx context.Context, d *deed) error {
			return d.signIn(ctx, newClient(bindingtest.Berlin), d.world.stages.one, d.world.user)
		},
	},
	{
		name: "be asked", ends: []part{pending},
		do: func(ctx context.Context, d *deed) error {
			return d.world.browser.copied().send(ctx, func(w http.ResponseWriter, r *http.Request) error {
				_, err := d.world.stages.asks.Begin(w, r, loginstage.User{ID: d.world.user})
				return err
			})
		},
	},
	{
		name: "answer", on: pending, needs: []part{pending}, ends: []part{pending, own, device},
		do: func(ctx context.Context, d *deed) error {
			return d.world.browser.copied().send(ctx, func(w http.ResponseWriter, r *http.Request) (err error) {
				d.started, err = d.world.stages.asks.FinishSignIn(w, r, loginstage.Answer{StaySignedIn: true})
				return err
			})
		},
	},
	{
		name: "make a notice",
		do: func(ctx context.Context, d *deed) error {
			_, err := d.world.stages.plain.Notice(ctx, d.world.parts[own])
			return err
		},
	},
	{
		name: "say that it was not me", on: notice, needs: []part{notice}, ends: allOf([]part{own, notice}, devices),
		do: func(ctx context.Context, d *deed) error {
			_, err := d.world.stages.plain.NotMe(ctx, d.world.secret)
			return err
		},
	},
	{
		name: "forget the device", on: device, follows: true, ends: []part{device},
		do: func(ctx context.Context, d *deed) error {
			return d.world.stages.plain.ForgetDevice(ctx, d.world.user, d.world.parts[device].ID, d.world.user)
		},
	},
	{
		name: "forget all devices", ends: devices,
		do: func(ctx context.Context, d *deed) error {
			_, err := d.world.stages.plain.ForgetDevices(ctx, d.world.user, d.world.user)
			return err
		},
	},
	{
		name: "add an account",
		do: func(ctx context.Context, d *deed) error {
			return d.world.browser.copied().send(ctx, d.world.stages.plain.AddAccount)
		},
	},
	{
		name: "switch accounts", on: waiting, needs: []part{waiting},
		do: func(ctx context.Context, d *deed) error {
			return d.world.browser.copied().send(ctx, func(w http.ResponseWriter, r *http.Request) error {
				return d.world.stages.plain.SwitchAccount(w, r, d.world.parts[waiting].ID)
			})
		},
	},
	{
		name: "sign the waiting account out", on: waiting, needs: []part{waiting}, ends: []part{waiting},
		do: func(ctx context.Context, d *deed) error { return d.signOut(ctx, waiting) },
	},
	{
		name: "sign the account out", on: own, ends: []part{own, pending},
		do: func(ctx context.Context, d *deed) error { return d.signOut(ctx, own) },
	},
	{
		name: "reauthenticate the waiting one", on: waiting, needs: []part{waiting}, renews: waiting, resets: true, changes: true,
		do: func(ctx context.Context, d *deed) error {
			r := newClient(bindingtest.Berlin)
			for name, value := range d.world.browser.cookies { // as another tab had it, before it waited
				if token, err := session.ParseToken(value); err == nil && token.ID() == d.world.parts[waiting].ID && name != session.DefaultCookieName {
					r.cookies[session.DefaultCookieName] = value
				}
			}
			return r.send(ctx, func(w http.ResponseWriter, r *http.Request) error {
				_, err := d.world.stages.plain.Reauthenticate(w, r, loginstage.User{ID: d.world.neighbour})
				return err
			})
		},
	},
	{
		name: "use it", on: own,
		do: func(ctx context.Context, d *deed) error { return d.check(ctx, d.world.stages.plain, d.world.browser) },
	},
	{
		name: "use it from next door", on: own,
		do: func(ctx context.Context, d *deed) error {
			return d.check(ctx, d.world.stages.plain, d.world.browser.from(bindingtest.BerlinNeighbour))
		},
	},
	{
		name: "be restricted", on: own, drifts: true, changes: true,
		do: func(ctx context.Context, d *deed) error {
			return d.check(ctx, d.world.stages.steps, d.world.browser.from(bindingtest.Paris))
		},
		holds: func(_ *deed, s session.Session) error {
			return wants(s.Drift.Restricted != "", "it is not restricted any more")
		},
	},
	{
		name: "be reported", on: own, drifts: true, changes: true,
		do: func(ctx context.Context, d *deed) error {
			return d.check(ctx, d.world.stages.reports, d.world.browser.from(bindingtest.London))
		},
		holds: func(_ *deed, s session.Session) error {
			return wants(len(s.Drift.Reported) > 0, "what was reported is forgotten")
		},
	},
	{
		name: "break the binding", on: own, ends: []part{own},
		do: func(ctx context.Context, d *deed) error {
			err := d.check(ctx, d.world.stages.ends, d.world.browser.from(bindingtest.Tokyo))
			if denied, ok := errors.AsType[*loginstage.AccessError](err); ok && denied.Denial == loginstage.DenialBroken {
				return nil
			}
			return cmp.Or(err, errAdmitted)
		},
	},
	{
		name: "register a device key", on: own, follows: true, once: true, changes: true,
		do: func(ctx context.Context, d *deed) error {
			return wantsOK(d.world.register(ctx, d.world.browser.copied()))
		},
		holds: func(_ *deed, s session.Session) error {
			return wants(!s.Drift.Key.IsZero(), "it has lost its device key")
		},
	},
	{
		name: "prove the device key", on: keyed, follows: true, once: true, needs: []part{keyed}, drifts: true, changes: true,
		do: func(ctx context.Context, d *deed) error {
			return wantsOK(d.world.prove(ctx, d.world.bound.from(bindingtest.Paris)))
		},
		holds: func(_ *deed, s session.Session) error {
			return wants(len(s.Drift.Proved) > 0, "what was proved is forgotten")
		},
	},
	{
		name: "sweep", needs: []part{overdue}, ends: []part{overdue},
		do: func(ctx context.Context, d *deed) error {
			_, err := d.world.stages.plain.Sweep(ctx)
			return err
		},
	},
}

var errAdmitted = errors.New("loginstagetest: the guard admitted what it had to end")

func wants(is bool, format string, args ...any) error {
	if is {
		return nil
	}
	return fmt.Errorf(format, args...)
}

func wantsDone(s session.Session, action part) error {
	return wants(!slices.Contains(s.Required, string(action)), "it requires %q again", action)
}

// wantsOK returns the error of the status of an endpoint for device keys.
func wantsOK(status int) error {
	if status == http.StatusOK {
		return nil
	}
	if status == http.StatusBadRequest {
		return session.ErrNotFound
	}
	return fmt.Errorf("status %d", status)
}

// amr returns how the user is proved in a re-authentication.
func (d *deed) amr() []string { return []string{"pwd", fmt.Sprint("otp-", d.number)} }

func (d *deed) reauthenticate(ctx context.Context, c *client) error {
	return c.copied().send(ctx, func(w http.ResponseWriter, r *http.Request) error {
		_, err := d.world.stages.plain.Reauthenticate(w, r, loginstage.User{ID: d.world.user, AMR: d.amr()})
		return err
	})
}

func (d *deed) complete(ctx context.Context, action part) error {
	return d.world.browser.copied().send(ctx, func(w http.ResponseWriter, r *http.Request) error {
		return d.world.stages.plain.Complete(w, r, string(action))
	})
}

func (d *deed) revoke(ctx context.Context, p part) error {
	return d.world.stages.plain.Revoke(ctx, d.world.user, d.world.parts[p].ID, d.world.user)
}

func (d *deed) changeCredentials(ctx context.Context, keep session.ID) error {
	_, err := d.world.stages.plain.CredentialsChanged(ctx, d.world.user, "password", keep, d.world.user)
	return err
}

// check sends a request through a guard. What restricts a session is no failure.
func (d *deed) check(ctx context.Context, login *loginstage.UserLogin, c *client) error {
	return c.copied().send(ctx, func(w http.ResponseWriter, r *http.Request) error {
		_, err := login.Check(w, r)
		if denied, ok := errors.AsType[*loginstage.AccessError](err); ok &&
			(denied.Denial == loginstage.DenialStepUp || denied.Denial == loginstage.DenialRequired) {
			return nil
		}
		return err
	})
}

func (d *deed) signIn(ctx context.Context, c *client, login *loginstage.UserLogin, user string) error {
	return c.send(ctx, func(w http.ResponseWriter, r *http.Request) (err error) {
		d.started, _, err = login.SignIn(w, r, loginstage.User{ID: user})
		return err
	})
}

func (d *deed) signOut(ctx context.Context, p part) error {
	return d.world.browser.copied().send(ctx, func(w http.ResponseWriter, r *http.Request) error {
		return d.world.stages.plain.SignOutAccount(w, r, d.world.parts[p].ID)
	})
}
