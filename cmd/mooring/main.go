// Mooring is the command for operators of the library. Install it with
//
//	go install github.com/mooring-go/mooring/cmd/mooring@latest
//
// Its subcommands:
//
//	mooring whatif    what a binding would do to the sessions of access logs
//	mooring version   the version of this command
//
// "mooring whatif -demo" needs no files. Package whatif, below internal, documents
// what it reads and prints.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/mooring-go/mooring/cmd/mooring/internal/whatif"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

const usage = `usage: mooring <subcommand> [flags]

  whatif    what a binding would do to the sessions of access logs
  version   the version of this command

mooring <subcommand> -h lists the flags of a subcommand.
`

// run returns the exit status: 0, 1 for a subcommand that failed, and 2 for a
// subcommand that does not exist.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(errOut, usage)
		return 2
	}
	switch name := args[0]; name {
	case "help", "-h", "-help", "--help":
		fmt.Fprint(out, usage)
		return 0
	case "version":
		fmt.Fprintln(out, "mooring", version())
		return 0
	case "whatif":
		err := whatif.Run(ctx, args[1:], in, out, errOut)
		if err != nil && !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(errOut, "mooring whatif:", err)
			return 1
		}
		return 0
	default:
		fmt.Fprintf(errOut, "mooring: unknown subcommand %q\n\n%s", name, usage)
		return 2
	}
}
