package sessiontest

import "testing"

// A rule is one sentence of a contract. Its name is the name of its subtest.
type rule[F any] struct {
	name  string
	text  string // what the contract asks for, and why
	check func(f F)
}

// run checks the rules, each with a fixture of its own.
func run[F any](t *testing.T, rules []rule[F], fixture func(t *testing.T) F) {
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Log("The rule: " + r.text)
				}
			}()
			r.check(fixture(t))
		})
	}
}
