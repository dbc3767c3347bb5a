package torture

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"paylink/e2e/torture/auditor"
)

// staff are people at the firm, who use its API and never stop at the first trouble, and their customers' banks, which
// take money back.
type staff struct {
	w    *world
	dice *rand.Rand
	// round is part of every key: the next round on the same site asks for something else.
	round uint64

	mu   sync.Mutex
	told []auditor.Told
}

// made is a payment as the API tells it.
type made struct {
	ID, Status, Method string
	Amount             int64
	PaymentIntent      string `json:"payment_intent"`
	Invoice            string `json:"invoice_id"`
}

// payments lists payments by the API, newest first; none while the server is away.
func (w *world) payments(ctx context.Context, query string) []made {
	var list struct{ Data []made }
	if err := w.call(ctx, http.MethodGet, "/api/v1/payments?"+query, "", nil, &list); err != nil {
		return nil
	}
	return list.Data
}

// call sends one request to the API.
func (w *world) call(ctx context.Context, method, route, key string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	if body == nil {
		text = nil
	}
	req, err := http.NewRequestWithContext(ctx, method, w.site.BaseURL+route, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+w.site.APIKey)
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	return w.do(req, into)
}

// insist sends a request with its key until the server says what became of it, as a program does whose server dies.
func (w *world) insist(ctx context.Context, route, key string, body, into any) error {
	for {
		err := w.call(ctx, http.MethodPost, route, key, body, into)
		if !errors.Is(err, errAway) && !errors.Is(err, errTrouble) {
			return err
		}
		if err := pause(ctx, 30*time.Millisecond); err != nil {
			return err
		}
	}
}

// refund gives money back: all that is left for an amount of 0.
func (s *staff) refund(ctx context.Context, payment, key string, amount int64, owedAgain bool) {
	body := map[string]any{"owed_again": owedAgain}
	if amount > 0 {
		body["amount"] = amount
	}
	var answer struct {
		ID     string
		Amount int64
	}
	if err := s.w.insist(ctx, "/api/v1/payments/"+payment+"/refunds", key, body, &answer); err != nil {
		return // refused, or the server is gone for good: nothing was promised
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, auditor.Told{Key: key, Refund: answer.ID, Payment: payment, Amount: answer.Amount})
}

// work acts on payments at random until the loop is over.
func (s *staff) work(ctx context.Context) {
	for n := 0; pause(ctx, time.Duration(20+s.dice.IntN(100))*time.Millisecond) == nil; n++ {
		status := []string{"succeeded", "succeeded", "authorized", "authorized", "processing"}[s.dice.IntN(5)]
		if s.w.mostly == "refunds" {
			status = "succeeded"
		}
		list := s.w.payments(ctx, "limit=30&status="+status)
		if len(list) == 0 {
			continue
		}
		p, key := list[s.dice.IntN(len(list))], fmt.Sprintf("act-%d-%d", s.round, n)
		switch {
		case status == "authorized" && s.dice.IntN(4) == 0:
			_ = s.w.insist(ctx, "/api/v1/payments/"+p.ID+"/void", key, nil, nil)
		case status == "authorized":
			s.w.takeHeld(ctx, p, key, s.dice)
		case status == "processing" && s.dice.IntN(5) > 0:
		case p.Method == "bank" && s.dice.IntN(2) == 0 && s.w.mostly != "refunds":
			s.w.sendBack(ctx, p, s.dice)
		case status == "succeeded" && (s.dice.IntN(3) == 0 || s.w.mostly == "refunds"):
			s.refundOf(ctx, p, key)
		case status == "succeeded" && s.dice.IntN(10) == 0:
			s.dispute(ctx, p)
		}
	}
}

// takeHeld captures a held payment, all or a part of it.
func (w *world) takeHeld(ctx context.Context, p made, key string, dice *rand.Rand) {
	body := map[string]any{}
	if p.Amount > 100 && dice.IntN(3) == 0 {
		body["amount"] = p.Amount - 1 - dice.Int64N(p.Amount/2)
	}
	_ = w.insist(ctx, "/api/v1/payments/"+p.ID+"/capture", key, body, nil) // what became of it shows in the books
}

// refundOf gives a payment back, in part or in full, often by two calls at once.
func (s *staff) refundOf(ctx context.Context, p made, key string) {
	amount := int64(0)
	if s.dice.IntN(3) > 0 {
		amount = 1 + s.dice.Int64N(p.Amount)
	}
	owedAgain := s.dice.IntN(2) == 0
	var group sync.WaitGroup
	for range 1 + s.dice.IntN(2) {
		group.Go(func() { s.refund(ctx, p.ID, key, amount, owedAgain) })
	}
	group.Wait()
}

// sendBack has the bank return a debit: late, or before it arrived.
func (w *world) sendBack(ctx context.Context, p made, dice *rand.Rand) {
	reasons := []string{"insufficient_funds", "debit_not_authorized"}
	if p.Status == "succeeded" {
		reasons = append(reasons, "bank_cannot_process", "customer_initiated")
	}
	// It may have been returned, or have failed, meanwhile.
	_ = w.tell(ctx, http.MethodPost, "/bank/returns", map[string]string{"payment_intent": p.PaymentIntent, "reason": reasons[dice.IntN(len(reasons))]}, nil)
}

// dispute is a payer who disputes a payment by card, and mostly wins. It may be disputed, or back, already.
func (s *staff) dispute(ctx context.Context, p made) {
	var opened struct{ ID string }
	if s.w.tell(ctx, http.MethodPost, "/disputes", map[string]string{"payment_intent": p.PaymentIntent}, &opened) == nil && s.dice.IntN(3) > 0 {
		_ = s.w.tell(ctx, http.MethodPost, "/disputes/"+opened.ID, map[string]string{"status": "lost"}, nil)
	}
}

// finish takes what is still held, so that nothing waits for anybody, has debits arrive, and some of them come back.
func (s *staff) finish(ctx context.Context) {
	w := s.w
	w.control(http.MethodPost, "/clock", map[string]string{"advance": bankDays})
	soon := time.Now().Add(10 * time.Second)
	w.rest(func() bool { return time.Now().After(soon) })
	for _, p := range w.payments(ctx, "limit=100&status=succeeded") {
		if p.Method == "bank" && s.dice.IntN(4) == 0 {
			w.sendBack(ctx, p, s.dice)
		}
	}
	for range 100 {
		held := w.payments(ctx, "limit=100&status=authorized")
		if len(held) == 0 {
			return
		}
		for _, p := range held {
			w.takeHeld(ctx, p, "", s.dice)
		}
	}
}
