// Package setcookie has what carriers that set cookies share.
package setcookie

import (
	"net/http"
	"strings"
	"time"
)

// Seconds returns maxAge as a cookie's Max-Age states it: a part of a second counts as
// a whole one, so that the client never forgets before the server. Below 0 it is
// below 0.
func Seconds(maxAge time.Duration) int {
	if maxAge < 0 {
		return -1
	}
	return int((maxAge + time.Second - 1) / time.Second)
}

// Drop removes what a response's header sets for the cookie of the name so far, so
// that a later Set-Cookie is the only one.
func Drop(header http.Header, name string) {
	lines := header["Set-Cookie"]
	kept := lines[:0]
	for _, line := range lines {
		if !strings.HasPrefix(line, name+"=") {
			kept = append(kept, line)
		}
	}
	if len(kept) == 0 {
		header.Del("Set-Cookie")
		return
	}
	header["Set-Cookie"] = kept
}
