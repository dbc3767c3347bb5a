package torture

import (
	"context"
	"net/http"
	"time"
)

// bankIs is a payer who links an account and pays everything from it, until that is on its way.
func bankIs(account string) func(context.Context, *stage) {
	return func(ctx context.Context, s *stage) {
		s.link(ctx, account)
		s.again = func(ctx context.Context) { s.debit(ctx, account, 3) }
		s.debit(ctx, account, 10000)
	}
}

// leftLinking is a payer who links an account and does not come back to it.
func leftLinking(ctx context.Context, s *stage) {
	s.link(ctx, goodAccount)
	_, _, _ = s.payer.hand(ctx, s.page, s.login, 10000)
}

func (s *stage) link(ctx context.Context, account string) {
	s.t.Helper()
	var err error
	if _, s.page, err = s.payer.form(ctx); err != nil {
		s.t.Errorf("the page: %v", err)
	}
	if s.login, err = s.payer.logIn(ctx, account); err != nil {
		s.t.Errorf("Plaid Link: %v", err)
	}
}

// debit links the account, by the login that there is or by another, pays from it and looks so often at what came of it.
func (s *stage) debit(ctx context.Context, account string, looks int) {
	if s.what.page == "" {
		method, spent, err := s.payer.hand(ctx, s.page, s.login, 10000)
		if spent {
			method, err = s.payer.connect(ctx, s.page, account)
		}
		if err != nil || method == "" {
			return
		}
		fields, page, err := s.payer.form(ctx)
		if err != nil || fields == nil {
			return
		}
		s.what = payment(page, permit(fields, method, ""))
	}
	page, err := s.payer.send(ctx, s.what, 10000)
	if err == nil && page != "" {
		_, _ = s.payer.follow(ctx, page, "", looks)
	}
}

// paid is an invoice that was paid by card.
func paid(ctx context.Context, s *stage) {
	cardIs(goodCard)(ctx, s)
	s.await(ctx, "succeeded")
}

// debited is an invoice that was paid from a bank account, and the money arrived.
func debited(ctx context.Context, s *stage) {
	bankIs(goodAccount)(ctx, s)
	s.again = nil
	s.w.control(http.MethodPost, "/clock", map[string]string{"advance": bankDays})
	s.await(ctx, "succeeded")
}

// savedCard is an invoice of which a part was paid with a card that was saved.
func savedCard(ctx context.Context, s *stage) {
	what, err := s.payer.fill(ctx, goodCard, "50.00")
	if err != nil || what.page == "" {
		s.t.Fatalf("the page: %v", err)
	}
	saving(what.form)
	if page, err := s.payer.send(ctx, what, 3); err != nil || page == "" {
		s.t.Fatalf("the press: %v", err)
	}
	s.await(ctx, "succeeded")
	s.desk = s.w.openDesk(7)
	if s.taking, err = s.desk.fill(ctx, s.id, ""); err != nil || s.taking.page == "" {
		s.t.Fatalf("there is nothing to charge at the desk: %v", err)
	}
}

// called is a payer on the telephone, whose card staff charge with what is left.
func called(ctx context.Context, s *stage) {
	s.again = func(ctx context.Context) { _, _ = s.desk.send(ctx, s.taking, 3) }
	_, _ = s.desk.send(ctx, s.taking, 10000)
}

// bankDaysPass until the bank has its say.
func bankDaysPass(ctx context.Context, s *stage) {
	s.w.control(http.MethodPost, "/clock", map[string]string{"advance": bankDays})
	<-ctx.Done()
}

// returned is a debit that the bank takes back.
func returned(ctx context.Context, s *stage) {
	for _, p := range s.payments {
		s.w.control(http.MethodPost, "/bank/returns", map[string]string{"payment_intent": p.PaymentIntent, "reason": "insufficient_funds"})
	}
	<-ctx.Done()
}

// refunded is a part of a payment that staff give back, to be paid again.
func refunded(ctx context.Context, s *stage) {
	firm := &staff{w: s.w}
	s.w.staff = firm
	s.again = func(ctx context.Context) {
		for _, p := range s.payments {
			firm.refund(ctx, p.ID, "again/"+p.ID, 5000, true)
		}
	}
	s.again(ctx)
}

// await waits until the invoice's payments are so.
func (s *stage) await(ctx context.Context, status string) {
	s.t.Helper()
	for pause(ctx, 50*time.Millisecond) == nil {
		if s.payments = s.w.payments(ctx, "invoice_id="+s.id+"&status="+status); len(s.payments) > 0 {
			return
		}
	}
	s.t.Errorf("never %s", status)
}
