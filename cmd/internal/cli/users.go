package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"tierline/cmd/internal/signin"
)

// usersCommand is about the file of users, not about a node: who may write the
// file is who may let people in.
func usersCommand(o *options) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "users", Short: "Who may use the API of a node: its file of users", Args: cobra.NoArgs,
		Long: `The users in the file that http.users_file of a node's settings names. The file has hashes
of tokens, not the tokens. A running node takes up changes within a second.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := signin.Read(file)
			if err != nil {
				return err
			}
			shown := make([]shownUser, len(list))
			for i, e := range list {
				shown[i] = shownUser{Name: e.Name, Role: string(e.Role), Agent: e.Agent}
			}
			return o.show(cmd, shown, func() string { return usersTable(shown) })
		},
	}
	cmd.PersistentFlags().StringVar(&file, "file", "users.yaml", "file of users")
	cmd.AddCommand(addUserCommand(o, &file), removeUserCommand(&file))
	return cmd
}

// shownUser is a user without the hash.
type shownUser struct {
	Name  string `json:"name"`
	Role  string `json:"role"`
	Agent string `json:"agent,omitempty"`
	Token string `json:"token,omitempty"` // when it is new
}

func usersTable(list []shownUser) string {
	t := newTable("USER", "ROLE", "AGENT")
	for _, u := range list {
		t.add(u.Name, u.Role, or(u.Agent))
	}
	return t.text("no users")
}

func addUserCommand(o *options, file *string) *cobra.Command {
	var role, agent string
	cmd := &cobra.Command{
		Use: "add NAME --role agent|supervisor|engineer", Short: "Add a user, or give him another token and role",
		Long: `Make a token for a user and print it, once. agent: looks at agents and queues, and does with
the state and the calls of --agent what that agent may. supervisor: looks at calls and records
too, and does what is about calls and agents. engineer: changes the service as well.`,
		Example: `  tierline users add lead --role supervisor --file /etc/tierline/users.yaml
  tierline users add wang --role agent --agent 1001`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			e := signin.Entry{Name: args[0], Role: signin.Role(role), Agent: agent}
			if err := signin.CheckName(e.Name); err != nil {
				return err
			}
			if !slices.Contains(signin.Roles(), e.Role) {
				return fmt.Errorf("--role %q is not agent, supervisor or engineer", role)
			}
			list, err := signin.Read(*file)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			var token string
			token, e.Hash = signin.NewToken(e.Name)
			list = slices.DeleteFunc(list, func(other signin.Entry) bool { return other.Name == e.Name })
			if err := signin.Write(*file, append(list, e)); err != nil {
				return err
			}
			u := shownUser{Name: e.Name, Role: role, Agent: agent, Token: token}
			return o.show(cmd, u, func() string { return token + "\n" })
		},
	}
	cmd.Flags().StringVar(&role, "role", "", "agent, supervisor or engineer")
	cmd.Flags().StringVar(&agent, "agent", "", "the agent that he is")
	return cmd
}

func removeUserCommand(file *string) *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "Take a user's token from him", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := signin.Read(*file)
			if err != nil {
				return err
			}
			rest := slices.DeleteFunc(slices.Clone(list), func(e signin.Entry) bool { return e.Name == args[0] })
			if len(rest) == len(list) {
				return fmt.Errorf("%s has no user %s", *file, args[0])
			}
			if err := signin.Write(*file, rest); err != nil {
				return err
			}
			return say(cmd.OutOrStdout(), "removed "+args[0]+"\n")
		},
	}
}

// token is the default of --token.
func token() string { return os.Getenv("TIERLINE_TOKEN") }
