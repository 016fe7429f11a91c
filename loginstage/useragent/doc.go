// Package useragent names devices by what browsers say of themselves, such as "Firefox
// on Linux", for lists of sessions and devices. It is for [loginstage.Config.DeviceName],
// and a module of its own, because it needs a parser.
//
//	login, err := loginstage.New(loginstage.Config{DeviceName: useragent.Name})
//
// # What a name is worth
//
// A client says what it likes: a name helps users to tell their own devices apart, and
// proves nothing. It is put together from the parser's own words, so that a client
// chooses among some hundred names and cannot write one. Browsers hide more and more:
// an iPad in its default setting says that it is a Mac, Brave that it is Chrome.
//
// # Costs
//
// The first call reads the parser's table: some 60 ms, and 5 MB that stay. Each other
// takes a few microseconds at the most, for 512 bytes. There is no network, and nothing
// is written.
//
// # What stays compatible
//
// Names are for people, and can be others in any release: a browser may be told from
// another one, or be called otherwise. Sessions and devices keep the name that they
// have.
package useragent
