package access

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"paylink"
	"paylink/store"
)

// What a code that proves a mailbox is good for, and how long the browser that typed it is known.
const (
	CodeLife   = 10 * time.Minute
	CodeTries  = 5
	DeviceLife = 30 * 24 * time.Hour
)

// What one customer's mailbox and patience bear. Whoever holds a link can ask for codes and guess; these
// hold over all codes and are kept in the database, so that neither another code nor a restart helps.
const (
	codeWindow = time.Hour
	codesMost  = 3
	wrongDay   = 24 * time.Hour
	wrongMost  = 15
	codesKept  = 30 * 24 * time.Hour
)

// SendCode mails a fresh code to the customer, whose address the page of the link may show masked. The
// code that was sent before ends. A link that was sent on to somebody else asks for none.
func (s *Service) SendCode(ctx context.Context, customerID, linkID, ip string) (masked string, err error) {
	now := s.now()
	code := paylink.Code{
		ID: paylink.NewID("cod", now), CustomerID: customerID, LinkID: linkID, CreatedAt: now, ExpiresAt: now.Add(CodeLife),
	}
	if err := code.Keep(s.ring, sixDigits()); err != nil {
		return "", fmt.Errorf("make a code: %w", err)
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		customer, err := s.asks(ctx, tx, customerID, linkID, now)
		if err != nil {
			return err
		}
		masked, code.Address = paylink.MaskEmail(customer.Email), customer.Email
		mailbox, err := tx.LockMailbox(ctx, customerID)
		if err != nil {
			return err
		}
		if err := locked(mailbox, now); err != nil {
			return err
		}
		recent, err := tx.CodesOf(ctx, customerID, now.Add(-codeWindow))
		if err != nil {
			return err
		}
		if len(recent) >= codesMost {
			wait := recent[codesMost-1].CreatedAt.Add(codeWindow).Sub(now)
			return paylink.Fail(paylink.TooMany, "code.often", "n", int((wait+time.Minute-1)/time.Minute))
		}
		if err := tx.PurgeAccess(ctx, customerID, now.Add(-codesKept)); err != nil {
			return err
		}
		if err := tx.EndCodes(ctx, customerID, now); err != nil {
			return err
		}
		if err := tx.InsertCode(ctx, code); err != nil {
			return err
		}
		payload, err := json.Marshal(map[string]string{"code_id": code.ID})
		if err != nil {
			return fmt.Errorf("queue the mail of a code: %w", err)
		}
		if _, err := tx.Enqueue(ctx, store.Job{Kind: "mail.code", Key: code.ID, Payload: payload, RunAt: now}); err != nil {
			return err
		}
		return tx.Audit(ctx, paylink.Actor("payer:"+linkID), "code.asked", customerID, map[string]any{"to": customer.Email, "ip": ip}, now)
	})
	if err != nil {
		return "", err
	}
	return masked, nil
}

// asks finds the customer that a page asks a code for, and refuses one that may not.
func (s *Service) asks(ctx context.Context, tx *store.Tx, customerID, linkID string, now time.Time) (paylink.Customer, error) {
	link, err := tx.Link(ctx, linkID)
	if err != nil {
		return paylink.Customer{}, err
	}
	if err := link.Usable(now); err != nil {
		return paylink.Customer{}, err
	}
	invoice, err := tx.Invoice(ctx, link.InvoiceID)
	if err != nil {
		return paylink.Customer{}, err
	}
	if invoice.CustomerID != customerID || link.ForwardedBy != "" {
		return paylink.Customer{}, paylink.Fail(paylink.NotFound, "customer.unknown")
	}
	return tx.Customer(ctx, customerID)
}

// UseCode takes the code that the customer typed and gives the value of the cookie by which the browser
// is known; only its hash is kept. A code is good once. Each wrong try counts before it is answered.
func (s *Service) UseCode(ctx context.Context, customerID, typed, ip string) (device string, err error) {
	typed, err = readCode(typed)
	if err != nil {
		return "", err
	}
	now, cookie := s.now(), secret()
	var refused error // what the guess came to; the count of it is committed all the same
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		refused = nil
		mailbox, err := tx.LockMailbox(ctx, customerID)
		if err != nil {
			return err
		}
		if refused = locked(mailbox, now); refused != nil {
			return nil //nolint:nilerr // it is told after the commit
		}
		customer, err := tx.Customer(ctx, customerID)
		if err != nil {
			return err
		}
		codes, err := tx.CodesOf(ctx, customerID, now.Add(-codeWindow))
		if err != nil {
			return err
		}
		// There is one at most: sending ends the one before. A code that went to an address the customer no
		// longer has proves nothing of the new one.
		n := slices.IndexFunc(codes, func(c paylink.Code) bool {
			return !c.Ended(now) && strings.EqualFold(c.Address, customer.Email)
		})
		if n < 0 {
			refused = paylink.FailField("code", "code.ended")
			return nil
		}
		code := codes[n]
		if !code.Fits(s.ring, typed) {
			refused, err = s.wrong(ctx, tx, mailbox, code, ip, now)
			return err
		}
		if err := tx.EndCodes(ctx, customerID, now); err != nil {
			return err
		}
		if err := tx.InsertDevice(ctx, paylink.Device{
			Hash: digest(cookie), CustomerID: customerID, Address: code.Address, CreatedAt: now, ExpiresAt: now.Add(DeviceLife),
		}); err != nil {
			return err
		}
		return tx.Audit(ctx, paylink.Actor("payer:"+code.LinkID), "code.used", customerID, map[string]any{"ip": ip}, now)
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return "", err
	}
	return cookie, nil
}

