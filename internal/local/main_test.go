package local

import (
	"context"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// childDir makes the test program start a server over that directory, say so
// and wait to be killed, instead of running tests.
const childDir = "BERKAS_TEST_POSTGRES_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if _, err := StartPostgres(context.Background(), pgConfig(dir)); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("ready")
		select {} // killed by the test
	}
	goleak.VerifyTestMain(m)
}
