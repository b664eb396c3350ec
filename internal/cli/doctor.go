package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/coppice-run/coppice/connect"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/redisstate"
)

// finding is something that the doctor found.
type finding struct {
	Level string `json:"level"` // broken, risky or fine
	About string `json:"about"`
	What  string `json:"what"`
	Mend  string `json:"mend,omitempty"`
}

// Levels of findings.
const (
	broken = "broken" // something does not work, or records or state may be lost
	risky  = "risky"  // it works, and may not go on so
	fine   = "fine"
)

// findings is what a doctor writes down.
type findings []finding

func (f *findings) add(level, about, what, mend string) {
	*f = append(*f, finding{level, about, what, mend})
}

// kind is what it is about, without which one.
func (f *finding) kind() string {
	kind, _, _ := strings.Cut(f.About, " ")
	return kind
}

// sort puts the worst first, and else leaves the order.
func (f findings) sort() {
	levels := []string{broken, risky, fine}
	slices.SortStableFunc(f, func(a, b finding) int {
		return cmp.Compare(slices.Index(levels, a.Level), slices.Index(levels, b.Level))
	})
}

func (f findings) count(level string) (n int) {
	for i := range f {
		if f[i].Level == level {
			n++
		}
	}
	return n
}

// errBroken: the doctor found something broken; what, is printed.
var errBroken = errors.New("something is broken: see above")

// doctorCommand examines an installation.
func doctorCommand() *cobra.Command {
	var r remote
	var acl bool
	cmd := &cobra.Command{
		Use: "doctor", Short: "Examine Kafka, Redis and the modules; say what is wrong and how to mend it", Args: cobra.NoArgs,
		Long: "Examine the servers and the modules on them: whether they answer, versions, policies under which\nstate or records would be lost, replicas, clocks, memory, topics, tasks without an owner, what\nstands still, and records that retention takes before they are processed. Where records are to be\ndone it looks twice, 8 s apart: what has finished none of them meanwhile stands still.\n\n" +
			"It changes nothing. Its exit code is 1 if something is broken.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if acl {
				return printACL(cmd.OutOrStdout(), redisstate.ACLConfig{User: aclUser})
			}
			if err := r.named(); err != nil {
				return err
			}
			found := r.examiner(cmd).examine(cmd.Context())
			if r.json {
				if err := printJSON(cmd.OutOrStdout(), struct {
					Findings findings `json:"findings"`
				}{found}); err != nil {
					return err
				}
			} else if err := printFindings(cmd.OutOrStdout(), found); err != nil {
				return err
			}
			if found.count(broken) > 0 {
				return errBroken
			}
			return nil
		},
	}
	r.register(cmd)
	cmd.Flags().BoolVar(&acl, "acl", false, "print the line of Redis' ACL for a user with the least rights, and examine nothing; coppice acl has more to say")
	return cmd
}

// named reports whether it is said where the modules run.
func (r *remote) named() error {
	if err := r.servers.Complete(os.Getenv); err != nil {
		return err
	}
	if len(r.servers.Kafka.Brokers) == 0 || len(r.servers.Redis.Addresses) == 0 {
		return fmt.Errorf("say where the module runs: --kafka and --redis, or %s and %s", connect.Variable("kafka"), connect.Variable("redis"))
	}
	return nil
}

// fineShown is how many fine things of a kind are told one by one.
const fineShown = 10

// printFindings prints what was found; what is fine is counted where there is much of it.
func printFindings(out io.Writer, found findings) error {
	kinds := map[string]int{}
	for _, f := range found {
		if f.Level == fine {
			kinds[f.kind()]++
		}
	}
	for _, f := range found {
		if n := kinds[f.kind()]; f.Level == fine && n > fineShown {
			fmt.Fprintf(out, "%-7s %s: nothing is wrong with them; --json lists them\n", fine, count(n, f.kind()))
			kinds[f.kind()] = 0 // told
			continue
		} else if f.Level == fine && n == 0 {
			continue
		}
		if _, err := fmt.Fprintf(out, "%-7s %s: %s\n", f.Level, legible(f.About), legible(f.What)); err != nil {
			return err
		}
		if f.Mend != "" {
			fmt.Fprintf(out, "        → %s\n", legible(f.Mend))
		}
	}
	_, err := fmt.Fprintf(out, "%d broken, %d risky, %d fine\n", found.count(broken), found.count(risky), found.count(fine))
	return err
}

func (r *remote) examineKafka(ctx context.Context, f *findings) (*kafkadepot.Log, *kafkadepot.Facts) {
	about := "kafka at " + strings.Join(r.servers.Kafka.Brokers, ",")
	log, err := r.servers.Log(ctx, nil)
	if err != nil {
		f.add(broken, about, err.Error(), "name the brokers as host:port")
		return nil, nil
	}
	if err := log.Check(ctx); err != nil {
		f.add(broken, about, err.Error(), "start the brokers, or mend the address, TLS or SASL")
		return log, nil
	}
	facts, err := log.Facts(ctx)
	if err != nil {
		f.add(broken, about, err.Error(), "let the user describe topics and their configuration")
		return log, nil
	}
	f.add(fine, about, fmt.Sprintf("answers: %s, %s", count(len(facts.Brokers), "broker"), orUnknown(facts.Version)), "")
	if err := mayLook(ctx, log, len(facts.Topics)); err != nil {
		f.add(broken, about, err.Error(), "what is there may be more than this user sees")
	}
	for i := range facts.Topics {
		judgeTopic(f, &facts.Topics[i], len(facts.Brokers))
	}
	return log, &facts
}

// mayLook is nil where a user who sees so many topics is known to see what there is. Kafka does not
// say that it hides topics from who may not describe them: who sees none asks for one by name,
// which is answered in another way where it may not.
func mayLook(ctx context.Context, log depot.Log, topics int) error {
	if topics > 0 {
		return nil
	}
	if _, _, err := log.Bounds(ctx, depot.TopicName("coppice", "rights"), 0); errors.Is(err, depot.ErrDenied) {
		return err
	}
	return nil // that there is no such topic is as it should be
}

func (r *remote) examineRedis(ctx context.Context, f *findings) *redisstate.Store {
	about := "redis at " + strings.Join(r.servers.Redis.Addresses, ",")
	state, err := r.servers.Store(ctx, nil)
	if err != nil {
		f.add(broken, about, err.Error(), "start the server, or mend the address, TLS or password")
		return nil
	}
	if err := state.Check(ctx); err != nil {
		f.add(broken, about, err.Error(), "no worker starts on it before that is mended")
	}
	all, err := state.Facts(ctx)
	if err != nil {
		f.add(broken, about, err.Error(), "start the masters of the cluster")
	}
	for i := range all {
		judgeRedis(f, &all[i])
	}
	return state
}

func orUnknown(text string) string {
	if text == "" {
		return "unknown version"
	}
	return text
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
