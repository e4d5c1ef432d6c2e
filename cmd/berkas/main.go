// Command berkas runs and reads the ledger of neutrality cases: one binary for
// the operator, the agencies and the auditors.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// The first signal ends the work in order; a second one ends the process.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop()
	}()
	os.Exit(run(ctx, os.Args[1:]))
}

// run executes one command line and gives the process's exit code.
func run(ctx context.Context, args []string) int {
	root := newRoot()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	code := exitCode(err)
	var quiet *quietError
	if !errors.As(err, &quiet) {
		fmt.Fprintln(os.Stderr, "berkas: "+err.Error())
		if hint := hintFor(err); hint != "" {
			fmt.Fprintln(os.Stderr, "  "+hint)
		}
	}
	return code
}
