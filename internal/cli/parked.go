package cli

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/task"
)

// parkedCommand decides about records that were put aside.
func parkedCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use:   "parked",
		Short: "List, retry, skip and edit records that were put aside",
		Long: "List, retry, skip and edit records that were put aside: they failed as often as they may,\na handler parked them, or they do not decode.\n\n" +
			"A record is named as list prints it: MODULE/TOPOLOGY/SOURCE/PARTITION/OFFSET, an event of an\nexactly-once stream with /STEP/EVENT/TASK behind it. Retried, it runs now, behind what has\nrun meanwhile.",
	}
	r.register(cmd)
	order := func(use, short string, carryOut func(*cobra.Command, *client.Client, client.ParkedRef) error, said string) *cobra.Command {
		return &cobra.Command{
			Use: use + " RECORD…", Short: short, Args: cobra.MinimumNArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				refs := make([]client.ParkedRef, len(args))
				for i, text := range args {
					var err error
					if refs[i], err = parseRef(text); err != nil {
						return err
					}
				}
				return r.use(cmd.Context(), func(c *client.Client) error {
					var failed []error
					for _, ref := range refs {
						if err := carryOut(cmd, c, ref); err != nil {
							failed = append(failed, fmt.Errorf("%v: %w", ref, err))
							continue // one that fails says nothing of the others
						}
						if r.json {
							if err := printLine(cmd.OutOrStdout(), orderOutcome{ref.String(), said}); err != nil {
								return err
							}
							continue
						}
						fmt.Fprintf(cmd.OutOrStdout(), "%v: %s\n", ref, said)
					}
					return errors.Join(failed...)
				})
			},
		}
	}
	var value, file string
	edit := order("edit", "Replace the value of a record that was put aside; retry it then", func(cmd *cobra.Command, c *client.Client, ref client.ParkedRef) error {
		raw := []byte(value)
		if file != "" {
			var err error
			if raw, err = os.ReadFile(file); err != nil {
				return err
			}
		}
		before, _ := c.FindParked(cmd.Context(), ref) // for the audit log only: what cannot be read can be edited
		return noted(cmd.Context(), c, ref.Module, client.AuditEntry{Did: "editParked", Subject: ref.String(), Before: string(before.Value), After: string(raw)}, c.EditParked(cmd.Context(), ref, raw))
	}, "edited; the depot keeps the former value")
	edit.Args = cobra.ExactArgs(1)
	edit.Flags().StringVar(&value, "value", "", "the new value, in the depot's stored form")
	edit.Flags().StringVar(&file, "file", "", "a file with the new value")
	edit.MarkFlagsMutuallyExclusive("value", "file")
	edit.MarkFlagsOneRequired("value", "file")
	cmd.AddCommand(
		&cobra.Command{
			Use: "list MODULE", Short: "List the records of a module that were put aside", Args: cobra.ExactArgs(1), ValidArgsFunction: r.completeModules,
			RunE: func(cmd *cobra.Command, args []string) error {
				return r.use(cmd.Context(), func(c *client.Client) error {
					records, err := c.Parked(cmd.Context(), args[0])
					if err != nil {
						return err
					}
					return list(&r, cmd.OutOrStdout(), records, "no record is parked", "RECORD APPENDED ATTEMPTS VALUE REASON", func(p client.ParkedRecord) []string {
						return []string{p.ParkedRef.String(), p.Time.UTC().Format(time.RFC3339), strconv.Itoa(p.Attempts), shortened(string(p.Value)), shortened(p.Reason)}
					})
				})
			},
		},
		order("retry", "Run records once more, now", func(cmd *cobra.Command, c *client.Client, ref client.ParkedRef) error {
			return noted(cmd.Context(), c, ref.Module, client.AuditEntry{Did: "retryParked", Subject: ref.String()}, c.RetryParked(cmd.Context(), ref))
		}, "done"),
		order("skip", "Drop records for good", func(cmd *cobra.Command, c *client.Client, ref client.ParkedRef) error {
			return noted(cmd.Context(), c, ref.Module, client.AuditEntry{Did: "skipParked", Subject: ref.String()}, c.SkipParked(cmd.Context(), ref))
		}, "dropped"),
		edit,
	)
	return cmd
}

// orderOutcome says what has become of a parked record.
type orderOutcome struct {
	Record  string `json:"record"`
	Outcome string `json:"outcome"`
}

// parseRef reads what ParkedRef prints. Names of modules hold no slash.
func parseRef(text string) (client.ParkedRef, error) {
	parts := strings.Split(text, "/")
	if len(parts) == 5 || len(parts) == 8 {
		partition, errP := strconv.ParseInt(parts[3], 10, 32)
		offset, errO := strconv.ParseInt(parts[4], 10, 64)
		ref := client.ParkedRef{Module: parts[0], Topology: parts[1], Source: parts[2], Partition: int32(partition), Offset: offset}
		var errT error
		if len(parts) == 8 {
			var at int64
			at, errT = strconv.ParseInt(parts[7], 10, 32)
			ref.Step, ref.Event, ref.Task = parts[5], parts[6], task.ID(at)
		}
		if errP == nil && errO == nil && errT == nil {
			return ref, nil
		}
	}
	return client.ParkedRef{}, fmt.Errorf("%q names no parked record: want MODULE/TOPOLOGY/SOURCE/PARTITION/OFFSET, or that with /STEP/EVENT/TASK, as 'coppice parked list' prints it", text)
}

// shortened fits a text into a column.
func shortened(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most-1]) + "…"
	}
	return text // table escapes what would steer a terminal
}
