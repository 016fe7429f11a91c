package redisbase

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/mooring-go/mooring/session"
)

// Start makes s live and ends what replace says, in one script. Where that is more than
// 100 sessions, scripts before it end the oldest ones, 100 each.
//
// If replace.Before names a record of another user, which is in another shard as a
// rule, a script of its own ends that record first. If the new session can then not be
// started, the record stays ended, and comes with the error.
func (s *Store) Start(ctx context.Context, started session.Session, replace session.Replace) ([]session.Ended, error) {
	const operation = "starting a session"
	if err := started.Validate(); err != nil {
		return nil, err
	}
	if err := s.server.check(ctx, s.client); err != nil {
		return nil, s.failed(operation, err)
	}
	all, err := s.start(ctx, started, replace)
	return all, s.failed(operation, err)
}

func (s *Store) start(ctx context.Context, started session.Session, replace session.Replace) ([]session.Ended, error) {
	shard := session.Shard(started.User)
	var elsewhere []session.Ended
	if !replace.Before.IsZero() && replace.Before.Shard() != shard {
		var err error
		if elsewhere, err = s.endBefore(ctx, started, replace); err != nil {
			return elsewhere, err
		}
		replace.Before = session.ID{}
	}
	replicas := acknowledgement{
		needed: replace.Others || replace.Max > 0 || !replace.Before.IsZero() || !replace.Answers.IsZero() || !replace.Renews.IsZero(),
	}
	all, err := s.repeat(ctx, func() (string, []string, error) {
		return s.runStart(ctx, started, replace, false, &replicas)
	})
	if err == nil && len(all) > 0 {
		err = replicas.short
	}
	return append(elsewhere, all...), err
}

// runStart runs the script, again where the session to renew has changed between what
// was read of it and the script, and while the script makes the index by tenant. If it is only to check, the script looks whether it
// would fail, and does nothing.
func (s *Store) runStart(ctx context.Context, started session.Session, replace session.Replace, check bool, replicas *acknowledgement) (status string, reply []string, err error) {
	for {
		renews, err := s.renewed(ctx, started, replace)
		if err != nil {
			return "", nil, err
		}
		args, err := s.startArgs(started, replace, renews, check)
		if err != nil {
			return "", nil, err
		}
		status, reply, err := replicas.run(ctx, s, startScript, session.Shard(started.User), []string{s.indexKey(started.User), s.sessionKey(started.ID)}, args...)
		if err != nil || (status != "changed" && status != "indexing") {
			return status, reply, err
		}
	}
}

// renewed returns the value of the session that the new one renews, if it has the
// Version that it has to have; "" where the script is to say why there is none.
func (s *Store) renewed(ctx context.Context, started session.Session, replace session.Replace) (string, error) {
	if replace.Renews.Shard() != session.Shard(started.User) {
		return "", nil
	}
	value, found, err := s.get(ctx, replace.Renews)
	if _, ended := errors.AsType[*session.EndedError](err); ended || errors.Is(err, session.ErrNotFound) {
		return "", nil
	}
	if err == nil && found.User == started.User && found.Kind == session.KindSession && found.Version != replace.Version {
		err = fmt.Errorf("%w: version %d, want %d", session.ErrConflict, found.Version, replace.Version)
		if used, existsErr := s.client.Do(ctx, exists(s.sessionKey(started.ID))).number(); existsErr != nil || used > 0 {
			err = cmp.Or(existsErr, session.ErrExists)
		}
		return "", err
	}
	return value, err
}

// startArgs returns the arguments of the script. renews is the value that the session
// to renew must have.
func (s *Store) startArgs(started session.Session, replace session.Replace, renews string, check bool) ([]any, error) {
	value, err := encode(started)
	if err != nil {
		return nil, err
	}
	args := s.endingArgs(replace.Ending,
		started.ID.String(), value, s.lastsLive(started), tagOf(started.Kind), member(started), dueMember(started),
		milliseconds(started.Deadline()), replace.Before.String(), replace.Answers.String(), replace.Renews.String(), renews,
		flag(replace.Others), replace.Max, flag(replace.Deny), flag(replace.PerTenant), tenantIn(started.Tenant), flag(check), s.few)
	for _, cause := range []session.Cause{
		session.CauseReplaced, session.CauseAnswered, session.CauseRenewed, session.CauseTerminated, session.CauseMaxSessions,
	} {
		text, err := encodeEnding(replace.Because(cause))
		if err != nil {
			return nil, err
		}
		args = append(args, text)
	}
	return args, nil
}

// few is how many sessions of one kind a user has, at the most, for a Start with
// [session.Replace.PerTenant] to read all of them: one page. Of a user who has more it
// reads those of the tenant, by an index.
const few = 100

// IndexFrom sets how many sessions of one kind a user has, at the most, without an index by
// tenant. It is for tests, before the first step.
func IndexFrom(s *Store, few int) { s.few = few }

// tenantIn returns the tenant as it stands in a record, by which scripts know it; "" for
// none.
func tenantIn(tenant string) string {
	if tenant == "" {
		return ""
	}
	text, _ := json.Marshal(tenant) // of a text it never fails
	return `,"tenant":` + string(text)
}

// sweptWithin is how long after its limit a session whose expiry is to be told waits
// for a Sweep, besides [Config.Grace] and its TellExpiry.
const sweptWithin = 7 * 24 * time.Hour

// lastsLive returns for how many milliseconds from its last use on the server keeps a
// live session.
func (s *Store) lastsLive(of session.Session) int64 {
	from := of.LastSeen
	if of.Created.After(from) {
		from = of.Created
	}
	lasts := s.lasts(from, of.Deadline())
	if of.TellExpiry > 0 {
		lasts += (sweptWithin + min(of.TellExpiry, longest)).Milliseconds()
	}
	return lasts
}

// endBefore ends the record of another user that replace.Before names, if the session
// can be started.
func (s *Store) endBefore(ctx context.Context, started session.Session, replace session.Replace) ([]session.Ended, error) {
	if started.Kind == session.KindDevice {
		return nil, nil // a device of another user stays
	}
	if _, _, err := s.runStart(ctx, started, replace, true, &acknowledgement{}); err != nil {
		return nil, err
	}
	e, err := s.end(ctx, replace.Before, replace.Because(session.CauseReplaced), tagOf(started.Kind))
	if !e.Session.ID.IsZero() {
		return []session.Ended{e}, err
	}
	if _, hasEnded := errors.AsType[*session.EndedError](err); hasEnded || errors.Is(err, session.ErrNotFound) {
		return nil, nil
	}
	return nil, err
}

// repeat runs a script until it says that there is no more to end, and returns what it
// ended, with an error too.
func (s *Store) repeat(ctx context.Context, step func() (status string, reply []string, err error)) ([]session.Ended, error) {
	var all []session.Ended
	for {
		status, reply, err := step()
		if err != nil {
			return all, err
		}
		more, err := decodeAll(reply)
		all = append(all, more...)
		if err == nil && status == "more" {
			err = ctx.Err()
		}
		if err != nil || status != "more" {
			return all, err
		}
	}
}
