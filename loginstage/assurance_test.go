package loginstage_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
)

func TestAssurance(t *testing.T) {
	for _, test := range []struct {
		level          string
		lifetime, idle time.Duration
	}{
		{"", 30 * 24 * time.Hour, 24 * time.Hour},
		{loginstage.ACRAAL1, 30 * 24 * time.Hour, 24 * time.Hour},
		{loginstage.ACRAAL2, 24 * time.Hour, time.Hour},
		{loginstage.ACRAAL3, 12 * time.Hour, 15 * time.Minute},
	} {
		t.Run(test.level, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newHost(t, loginstage.Config{Assurance: test.level}).signIn(loginstage.User{ID: "ada"})
				assert.Equal(t, test.lifetime, s.Expires.Sub(s.Created))
				assert.Equal(t, test.idle, s.Idle)
				shorter := loginstage.Config{Assurance: test.level, SessionDuration: duration.MustParse("hours=1"), IdleTimeout: duration.MustParse("minutes=5")}
				s = newHost(t, shorter).signIn(loginstage.User{ID: "ada"})
				assert.Equal(t, time.Hour, s.Expires.Sub(s.Created))
				assert.Equal(t, 5*time.Minute, s.Idle)
			})
		})
	}
}

func TestAssuranceRefusesLongerLimits(t *testing.T) {
	for _, test := range []struct {
		config loginstage.Config
		want   string
	}{
		{loginstage.Config{Assurance: "aal9"}, `Assurance "aal9": want none, "aal1", "aal2" or "aal3"`},
		{loginstage.Config{Assurance: "aal2", SessionDuration: duration.MustParse("hours=24,seconds=1")}, "SessionDuration + StaySignedInOffset"},
		{loginstage.Config{Assurance: "aal2", StaySignedInOffset: duration.MustParse("days=30")}, "at most days=1 for Assurance aal2"},
		{loginstage.Config{Assurance: "aal3", MaxLifetime: duration.MustParse("hours=13")}, "MaxLifetime"},
		{loginstage.Config{Assurance: "aal3", IdleTimeout: duration.MustParse("minutes=16")}, "IdleTimeout"},
	} {
		_, err := loginstage.New(test.config)
		require.ErrorContains(t, err, test.want)
		var mistake *loginstage.ConfigError
		require.ErrorAs(t, err, &mistake)
	}
}
