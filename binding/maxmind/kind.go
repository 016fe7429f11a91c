package maxmind

import (
	"strings"
)

// A kind is one of the two sorts of facts, and the option that names the file
// they are read from.
type kind string

const (
	asnKind  kind = "ASN"
	cityKind kind = "City"
)

// all returns everything that a database of the kind can know.
func (k kind) all() facts {
	if k == asnKind {
		return facts{number: true}
	}
	return facts{continent: true, country: true, city: true}
}

// binding returns the name of the half of a policy that the kind is for.
func (k kind) binding() string {
	if k == asnKind {
		return "network binding"
	}
	return "GeoIP binding"
}

// article returns the name of the kind with its article.
func (k kind) article() string {
	if k == asnKind {
		return "an ASN"
	}
	return "a City"
}

// list joins words as a sentence does.
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
