package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/coppice-run/coppice/redisstate"
)

// aclUser is the user that the line is for unless another is named.
const aclUser = "coppice"

func printACL(out io.Writer, config redisstate.ACLConfig) error {
	line, err := redisstate.ACL(config)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, line)
	return err
}

// aclCommand prints what a user of Redis needs.
func aclCommand() *cobra.Command {
	config := redisstate.ACLConfig{User: aclUser}
	var reads bool
	cmd := &cobra.Command{
		Use: "acl [MODULE]...", Short: "Print the line of Redis' ACL for a user with the least rights",
		Long: "Print the line of Redis' ACL file for a user who may do what Coppice does and nothing else:\nonly the commands that it sends, only on keys of the modules that are named, or of all.\nPut a password in the place of PASSWORD.",
		Example: "  coppice acl --user worker Words\n" +
			"  coppice acl --user reader --reads",
		RunE: func(cmd *cobra.Command, modules []string) error {
			config.Modules = modules
			if reads {
				config.Right = redisstate.Reading
			}
			return printACL(cmd.OutOrStdout(), config)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&config.User, "user", config.User, "name of the user")
	flags.BoolVar(&reads, "reads", false, "for programs that read and append: no right to write to Redis")
	flags.BoolVar(&config.Cluster, "cluster", false, "with what is asked of the nodes of a cluster")
	flags.BoolVar(&config.Fsynced, "fsynced", false, "with WAITAOF, for the durability level fsynced; Redis 7.2 or newer")
	return cmd
}
