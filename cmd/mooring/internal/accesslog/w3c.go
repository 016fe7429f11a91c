package accesslog

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"
)

// w3c reads the W3C Extended Log File Format, which IIS and CloudFront write: a
// directive names the fields, separated by spaces or tabs, and may come again.
//
//	#Fields: date time c-ip cs-username cs-uri-stem
//	2026-01-05 09:00:00 192.0.2.1 ada /
//
// A date and a time, in UTC, are one time.
type w3c struct {
	fields                        Fields
	reader                        entryReader
	names                         int // how many there are; 0: no directive yet
	date, when, ip, session, user int // date and user: -1 if there is none
	lacks                         error
	found                         [][]byte
	at                            []byte
}

// errDirective is of a line that is no request.
var errDirective = errors.New("a directive")

var fieldsDirective = []byte("#Fields:")

func newW3C(c Config) parser {
	return &w3c{
		fields: c.Fields.or(Fields{Time: "time", IP: "c-ip", Session: "cs-username", User: "cs-username"}),
		reader: c.reader(time.DateTime, time.RFC3339),
	}
}

func (w *w3c) parse(line []byte) (Entry, error) {
	if line[0] == '#' {
		if named, ok := bytes.CutPrefix(line, fieldsDirective); ok {
			w.name(named)
		}
		return Entry{}, errDirective
	}
	w.found = w.found[:0]
	for field := range bytes.FieldsFuncSeq(line, func(r rune) bool { return r == ' ' || r == '\t' }) {
		w.found = append(w.found, field)
	}
	switch {
	case w.lacks != nil:
		return Entry{}, w.lacks
	case w.names == 0 || len(w.found) != w.names:
		return Entry{}, errMissing
	}
	when := w.found[w.when]
	if w.date >= 0 {
		w.at = append(append(append(w.at[:0], w.found[w.date]...), ' '), when...)
		when = w.at
	}
	var user []byte
	if w.user >= 0 {
		user = w.found[w.user]
	}
	return w.reader.entry(when, w.found[w.ip], w.found[w.session], user)
}

// name takes the names of the fields from a directive.
func (w *w3c) name(directive []byte) {
	var names []string
	for name := range bytes.FieldsSeq(directive) {
		names = append(names, string(name))
	}
	w.names, w.lacks = len(names), nil
	index := func(name string) int { return slices.Index(names, name) }
	w.when, w.ip, w.session, w.user = index(w.fields.Time), index(w.fields.IP), index(w.fields.Session), index(w.fields.User)
	w.date = -1
	if w.fields.Time == "time" {
		w.date = index("date")
	}
	if w.when < 0 || w.ip < 0 || w.session < 0 {
		w.lacks = fmt.Errorf("fields %s, %s and %s: want all three in #Fields", w.fields.Time, w.fields.IP, w.fields.Session)
	}
}
