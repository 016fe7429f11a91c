package gorillacarrier

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/mooring-go/mooring/session"
)

// Validate returns what is wrong with the store and the options, joined: no
// store, codecs that cannot encode, a cookie that browsers would refuse.
func (c *Carrier) Validate() error {
	if c.store == nil {
		return errors.New("gorillacarrier: store is nil: want a gorilla store, such as sessions.NewCookieStore(key)")
	}
	var mistakes []error
	mistake := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("gorillacarrier: "+format, args...))
	}
	if age := c.options.BrowserSession; age < 0 {
		mistake("BrowserSession %s: want a positive duration, or 0", age)
	}
	if age := c.options.CodecMaxAge; age < 0 {
		mistake("CodecMaxAge %s: want a positive duration, or 0", age)
	}
	if own := c.gorillas(); own != nil {
		if own.Options == nil {
			mistake("%T has no Options: want those of gorilla's constructor, or your own", c.store)
			return errors.Join(mistakes...)
		}
		if len(own.Codecs) == 0 {
			mistake("%T has no codecs: want at least one key", c.store)
		}
		for i, codec := range own.Codecs {
			if _, err := codec.Encode(c.options.Name, ""); err != nil {
				mistake("codec %d of %T cannot encode: %w", i, c.store, err)
			}
		}
	}
	// The options of a gorilla session that no cookie asked for are the store's.
	s, err := c.store.New(&http.Request{Header: http.Header{}}, c.options.Name)
	if err != nil {
		mistake("%T makes no session %q: %w", c.store, c.options.Name, err)
		return errors.Join(mistakes...)
	}
	imposed := c.impose(s.Options, 0)
	cookie := session.Cookie{
		Name:         c.options.Name,
		Path:         imposed.Path,
		Domain:       imposed.Domain,
		SameSite:     imposed.SameSite,
		InsecureHTTP: c.options.InsecureHTTP,
	}
	if err, ok := cookie.Validate().(interface{ Unwrap() []error }); ok { // joined, as Validator promises
		for _, each := range err.Unwrap() {
			mistake("the store's options: %w", each)
		}
	}
	return errors.Join(mistakes...)
}
