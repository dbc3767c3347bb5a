package desk

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/store"
	"paylink/templates"
	"paylink/web/page"
)

// askSendReceipt asks whom the receipt goes to.
func (h *Handlers) askSendReceipt(c echo.Context, v visit) error {
	m, err := h.payment(c)
	if err != nil {
		return err
	}
	receipt, err := h.store.Receipt(c.Request().Context(), m.payment.ReceiptID, 0)
	if err != nil {
		return err
	}
	return h.receiptPage(c, v, http.StatusOK, m, receipt.Email, nil)
}

func (h *Handlers) receiptPage(c echo.Context, v visit, status int, m made, to string, wrong *paylink.Error) error {
	p := templates.DeskConfirm{Desk: h.frame(c, v, "desk.receipt.send"), Action: m.base() + "/receipt", Back: m.base()}
	p.Heading, p.Crumbs = p.T("desk.receipt.send"), m.crumbs(p.Desk, p.T("desk.receipt.send"))
	p.Lead = p.T("desk.receipt.send.lead", "receipt", m.payment.ReceiptNumber, "amount", m.payment.Charged())
	p.Button, p.Keep = p.T("desk.receipt.send.button"), p.T("desk.receipt.send.keep")
	if wrong != nil {
		p.Problems = templates.Summary{Problems: v.problems(wrong, nil), Note: v.words.T("desk.send.nothing")}
	}
	p.Fields = v.fields(p.Problems.Problems, templates.Field{Name: "to", Kind: "email", Label: v.words.T("desk.send.to"), Value: to, Most: paylink.MaxEmail})
	return h.pages.Show(c, status, p)
}

// sendReceipt queues the newest revision for any mailbox.
func (h *Handlers) sendReceipt(c echo.Context, v visit) error {
	form, err := page.ReadForm(c)
	if err != nil {
		return err
	}
	m, err := h.payment(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	receipt, err := h.store.Receipt(ctx, m.payment.ReceiptID, 0)
	if err != nil {
		return err
	}
	to, err := paylink.ParseEmail(form.Get("to"))
	if err != nil {
		wrong, _ := told(paylink.FailField("to", "email"))
		return h.receiptPage(c, v, http.StatusUnprocessableEntity, m, form.Get("to"), wrong)
	}
	err = h.store.Update(ctx, func(tx *store.Tx) error {
		mails, err := tx.MailsOf(ctx, receipt.ID)
		if err != nil {
			return err
		}
		payload, err := json.Marshal(map[string]any{"receipt_id": receipt.ID, "revision": receipt.Revision, "to": to})
		if err != nil {
			return fmt.Errorf("queue receipt: %w", err)
		}
		// The key counts the mails there are, so that two presses at once are one mail. It is logged, so
		// it names the mailbox by a hash.
		mailbox := sha256.Sum256([]byte(to))
		queued, err := tx.Enqueue(ctx, store.Job{
			Kind: "mail.receipt", Key: fmt.Sprintf("%s/%d/%x/%d", receipt.ID, receipt.Revision, mailbox[:6], len(mails)+1),
			Payload: payload, RunAt: v.words.Now(),
		})
		if err != nil || !queued {
			return err
		}
		return tx.Audit(ctx, v.actor(), "receipt.resent", m.payment.ID, map[string]any{"receipt": receipt.Number, "to": to}, v.words.Now())
	})
	if err != nil {
		return err
	}
	return h.done(c, v, m.base(), "desk.receipt.send.done", "receipt", receipt.Number, "to", to)
}
