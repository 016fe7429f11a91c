package site

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

// parseAll sets flags from args as [flag.FlagSet.Parse] does but for mistakes: it goes
// on after each, and returns all of them, joined, each with its flag. set are the names
// that were given. With -help it writes the flags to out and returns [flag.ErrHelp].
func parseAll(flags *flag.FlagSet, args []string, out io.Writer) (set map[string]bool, err error) {
	var mistakes []error
	flags.VisitAll(func(f *flag.Flag) { f.Value = &noted{Value: f.Value, name: f.Name, mistakes: &mistakes} })
	flags.SetOutput(io.Discard)
	help := false
	for len(args) > 0 {
		err := flags.Parse(args)
		help = help || errors.Is(err, flag.ErrHelp)
		rest := flags.Args()
		switch {
		case err == nil && len(rest) > 0: // it stops at what is no flag
			mistakes = append(mistakes, fmt.Errorf("unknown argument %q", rest[0]))
			rest = rest[1:]
		case err != nil:
			mistakes = append(mistakes, err)
			if len(rest) > 0 && err.Error() == "bad flag syntax: "+rest[0] { // it stops before that
				rest = rest[1:]
			}
		}
		args = rest
	}
	set = make(map[string]bool)
	flags.Visit(func(f *flag.Flag) { set[f.Name] = true })
	flags.VisitAll(func(f *flag.Flag) { f.Value = f.Value.(*noted).Value })
	if help {
		fmt.Fprintf(out, "Flags of %s:\n", flags.Name())
		flags.SetOutput(out)
		flags.PrintDefaults()
		return set, flag.ErrHelp
	}
	return set, errors.Join(mistakes...)
}

// noted is a flag's value that notes mistakes and never stops the parsing.
type noted struct {
	flag.Value
	name     string // of the flag
	mistakes *[]error
}

// Set sets the value, or notes why that is not possible.
func (n *noted) Set(text string) error {
	if err := n.Value.Set(text); err != nil {
		if n.IsBoolFlag() {
			err = fmt.Errorf("%q: want true or false", text)
		}
		*n.mistakes = append(*n.mistakes, fmt.Errorf("-%s: %w", n.name, err))
	}
	return nil
}

// IsBoolFlag reports whether the flag needs no value.
func (n *noted) IsBoolFlag() bool {
	b, ok := n.Value.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}
