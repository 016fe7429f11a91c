package whatif

import (
	"context"
	"io"
)

// Run does what the arguments say: it writes the result to out, and progress,
// warnings and the usage to errOut. It returns flag.ErrHelp where the usage was
// asked for. Logs named "-" are read from in.
func Run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) error {
	s, err := parseSettings(args, errOut)
	if err != nil {
		return err
	}
	if s.demo && len(s.arguments) == 0 {
		return model(s, out)
	}
	db, err := openWorld(s)
	if err != nil {
		return err
	}
	if from, to, ok := s.pair(); ok {
		return explain(ctx, s, db, from, to, out)
	}
	return replayLogs(ctx, s, db, in, out, errOut)
}
