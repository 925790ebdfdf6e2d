package demo

import (
	"embed"
	"io/fs"
)

//go:embed *.yaml customers.csv flows/*.yaml prompts/*.wav prompts/music/*.wav
var files embed.FS

// Files returns the service directory.
func Files() fs.FS { return files }
