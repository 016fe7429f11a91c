package duration_test

import (
	"encoding/json"
	"flag"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/duration"
)

func TestUnmarshalText(t *testing.T) {
	d := duration.Duration(time.Second)
	require.NoError(t, d.UnmarshalText([]byte("hours=1,minutes=2.5")))
	assert.Equal(t, time.Hour+150*time.Second, d.Std())

	err := d.UnmarshalText([]byte("hours=1,minutes=x"))
	assert.ErrorAs(t, err, new(*duration.ParseError))
	assert.Equal(t, time.Hour+150*time.Second, d.Std(), "left as it was")
}

func TestJSON(t *testing.T) {
	type settings struct {
		Limit  duration.Duration
		Offset *duration.Duration `json:",omitempty"`
	}
	var s settings
	require.NoError(t, json.Unmarshal([]byte(`{"Limit":"weeks=2","Offset":"hours=1.5"}`), &s))
	assert.Equal(t, 14*24*time.Hour, s.Limit.Std())
	out, err := json.Marshal(s)
	require.NoError(t, err)
	assert.JSONEq(t, `{"Limit":"weeks=2","Offset":"hours=1.5"}`, string(out))

	assert.ErrorAs(t, json.Unmarshal([]byte(`{"Limit":"2h"}`), &s), new(*duration.ParseError))
	assert.Error(t, json.Unmarshal([]byte(`{"Limit":3600}`), &s), "a number has no unit")
}

func TestFlag(t *testing.T) {
	flags := flag.NewFlagSet("host", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	var d duration.Duration
	flags.TextVar(&d, "limit", duration.MustParse("hours=12"), "")
	assert.Equal(t, 12*time.Hour, d.Std())
	require.NoError(t, flags.Parse([]string{"-limit", "minutes=5"}))
	assert.Equal(t, 5*time.Minute, d.Std())
	assert.Error(t, flags.Parse([]string{"-limit", "5m"}))
}
