package config

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestSettingsInPages loads every block of the pages that begins with
// "# tierline.yaml".
func TestSettingsInPages(t *testing.T) {
	fence := regexp.MustCompile("(?ms)^```yaml\n(# tierline\\.yaml\n.*?)^```")
	found := 0
	err := filepath.WalkDir("../../../docs", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".md") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range fence.FindAllSubmatch(text, -1) {
			found++
			loadBlock(t, path, m[1])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found == 0 {
		t.Error("no page shows settings")
	}
}

func loadBlock(t *testing.T, page string, text []byte) {
	t.Helper()
	// The directories of an example don't exist here.
	text = regexp.MustCompile(`(?m)^(service_dir|data_dir):.*\n`).ReplaceAll(text, nil)
	file := filepath.Join(t.TempDir(), "tierline.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := &cobra.Command{}
	Register(cmd)
	if err := cmd.ParseFlags([]string{"--config", file}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Load(cmd); err != nil {
		t.Errorf("%s: %v", page, err)
	}
}
