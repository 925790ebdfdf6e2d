package phone

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/emiago/diago"
	"github.com/emiago/sipgo/sip"
)

// Register binds the endpoint's user at the registrar (host:port) and keeps
// the binding until Close.
func (e *Endpoint) Register(ctx context.Context, registrar string, expires time.Duration) error {
	var uri sip.Uri
	if err := sip.ParseUri(fmt.Sprintf("sip:%s@%s", e.cfg.User, registrar), &uri); err != nil {
		return fmt.Errorf("registrar %q: %w", registrar, err)
	}
	uri.UriParams = sip.NewParams()
	if e.cfg.Transport != "udp" {
		uri.UriParams.Add("transport", e.cfg.Transport)
	}
	t, err := e.dg.RegisterTransaction(ctx, uri, diago.RegisterOptions{
		Username: e.cfg.User, Password: e.cfg.Password, Expiry: expires,
	})
	if err != nil {
		return fmt.Errorf("prepare registration: %w", err)
	}
	// Qualify, not Register: the latter dereferences the answer that a silent
	// registrar never sent.
	if err := t.Qualify(ctx); err != nil {
		return fmt.Errorf("register %s at %s: %w", e.cfg.User, registrar, err)
	}
	keep, cancel := context.WithCancel(context.WithoutCancel(ctx))
	e.mu.Lock()
	e.binding, e.cancel = t, cancel
	e.mu.Unlock()
	e.kept.Go(func() { e.keep(keep, t, expires/2) })
	return nil
}

func (e *Endpoint) keep(ctx context.Context, t *diago.RegisterTransaction, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := t.Qualify(ctx); err != nil && ctx.Err() == nil {
			e.log.Warn("registration not renewed", "err", err)
		}
	}
}

func (e *Endpoint) unregister(ctx context.Context) error {
	e.mu.Lock()
	t, cancel := e.binding, e.cancel
	e.binding = nil
	e.mu.Unlock()
	if t == nil {
		return nil
	}
	cancel()
	e.kept.Wait()
	if err := t.Unregister(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("unregister %s: %w", e.cfg.User, err)
	}
	return nil
}
