package config_test

import (
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"tierline/cmd/internal/config"
)

var update = flag.Bool("update", false, "write docs/reference/settings.md and the expected texts anew")

const root = "../../../"

// load runs Load as a command line would.
func load(t *testing.T, args ...string) (config.Settings, []string, error) {
	t.Helper()
	cmd := &cobra.Command{}
	config.Register(cmd)
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	return config.Load(cmd)
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tierline.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var addrs = cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })

var addr = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

func TestWithoutAnyFileTheDefaultsHold(t *testing.T) {
	got, warnings, err := load(t)
	if err != nil || len(warnings) != 0 {
		t.Fatalf("error %v, warnings %v", err, warnings)
	}
	if d := cmp.Diff(config.Defaults(), got, addrs, addr); d != "" {
		t.Errorf("settings (-default +got):\n%s", d)
	}
}

func TestSourcesOverrideEachOther(t *testing.T) {
	path := file(t, `
node: from-file
data_dir: /file
rtp: {port_min: 30000, port_max: 30999}
sip:
  listen:
    - {transport: udp, address: "10.0.0.1:5060"}
    - tcp:10.0.0.1:5070
drain: {timeout: 5m}
log: {level: debug}
`)
	t.Setenv("TIERLINE_DATA_DIR", "/env")
	t.Setenv("TIERLINE_RTP_PORT_MIN", "30100")
	t.Setenv("TIERLINE_NODE", "from-env")
	t.Setenv("TIERLINE_HTTP_USERS_FILE", "users.yaml")
	t.Setenv("TIERLINE_HTTP_LISTEN", "0.0.0.0:80")
	t.Setenv("TIERLINE_PORT_8080_TCP", "tcp://10.0.0.9:8080")
	got, warnings, err := load(t, "--config", path, "--node", "from-flag", "--service", "./centre")
	if err != nil {
		t.Fatal(err)
	}
	want := config.Defaults()
	want.Node, want.DataDir, want.ServiceDir = "from-flag", "/env", "./centre"
	want.RTP.PortMin, want.RTP.PortMax = 30100, 30999
	want.SIP.Listen = []config.Listen{
		{Transport: "udp", Address: netip.MustParseAddrPort("10.0.0.1:5060")},
		{Transport: "tcp", Address: netip.MustParseAddrPort("10.0.0.1:5070")},
	}
	want.HTTP = config.HTTP{Listen: netip.MustParseAddrPort("0.0.0.0:80"), UsersFile: "users.yaml"}
	want.Drain.Timeout, want.Log.Level = 5*time.Minute, "debug"
	if d := cmp.Diff(want, got, addrs, addr); d != "" {
		t.Errorf("settings (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"the environment variable TIERLINE_PORT_8080_TCP is no setting"}, warnings); d != "" {
		t.Errorf("warnings (-want +got):\n%s", d)
	}
}

func TestListenersInTheEnvironment(t *testing.T) {
	t.Setenv("TIERLINE_SIP_LISTEN", "udp:[::1]:5062, tcp:127.0.0.1:0")
	got, _, err := load(t)
	if err != nil {
		t.Fatal(err)
	}
	want := []config.Listen{
		{Transport: "udp", Address: netip.MustParseAddrPort("[::1]:5062")},
		{Transport: "tcp", Address: netip.MustParseAddrPort("127.0.0.1:0")},
	}
	if d := cmp.Diff(want, got.SIP.Listen, addrs); d != "" {
		t.Errorf("listeners (-want +got):\n%s", d)
	}
}

// Each bad file has its expected text beside it.
func TestBadSettings(t *testing.T) {
	files, err := filepath.Glob(root + "testdata/settings/bad-*.yaml")
	if err != nil || len(files) < 6 {
		t.Fatalf("%d bad files (%v)", len(files), err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			_, _, err := load(t, "--config", path)
			if err == nil {
				t.Fatal("was accepted")
			}
			got := strings.ReplaceAll(err.Error(), filepath.Dir(path)+"/", "") + "\n"
			compare(t, strings.TrimSuffix(path, ".yaml")+".txt", got)
		})
	}
}

func compare(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-file +now; -update writes it anew):\n%s", path, d)
	}
}

func TestAMissingFileIsNamed(t *testing.T) {
	if _, _, err := load(t, "--config", "nowhere.yaml"); err == nil || !strings.Contains(err.Error(), "nowhere.yaml") {
		t.Errorf("error %v, want one that names the file", err)
	}
	t.Setenv("TIERLINE_CONFIG", "elsewhere.yaml")
	if _, _, err := load(t); err == nil || !strings.Contains(err.Error(), "elsewhere.yaml") {
		t.Errorf("error %v, want one that names the file of the environment", err)
	}
}

func TestTheReferenceIsCurrent(t *testing.T) {
	compare(t, root+"docs/reference/settings.md", config.Reference())
	if strings.Contains(config.Reference(), "|  |") {
		t.Error("a setting has no meaning")
	}
}

// The file at the end of the reference means what it says.
func TestTheReferenceShowsTheDefaults(t *testing.T) {
	_, text, _ := strings.Cut(config.Reference(), "```yaml\n")
	text, _, _ = strings.Cut(text, "```")
	got, _, err := load(t, "--config", file(t, text))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(config.Defaults(), got, addrs, addr); d != "" {
		t.Errorf("settings (-default +got):\n%s", d)
	}
}

func TestRetention(t *testing.T) {
	if got := (config.Recordings{KeepDays: 30}).Keep(); got != 720*time.Hour {
		t.Errorf("30 days are %v", got)
	}
	if got := (config.Report{RetentionDays: 2}).Retention(); got != 48*time.Hour {
		t.Errorf("two days are %s", got)
	}
}

// Whatever stands in a file, reading it gives settings that are right, or an
// error.
func FuzzSettings(f *testing.F) {
	files, err := filepath.Glob(root + "testdata/settings/bad-*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add("sip: {listen: udp:127.0.0.1:5060}\nrtp: {port_min: 1e4}\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, _, err := load(t, "--config", file(t, text))
		if err == nil {
			err = s.Validate()
			if err != nil {
				t.Errorf("%q was accepted: %v", text, err)
			}
		}
	})
}
