package stripe

import (
	"context"
	"errors"
	"fmt"
	"strings"

	stripego "github.com/stripe/stripe-go/v76"

	"paylink"
)

// Method is a card or bank account as Stripe knows it.
type Method struct {
	ID          string // pm_… or ba_…
	Customer    string // cus_…; "" when it is nobody's
	Kind        paylink.MethodKind
	Fingerprint string
	Card        paylink.Card
	Bank        paylink.Bank
	Verified    bool // of a bank account that came as a token: it may be debited
}

// BankExists is the code of a refusal: the customer has that account already.
const BankExists = "bank_account_exists"

const companyHolder = "company"

// Method fetches a card or bank account by its id.
func (c *Client) Method(ctx context.Context, id string) (Method, error) {
	pm, err := c.api.PaymentMethods.Get(id, &stripego.PaymentMethodParams{Params: params(ctx, "")})
	if err != nil {
		return Method{}, outcome("fetch payment method", err)
	}
	if pm.ID != id {
		return Method{}, fmt.Errorf("fetch payment method: %w: the answer is another", ErrUnknown)
	}
	m := Method{ID: pm.ID}
	m.Fingerprint, m.Card, m.Bank = meansOf(pm)
	if pm.Customer != nil {
		m.Customer = pm.Customer.ID
	}
	switch {
	case pm.Card != nil:
		m.Kind = paylink.MethodCard
	case pm.USBankAccount != nil:
		m.Kind = paylink.MethodBank
	}
	return m, nil
}

// meansOf is what a payment method is recognised by.
func meansOf(pm *stripego.PaymentMethod) (fingerprint string, card paylink.Card, bank paylink.Bank) {
	if c := pm.Card; c != nil {
		return c.Fingerprint, paylink.Card{
			Brand: brand(string(c.Brand)), Last4: c.Last4, ExpMonth: int(c.ExpMonth), ExpYear: int(c.ExpYear), Funding: string(c.Funding),
		}, bank
	}
	if b := pm.USBankAccount; b != nil {
		bank = paylink.Bank{Name: b.BankName, Last4: b.Last4, Type: string(b.AccountType), Company: b.AccountHolderType == companyHolder}
		if pm.BillingDetails != nil {
			bank.Holder = pm.BillingDetails.Name
		}
		return b.Fingerprint, card, bank
	}
	return "", card, bank
}

// AttachBank gives a bank account to a customer by a token that Plaid made; the token is good once.
// A Refusal with BankExists says that the customer has it.
// https://docs.stripe.com/payments/ach-direct-debit/migrating-from-charges
func (c *Client) AttachBank(ctx context.Context, key, customer, token string) (Method, error) {
	source, err := c.api.PaymentSources.New(&stripego.PaymentSourceParams{
		Params: params(ctx, key), Customer: stripego.String(customer),
		Source: &stripego.PaymentSourceSourceParams{Token: stripego.String(token)},
	})
	if err != nil {
		return Method{}, outcome("attach bank account", err)
	}
	if source.BankAccount == nil || source.BankAccount.ID == "" {
		return Method{}, fmt.Errorf("attach bank account: %w: the answer is no bank account", ErrUnknown)
	}
	return bankAccount(source.BankAccount, customer), nil
}

// FindBank finds the bank account of a customer that a token stands for; a Refusal with
// resource_missing when there is none.
func (c *Client) FindBank(ctx context.Context, customer, token string) (Method, error) {
	t, err := c.api.Tokens.Get(token, &stripego.TokenParams{Params: params(ctx, "")})
	if err != nil {
		return Method{}, outcome("fetch token", err)
	}
	if t.BankAccount == nil || t.BankAccount.Fingerprint == "" {
		return Method{}, fmt.Errorf("fetch token: %w: it is of no bank account", ErrUnknown)
	}
	list := &stripego.PaymentSourceListParams{Customer: stripego.String(customer), Object: stripego.String("bank_account")}
	list.Context = ctx
	list.Limit = stripego.Int64(100)
	found := c.api.PaymentSources.List(list)
	for found.Next() {
		if b := found.PaymentSource().BankAccount; b != nil && b.Fingerprint == t.BankAccount.Fingerprint {
			return bankAccount(b, customer), nil
		}
	}
	if err := found.Err(); err != nil {
		return Method{}, outcome("find bank account", err)
	}
	return Method{}, fmt.Errorf("find bank account: %w", &Refusal{Code: "resource_missing", Param: "source", Err: errors.New("not among the customer's")})
}

func bankAccount(b *stripego.BankAccount, customer string) Method {
	return Method{
		ID: b.ID, Customer: customer, Kind: paylink.MethodBank, Fingerprint: b.Fingerprint,
		Bank: paylink.Bank{
			Name: b.BankName, Last4: b.Last4, Type: b.AccountType, Holder: b.AccountHolderName, Company: b.AccountHolderType == companyHolder,
		},
		Verified: b.Status == stripego.BankAccountStatusVerified,
	}
}

// Detach takes a card or bank account from its customer for good; done before, it is done.
func (c *Client) Detach(ctx context.Context, key, customer, id string) error {
	var err error
	if strings.HasPrefix(id, "ba_") {
		_, err = c.api.PaymentSources.Del(id, &stripego.PaymentSourceParams{Params: params(ctx, key), Customer: stripego.String(customer)})
	} else {
		_, err = c.api.PaymentMethods.Detach(id, &stripego.PaymentMethodDetachParams{Params: params(ctx, key)})
	}
	if err == nil {
		return nil
	}
	err = outcome("detach payment method", err)
	refusal, refused := errors.AsType[*Refusal](err)
	switch {
	case refused && refusal.Code == "resource_missing":
		return nil
	case refused && !strings.HasPrefix(id, "ba_"): // Stripe has no code for "it is nobody's"
		if m, findErr := c.Method(ctx, id); findErr == nil && m.Customer == "" {
			return nil
		}
	}
	return err
}
