package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"

	"github.com/mooring-go/mooring/session"
)

// Start makes the session live and ends what replace says: in one transaction, or in
// several where more than 100 are to end. It waits for other steps of the user even
// where there is nothing to replace. Otherwise EndUser could leave a session live that
// had started before it ended the others.
func (s *Store) Start(ctx context.Context, started session.Session, replace session.Replace) ([]session.Ended, error) {
	var ended made[session.Ended]
	err := withinAlone(ctx, s, "start", func() error {
		if err := validate(started); err != nil {
			return err
		}
		if err := s.ready(ctx); err != nil {
			return err
		}
		return s.inTurn(ctx, userTurn(started.User), func() error { return s.start(ctx, started, replace, &ended) })
	})
	return ended.soFar(), err
}

func (s *Store) start(ctx context.Context, started session.Session, replace session.Replace, ended *made[session.Ended]) error {
	for most := session.EndBatch; ; {
		var some []session.Ended
		var more bool
		err := s.ofUser(ctx, started.User, func(tx *sql.Tx) error {
			var verdicts []verdict
			var err error
			if verdicts, more, err = s.victims(ctx, tx, started, replace, most); err != nil {
				return err
			}
			some = nil
			for _, v := range verdicts {
				some = append(some, session.Ended{Session: v.row.session(), Ending: v.ending})
			}
			if err := s.end(ctx, tx, verdicts); err != nil || more {
				return err
			}
			return s.insert(ctx, tx, started)
		})
		if err != nil {
			return err
		}
		ended.add(some)
		if !more {
			return nil
		}
		if most = min(2*most, mostPerStep); len(some) == 0 {
			most = math.MaxInt - 1 // the next step has to see all of them
		}
	}
}

// victims returns the sessions that a new one ends, locked. It looks at the oldest of
// the user's sessions, as many as most. Where there are more, it returns only those
// that would end anyway, and can do so in a step before.
func (s *Store) victims(ctx context.Context, tx *sql.Tx, started session.Session, replace session.Replace, most int) (verdicts []verdict, more bool, err error) {
	named, err := s.named(ctx, tx, replace)
	if err != nil {
		return nil, false, err
	}
	own, more, err := s.oldest(ctx, tx, started, replace, most)
	if err != nil {
		return nil, false, err
	}
	candidates := named
	for _, c := range own {
		if !slices.ContainsFunc(named, func(n session.Candidate) bool { return n.ID == c.ID }) {
			candidates = append(candidates, c)
		}
	}
	if more && replace.Max > 0 {
		if replace.Max, err = s.room(ctx, tx, started, replace, candidates); err != nil {
			return nil, false, err
		}
	}
	chosen, err := replace.Choose(started, candidates)
	if limit, denied := errors.AsType[*session.LimitError](err); denied {
		limit.Surplus = limit.Surplus[:min(len(limit.Surplus), session.EndBatch)]
	}
	if err != nil {
		return nil, false, s.startRefused(ctx, tx, started, replace, err)
	}
	causes := make(map[string]session.Cause)
	var ids []string
	for _, v := range chosen {
		if more && slices.Contains([]session.ID{replace.Answers, replace.Renews, replace.Before}, v.ID) {
			continue // it ends in the step that makes the new one live
		}
		causes[v.ID.String()] = v.Cause
		ids = append(ids, v.ID.String())
	}
	rows, err := s.locked(ctx, tx, ids)
	if err != nil {
		return nil, false, err
	}
	for _, r := range rows {
		if !r.ended {
			// A touch that adds to its drift waits for no other step of the user.
			if causes[r.id] == session.CauseRenewed && r.session().Version != replace.Version {
				return nil, false, session.ErrConflict
			}
			verdicts = append(verdicts, verdict{r, replace.Because(causes[r.id])})
			delete(causes, r.id)
		}
	}
	// What is still there ended meanwhile, by its limit or with the session of another
	// user.
	for _, id := range []session.ID{replace.Answers, replace.Renews} {
		if _, gone := causes[id.String()]; gone {
			return nil, false, s.startRefused(ctx, tx, started, replace, session.ErrNotFound)
		}
	}
	return verdicts, more, nil
}

// light are the columns that a candidate is made of.
const light = "SELECT id, owner, kind, created, last_seen, expires, idle, tenant FROM {session}"

func scanCandidate(rows *sql.Rows) (session.Candidate, error) {
	var r fullRow
	var tenant string
	err := rows.Scan(&r.id, &r.owner, &r.kind, &r.created, &r.lastSeen, &r.expires, &r.idle, &tenant)
	c := r.candidate()
	c.Tenant = tenant
	return c, err
}

