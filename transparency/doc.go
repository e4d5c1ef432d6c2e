// Package transparency makes a Merkle log of a ledger's journal that anybody can
// check: tiles and signed checkpoints (C2SP tlog-tiles, tlog-checkpoint), proofs
// by them, exports, and the witnesses that cosign checkpoints (C2SP tlog-witness,
// tlog-cosignature). The formats themselves are in package ledger.
//
// Log seals, Prover proves from the files of any log, a Gatherer asks witnesses,
// and a Witness is one.
package transparency
