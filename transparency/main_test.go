package transparency

import (
	"testing"

	"github.com/berkas-ledger/berkas/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }
