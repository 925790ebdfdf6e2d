package demo

import (
	"embed"
	"io/fs"
)

//go:embed *.yaml customers.csv flows/*.yaml prompts/*.wav prompts/pack.yaml prompts/music/*.wav prompts/say/*/*.wav
var files embed.FS

// Files returns the service directory.
func Files() fs.FS { return files }
