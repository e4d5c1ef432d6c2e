package main

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

func newHealth() *cobra.Command {
	var addr string
	c := &cobra.Command{
		Use:   "health",
		Short: "Ask a ledger's HTTP server whether every part works",
		Long: `Ask /readyz of a ledger's HTTP server and print its answer. The exit code is 0 when
every part works and 3 when one does not or nobody answers within --wait.

` + exitHelp,
		Example: `  berkas health --http 127.0.0.1:8080`,
		Args:    exactArgs(),
	}
	wait := c.Flags().Duration("wait", 5*time.Second, "how long to wait for the answer")
	c.Flags().StringVar(&addr, "http", defaultHTTP, "address of the HTTP server, host:port")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx, cancel := context.WithTimeout(cmd.Context(), *wait)
		defer cancel()
		return askHealth(ctx, cmd.OutOrStdout(), addr)
	}
	return c
}

func askHealth(ctx context.Context, w io.Writer, addr string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/readyz", nil)
	if err != nil {
		return usage("--http is host:port, not %q", addr)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return unreachable("Is berkas running, and does it listen there?", "ask for health: %w", err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(w, io.LimitReader(answer.Body, 64<<10)); err != nil {
		return unreachable("", "ask for health: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return &quietError{exitUnreachable}
	}
	return nil
}
