// Package eventstore keeps the ledger: the journal, which is the durable copy,
// and the streams of NATS JetStream, through which submissions come in, records
// go out and receipts are sent.
//
// A batch of records is committed in an order that depends on the Mode. On one
// machine the journal is written first and a receipt stands for its fsync; the
// LEDGER stream follows. In a cluster the replicated LEDGER is written first, as
// one atomic batch, and the journal follows. What follows is brought up by
// recovery, which is the normal path at every start.
//
// No type of the NATS client leaves the package.
package eventstore
