package redisbase

import (
	"context"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // G505: the protocol names scripts by it
	_ "embed"     // the scripts
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/mooring-go/mooring/session"
)

var (
	//go:embed lua/prelude.lua
	prelude string
	//go:embed lua/journal.lua
	journal string
	//go:embed lua/ending.lua
	ending string

	//go:embed lua/tenant.lua
	tenant string

	//go:embed lua/start.lua
	startText string
	//go:embed lua/end.lua
	endText string
	//go:embed lua/enduser.lua
	endUserText string
	//go:embed lua/expire.lua
	expireText string
	//go:embed lua/list.lua
	listText string
	//go:embed lua/touch.lua
	touchText string
	//go:embed lua/update.lua
	updateText string
	//go:embed lua/sweep.lua
	sweepText string
	//go:embed lua/lease.lua
	leaseText string
	//go:embed lua/delivered.lua
	deliveredText string
	//go:embed lua/release.lua
	releaseText string
	//go:embed lua/beat.lua
	beatText string
)

var (
	startScript     = newScript(prelude, journal, ending, tenant, startText)
	endScript       = newScript(prelude, journal, ending, endText)
	endUserScript   = newScript(prelude, journal, ending, endUserText)
	expireScript    = newScript(prelude, journal, ending, expireText)
	listScript      = newScript(prelude, listText)
	touchScript     = newScript(prelude, touchText)
	updateScript    = newScript(prelude, updateText)
	sweepScript     = newScript(prelude, journal, sweepText)
	leaseScript     = newScript(prelude, journal, leaseText)
	deliveredScript = newScript(prelude, journal, deliveredText)
	releaseScript   = newScript(prelude, journal, releaseText)
	beatScript      = newScript(prelude, beatText)
)

// A script is one in two forms, which differ in how they publish changes.
type script struct{ single, sharded scriptForm }

// A scriptForm is its text, and the sum by which a server knows it.
type scriptForm struct{ text, sum string }

func newScript(parts ...string) script {
	text := strings.Join(parts, "")
	return script{newForm("local sharded = false\n" + text), newForm("local sharded = true\n" + text)}
}

func newForm(text string) scriptForm {
	sum := sha1.Sum([]byte(text)) // as the protocol wants it, not for security
	return scriptForm{text, hex.EncodeToString(sum[:])}
}

// of returns the form for a Cluster, or for one server.
func (s script) of(cluster bool) scriptForm {
	if cluster {
		return s.sharded
	}
	return s.single
}

// bySum runs a script that the server knows. One that does not refuses with NOSCRIPT.
func (f scriptForm) bySum(keys, args []string) Command {
	return evaluation("evalsha", f.sum, keys, args)
}

// whole runs a script that the server may not know, as after a restart or a failover, and
// makes it known.
func (f scriptForm) whole(keys, args []string) Command { return evaluation("eval", f.text, keys, args) }

func evaluation(name, script string, keys, args []string) Command {
	words := append(make([]string, 0, 3+len(keys)+len(args)), name, script, strconv.Itoa(len(keys)))
	return Command{append(append(words, keys...), args...), 3}
}

// keys returns those that a script declares: one of this call alone, and others.
func (s *Store) keys(shard string, others ...string) []string {
	return append([]string{s.base(shard) + "c:" + rand.Text()}, others...)
}

// args returns the first arguments of all scripts, and then others: texts, int and int64.
func (s *Store) args(shard string, others []any) []string {
	texts := make([]string, 1, 1+len(others))
	texts[0] = s.base(shard)
	for _, other := range others {
		text, isText := other.(string)
		if !isText {
			text = fmt.Sprint(other)
		}
		texts = append(texts, text)
	}
	return texts
}

// run runs a script on keys of a shard. Its reply is a status and more. It returns an
// error for a status that means one.
func (s *Store) run(ctx context.Context, script script, shard string, keys []string, args ...any) (status string, reply []string, err error) {
	form, keys, texts := script.of(s.cluster), s.keys(shard, keys...), s.args(shard, args)
	said := s.client.Do(ctx, form.bySum(keys, texts))
	if isRefusal(said.Err, "NOSCRIPT") {
		said = s.client.Do(ctx, form.whole(keys, texts))
	}
	return understood(said)
}

// understood returns the status in the reply of a script and what follows it, or the error
// that the status means.
func understood(said Reply) (status string, reply []string, err error) {
	reply, err = said.texts()
	if err != nil {
		return "", nil, err
	}
	if len(reply) == 0 {
		return "", nil, fmt.Errorf("empty reply of a script")
	}
	status, reply = reply[0], reply[1:]
	switch {
	case status == "none":
		return "", nil, session.ErrNotFound
	case status == "exists":
		return "", nil, session.ErrExists
	case status == "ended" && len(reply) == 2:
		all, err := decodeAll(reply)
		if err == nil {
			err = &session.EndedError{Ended: all[0]}
		}
		return "", nil, err
	case status == "limit":
		limit := &session.LimitError{}
		for _, text := range reply {
			id, err := session.ParseID(text)
			if err != nil {
				return "", nil, fmt.Errorf("reply of a script: %w", err)
			}
			limit.Surplus = append(limit.Surplus, id)
		}
		return "", nil, limit
	case status == "unreadable" && len(reply) == 1:
		return "", nil, fmt.Errorf("session %s: %w", reply[0], session.ErrRecord)
	}
	return status, reply, nil
}

// endingArgs returns the next arguments of all scripts that end sessions, and then
// others.
func (s *Store) endingArgs(e session.Ending, others ...any) []any {
	return append([]any{instant(e.Keep), milliseconds(e.Keep), s.lasts(e.Time, e.Keep), flag(e.Journal)}, others...)
}

func flag(set bool) int {
	if set {
		return 1
	}
	return 0
}

// milliseconds returns a time in milliseconds since 1970, rounded up.
func milliseconds(t time.Time) int64 {
	ms := t.UnixMilli()
	if t.After(time.UnixMilli(ms)) {
		ms++
	}
	return ms
}

// longest is how long any key is kept: far below where Redis's clock ends.
const longest = 100 * 365 * 24 * time.Hour

// lasts returns for how many milliseconds, from the instant from on, the server keeps a
// key until the instant to.
func (s *Store) lasts(from, to time.Time) int64 {
	left := min(max(to.Sub(from), 0), longest) + min(s.config.Grace, longest)
	return int64((left + time.Millisecond - 1) / time.Millisecond)
}

// pairs returns the IDs in a reply, each with the value that follows it.
func pairs(reply []string) (ids []session.ID, values []string, err error) {
	if len(reply)%2 != 0 {
		return nil, nil, fmt.Errorf("reply of a script: %d texts, want pairs", len(reply))
	}
	for i := 0; i < len(reply); i += 2 {
		id, err := session.ParseID(reply[i])
		if err != nil {
			return nil, nil, fmt.Errorf("reply of a script: %w", err)
		}
		ids, values = append(ids, id), append(values, reply[i+1])
	}
	return ids, values, nil
}

// decodeAll reads the ended sessions in a reply. It returns those that it can read,
// and the first error.
func decodeAll(reply []string) ([]session.Ended, error) {
	ids, values, failure := pairs(reply)
	var all []session.Ended
	for i, id := range ids {
		e, err := decodeEnded(id, values[i])
		if err == nil {
			all = append(all, e)
		} else if failure == nil {
			failure = err
		}
	}
	return all, failure
}
