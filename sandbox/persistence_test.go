package sandbox

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
)

// child is a sandbox in a process of its own.
type child struct {
	*exec.Cmd
	env map[string]string
}

func startChild(t *testing.T, dir, webhookURL string) *child {
	t.Helper()
	c := &child{Cmd: exec.Command(os.Args[0])}
	c.Env = append(os.Environ(), childDir+"="+dir, "SANDBOX_TEST_CHILD_WEBHOOK="+webhookURL)
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); c.Process.Kill(); c.Wait() })
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(line, &c.env); err != nil {
		t.Fatal(err)
	}
	return c
}

// kill is kill -9.
func (c *child) kill(t *testing.T) {
	t.Helper()
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	c.Wait()
}

func TestState_SurvivesKill9(t *testing.T) {
	dir := t.TempDir()
	first := startChild(t, dir, "")
	sc := stripeClientOf(first.env)
	var mu sync.Mutex
	paid := map[string]string{} // idempotency key → PaymentIntent that was said to be paid
	enough := make(chan struct{})
	var payers sync.WaitGroup
	for worker := range 4 {
		payers.Go(func() {
			for i := 0; ; i++ {
				key := fmt.Sprintf("w%d-%d", worker, i)
				p := intentParams()
				p.PaymentMethod, p.Confirm = stripe.String("pm_card_visa"), stripe.Bool(true)
				p.SetIdempotencyKey(key)
				pi, err := sc.PaymentIntents.New(p)
				if err != nil {
					return // the sandbox is dead
				}
				mu.Lock()
				paid[key] = pi.ID
				if len(paid) == 60 {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	first.kill(t)
	payers.Wait()

	second := startChild(t, dir, "")
	if second.env["STRIPE_SECRET_KEY"] != first.env["STRIPE_SECRET_KEY"] || second.env["STRIPE_WEBHOOK_SECRET"] != first.env["STRIPE_WEBHOOK_SECRET"] {
		t.Fatal("the keys changed")
	}
	sc = stripeClientOf(second.env)
	charges := map[string]int{}
	it := sc.Charges.List(&stripe.ChargeListParams{ListParams: stripe.ListParams{Limit: stripe.Int64(100)}})
	for it.Next() {
		charges[it.Charge().PaymentIntent.ID]++
	}
	if err := it.Err(); err != nil {
		t.Fatal(err)
	}
	for key, id := range paid {
		pi, err := sc.PaymentIntents.Get(id, nil)
		if err != nil || pi.Status != stripe.PaymentIntentStatusSucceeded || charges[id] != 1 {
			t.Fatalf("%s was paid, now it is %v with %d charges: %v", id, pi.Status, charges[id], err)
		}
		p := intentParams()
		p.PaymentMethod, p.Confirm = stripe.String("pm_card_visa"), stripe.Bool(true)
		p.SetIdempotencyKey(key)
		if again, err := sc.PaymentIntents.New(p); err != nil || again.ID != id {
			t.Fatalf("the key %s was forgotten: %v", key, err)
		}
	}
}

func TestDeliveries_GoOnAfterAKill(t *testing.T) {
	dir := t.TempDir()
	first := startChild(t, dir, "http://127.0.0.1:1/nobody") // an endpoint that is down
	cus, err := stripeClientOf(first.env).Customers.New(&stripe.CustomerParams{})
	if err != nil {
		t.Fatal(err)
	}
	first.kill(t)
	hooks := listenForWebhooks(t, first.env["STRIPE_WEBHOOK_SECRET"])
	startChild(t, dir, hooks.URL)
	hooks.wait(t, "the event from before the kill", func() bool { return hooks.has("customer.created") })
	hooks.mu.Lock()
	defer hooks.mu.Unlock()
	if got := hooks.events[0].GetObjectValue("id"); got != cus.ID {
		t.Errorf("got %s, want %s", got, cus.ID)
	}
}

func TestClockAndTasks_SurviveAStop(t *testing.T) {
	dir := t.TempDir()
	s := start(t, Options{DataDir: dir})
	sc := stripeClient(s)
	pi := mustPay(t, sc, "pm_card_visa", manual)
	control(t, s, "POST", "/clock", `{"advance":"160h"}`)
	before := len(truthOf(t, s))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = start(t, Options{DataDir: dir})
	if ahead := time.Until(s.Now()); ahead < 159*time.Hour || ahead > 161*time.Hour {
		t.Errorf("the clock is %s ahead", ahead)
	}
	if after := len(truthOf(t, s)); after != before {
		t.Errorf("the truth had %d entries and has %d", before, after)
	}
	control(t, s, "POST", "/clock", `{"advance":"10h"}`)
	got, err := stripeClient(s).PaymentIntents.Get(pi.ID, nil)
	if err != nil || got.Status != stripe.PaymentIntentStatusCanceled {
		t.Errorf("the authorization did not lapse: %s %v", got.Status, err)
	}
}

func TestJournal_IgnoresALineCutShort(t *testing.T) {
	dir := t.TempDir()
	s := start(t, Options{DataDir: dir})
	cus, err := stripeClient(s).Customers.New(&stripe.CustomerParams{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "account.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`[{"k":"customer","o":{"id":"cus_half`); err != nil {
		t.Fatal(err)
	}
	f.Close()
	s = start(t, Options{DataDir: dir})
	sc := stripeClient(s)
	if _, err := sc.Customers.Get(cus.ID, nil); err != nil {
		t.Error(err)
	}
	if _, err := sc.Customers.Get("cus_half", nil); err == nil {
		t.Error("half a customer came back")
	}
}

func TestJournal_RefusesWhatItCannotRead(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "account.jsonl"), []byte("[{\"k\":\"unicorn\",\"o\":{}}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := Start(context.Background(), Options{DataDir: dir}); err == nil {
		s.Close()
		t.Error("it started on an account it cannot read")
	}
}

func TestStart_RefusesADirectoryInUse(t *testing.T) {
	dir := t.TempDir()
	first := start(t, Options{DataDir: dir})
	if s, err := Start(context.Background(), Options{DataDir: dir}); err == nil {
		s.Close()
		t.Fatal("two sandboxes share an account")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	start(t, Options{DataDir: dir})
}

func TestJournal_CompactsWhenItGrows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "account.jsonl")
	j, st, err := openJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		o := &clockOffset{Offset: time.Duration(i)}
		raw, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		changes := []change{{Kind: o.kind(), Object: raw, live: o}}
		if err := j.write(changes); err != nil {
			t.Fatal(err)
		}
		st.apply(changes)
	}
	grown := j.size
	if err := j.compact(st); err != nil {
		t.Fatal(err)
	}
	if j.size*10 > grown {
		t.Errorf("%d bytes became %d", grown, j.size)
	}
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
	_, st, err = openJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	if o := st.table("clock").byKey["clock"].(*clockOffset); o.Offset != 99 {
		t.Errorf("%d", o.Offset)
	}
}

func TestTruth_IsOnlyAddedTo(t *testing.T) {
	s, sc := setup(t)
	mustPay(t, sc, "pm_card_visa", nil)
	before := truthOf(t, s)
	if _, err := pay(t, sc, "pm_card_chargeDeclined", nil); err == nil {
		t.Fatal("not declined")
	}
	after := truthOf(t, s)
	if len(after) <= len(before) {
		t.Fatal("nothing was added")
	}
	for i := range before {
		if before[i].Seq != i+1 || before[i].Status != after[i].Status || before[i].ID != after[i].ID {
			t.Errorf("entry %d changed: %+v, %+v", i, before[i], after[i])
		}
	}
	if last := after[len(after)-1]; last.Kind != "payment_intent" || last.Status != "requires_payment_method" {
		t.Errorf("%+v", last)
	}
}

func TestWebhooks_DelayAndReorder(t *testing.T) {
	s, sc := setup(t)
	hooks := newWebhookEndpoint(t, s)
	fails(t, s, "event payment_intent.created", "reorder")
	fails(t, s, "event charge.succeeded", "delay:1h")
	mustPay(t, sc, "pm_card_visa", nil)
	hooks.wait(t, "the reordered event", func() bool {
		return hooks.has("payment_intent.created") && hooks.has("payment_intent.succeeded")
	})
	hooks.mu.Lock()
	if string(hooks.events[0].Type) != "payment_intent.succeeded" || hooks.has("charge.succeeded") {
		t.Errorf("came as %v", hooks.events)
	}
	hooks.mu.Unlock()
	control(t, s, "POST", "/clock", `{"advance":"1h"}`)
	hooks.wait(t, "the delayed event", func() bool { return hooks.has("charge.succeeded") })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.WaitDelivered(ctx); err != nil {
		t.Error(err)
	}
	it := sc.Events.List(&stripe.EventListParams{DeliverySuccess: stripe.Bool(true)})
	n := 0
	for it.Next() {
		n++
	}
	if n != 3 || it.Err() != nil {
		t.Errorf("%d events delivered, %v", n, it.Err())
	}
}

func TestWebhooks_GiveUpAfterThreeDays(t *testing.T) {
	s, sc := setup(t)
	s.SetWebhookURL("http://127.0.0.1:1/nobody")
	fails(t, s, "event *", "delay:1h") // so that the courier keeps its hands off it
	if _, err := sc.Customers.New(&stripe.CustomerParams{}); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	eventID := s.state.table("delivery").order[0]
	s.mu.Unlock()
	var waited time.Duration
	for tries := 1; ; tries++ {
		s.courier.finish(eventID, false)
		s.mu.Lock()
		d, waiting := get[delivery](s.begin(nil), eventID)
		now := s.now()
		s.mu.Unlock()
		if !waiting {
			if tries != len(retryAfter)+1 {
				t.Errorf("given up after %d tries", tries)
			}
			break
		}
		waited += d.Next.Sub(now)
	}
	if waited < 71*time.Hour || waited > 74*time.Hour {
		t.Errorf("given up after %s", waited)
	}
}

func TestFaults_WithProbabilityRepeatBySeed(t *testing.T) {
	run := func() (pattern string) {
		s, sc := setup(t)
		control(t, s, "POST", "/faults", `{"match":"POST /v1/customers","mode":"500_before","times":0,"probability":0.5,"seed":7}`)
		for range 20 {
			_, err := sc.Customers.New(&stripe.CustomerParams{})
			if err != nil {
				pattern += "x"
			} else {
				pattern += "."
			}
		}
		return pattern
	}
	first, second := run(), run()
	if first != second {
		t.Errorf("%s and %s", first, second)
	}
	if first == "...................." || first == "xxxxxxxxxxxxxxxxxxxx" {
		t.Error(first)
	}
}
