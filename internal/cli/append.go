package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
)

// appendFlags are those of append.
type appendFlags struct {
	remote
	key       string
	partition int32
	id        string
	level     string
	stored    bool
	parallel  int
}

// levels are what an append may wait for, as Rama's clients name it.
var levels = map[string]module.Level{"ack": module.AckAll, "appendAck": module.AckAppend, "none": module.AckNone}

// appendCommand appends records.
func appendCommand() *cobra.Command {
	var f appendFlags
	cmd := &cobra.Command{
		Use: "append MODULE DEPOT [JSON…]", Short: "Append records to a depot of a running module", Args: cobra.MinimumNArgs(2),
		Long: "Append records to a depot of a running module, and print where each lies and what its streams\nreturned. Records are arguments, or without any the lines of standard input, each one JSON.\n\n" +
			"A worker of the module makes the record: its code knows the record's type, its codec and its\npartition. Only where no worker answers is --key or --partition needed, and then the record is\n" +
			"stored as it comes, by depots of JSON and text alone. --stored takes stored forms, in base64, for\ncodecs that have no JSON.",
		Example: "  coppice append Words sentences '\"to be or not to be\"'\n  coppice append Shop orders < orders.jsonl --level appendAck",
		RunE:    f.run,
	}
	f.register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.key, "key", "", "JSON of the key, in the place of the one that the depot finds in the record")
	flags.Int32Var(&f.partition, "partition", -1, "the partition, whatever the record's key")
	flags.StringVar(&f.id, "id", "", "id of the append: made again with it, it has no effect; of one record, by depots that take ids")
	flags.StringVar(&f.level, "level", "ack", "what to wait for: ack (all streams), appendAck (Kafka) or none")
	flags.BoolVar(&f.stored, "stored", false, "the records are stored forms, in base64")
	flags.IntVar(&f.parallel, "parallel", 1, "records under way at a time; more than 1 gives up their order")
	cmd.MarkFlagsMutuallyExclusive("key", "partition")
	_ = cmd.RegisterFlagCompletionFunc("level", cobra.FixedCompletions([]string{"ack", "appendAck", "none"}, cobra.ShellCompDirectiveNoFileComp))
	cmd.ValidArgsFunction = f.completeWithin(func(d *client.Description) (names []string) {
		for _, p := range d.Depots {
			names = append(names, p.Name)
		}
		return names
	})
	return cmd
}

func (f *appendFlags) run(cmd *cobra.Command, args []string) error {
	level, ok := levels[f.level]
	if !ok {
		return fmt.Errorf("--level %q: want ack, appendAck or none", f.level)
	}
	if f.parallel < 1 {
		return errors.New("--parallel is 1 or more")
	}
	if f.id != "" && len(args) != 3 {
		return errors.New("--id goes with one record, as an argument")
	}
	record := client.JSONRecord{Module: args[0], Depot: args[1], Level: level, ID: f.id}
	if f.key != "" {
		if !json.Valid([]byte(f.key)) {
			return fmt.Errorf("--key %s is no JSON; a text is in quotes: --key '\"%s\"'", f.key, f.key)
		}
		record.Key = json.RawMessage(f.key)
	}
	if cmd.Flags().Changed("partition") {
		record.Partition = &f.partition
	}
	return f.use(cmd.Context(), func(c *client.Client) error {
		if len(args) > 2 {
			return f.all(cmd, c, record, len(args)-2, func(yield func([]byte) error) error {
				for _, text := range args[2:] {
					if err := yield([]byte(text)); err != nil {
						return err
					}
				}
				return nil
			})
		}
		return f.all(cmd, c, record, 0, func(yield func([]byte) error) error { return lines(cmd.InOrStdin(), yield) })
	})
}

// lines reads the lines that hold something.
func lines(in io.Reader, yield func([]byte) error) error {
	scanner := bufio.NewScanner(in)
	scanner.Buffer(nil, 2*depot.RecordBytesMax)
	for n := 1; scanner.Scan(); n++ {
		line := bytes.TrimSpace(scanner.Bytes())
		if len(line) == 0 {
			continue
		}
		if err := yield(bytes.Clone(line)); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	return scanner.Err()
}

// all appends what comes; total is 0 where it is not known.
func (f *appendFlags) all(cmd *cobra.Command, c *client.Client, like client.JSONRecord, total int, each func(func([]byte) error) error) error {
	progress := newBar(cmd.ErrOrStderr(), "appended")
	var printing sync.Mutex
	done := 0
	group, ctx := errgroup.WithContext(cmd.Context())
	group.SetLimit(f.parallel)
	err := each(func(text []byte) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		record := like
		if f.stored {
			var err error
			if record.Stored, err = base64.StdEncoding.DecodeString(string(text)); err != nil {
				return fmt.Errorf("%q is no base64", shortened(string(text)))
			}
		} else {
			record.Data = text
		}
		one := func() error {
			appended, err := c.AppendJSON(ctx, record)
			if err != nil {
				return err
			}
			printing.Lock()
			defer printing.Unlock()
			done++
			if total != 1 {
				progress.set(done, max(total, done+1))
			}
			return f.print(cmd.OutOrStdout(), &appended)
		}
		if f.parallel == 1 {
			return one()
		}
		group.Go(one)
		return nil
	})
	failure := group.Wait()
	progress.end()
	if failure == nil || err != nil && !errors.Is(err, context.Canceled) {
		failure = err
	}
	if failure != nil && done > 0 {
		return fmt.Errorf("%d records are appended, and then: %w", done, failure)
	}
	return failure
}

func (f *appendFlags) print(out io.Writer, a *client.Appended) error {
	if f.json {
		return printLine(out, a)
	}
	_, err := fmt.Fprintf(out, "partition %d, offset %d: %s\n", a.Place.Partition, a.Place.Offset, legible(fmt.Sprint(a.Acks)))
	return err
}
