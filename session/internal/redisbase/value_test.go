package redisbase_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/internal/redisbase"
	"github.com/mooring-go/mooring/session/internal/redistest"
)

func TestInstantsAreInTheOrderOfTheirText(t *testing.T) {
	first, last := time.Unix(0, math.MinInt64), time.Unix(0, math.MaxInt64)
	instants := []time.Time{
		{}, first, first.Add(1), time.Unix(-1, 0), time.Unix(0, -1), time.Unix(0, 0), time.Unix(0, 1), time.Unix(1_700_000_000, 0), time.Unix(1_700_000_000, 1), last.Add(-1), last,
	}
	for i, at := range instants {
		text := redisbase.Instant(at)
		require.Len(t, text, 16)
		if i > 1 { // the first two are as early as can be said
			require.Greater(t, text, redisbase.Instant(instants[i-1]))
			back, err := redisbase.TimeOf(text)
			require.NoError(t, err)
			require.True(t, at.Equal(back), at)
		}
	}
	require.Equal(t, redisbase.Instant(last), redisbase.Instant(last.AddDate(1000, 0, 0)))
	require.Equal(t, redisbase.Instant(first), redisbase.Instant(first.AddDate(-1000, 0, 0)))
	for _, text := range []string{"", "z", "0x00000000000000"} {
		_, err := redisbase.TimeOf(text)
		require.ErrorIs(t, err, session.ErrRecord, text)
	}
}

// The scripts say the server's time as Go does, though their numbers have 53 bits.
func TestScriptsSayTheTimeAsGoDoes(t *testing.T) {
	addr := redistest.Shared(t)
	for range 200 {
		reply, err := redistest.Do(addr, "EVAL", redisbase.Prelude+"return {now, time[1], time[2], ms(nowMS)}", 1, "none", "")
		require.NoError(t, err)
		texts := reply.([]any)
		seconds, err := strconv.ParseInt(texts[1].(string), 10, 64)
		require.NoError(t, err)
		micros, err := strconv.ParseInt(texts[2].(string), 10, 64)
		require.NoError(t, err)
		at := time.Unix(seconds, micros*1000)
		require.Equal(t, redisbase.Instant(at), texts[0])
		require.Equal(t, strconv.FormatInt(at.UnixMilli(), 10), texts[3])
	}
	// Instants whose halves carry, and far ones.
	text, _, found := strings.Cut(redisbase.Prelude[strings.Index(redisbase.Prelude, "-- nowMS"):], "-- part returns")
	require.True(t, found)
	for _, at := range []time.Time{
		time.Unix(0, 0), time.Unix(4, 294_967_000), time.Unix(4, 294_968_000), time.Unix(65535, 999_999_000), time.Unix(65536, 0),
		time.Unix(1<<31, 0), time.Unix(1<<32-1, 999_999_000), time.Unix(9_223_372_036, 854_775_000),
	} {
		script := "local seconds, micros = tonumber(ARGV[1]), tonumber(ARGV[2])\n" + text + "\nreturn now"
		got, err := redistest.Do(addr, "EVAL", script, 0, at.Unix(), at.Nanosecond()/1000)
		require.NoError(t, err)
		require.Equal(t, redisbase.Instant(at), got, at)
	}
}

func TestTagsOfKinds(t *testing.T) {
	for kind, want := range map[session.Kind]string{
		session.KindSession: "s", session.KindPending: "p", session.KindDevice: "d",
		"later": "xlater:", "s": "xs:", "a:b": "xa%3Ab:", "x\x00y": "xx%00y:",
	} {
		tag := redisbase.TagOf(kind)
		require.Equal(t, want, tag)
		back, err := redisbase.KindOf(tag)
		require.NoError(t, err)
		require.Equal(t, kind, back)
	}
	for _, tag := range []string{"", "q", "x", "later:", "xlater", "x%zz:"} {
		_, err := redisbase.KindOf(tag)
		require.ErrorIs(t, err, session.ErrRecord, tag)
	}
}

// golden returns values as each form of them was written.
func golden(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return strings.TrimSuffix(string(text), "\n")
}

func TestValuesOfEachForm(t *testing.T) {
	id, err := session.ParseID("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAkt")
	require.NoError(t, err)
	want := session.Session{
		ID: id, User: "ada", Name: "Ada", Method: "password", Stage: "login",
		Created: time.Unix(1_700_000_000, 1).UTC(), LastSeen: time.Unix(1_700_000_060, 2).UTC(), Expires: time.Unix(1_700_003_600, 3).UTC(),
		Idle: 15 * time.Minute, TellExpiry: time.Hour,
	}
	got, err := redisbase.DecodeLive(id, golden(t, "live.1"))
	require.NoError(t, err)
	require.Equal(t, want, got)
	_, err = redisbase.DecodeLive(id, golden(t, "ended.1"))
	told, ok := errors.AsType[*session.EndedError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, session.Ended{Session: want, Ending: session.Ending{
		Cause: session.CauseSignedOut, Time: time.Unix(1_700_000_100, 0).UTC(), Keep: time.Unix(1_700_086_500, 0).UTC(), Journal: true,
	}}, told.Ended)
}

func FuzzValue(f *testing.F) {
	f.Add(golden(f, "live.1"))
	f.Add(golden(f, "ended.1"))
	f.Add("L10")
	f.Add("E11" + strings.Repeat("f", 32) + "ffffffff")
	id, err := session.ParseID("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAkt")
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := redisbase.DecodeLive(id, text)
		if err == nil {
			require.Equal(t, id, s.ID)
			return
		}
		if ended, ok := errors.AsType[*session.EndedError](err); ok {
			require.Equal(t, id, ended.Session.ID)
			return
		}
		require.ErrorIs(t, err, session.ErrRecord)
	})
}
