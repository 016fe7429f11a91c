package sqlstore

import (
	"context"
	"database/sql"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
)

// endings returns the changes that the verdicts make.
func endings(verdicts []verdict) []session.Change {
	changes := make([]session.Change, len(verdicts))
	for i, v := range verdicts {
		id, _ := session.ParseID(v.row.id) // of one that is no ID: the zero ID
		changes[i] = session.Change{Kind: session.ChangeEnded, ID: id, User: string(v.row.owner), Cause: v.ending.Cause}
	}
	return changes
}

// announce has Watch tell of changes once tx is committed, and never if it is not.
// It is the last thing that a transaction does.
func (s *Store) announce(ctx context.Context, tx *sql.Tx, changes []session.Change) error {
	if s.text.dialect.notify == "" {
		return s.keepChanges(ctx, tx, changes)
	}
	for _, payload := range payloads(changes) {
		_, err := tx.ExecContext(ctx, s.text.of(s.text.dialect.notify), s.channel(), payload, s.listening())
		if err != nil {
			return err
		}
	}
	return nil
}

// perInsert is how many changes one statement keeps.
const perInsert = 64

// keepChanges keeps the changes in their table.
func (s *Store) keepChanges(ctx context.Context, tx *sql.Tx, changes []session.Change) error {
	for some := range slices.Chunk(changes, perInsert) {
		var args []any
		for _, c := range some {
			kind, word := words(c)
			args = append(args, c.ID.String(), []byte(c.User), kind, word)
		}
		rows := strings.TrimSuffix(strings.Repeat("({text}, {bytes}, {text}, {text}, {now}), ", len(some)), ", ")
		_, err := tx.ExecContext(ctx, s.text.of("INSERT INTO {change} (session_id, owner, kind, detail, made) VALUES "+rows), args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// What a change is called where it is kept and sent.
const (
	endedWord   = "ended"
	updatedWord = "updated"
)

func words(c session.Change) (kind, detail string) {
	if c.Kind == session.ChangeEnded {
		return endedWord, string(c.Cause)
	}
	return updatedWord, string(c.Restricted)
}

// changeOf returns the change of the words. One of another kind, as a later release
// may have, is false.
func changeOf(kind, detail, id, user string) (session.Change, bool) {
	parsed, err := session.ParseID(id)
	c := session.Change{ID: parsed, User: user}
	switch kind {
	case endedWord:
		c.Kind, c.Cause = session.ChangeEnded, session.Cause(detail)
	case updatedWord:
		c.Kind, c.Restricted = session.ChangeUpdated, binding.Reason(detail)
	default:
		return session.Change{}, false
	}
	return c, err == nil
}

// perPayload is how many sessions one notification names: it has fewer than 8000
// bytes, which is what PostgreSQL takes.
const perPayload = 100

// payloads returns the changes as notifications say them: the kind, the detail, the
// user in base64, since that may have bytes that no text in PostgreSQL has, and the
// IDs of sessions of which all that holds, each after a space.
func payloads(changes []session.Change) []string {
	var order []string
	ids := map[string][]string{}
	for _, c := range changes {
		kind, detail := words(c)
		head := fmt.Sprintf("%s %s %s", kind, detail, base64.RawStdEncoding.EncodeToString([]byte(c.User)))
		if ids[head] == nil {
			order = append(order, head)
		}
		ids[head] = append(ids[head], c.ID.String())
	}
	var all []string
	for _, head := range order {
		for some := range slices.Chunk(ids[head], perPayload) {
			all = append(all, head+" "+strings.Join(some, " "))
		}
	}
	return all
}

// parsePayload returns the changes that a notification says, as many of them as it
// understands.
func parsePayload(payload string) []session.Change {
	parts := strings.Split(payload, " ")
	if len(parts) < 4 {
		return nil
	}
	user, err := base64.RawStdEncoding.DecodeString(parts[2])
	if err != nil {
		return nil
	}
	var changes []session.Change
	for _, id := range parts[3:] {
		if c, ok := changeOf(parts[0], parts[1], id, string(user)); ok {
			changes = append(changes, c)
		}
	}
	return changes
}

// channel returns the name of the channel of the store's changes. A name in PostgreSQL has
// up to 63 bytes, so it is made of a number.
func (s *Store) channel() string { return fmt.Sprintf("mooring_%016x", uint64(s.number("changes"))) }

// listening returns the number of the lock that each Watch shares, and that a transaction
// gets only if there is none.
func (s *Store) listening() int64 { return s.number("listening") }

// keepChangesFor is how long a change is kept in its table.
const keepChangesFor = 10 * time.Minute

// forgetChanges deletes the changes that were made long before now, but for the
// latest of all, by which Watch knows where it is.
func (s *Store) forgetChanges(ctx context.Context, now time.Time) error {
	if s.text.dialect.notify != "" {
		return nil
	}
	return s.transact(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, s.text.of("DELETE FROM {change} WHERE made <= {int} AND seq < (SELECT latest FROM (SELECT MAX(seq) AS latest FROM {change}) AS of_one)"),
			instant(now.Add(-keepChangesFor)))
		return err
	})
}