// wrong counts a wrong try and says what it came to.
func (s *Service) wrong(ctx context.Context, tx *store.Tx, mailbox store.Mailbox, code paylink.Code, ip string, now time.Time) (refused, err error) {
	if err := tx.CountTry(ctx, code.ID); err != nil {
		return nil, err
	}
	if now.Sub(mailbox.WrongSince) >= wrongDay {
		mailbox.Wrong, mailbox.WrongSince = 0, now
	}
	mailbox.Wrong++
	left := CodeTries - code.Tries - 1
	refused = paylink.FailField("code", "code.wrong", "left", left, "n", left)
	if left == 0 {
		refused = paylink.FailField("code", "code.ended")
	}
	if mailbox.Wrong > wrongMost {
		mailbox.Wrong, mailbox.LockedUntil = 0, now.Add(wrongDay)
		refused, left = locked(mailbox, now), 0
		if err := tx.InsertTask(ctx, "codes.locked", mailbox.CustomerID, "task.codes_locked",
			map[string]any{"recipient": code.Address, "customer_id": mailbox.CustomerID}, now); err != nil {
			return nil, err
		}
	}
	if left == 0 {
		if err := tx.EndCodes(ctx, mailbox.CustomerID, now); err != nil {
			return nil, err
		}
	}
	if err := tx.UpdateMailbox(ctx, mailbox); err != nil {
		return nil, err
	}
	return refused, tx.Audit(ctx, paylink.Actor("payer:"+code.LinkID), "code.refused", mailbox.CustomerID, map[string]any{"ip": ip}, now)
}

// locked refuses while a mailbox is closed to codes.
func locked(m store.Mailbox, now time.Time) error {
	if now.Before(m.LockedUntil) {
		return paylink.Fail(paylink.TooMany, "code.locked", "until", m.LockedUntil)
	}
	return nil
}

// Proven says whether a browser proved the customer's mailbox within DeviceLife. It counts only while
// that mailbox is still the customer's.
func (s *Service) Proven(ctx context.Context, customerID, device string) (bool, error) {
	if device == "" {
		return false, nil
	}
	known, err := s.store.DeviceByHash(ctx, digest(device))
	if paylink.KindOf(err) == paylink.NotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if known.CustomerID != customerID || !s.now().Before(known.ExpiresAt) {
		return false, nil
	}
	customer, err := s.store.Customer(ctx, customerID)
	if err != nil {
		return false, err
	}
	return strings.EqualFold(known.Address, customer.Email), nil
}

// ForgetDevices has every browser of a customer prove the mailbox again, also the one that linked an
// account which was saved since.
func (s *Service) ForgetDevices(ctx context.Context, actor paylink.Actor, customerID string) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		n, err := tx.DeleteDevices(ctx, customerID)
		if err != nil {
			return err
		}
		if err := tx.DisownSaved(ctx, customerID, s.now()); err != nil {
			return err
		}
		if err := tx.EndCodes(ctx, customerID, s.now()); err != nil {
			return err
		}
		return tx.Audit(ctx, actor, "devices.forgotten", customerID, map[string]any{"devices": n}, s.now())
	})
}

// readCode takes "409 318" and "409-318" for the digits they are. What cannot be a code costs no try.
func readCode(typed string) (string, error) {
	digits := strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '\u00a0' {
			return -1
		}
		return r
	}, strings.TrimSpace(typed))
	if len(digits) != 6 || strings.ContainsFunc(digits, func(r rune) bool { return r < '0' || r > '9' }) {
		return "", paylink.FailField("code", "code.form")
	}
	return digits, nil
}

// sixDigits are a million possibilities, all as likely.
func sixDigits() string {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		panic(err) // crypto/rand ends the program before it answers an error
	}
	return fmt.Sprintf("%06d", n)
}
