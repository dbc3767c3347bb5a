package auditor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/mail"
	"regexp"
	"strings"
	"time"
)

// truth is what the sandbox says of itself.
type truth struct {
	intents  map[string]intent // of this installation
	charges  map[string]entry  // of those
	refunds  map[string]entry  // of those
	disputes map[string]entry  // of those
	logins   map[string]entry  // at banks, whosever
	accounts []bankAccount     // of our customers
	mails    []receiptMail
}

type intent struct {
	ID       string            `json:"id"`
	Status   string            `json:"status"`
	Currency string            `json:"currency"`
	Received int64             `json:"amount_received"`
	Metadata map[string]string `json:"metadata"`
}

// resting says whether nobody has ever confirmed it, or nobody can any more.
func (i intent) resting() bool {
	return i.Status == "requires_payment_method" || i.Status == "canceled"
}

// entry is a line of the sandbox's log of what moved.
type entry struct {
	Kind          string `json:"kind"`
	ID            string `json:"id"`
	PaymentIntent string `json:"payment_intent"`
	Amount        int64  `json:"amount"`
	Currency      string `json:"currency"`
	Status        string `json:"status"`
	Metadata      map[string]string
}

// moved says whether a refund's money is gone from the firm.
func (e entry) moved() bool {
	return e.Status == "succeeded" || e.Status == "pending" || e.Status == "requires_action"
}

// withdrawn is what a dispute, or a return, took from the firm.
func (e entry) withdrawn() int64 {
	switch e.Status {
	case "needs_response", "under_review", "lost":
		return e.Amount
	}
	return 0
}

// bankAccount is one that a customer has at Stripe.
type bankAccount struct {
	ID          string `json:"id"`
	Customer    string `json:"customer"`
	Fingerprint string `json:"fingerprint"`
}

// receiptMail is a mail with a receipt that the mail server took.
type receiptMail struct {
	receipt, messageID string
}

var client = &http.Client{Timeout: 30 * time.Second}

func readTruth(ctx context.Context, sandbox, key string, b books) (t truth, err error) {
	t = truth{
		intents: map[string]intent{}, charges: map[string]entry{}, refunds: map[string]entry{}, disputes: map[string]entry{},
		logins: map[string]entry{},
	}
	for after := ""; ; {
		var page struct {
			Data []intent `json:"data"`
			More bool     `json:"has_more"`
		}
		if err := get(ctx, sandbox+"/v1/payment_intents?limit=100"+after, key, &page); err != nil {
			return t, err
		}
		for _, i := range page.Data {
			if i.Metadata["paylink_install"] == b.install {
				t.intents[i.ID] = i
			}
			after = "&starting_after=" + i.ID
		}
		if !page.More {
			break
		}
	}
	var log []entry
	if err := get(ctx, sandbox+"/truth", "", &log); err != nil {
		return t, err
	}
	for _, e := range log { // a later line replaces an earlier one
		if e.Kind == "plaid_item" {
			t.logins[e.ID] = e
		}
		if t.intents[e.PaymentIntent].ID == "" {
			continue
		}
		switch e.Kind {
		case "charge":
			t.charges[e.ID] = e
		case "refund":
			t.refunds[e.ID] = e
		case "dispute":
			t.disputes[e.ID] = e
		}
	}
	for _, cus := range b.customers {
		var list struct{ Data []bankAccount }
		if err := get(ctx, sandbox+"/v1/customers/"+cus+"/sources?object=bank_account&limit=100", key, &list); err != nil {
			return t, err
		}
		t.accounts = append(t.accounts, list.Data...)
	}
	t.mails, err = readMails(ctx, sandbox)
	return t, err
}

// attached is the name of a receipt's file: the number is in it.
var attached = regexp.MustCompile(`^receipt-(R-\d{4}[A-Z]*-\d+)\.pdf$`)

func readMails(ctx context.Context, sandbox string) ([]receiptMail, error) {
	var inbox []struct {
		ID          string
		Attachments []struct{ Name string }
	}
	if err := get(ctx, sandbox+"/inbox.json", "", &inbox); err != nil {
		return nil, err
	}
	var mails []receiptMail
	for _, m := range inbox {
		for _, file := range m.Attachments {
			number := attached.FindStringSubmatch(file.Name)
			if number == nil {
				continue
			}
			raw, err := fetch(ctx, sandbox+"/inbox/"+m.ID+"/raw", "")
			if err != nil {
				return nil, err
			}
			message, err := mail.ReadMessage(strings.NewReader(string(raw)))
			if err != nil {
				return nil, fmt.Errorf("read mail %s: %w", m.ID, err)
			}
			mails = append(mails, receiptMail{number[1], message.Header.Get("Message-ID")})
		}
	}
	return mails, nil
}

func get(ctx context.Context, address, key string, into any) error {
	body, err := fetch(ctx, address, key)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("read %s: %w", address, err)
	}
	return nil
}

func fetch(ctx context.Context, address, key string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	if key != "" {
		req.SetBasicAuth(key, "")
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", address, err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", address, resp.Status)
	}
	return body, nil
}
