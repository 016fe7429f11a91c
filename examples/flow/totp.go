package main

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // of RFC 6238, which every authenticator app has
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"net/http"
	"time"

	"github.com/mooring-go/mooring/loginstage"
)

// totp asks for a time-based one-time password (RFC 6238), of users who have them.
type totp struct {
	user     *loginstage.User
	accounts *accounts
}

func (t totp) Begin(_ http.ResponseWriter, _ *http.Request, user loginstage.User) (*loginstage.Challenge, error) {
	if t.accounts.mustEnrol(user.ID) {
		t.user.Required = []string{enrolMFA} // the session is restricted until that is done
	}
	if !t.accounts.hasCodes(user.ID) {
		return nil, nil
	}
	return &loginstage.Challenge{Component: "totp", User: user.ID, Question: map[string]int{"digits": 6}}, nil
}

func (t totp) Finish(_ http.ResponseWriter, _ *http.Request, answer loginstage.Answer) error {
	var a struct{ Code string }
	if err := answer.Decode(&a); err != nil {
		return err
	}
	if !t.accounts.useCode(t.user.ID, a.Code, time.Now()) {
		return &loginstage.RejectedError{Reason: "the code is wrong, or was used already"}
	}
	t.user.Method += "+totp"
	t.user.AMR = append(t.user.AMR, "otp")
	t.user.ACR = loginstage.ACRAAL2
	return nil
}

const timeStep = 30 // seconds

// stepOf returns the time step that the code is of: the current one, or the one
// before or after, for clocks that are a little apart.
func stepOf(secret []byte, code string, now time.Time) (step int64, ok bool) {
	current := now.Unix() / timeStep
	for _, step := range []int64{current, current - 1, current + 1} {
		if subtle.ConstantTimeCompare([]byte(codeAt(secret, step)), []byte(code)) == 1 {
			return step, true
		}
	}
	return 0, false
}

// codeAt returns the code of a time step: six digits (RFC 4226, section 5.3).
func codeAt(secret []byte, step int64) string {
	mac := hmac.New(sha1.New, secret)
	_ = binary.Write(mac, binary.BigEndian, step) // a hash takes everything
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0x0f
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[offset:])&0x7fffffff%1_000_000)
}
