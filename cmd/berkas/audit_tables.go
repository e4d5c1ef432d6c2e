package main

import (
	"context"
	"fmt"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
	"github.com/berkas-ledger/berkas/verify"
)

// compareTables makes the tables anew from the records that were judged and holds
// those of the database against them.
func (au *auditing) compareTables(ctx context.Context, o *options) error {
	url, err := o.databaseURL()
	if err != nil {
		return err
	}
	last := au.Position()
	if err := notAhead(ctx, url, last); err != nil {
		return err
	}
	feed := au.entries.feed(last, func(first ledger.Position, leaves [][]byte) { au.Compare(first, leaves) })
	c, err := projections.Compare(ctx, projections.Config{URL: url, Log: o.log()}, feed, last)
	if err != nil {
		return err
	}
	if len(c.Differences) > 0 {
		// The ledger may have gone on meanwhile.
		if err := notAhead(ctx, url, last); err != nil {
			return err
		}
	}
	for _, d := range c.Differences {
		place := d.Table
		if d.Row != "" {
			place += ", " + d.Row
		}
		au.Found(verify.Finding{Code: verify.CodeTableDiffers, Expected: place + " as the ledger gives it", Found: d.Problem})
	}
	au.Tables(verify.TableStats{Position: c.Position, Tables: c.Tables})
	return nil
}

// notAhead refuses tables that hold more than the checkpoint covers: they cannot
// be compared with what is proven.
func notAhead(ctx context.Context, url string, last ledger.Position) (err error) {
	r, err := projections.OpenReader(ctx, url)
	if err != nil {
		return err
	}
	defer r.Close()
	p, err := r.Progress(ctx)
	if err == nil && p.Position > last {
		err = &codedError{
			exitConflict, fmt.Errorf("the tables stand at position %d, and the checkpoint covers %d records", p.Position, last),
			"The log publishes its next checkpoint in a moment: audit again, of the ledger itself and not of an older copy.",
		}
	}
	return err
}
