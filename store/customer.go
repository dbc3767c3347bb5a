package store

import (
	"context"
	"time"

	"paylink"
)

const customerColumns = "id, name, company, email, phone, locale, external_id, stripe_customer, created_at, updated_at"

func scanCustomer(r row) (c paylink.Customer, err error) {
	err = r.Scan(&c.ID, &c.Name, &c.Company, &c.Email, &c.Phone, &c.Locale, &c.ExternalID, &c.StripeCustomer,
		moment{&c.CreatedAt}, moment{&c.UpdatedAt})
	return c, err
}

// Customer finds a customer.
func (r reads) Customer(ctx context.Context, id string) (paylink.Customer, error) {
	c, err := one(ctx, r, scanCustomer, "select "+customerColumns+" from customer where id = $1", id)
	return c, found("customer", err)
}

// CustomerByExternalID finds a customer by the id in the system it came from.
func (r reads) CustomerByExternalID(ctx context.Context, externalID string) (paylink.Customer, error) {
	c, err := one(ctx, r, scanCustomer,
		"select "+customerColumns+" from customer where external_id = $1 and external_id <> ''", externalID)
	return c, found("customer", err)
}

// CustomerFilter narrows a list of customers.
type CustomerFilter struct {
	Search string // a part of name, company, address or external id, in any case
	Page
}

// Customers lists customers, newest first; next is the cursor of the next page, "" on the last.
func (r reads) Customers(ctx context.Context, f CustomerFilter) (list []paylink.Customer, next string, err error) {
	var w where
	if f.Search != "" {
		w.add(`search like $ escape '\'`, containing(f.Search))
	}
	tail, err := w.page(f.Page, "")
	if err != nil {
		return nil, "", err
	}
	list, err = all(ctx, r, scanCustomer, "select "+customerColumns+" from customer"+tail, w.args...)
	if err != nil {
		return nil, "", found("customer", err)
	}
	list, next = cut(f.Page, list, func(c paylink.Customer) (time.Time, string) { return c.CreatedAt, c.ID })
	return list, next, nil
}

func customerSearch(c paylink.Customer) string {
	return folded(c.Name, c.Company, c.Email, c.ExternalID)
}

// InsertCustomer adds a customer; Conflict "customer.external_id_taken" when another has its
// external id.
func (t *Tx) InsertCustomer(ctx context.Context, c paylink.Customer) error {
	n, err := t.exec(ctx, "insert into customer ("+customerColumns+`, search)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		on conflict (external_id) where external_id <> '' do nothing`,
		c.ID, c.Name, c.Company, c.Email, c.Phone, c.Locale, c.ExternalID, c.StripeCustomer,
		micros(c.CreatedAt), micros(c.UpdatedAt), customerSearch(c))
	if err == nil && n == 0 {
		return paylink.Fail(paylink.Conflict, "customer.external_id_taken")
	}
	return wrote("customer", err)
}

// UpdateCustomer changes a customer, but not the id and the Stripe customer; see
// SetStripeCustomer.
func (t *Tx) UpdateCustomer(ctx context.Context, c paylink.Customer) error {
	n, err := t.exec(ctx, `update customer set name = $2, company = $3, email = $4, phone = $5, locale = $6,
		external_id = $7, search = $8, updated_at = $9 where id = $1`,
		c.ID, c.Name, c.Company, c.Email, c.Phone, c.Locale, c.ExternalID, customerSearch(c), micros(c.UpdatedAt))
	if t.dialect.isUnique(err) {
		return paylink.Fail(paylink.Conflict, "customer.external_id_taken").Because(err)
	}
	return changed("customer", n, err)
}

// SetStripeCustomer keeps the first Stripe customer (cus_…) of a customer and gives the one that
// stands.
func (t *Tx) SetStripeCustomer(ctx context.Context, id, cus string) (string, error) {
	stands, err := one(ctx, t.reads, value[string], `update customer
		set stripe_customer = case when stripe_customer = '' then $2 else stripe_customer end
		where id = $1 returning stripe_customer`, id, cus)
	return stands, found("customer", err)
}

// ForgetStripeCustomer lets go of a Stripe customer that is no more, if it is still the one that
// stands: the next payment makes another.
func (t *Tx) ForgetStripeCustomer(ctx context.Context, id, cus string) error {
	_, err := t.exec(ctx, "update customer set stripe_customer = '' where id = $1 and stripe_customer = $2", id, cus)
	return wrote("customer", err)
}