// named returns the live sessions that replace names.
func (s *Store) named(ctx context.Context, tx *sql.Tx, replace session.Replace) ([]session.Candidate, error) {
	var ids []any
	for _, id := range []session.ID{replace.Answers, replace.Renews, replace.Before} {
		if !id.IsZero() {
			ids = append(ids, id.String())
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := s.rows(ctx, tx, "WHERE ended = 0 AND id IN "+list(len(ids), "{text}"), ids...)
	return candidates(rows), err
}

// candidates returns the sessions of the rows, with what only their records hold.
func candidates(rows []fullRow) []session.Candidate {
	var all []session.Candidate
	for _, r := range rows {
		c, s := r.candidate(), r.session()
		c.Tenant, c.Version = s.Tenant, s.Version
		all = append(all, c)
	}
	return all
}

// oldest returns the user's live sessions, of the kinds that replace is about, the
// oldest first; and whether there are more of them.
func (s *Store) oldest(ctx context.Context, tx *sql.Tx, started session.Session, replace session.Replace, most int) ([]session.Candidate, bool, error) {
	var kinds []session.Kind
	if replace.Others {
		kinds = append(kinds, session.KindSession)
	}
	if replace.Max > 0 && !slices.Contains(kinds, started.Kind) {
		kinds = append(kinds, started.Kind)
	}
	if len(kinds) == 0 {
		return nil, false, nil
	}
	where, args := " WHERE owner = {bytes} AND ended = 0"+ofKinds(len(kinds)), append([]any{[]byte(started.User)}, kindArgs(kinds)...)
	if replace.PerTenant && !replace.Others {
		where, args = where+ofTenant(started.Tenant), append(args, started.Tenant)
	}
	where, args = where+" ORDER BY created LIMIT {int}", append(args, most+1)
	all, err := collect(ctx, tx, s.text.of(light+where), args, scanCandidate)
	if len(all) <= most {
		return all, false, err
	}
	return all[:most], true, err
}

// ofTenant returns the part of a WHERE for the tenant. What it says twice of one that there
// is shows that an index without the others will do.
func ofTenant(tenant string) string {
	if tenant == "" {
		return " AND tenant = {text}"
	}
	return " AND tenant = {text} AND tenant <> ''"
}

// deadline is [session.Session.Deadline] of a live row. What is added and
// subtracted stays in the range of 64 bits.
const deadline = "CASE WHEN idle <= 0 OR expires <= 0 THEN expires WHEN last_seen < expires - idle THEN last_seen + idle ELSE expires END"

// room returns how many of the candidates may stay where replace.Max sessions may in
// all. Live sessions that are not among the candidates count, at least as one. They are
// the latest, so they stay before any candidate does.
func (s *Store) room(ctx context.Context, tx *sql.Tx, started session.Session, replace session.Replace, candidates []session.Candidate) (int, error) {
	where := " WHERE owner = {bytes} AND ended = 0 AND kind = {text} AND " + deadline + " > {int}"
	args := []any{[]byte(started.User), string(started.Kind), instant(started.Created)}
	if replace.PerTenant {
		where, args = where+ofTenant(started.Tenant), append(args, started.Tenant)
	}
	var counting int
	err := tx.QueryRowContext(ctx, s.text.of("SELECT COUNT(*) FROM {session}"+where), args...).Scan(&counting)
	for _, c := range candidates {
		if c.User == started.User && c.Kind == started.Kind && c.Deadline.After(started.Created) && (!replace.PerTenant || c.Tenant == started.Tenant) {
			counting--
		}
	}
	return max(1, replace.Max-counting), err
}

// startRefused returns why nothing is started where Choose refuses it with err: ErrExists
// if the new session's ID is in use, the ending of the session that it answers or renews
// if that has one, and err otherwise.
func (s *Store) startRefused(ctx context.Context, tx *sql.Tx, started session.Session, replace session.Replace, err error) error {
	used, readErr := collect(ctx, tx, s.text.of("SELECT id FROM {session} WHERE id = {text}"), []any{started.ID.String()}, scanBytes)
	if readErr != nil || len(used) > 0 {
		return cmp.Or(readErr, session.ErrExists)
	}
	if !errors.Is(err, session.ErrNotFound) {
		return err
	}
	for _, id := range []session.ID{replace.Answers, replace.Renews} {
		if id.IsZero() {
			continue
		}
		rows, readErr := s.locked(ctx, tx, []string{id.String()})
		if readErr != nil {
			return readErr
		}
		if len(rows) > 0 && string(rows[0].owner) == started.User && rows[0].ended {
			_, err := rows[0].live()
			return err
		}
	}
	return err
}
