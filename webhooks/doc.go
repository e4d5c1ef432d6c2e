// Package webhooks tells institutions' programs of new records by HTTP, in the form
// of Standard Webhooks (https://www.standardwebhooks.com, specification 1.0): small
// signed messages that say what was recorded where, without personal data; what it
// says is fetched from the ledger.
//
// An endpoint has two files, and each has one writer. NAME.endpoint.json is the
// operator's: where to, what, the secrets, and orders (resume, replay). NAME.state.json
// is the dispatcher's: how far it came and what went wrong. A message is delivered at
// least once and in order of position: the position is written, and synced, after the
// receiver has said yes, so a crash in between sends the same message again, under the
// same webhook-id. Endpoints do not wait for each other.
//
// Messages are signed with a shared secret (v1, HMAC-SHA256) and not with a key pair
// (v1a, Ed25519): every library of the standard verifies v1, few verify v1a, and a
// message proves nothing anyway: it says where to look, and what is found there is
// signed by its agency and proven by the log.
package webhooks
