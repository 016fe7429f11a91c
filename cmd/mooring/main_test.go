package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSubcommands(t *testing.T) {
	for name, test := range map[string]struct {
		args        []string
		status      int
		out, errOut string // what each contains; empty: nothing is printed
	}{
		"none":                {nil, 2, "", "usage: mooring <subcommand>"},
		"help":                {[]string{"help"}, 0, "usage: mooring <subcommand>", ""},
		"a flag that helps":   {[]string{"--help"}, 0, "usage: mooring <subcommand>", ""},
		"unknown":             {[]string{"what\nif"}, 2, "", `unknown subcommand "what\nif"`},
		"version":             {[]string{"version"}, 0, "mooring ", ""},
		"whatif":              {[]string{"whatif", "-demo", "198.51.100.1", "198.51.100.1"}, 0, "198.51.100.1", ""},
		"whatif, its flags":   {[]string{"whatif", "-h"}, 0, "", "usage: mooring whatif"},
		"whatif, no argument": {[]string{"whatif"}, 1, "", "mooring whatif: nothing to do"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errOut bytes.Buffer
			assert.Equal(t, test.status, run(t.Context(), test.args, strings.NewReader(""), &out, &errOut))
			for printed, want := range map[*bytes.Buffer]string{&out: test.out, &errOut: test.errOut} {
				if want == "" {
					assert.Empty(t, printed.String())
				}
				assert.Contains(t, printed.String(), want)
			}
		})
	}
}
