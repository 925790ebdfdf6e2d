package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"tierline/call/phone"
)

// customerTarget is where the documents say that the public network is, which
// the demo replaces by its customers' phone.
const customerTarget = "127.0.0.1:5090"

var errNoTarget = errors.New("trunks.yaml has no target " + customerTarget)

// openCustomer opens the phone at which all customers of the demo are called
// back, and lets the unpacked documents lead to it.
func openCustomer(ctx context.Context, ip netip.Addr, service string, log *slog.Logger) (*phone.Phone, error) {
	p, err := phone.OpenPhone(ctx, phone.PhoneConfig{
		Endpoint: phone.Config{User: "customer", Listen: netip.AddrPortFrom(ip, 0).String(), Logger: log},
		Speak:    1000,
		Behave:   func(string) phone.Behaviour { return phone.Behaviour{Ring: 2 * time.Second, Talk: 10 * time.Second} },
	})
	if err != nil {
		return nil, fmt.Errorf("open the customers' phone: %w", err)
	}
	if err = lead(filepath.Join(service, "trunks.yaml"), p.Addr()); err != nil {
		return nil, errors.Join(err, p.Close(ctx))
	}
	return p, nil
}

// lead writes an address into the trunks' document.
func lead(file string, to netip.AddrPort) error {
	src, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read trunks: %w", err)
	}
	if !bytes.Contains(src, []byte(customerTarget)) {
		return errNoTarget
	}
	out := bytes.ReplaceAll(src, []byte(customerTarget), []byte(to.String()))
	if err = os.WriteFile(file, out, 0o600); err != nil {
		return fmt.Errorf("write trunks: %w", err)
	}
	return nil
}
