package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// DefaultServer is where a node's API is unless it was told otherwise.
const DefaultServer = "http://127.0.0.1:8080"

// ErrReported means that everything was said; only the exit code is missing.
var ErrReported = errors.New("reported")

// options are the flags of all commands that show something.
type options struct {
	server string
	ca     string
	token  string
	output string
	zone   *time.Location
}

// Root returns the root command with the commands of this package and others.
func Root(version string, others ...*cobra.Command) *cobra.Command {
	o := &options{zone: time.Local}
	root := &cobra.Command{
		Use:   "tierline",
		Short: "An ACD/IVR telephony switch",
		Long: `tierline answers calls from SIP trunks, walks callers through menus, lets them wait by
their value and rings the agents who can help them.

See it work:   tierline demo
Run a node:    tierline serve --config tierline.yaml
Change it:     tierline check DIR, tierline plan DIR, tierline apply DIR`,
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if o.output != "table" && o.output != "json" {
				return fmt.Errorf("-o %s: there are table and json", o.output)
			}
			return nil
		},
	}
	root.SetVersionTemplate("tierline {{.Version}}\n")
	server := os.Getenv("TIERLINE_SERVER")
	if server == "" {
		server = DefaultServer
	}
	root.PersistentFlags().StringVar(&o.server, "server", server, "API of the node; environment TIERLINE_SERVER")
	root.PersistentFlags().StringVar(&o.ca, "ca", authority(),
		"file with the authorities (PEM) that the node's certificate is signed by; environment TIERLINE_CA")
	root.PersistentFlags().StringVar(&o.token, "token", "", "who you are, to a node whose users sign in; better by the "+
		"environment TIERLINE_TOKEN, which other users of the machine don't see")
	root.PersistentFlags().StringVarP(&o.output, "output", "o", "table", "table or json")
	root.AddCommand(
		checkCommand(o), planCommand(o), applyCommand(o), rollbackCommand(o), generationsCommand(o),
		callsCommand(o), agentsCommand(o), agentCommand(o), controlCommand(o), superviseCommand(o),
		disposeCommand(o), moveCommand(o),
		queuesCommand(o), trunksCommand(o), callbacksCommand(o), lockoutsCommand(o), bansCommand(o),
		cdrsCommand(o), eventsCommand(o), statsCommand(o), explainCommand(o), certsCommand(o),
		recordingsCommand(o), secretCommand(o), traceCommand(o),
		nodesCommand(o), nodeCommand(o), backupCommand(o), drainCommand(o), usersCommand(o),
		&cobra.Command{
			Use: "version", Short: "Print the version", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error { return say(cmd.OutOrStdout(), "tierline "+version+"\n") },
		},
	)
	root.AddCommand(others...)
	explainArgs(root)
	return root
}

// Under puts a command below one of the root's.
func Under(root *cobra.Command, name string, below *cobra.Command) {
	explainArgs(below)
	for _, cmd := range root.Commands() {
		if cmd.Name() == name {
			cmd.AddCommand(below)
		}
	}
}

// explainArgs has each command that gets the wrong arguments say what it wants.
func explainArgs(cmd *cobra.Command) {
	if valid := cmd.Args; valid != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := valid(cmd, args); err != nil {
				return fmt.Errorf("%w\nusage: %s\n%s --help says more", err, cmd.UseLine(), cmd.CommandPath())
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		explainArgs(sub)
	}
}

// Main runs the root command and returns the exit code. The first SIGINT or
// SIGTERM ends the command's context.
func Main(root *cobra.Command) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if !errors.Is(err, ErrReported) {
		_ = say(root.ErrOrStderr(), "tierline: "+err.Error()+"\n") // nobody is left to tell
	}
	return 1
}

func say(w io.Writer, text string) error {
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	return nil
}

// show prints an answer as JSON or as the text made for people.
func (o *options) show(cmd *cobra.Command, v any, table func() string) error {
	if o.output == "table" {
		return say(cmd.OutOrStdout(), table())
	}
	text, err := indented(v)
	if err != nil {
		return err
	}
	return say(cmd.OutOrStdout(), text)
}

func indented(v any) (string, error) {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return "", fmt.Errorf("encode the output: %w", err)
	}
	return string(text) + "\n", nil
}
