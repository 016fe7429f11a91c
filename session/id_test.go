package session_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

// An ID as text: 43 characters of a hash whose last has two unused bits, and
// two of a shard.
const idText = "Aaz09-_BCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkAB"

func TestIDRoundTrip(t *testing.T) {
	for range 100 {
		id := session.NewToken("ada").ID()
		parsed, err := session.ParseID(id.String())
		require.NoError(t, err)
		require.Equal(t, id, parsed)
		require.False(t, id.IsZero())
		require.Equal(t, session.Shard("ada"), parsed.Shard())

		text, err := json.Marshal(map[session.ID]session.ID{id: id})
		require.NoError(t, err)
		var read map[session.ID]session.ID
		require.NoError(t, json.Unmarshal(text, &read))
		require.Equal(t, map[session.ID]session.ID{id: id}, read)
	}
}

func TestZeroID(t *testing.T) {
	var zero session.ID
	assert.True(t, zero.IsZero())
	assert.Empty(t, zero.String())
	assert.Empty(t, zero.Shard())
	assert.Zero(t, zero.Hash())
	assert.Equal(t, zero, session.Token{}.ID())

	text, err := json.Marshal(zero)
	require.NoError(t, err)
	assert.Equal(t, `""`, string(text))
	id := session.NewToken("ada").ID()
	require.NoError(t, json.Unmarshal(text, &id))
	assert.True(t, id.IsZero())

	_, err = session.ParseID("")
	assert.ErrorIs(t, err, session.ErrBadID, "no text is no ID")
}

func TestIDsInOneTextOnly(t *testing.T) {
	valid, err := session.ParseID(idText)
	require.NoError(t, err)
	require.Equal(t, idText, valid.String())
	for what, text := range map[string]string{
		"one character short":      idText[:44],
		"one character long":       idText + "A",
		"unused bits of the hash":  idText[:42] + "l" + idText[43:],
		"padded":                   idText[:43] + "==",
		"standard base64":          "+" + idText[1:],
		"a slash":                  idText[:10] + "/" + idText[11:],
		"a newline":                idText[:10] + "\n" + idText[11:],
		"a newline for the shard":  idText[:43] + "\n\n",
		"a NUL":                    idText[:10] + "\x00" + idText[11:],
		"two bytes of one letter":  idText[:10] + "é" + idText[12:],
		"space before":             " " + idText[:44],
		"a shard of other letters": idText[:43] + "é",
		"huge":                     strings.Repeat("A", 1<<20),
	} {
		_, err := session.ParseID(text)
		require.ErrorIs(t, err, session.ErrBadID, what)
		assert.Less(t, len(err.Error()), 200, what)

		id := valid
		require.ErrorIs(t, id.UnmarshalText([]byte(text)), session.ErrBadID, what)
		assert.Equal(t, valid, id, "unchanged by an error")
	}
}

func TestShardIsOfTheUser(t *testing.T) {
	assert.Equal(t, session.NewToken("ada").ID().Shard(), session.NewToken("ada").ID().Shard())
	shards := map[string]bool{}
	for user := range 1000 {
		shard := session.Shard(string(rune('a' + user)))
		require.Len(t, shard, 2)
		shards[shard] = true
	}
	assert.Greater(t, len(shards), 800, "users are spread over 4096 shards")
}

func FuzzParseID(f *testing.F) {
	f.Add(idText)
	f.Add(session.NewToken("ada").ID().String())
	f.Add("")
	f.Add(strings.Repeat("_", 45))
	f.Add(strings.Repeat("A", 45))
	f.Add("\xff\x00=+/")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := session.ParseID(text)
		if err != nil {
			require.ErrorIs(t, err, session.ErrBadID)
			require.True(t, id.IsZero())
			return
		}
		require.False(t, id.IsZero(), "%q reads as the ID that names no session", text)
		require.Equal(t, text, id.String(), "one text for each ID")
	})
}

func TestHashesAreSpread(t *testing.T) {
	const n, parts = 16_000, 16
	var low, high [parts]int
	for range n {
		hash := session.NewToken("ada").ID().Hash()
		low[hash%parts]++
		high[hash>>60]++
	}
	for i := range parts { // a thousand each; 200 is over six deviations
		assert.InDelta(t, n/parts, low[i], 200)
		assert.InDelta(t, n/parts, high[i], 200)
	}
	id, err := session.ParseID(idText)
	require.NoError(t, err)
	assert.Equal(t, uint64(0x3108c1eff7f4ac01), id.Hash(), "the same in every process")
}
