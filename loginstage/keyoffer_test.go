package loginstage_test

import (
	"maps"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session/devicekey"
)

// The browser may have sent a request before it is answered that its session was bound:
// that request cannot have the pass.
func TestARequestThatIsOnItsWayWhileTheKeyIsRegistered(t *testing.T) {
	for _, kind := range browserKinds {
		t.Run(string(kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newKeyed(t, kind, proven())
				c := signInRaw(t, v, kind)
				onItsWay := maps.Clone(c.cookies)
				proof := c.device.Registration(c.challenge, c.authorization)
				if kind == devicekey.DBSC {
					require.Equal(t, http.StatusOK, c.register(proof).Code)
				} else {
					require.Equal(t, http.StatusOK, c.registerPage(proof).Code)
				}
				after := c.cookies

				c.cookies = maps.Clone(onItsWay)
				assert.Equal(t, passes, c.send("GET", "/private", "", nil).Code)
				delete(c.cookies, "__Host-mooring_offer")
				assert.NotEqual(t, passes, c.send("GET", "/private", "", nil).Code, "a browser that was not offered a key")
				time.Sleep(31 * time.Second)
				c.cookies = maps.Clone(onItsWay)
				assert.NotEqual(t, passes, c.send("GET", "/private", "", nil).Code, "the offer is no pass for long")
				c.cookies = after
				assert.Equal(t, passes, c.send("GET", "/private", "", nil).Code)
			})
		})
	}
}

// The script proves before the pass is over that the browser has, in whatever page.
func TestTheScriptLearnsHowMuchLongerThePassHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newKeyed(t, devicekey.Page, proven())
		c := signInRaw(t, v, devicekey.Page)
		require.Equal(t, http.StatusOK, c.registerPage(c.device.Registration(c.challenge, "")).Code)
		for minute := range 5 {
			assert.Equal(t, strconv.Itoa(300-60*minute), seconds(t, c))
			time.Sleep(time.Minute)
		}
		assert.Empty(t, seconds(t, c))
	})
}

func seconds(t *testing.T, c *signedInClient) string {
	t.Helper()
	return state(t, c)["seconds"]
}

// A client that shows that it cannot prove the key is told of at once.
func TestAClientThatGivesUpIsToldOf(t *testing.T) {
	eachKind(t, func(t *testing.T, kind devicekey.Kind) {
		v := keyed(t, kind, proven())
		thief := v.Clone()
		time.Sleep(5 * time.Minute)
		thief.Get("/private")
		thief.PostForm("/mooring/page/unproved", nil)
		thief.Get("/private")
		assert.Len(t, v.told(loginstage.ActionUnproved), 1)
		time.Sleep(time.Minute)
		assert.Len(t, v.told(loginstage.ActionUnproved), 1, "once")
	})
}
