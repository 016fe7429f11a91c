package setcookie_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/internal/setcookie"
)

func TestSeconds(t *testing.T) {
	for maxAge, want := range map[time.Duration]int{
		0: 0, 1: 1, time.Second - 1: 1, time.Second: 1, time.Second + 1: 2, -1: -1, -time.Hour: -1,
		session.MaxCookieAge - 1: 34_560_000, session.MaxCookieAge: 34_560_000,
	} {
		assert.Equal(t, want, setcookie.Seconds(maxAge), "%s", maxAge)
	}
}

func TestDrop(t *testing.T) {
	header := http.Header{"Set-Cookie": {"a=1", "ab=2; Path=/", "a=3; Path=/", "b=a=4"}}
	setcookie.Drop(header, "a")
	assert.Equal(t, []string{"ab=2; Path=/", "b=a=4"}, header.Values("Set-Cookie"))
	setcookie.Drop(header, "ab")
	setcookie.Drop(header, "b")
	assert.Empty(t, header, "no header is left where no cookie is")
	setcookie.Drop(header, "b")
	assert.Empty(t, header)
}
