package store

import (
	"context"
	"encoding/json"
	"time"

	"paylink"
	"paylink/audit"
)

// AuditRow is one line of the log of who did what.
type AuditRow struct {
	ID      string
	At      time.Time
	Actor   paylink.Actor
	Action  string
	Subject string
	Data    json.RawMessage
}

func scanAudit(r row) (a AuditRow, err error) {
	var data string
	err = r.Scan(&a.ID, moment{&a.At}, &a.Actor, &a.Action, &a.Subject, &data)
	a.Data = json.RawMessage(data)
	return a, err
}

// AuditOf lists what was done to a subject, newest first.
func (r reads) AuditOf(ctx context.Context, subject string, limit int) ([]AuditRow, error) {
	list, err := all(ctx, r, scanAudit, `select id, at, actor, action, subject, data from audit
		where subject = $1 order by id desc limit $2`, subject, limit)
	return list, found("audit", err)
}

// AuditNewest lists the newest lines of the log, whatever they are about.
func (r reads) AuditNewest(ctx context.Context, limit int) ([]AuditRow, error) {
	list, err := all(ctx, r, scanAudit, "select id, at, actor, action, subject, data from audit order by id desc limit $1", limit)
	return list, found("audit", err)
}

// Audit logs who did what to which subject, in the transaction that does it. data is kept as JSON
// for good: no secret goes into it.
func (t *Tx) Audit(ctx context.Context, actor paylink.Actor, action, subject string, data any, at time.Time) error {
	if data == nil {
		data = struct{}{}
	}
	text, err := json.Marshal(data)
	if err != nil {
		return wrote("audit", err)
	}
	_, err = t.exec(ctx, "insert into audit (id, at, actor, action, subject, data) values ($1, $2, $3, $4, $5, $6)",
		paylink.NewID("aud", at), micros(at), actor, action, subject, string(text))
	return wrote("audit", err)
}

// sealBatch is how many rows one transaction seals.
const sealBatch = 500

// SealAudit chains the audit rows that are not sealed yet and says how many. It may run in several
// processes: one of them has the head of the chain at a time.
func (s *Store) SealAudit(ctx context.Context, key []byte, now time.Time) (n int, err error) {
	for {
		var sealed int
		err := s.Update(ctx, func(tx *Tx) (err error) {
			sealed, err = tx.sealAudit(ctx, key, now)
			return err
		})
		n += sealed
		if err != nil || sealed < sealBatch {
			return n, err
		}
	}
}

func (t *Tx) sealAudit(ctx context.Context, key []byte, now time.Time) (int, error) {
	// The row of this setting is what two sealers meet at.
	if err := t.PutSetting(ctx, "audit.sealed_at", now.UTC().Format(time.RFC3339)); err != nil {
		return 0, err
	}
	type head struct {
		seq int64
		mac []byte
	}
	heads, err := all(ctx, t.reads, func(r row) (h head, err error) {
		err = r.Scan(&h.seq, &h.mac)
		return h, err
	}, "select seq, mac from audit_seal order by seq desc limit 1")
	if err != nil {
		return 0, found("audit", err)
	}
	var last head
	if len(heads) > 0 {
		last = heads[0]
	}
	open, err := all(ctx, t.reads, scanAudit, `select id, at, actor, action, subject, data from audit a
		where not exists (select 1 from audit_seal s where s.audit_id = a.id) order by id limit $1`, sealBatch)
	if err != nil {
		return 0, found("audit", err)
	}
	rows := make([]audit.Row, len(open))
	for n, a := range open {
		rows[n] = a.sealed(last.seq + 1 + int64(n))
	}
	macs, err := audit.Seal(key, last.mac, rows)
	if err != nil {
		return 0, err
	}
	for n, a := range open {
		if _, err := t.exec(ctx, "insert into audit_seal (seq, audit_id, mac) values ($1, $2, $3)",
			rows[n].Seq, a.ID, macs[n]); err != nil {
			return 0, wrote("audit", err)
		}
	}
	return len(open), nil
}

// sealed is the row as the chain covers it.
func (a AuditRow) sealed(seq int64) audit.Row {
	return audit.Row{Seq: seq, At: micros(a.At), Actor: string(a.Actor), Action: a.Action, Subject: a.Subject, Data: string(a.Data)}
}
