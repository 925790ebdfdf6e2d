package flow

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// Command is `tierline flow`.
func Command() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "flow",
		Short: "Test, draw and try flows without a node",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(testCommand(), graphCommand(), tryCommand())
	return cmd
}

// wantsJSON looks at the flag -o of the root command, if there is one.
func wantsJSON(cmd *cobra.Command) bool {
	o := cmd.Flag("output")
	return o != nil && o.Value.String() == "json"
}

func say(w io.Writer, text string) error {
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	return nil
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	return nil
}

// count spells a number of things.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
