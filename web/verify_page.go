package web

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"

	"github.com/berkas-ledger/berkas/verify"
)

// serveVerifyPage gives the static page that checks bundles in the reader's
// browser. It is for everybody, and asks the server for nothing more.
func (s *Server) serveVerifyPage(w http.ResponseWriter, r *http.Request) error {
	page := verify.Page()
	sum := sha256.Sum256(page)
	w.Header().Set("Content-Security-Policy", verify.PagePolicy()+"; frame-ancestors 'none'")
	s.content(w, r, "text/html; charset=utf-8", hex.EncodeToString(sum[:8]), page)
	return nil
}
