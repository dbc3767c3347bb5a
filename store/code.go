package store

import (
	"context"
	"time"

	"paylink"
)

// Mailbox is what guarding a customer's mailbox remembers, whatever code is tried.
type Mailbox struct {
	CustomerID  string
	Wrong       int // codes since WrongSince
	WrongSince  time.Time
	LockedUntil time.Time
}

// LockMailbox reads what is remembered of a customer's mailbox and keeps every other transaction from
// doing so until this one ends: sending and trying codes take turns.
func (t *Tx) LockMailbox(ctx context.Context, customerID string) (m Mailbox, err error) {
	if _, err := t.exec(ctx, `insert into mailbox (customer_id, wrong, wrong_since, locked_until) values ($1, 0, 0, 0)
		on conflict (customer_id) do nothing`, customerID); err != nil {
		return m, wrote("mailbox", err)
	}
	m, err = one(ctx, t.reads, func(r row) (m Mailbox, err error) {
		err = r.Scan(&m.CustomerID, &m.Wrong, moment{&m.WrongSince}, moment{&m.LockedUntil})
		return m, err
	}, "select customer_id, wrong, wrong_since, locked_until from mailbox where customer_id = $1"+t.dialect.forUpdate, customerID)
	return m, found("mailbox", err)
}

// UpdateMailbox changes what is remembered.
func (t *Tx) UpdateMailbox(ctx context.Context, m Mailbox) error {
	n, err := t.exec(ctx, "update mailbox set wrong = $2, wrong_since = $3, locked_until = $4 where customer_id = $1",
		m.CustomerID, m.Wrong, micros(m.WrongSince), micros(m.LockedUntil))
	return changed("mailbox", n, err)
}

const codeColumns = "id, customer_id, link_id, address, mac, sealed, tries, created_at, expires_at, ended_at"

func scanCode(r row) (c paylink.Code, err error) {
	err = r.Scan(&c.ID, &c.CustomerID, &c.LinkID, &c.Address, &c.MAC, &c.Sealed, &c.Tries,
		moment{&c.CreatedAt}, moment{&c.ExpiresAt}, moment{&c.EndedAt})
	return c, err
}

// Code finds a mailed code.
func (r reads) Code(ctx context.Context, id string) (paylink.Code, error) {
	c, err := one(ctx, r, scanCode, "select "+codeColumns+" from code where id = $1", id)
	return c, found("code", err)
}

// CodesOf lists the codes that were mailed to a customer since a time, newest first.
func (r reads) CodesOf(ctx context.Context, customerID string, since time.Time) ([]paylink.Code, error) {
	list, err := all(ctx, r, scanCode, "select "+codeColumns+` from code
		where customer_id = $1 and created_at > $2 order by created_at desc, id desc`, customerID, micros(since))
	return list, found("code", err)
}

// InsertCode adds a code.
func (t *Tx) InsertCode(ctx context.Context, c paylink.Code) error {
	_, err := t.exec(ctx, "insert into code ("+codeColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		c.ID, c.CustomerID, c.LinkID, c.Address, c.MAC, c.Sealed, c.Tries, micros(c.CreatedAt), micros(c.ExpiresAt), micros(c.EndedAt))
	return wrote("code", err)
}

// CountTry counts one more wrong try of a code.
func (t *Tx) CountTry(ctx context.Context, id string) error {
	n, err := t.exec(ctx, "update code set tries = tries + 1 where id = $1", id)
	return changed("code", n, err)
}

// ForgetDigits forgets what the mail of a code needed.
func (t *Tx) ForgetDigits(ctx context.Context, id string) error {
	_, err := t.exec(ctx, "update code set sealed = '' where id = $1", id)
	return wrote("code", err)
}

// EndCodes ends every code of a customer.
func (t *Tx) EndCodes(ctx context.Context, customerID string, at time.Time) error {
	_, err := t.exec(ctx, "update code set ended_at = $2, sealed = '' where customer_id = $1 and ended_at = 0", customerID, micros(at))
	return wrote("code", err)
}

// PurgeAccess deletes the codes of a customer that were made before a time, and the devices that
// ended before it.
func (t *Tx) PurgeAccess(ctx context.Context, customerID string, before time.Time) error {
	if _, err := t.exec(ctx, "delete from code where customer_id = $1 and created_at < $2", customerID, micros(before)); err != nil {
		return wrote("code", err)
	}
	_, err := t.exec(ctx, "delete from device where customer_id = $1 and expires_at < $2", customerID, micros(before))
	return wrote("device", err)
}

const deviceColumns = "hash, customer_id, address, created_at, expires_at"

// DeviceByHash finds a browser that proved a mailbox, expired or not.
func (r reads) DeviceByHash(ctx context.Context, hash string) (paylink.Device, error) {
	d, err := one(ctx, r, func(r row) (d paylink.Device, err error) {
		err = r.Scan(&d.Hash, &d.CustomerID, &d.Address, moment{&d.CreatedAt}, moment{&d.ExpiresAt})
		return d, err
	}, "select "+deviceColumns+" from device where hash = $1", hash)
	return d, found("device", err)
}

// InsertDevice adds a browser that proved a mailbox.
func (t *Tx) InsertDevice(ctx context.Context, d paylink.Device) error {
	_, err := t.exec(ctx, "insert into device ("+deviceColumns+") values ($1, $2, $3, $4, $5)",
		d.Hash, d.CustomerID, d.Address, micros(d.CreatedAt), micros(d.ExpiresAt))
	return wrote("device", err)
}

// DeleteDevices forgets every browser of a customer and says how many there were.
func (t *Tx) DeleteDevices(ctx context.Context, customerID string) (int, error) {
	n, err := t.exec(ctx, "delete from device where customer_id = $1", customerID)
	return int(n), wrote("device", err)
}
