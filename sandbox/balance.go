package sandbox

import "time"

type feeDetail struct {
	Amount      int64   `json:"amount"`
	Application *string `json:"application"`
	Currency    string  `json:"currency"`
	Description *string `json:"description"`
	Type        string  `json:"type"`
}

// balanceTransaction is a BalanceTransaction (https://docs.stripe.com/api/balance_transactions/object).
type balanceTransaction struct {
	ID                string      `json:"id"`
	Object            string      `json:"object"`
	Amount            int64       `json:"amount"`
	AvailableOn       int64       `json:"available_on"`
	Created           int64       `json:"created"`
	Currency          string      `json:"currency"`
	Description       *string     `json:"description"`
	ExchangeRate      *float64    `json:"exchange_rate"`
	Fee               int64       `json:"fee"`
	FeeDetails        []feeDetail `json:"fee_details"`
	Net               int64       `json:"net"`
	ReportingCategory string      `json:"reporting_category"`
	Source            *string     `json:"source"`
	Status            string      `json:"status"`
	Type              string      `json:"type"`
}

func (*balanceTransaction) kind() string  { return "balance_transaction" }
func (b *balanceTransaction) key() string { return b.ID }

// pendingFor is how long money of a charge stays pending in the balance.
const pendingFor = 2 * 24 * time.Hour

// book makes the balance transaction of source; amount is signed, fee is what Stripe keeps.
func book(t *tx, kind, category, source, description string, amount int64, currency string, fees ...feeDetail) *balanceTransaction {
	b := &balanceTransaction{ID: newID("txn"), Object: "balance_transaction", Amount: amount, AvailableOn: t.unix(), Created: t.unix(),
		Currency: currency, FeeDetails: []feeDetail{}, ReportingCategory: category, Source: &source, Status: "available", Type: kind}
	if description != "" {
		b.Description = &description
	}
	for _, f := range fees {
		b.Fee += f.Amount
		b.FeeDetails = append(b.FeeDetails, f)
	}
	b.Net = b.Amount - b.Fee
	t.put(b)
	return b
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// cardFee is 2.9% + 30 minor units, rounded half up, as Stripe's US price list has it.
func cardFee(amount int64, currency string) feeDetail {
	description := "Stripe processing fees"
	return feeDetail{Amount: (amount*29+500)/1000 + 30, Currency: currency, Description: &description, Type: "stripe_fee"}
}

// bookCharge books a captured charge into the balance. The whole authorized amount is booked, with its fee; what a
// partial capture leaves is booked back by bookReversal.
func bookCharge(t *tx, ch *charge) {
	kind, fee := "charge", cardFee(ch.Amount, ch.Currency)
	if ch.PaymentMethodDetails.USBankAccount != nil {
		kind, fee = "payment", bankFee(ch.Amount, ch.Currency)
	}
	b := book(t, kind, "charge", ch.ID, text(ch.Description), ch.Amount, ch.Currency, fee)
	if !cardByBehaviour(ch.Hidden.TestCard).settled {
		b.AvailableOn, b.Status = t.now.Add(pendingFor).Unix(), "pending"
	}
	ch.BalanceTransaction = &b.ID
}

// bookReversal books the part that was not captured, and its share of the fee, back
// (https://support.stripe.com/questions/changes-to-balance-transaction-behavior-for-partial-capture-and-payment-cancellation-flows).
func bookReversal(t *tx, ch *charge, r *refund) {
	fee := cardFee(ch.AmountCaptured, ch.Currency)
	fee.Amount -= cardFee(ch.Amount, ch.Currency).Amount
	b := book(t, "refund", "partial_capture_reversal", r.ID, "REVERSAL OF UNCAPTURED AMOUNT", -r.Amount, r.Currency, fee)
	charged, _ := get[balanceTransaction](t, *ch.BalanceTransaction)
	b.AvailableOn, b.Status = charged.AvailableOn, charged.Status
	r.BalanceTransaction = &b.ID
}

// aged is b as it is now: pending money becomes available on its day.
func (b *balanceTransaction) aged(t *tx) *balanceTransaction {
	if b.Status != "pending" || t.unix() < b.AvailableOn {
		return b
	}
	fresh := *b
	fresh.Status = "available"
	return &fresh
}

func retrieveBalanceTransaction(c *call) (any, error) {
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	b, ok := get[balanceTransaction](c.tx, c.id)
	if !ok {
		return nil, missing("balance transaction", c.id, "id")
	}
	return b.aged(c.tx), nil
}

func listBalanceTransactions(c *call) (any, error) {
	p := c.params
	// There are no payouts here, so that none of them has a transaction.
	kind, source, payout, currency := p.text("type"), p.text("source"), p.text("payout"), p.text("currency")
	created := p.timeRange("created")
	page := c.page()
	if err := p.problem(); err != nil {
		return nil, err
	}
	return list(c, page, func(b *balanceTransaction) bool {
		return created(b.Created) && (kind == "" || b.Type == kind) && (source == "" || text(b.Source) == source) &&
			payout == "" && (currency == "" || b.Currency == currency)
	})
}
