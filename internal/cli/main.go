package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"
)

// Exit codes of the command.
const (
	exitOK          = 0
	exitError       = 1
	exitInterrupted = 130 // as shells have it for Ctrl-C
)

// Main runs the command with the given arguments and returns its exit code.
// Ctrl-C ends it in good order: what was appended is processed or will be by the
// next run.
func Main(args []string, out, errs io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	redis.SetLogger(silent{})
	return run(ctx, args, out, errs)
}

// silent takes the client library's own log lines: what they say comes back as an
// error, too.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

func run(ctx context.Context, args []string, out, errs io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errs)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitOK
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(errs, "coppice: interrupted")
		return exitInterrupted
	}
	fmt.Fprintln(errs, "coppice:", legibleLines(err.Error()))
	return exitError
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "coppice",
		Short:         "Event processing with state that you can trust and read",
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       build().String(),
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.AddCommand(
		demoCommand(), aclCommand(), modulesCommand(), describeCommand(), tasksCommand(), optionsCommand(), parkedCommand(),
		appendCommand(), selectCommand(), watchCommand(), queryCommand(), progressCommand(), treeCommand(), treesCommand(), pauseCommand(), resumeCommand(), serveCommand(),
		consoleCommand(), topCommand(), doctorCommand(), dumpCommand(), versionCommand(),
	)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if negative.MatchString(err.Error()) {
			return fmt.Errorf("%w; what begins with a minus and is no flag comes behind --, as in '%s -- …'", err, cmd.CommandPath())
		}
		return fmt.Errorf("%w; '%s --help' lists the flags", err, cmd.CommandPath())
	})
	sayUsage(root)
	return root
}

// negative is what a number below nothing is taken for.
var negative = regexp.MustCompile(`^unknown shorthand flag: '\d'`)

// sayUsage has wrong arguments answered with how the command is used.
func sayUsage(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return fmt.Errorf("%w; it is used as '%s'", err, cmd.UseLine())
			}
			return nil
		}
	}
	for _, inner := range cmd.Commands() {
		sayUsage(inner)
	}
}
