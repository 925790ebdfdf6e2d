package app

import (
	"os"
	"path/filepath"
	"regexp"
)

// exposed returns the documents of a directory that hold what phones and trunks
// prove themselves with and that others on this machine may read. A digest of a
// password is as good as the password for whoever wants to call.
func exposed(dir string) (files []string) {
	secret := regexp.MustCompile(`(?m)[{\s,](secret|ha1):`)
	if st, err := os.Stat(dir); err != nil || st.Mode().Perm()&0o055 == 0 {
		return nil // nobody gets that far
	}
	for _, name := range []string{"agents.yaml", "trunks.yaml"} {
		file := filepath.Join(dir, name)
		st, err := os.Stat(file)
		if err != nil || st.Mode().Perm()&0o044 == 0 {
			continue // it isn't there, or is nobody else's
		}
		if b, err := os.ReadFile(file); err == nil && secret.Match(b) {
			files = append(files, file)
		}
	}
	return files
}
