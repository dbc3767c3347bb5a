package sandbox

import "strings"

type invoiceSettings struct {
	CustomFields         *string `json:"custom_fields"`
	DefaultPaymentMethod *string `json:"default_payment_method"`
	Footer               *string `json:"footer"`
	RenderingOptions     *string `json:"rendering_options"`
}

// customer is a Customer (https://docs.stripe.com/api/customers/object).
type customer struct {
	ID                  string            `json:"id"`
	Object              string            `json:"object"`
	Address             *address          `json:"address"`
	Balance             int64             `json:"balance"`
	Created             int64             `json:"created"`
	Currency            *string           `json:"currency"`
	DefaultSource       *string           `json:"default_source"`
	Delinquent          bool              `json:"delinquent"`
	Description         *string           `json:"description"`
	Discount            *string           `json:"discount"`
	Email               *string           `json:"email"`
	InvoicePrefix       string            `json:"invoice_prefix"`
	InvoiceSettings     invoiceSettings   `json:"invoice_settings"`
	Livemode            bool              `json:"livemode"`
	Metadata            map[string]string `json:"metadata"`
	Name                *string           `json:"name"`
	NextInvoiceSequence int64             `json:"next_invoice_sequence"`
	Phone               *string           `json:"phone"`
	PreferredLocales    []string          `json:"preferred_locales"`
	Shipping            *shipping         `json:"shipping"`
	TaxExempt           string            `json:"tax_exempt"`
	TestClock           *string           `json:"test_clock"`

	Hidden struct {
		Deleted bool `json:"deleted"`
	} `json:"sandbox"`
}

func (*customer) kind() string  { return "customer" }
func (c *customer) key() string { return c.ID }

// liveCustomer checks that a customer named among the parameters exists and is not deleted.
func (c *call) liveCustomer(id, param string) error {
	cus, ok := get[customer](c.tx, id)
	if !ok || cus.Hidden.Deleted {
		return missingParam("customer", id, param)
	}
	return nil
}

// readCustomer applies the parameters that create and update share.
func readCustomer(c *call, cus *customer) {
	p := c.params
	p.set("description", &cus.Description)
	p.set("name", &cus.Name)
	p.set("phone", &cus.Phone)
	if p.set("email", &cus.Email) && cus.Email != nil && !strings.Contains(*cus.Email, "@") {
		p.fail(invalid("email_invalid", "email", "Invalid email address: %s", *cus.Email))
	}
	cus.Metadata = p.metadata(cus.Metadata)
	if p.has("address") {
		cus.Address = p.address("address")
	}
	if p.has("shipping") {
		cus.Shipping = p.shipping()
	}
	if p.has("preferred_locales") {
		cus.PreferredLocales = p.words("preferred_locales")
	}
	if balance := p.number("balance"); balance != nil {
		cus.Balance = *balance
	}
	if exempt := p.choice("tax_exempt", "", "exempt", "none", "reverse"); exempt != "" {
		cus.TaxExempt = exempt
	}
	if s := p.hash("invoice_settings"); s != nil {
		s.set("default_payment_method", &cus.InvoiceSettings.DefaultPaymentMethod)
		s.set("footer", &cus.InvoiceSettings.Footer)
		s.ignore("custom_fields", "rendering_options")
	}
	p.ignore("tax")
}

func createCustomer(c *call) (any, error) {
	cus := &customer{ID: "cus_" + randomText(14), Object: "customer", Created: c.unix(), InvoicePrefix: strings.ToUpper(randomText(8)),
		Metadata: map[string]string{}, NextInvoiceSequence: 1, PreferredLocales: []string{}, TaxExempt: "none"}
	readCustomer(c, cus)
	methodID := c.params.text("payment_method")
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	c.put(cus)
	c.emit("customer.created", cus)
	if methodID != "" {
		if _, err := c.attachTo(methodID, cus.ID); err != nil {
			return nil, err
		}
	}
	return cus, nil
}

// customer reads a Customer named in the path.
func (c *call) customer() (*customer, error) {
	cus, ok := get[customer](c.tx, c.id)
	if !ok {
		return nil, missing("customer", c.id, "id")
	}
	return cus, nil
}

func deletedCustomer(id string) map[string]any {
	return map[string]any{"id": id, "object": "customer", "deleted": true}
}

func retrieveCustomer(c *call) (any, error) {
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	cus, err := c.customer()
	if err != nil {
		return nil, err
	}
	if cus.Hidden.Deleted {
		return deletedCustomer(cus.ID), nil
	}
	return cus, nil
}

func updateCustomer(c *call) (any, error) {
	if cus, err := c.customer(); err != nil {
		return nil, err
	} else if cus.Hidden.Deleted {
		return nil, missing("customer", c.id, "id")
	}
	cus, _ := edit[customer](c.tx, c.id)
	readCustomer(c, cus)
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	if id := cus.InvoiceSettings.DefaultPaymentMethod; id != nil {
		if m, ok := get[paymentMethod](c.tx, *id); !ok || m.Customer == nil || *m.Customer != cus.ID {
			return nil, missingParam("PaymentMethod", *id, "invoice_settings[default_payment_method]")
		}
	}
	c.emit("customer.updated", cus)
	return cus, nil
}

func deleteCustomer(c *call) (any, error) {
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	if cus, err := c.customer(); err != nil {
		return nil, err
	} else if cus.Hidden.Deleted {
		return nil, missing("customer", c.id, "id")
	}
	cus, _ := edit[customer](c.tx, c.id)
	cus.Hidden.Deleted = true
	for m := range all[paymentMethod](c.tx) {
		if m.Customer != nil && *m.Customer == c.id {
			gone, _ := edit[paymentMethod](c.tx, m.ID)
			gone.Customer, gone.Hidden.Used = nil, true
			if s, ok := get[bankSource](c.tx, m.ID); ok {
				c.remove(s)
			}
		}
	}
	c.emit("customer.deleted", cus)
	return deletedCustomer(cus.ID), nil
}

func listCustomers(c *call) (any, error) {
	email := c.params.text("email")
	created := c.params.timeRange("created")
	page := c.page()
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	return list(c, page, func(cus *customer) bool {
		return !cus.Hidden.Deleted && created(cus.Created) && (email == "" || cus.Email != nil && *cus.Email == email)
	})
}
