// Command tierline is the switch, and everything else that is needed to run
// it: see tierline --help.
package main

import (
	"os"

	"tierline/cmd/internal/app"
	"tierline/cmd/internal/cli"
	"tierline/cmd/internal/demo"
	"tierline/cmd/internal/flow"
	"tierline/cmd/internal/sim"
	"tierline/cmd/internal/voice"
)

// version is set by the linker.
var version = "dev"

func main() {
	root := cli.Root(
		version, app.Command(version), app.RestoreCommand(),
		demo.Command(version), demo.DialCommand(), demo.BusinessCommand(),
		sim.Command(), sim.StaffCommand(), voice.SayCommand(), voice.PromptsCommand(), flow.Command())
	cli.Under(root, "node", app.JoinCommand())
	os.Exit(cli.Main(root))
}
