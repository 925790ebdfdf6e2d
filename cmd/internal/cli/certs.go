package cli

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tierline/call/certs"
	"tierline/call/sipua"
	"tierline/cmd/internal/config"
)

func certsCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "certs", Short: "Make and check certificates for TLS, WSS and HTTPS"}
	cmd.AddCommand(certsInitCommand(o), certsCheckCommand(o))
	return cmd
}

func certsInitCommand(o *options) *cobra.Command {
	var hosts []string
	cmd := &cobra.Command{
		Use:   "init DIR --host NAME",
		Short: "Make an authority of your own and a certificate signed by it",
		Long: `Make an authority of your own and a certificate signed by it, for trying things out
and for networks without a public authority. An authority that is already in DIR is kept
and signs again: phones and browsers have to be told of ` + certs.CAFile + ` once.`,
		Example: "  tierline certs init tls --host switch.example.net --host 192.0.2.10",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(hosts) == 0 {
				return fmt.Errorf("--host: say under which names or addresses peers reach the node")
			}
			f, err := certs.Init(args[0], hosts)
			if err != nil {
				return fmt.Errorf("certificates in %s: %w", args[0], err)
			}
			return o.show(cmd, f, func() string {
				return fmt.Sprintf("for %s until %s; settings of the node:\n\ntls:\n  cert_file: %s\n  key_file: %s\n"+
					"\nPhones, browsers and the command line (--ca) must trust %s.\n", strings.Join(hosts, ", "),
					time.Now().Add(certs.NodeLife).In(o.zone).Format(time.DateOnly), f.Cert, f.Key, f.CA)
			})
		},
	}
	cmd.Flags().StringSliceVar(&hosts, "host", nil, "name or address of the node; may be given more than once")
	return cmd
}

// certificate is what certs check says.
type certificate struct {
	File    string    `json:"file"`
	Names   []string  `json:"names"`
	Expires time.Time `json:"expires"`
	Missing []string  `json:"missing,omitempty"` // hosts that peers connect to and that it doesn't name
}

// missing are the hosts of the settings that the certificate doesn't prove.
func missing(s config.Settings, leaf *x509.Certificate) (hosts []string) {
	add := func(host string) {
		if leaf.VerifyHostname(host) != nil && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	for _, l := range s.SIP.Listen {
		switch at := l.Address.Addr(); {
		case l.Transport != sipua.TLS && l.Transport != sipua.WSS:
		case s.SIP.Advertise != "":
			add(s.SIP.Advertise)
		case !at.IsUnspecified():
			add(at.String())
		}
	}
	if at := s.HTTP.Listen.Addr(); s.HTTP.TLS && !at.IsUnspecified() {
		add(at.String())
	}
	return hosts
}

func certsCheckCommand(o *options) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Name what is wrong with the certificates of a node's settings",
		Long: `Name what is wrong with the certificates of a node's settings: a file that is missing or
that others may read, a key that doesn't match, a certificate that has expired. One that
expires within 14 days, or doesn't name an address that is served, is a warning. The exit
code is 1 if the node couldn't use them.`,
		Example: "  tierline certs check --config tierline.yaml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := config.File(file)
			if err != nil {
				return fmt.Errorf("settings: %w", err)
			}
			f := certs.Files{Cert: s.TLS.CertFile, Key: s.TLS.KeyFile, CA: s.TLS.CAFile}
			k, err := certs.Open(f, slog.New(slog.DiscardHandler))
			if err != nil {
				return fmt.Errorf("tls: %w", err)
			}
			server := k.Server(tls.NoClientCert)
			if server == nil {
				return o.show(cmd, []certificate{}, func() string { return "no certificate is set: tls.cert_file is empty\n" })
			}
			leaf := server.Certificates[0].Leaf
			c := certificate{File: f.Cert, Names: namesOf(leaf), Expires: leaf.NotAfter, Missing: missing(s, leaf)}
			if err := o.show(cmd, []certificate{c}, func() string { return o.certificateText(c) }); err != nil {
				return err
			}
			if time.Now().After(c.Expires) {
				return fmt.Errorf("%s has expired", c.File)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "settings file (YAML); environment TIERLINE_CONFIG")
	return cmd
}

func namesOf(c *x509.Certificate) []string {
	names := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	for _, u := range c.URIs {
		names = append(names, u.String())
	}
	return names
}

func (o *options) certificateText(c certificate) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: for %s until %s\n",
		c.File, strings.Join(c.Names, ", "), c.Expires.In(o.zone).Format(time.DateTime))
	if left := time.Until(c.Expires); left > 0 && left < certs.Soon {
		fmt.Fprintf(&b, "%s: warning: expires in %d days\n", c.File, int(left.Hours()/24))
	}
	for _, host := range c.Missing {
		fmt.Fprintf(&b, "%s: warning: doesn't name %s, which is served: who connects to that refuses it\n", c.File, host)
	}
	return b.String()
}

// client is what speaks with the node: it trusts the authority of --ca beside
// nobody else, or those of the system.
func (o *options) client() (*http.Client, error) {
	if o.ca == "" {
		return http.DefaultClient, nil
	}
	k, err := certs.Open(certs.Files{CA: o.ca}, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, fmt.Errorf("--ca: %w", err)
	}
	return &http.Client{Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: k.Client(), ForceAttemptHTTP2: true,
	}}, nil
}

// authority is the default of --ca.
func authority() string { return os.Getenv("TIERLINE_CA") }
