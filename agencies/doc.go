// Package agencies is what the program of an agency uses: it says what the
// agency states as events, signs them, seals what is personal in them, submits
// them and keeps them until the registrar's signed receipt is at hand.
//
// Each institution has a type of its own whose methods are all that it may say,
// so a program of KASN has no method for a block. What an institution may say
// and since when is decided by the mandates on the ledger, not here.
//
//	bawaslu := agencies.NewBawaslu(office)                  // what it may say
//	draft, err := bawaslu.OpenCase(id, happened, payload)   // the event's bytes
//	submission := agencies.Sign(ledger.Bawaslu, draft, signer)
//	receipt, err := outbox.Submit(ctx, client, submission)  // kept, sent, answered
//
// A submission is its bytes. A publish acknowledgement promises nothing: until a
// receipt is at hand the same bytes are sent again, and the same bytes again are
// the same submission.
package agencies
