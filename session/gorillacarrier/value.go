package gorillacarrier

import (
	"strconv"
	"strings"
	"time"

	"github.com/mooring-go/mooring/session"
)

// valueKey is the key of the carrier's value among the gorilla session's. Key
// and value are strings, which every serializer that stores use can take.
const valueKey = "mooring.token"

// formatValue returns the value for a token that is kept for seconds:
// the token, and unless seconds is 0 a full stop and the Unix time at which it
// is over. That time is rounded up, so that the server's own limit comes first.
func formatValue(t session.Token, seconds int) string {
	if seconds == 0 {
		return t.Secret()
	}
	over := time.Now().Unix() + 1 + int64(seconds)
	return t.Secret() + "." + strconv.FormatInt(over, 10)
}

// parseValue returns the token of a value and the seconds it has left, 0 if
// that is until the browser closes. It is not ok if value is none of
// formatValue's, or over.
func parseValue(value any) (token session.Token, seconds int, ok bool) {
	text, _ := value.(string)
	secret, limit, limited := strings.Cut(text, ".")
	token, err := session.ParseToken(secret)
	if err != nil {
		return session.Token{}, 0, false
	}
	if !limited {
		return token, 0, true
	}
	over, err := strconv.ParseInt(limit, 10, 64)
	now := time.Now().Unix()
	if err != nil || over <= now || over > now+int64(session.MaxCookieAge/time.Second)+1 {
		return session.Token{}, 0, false
	}
	return token, int(over - now), true
}
