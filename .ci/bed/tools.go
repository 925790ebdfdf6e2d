package bed

import (
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// Missing names the programs that are not installed, with their Debian
// packages, or returns "".
func Missing(packages map[string]string) string {
	var missing []string
	for program, pkg := range packages {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, fmt.Sprintf("%s (Debian: apt install %s)", program, pkg))
		}
	}
	return strings.Join(missing, ", ")
}

// Eventually asks until there is no error any more, or returns the last one.
func Eventually(limit time.Duration, ask func() error) error {
	end := time.Now().Add(limit)
	for {
		err := ask()
		if err == nil || time.Now().After(end) {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}
