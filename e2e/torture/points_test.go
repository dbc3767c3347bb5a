package torture

import (
	"context"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"paylink/store/storetest"
)

// died is one death: where, the how-manieth time the point is passed, and in what scene. What was before it happens on a
// server that lives.
type died struct {
	at     string
	scene  func(context.Context, *stage)
	before func(context.Context, *stage)
}

// deaths has a scene for every point in the code.
var deaths = []died{
	{at: "customer.made:1", scene: cardIs(goodCard)},
	{at: "pay.T1.committed:1", scene: cardIs(goodCard)},
	{at: "pay.S1.made:1", scene: cardIs(goodCard)},
	{at: "pay.T2.committed:1", scene: cardIs(goodCard)},
	{at: "pay.T2b.committed:1", scene: cardIs(goodCard)},
	{at: "pay.S2.answered:1", scene: cardIs(goodCard)},
	{at: "pay.S2.answered:1", scene: cardIs(declinedCard)},
	{at: "pay.S2.answered:1", scene: cardIs(askingCard)},
	{at: "pay.released:1", scene: unmade},
	{at: "event.stored:1", scene: cardIs(goodCard)},
	{at: "event.stored:2", scene: cardIs(goodCard)},
	{at: "event.fetched:2", scene: cardIs(goodCard)},
	{at: "event.applied:2", scene: cardIs(goodCard)},
	{at: "job.claimed:2", scene: cardIs(goodCard)},
	{at: "job.worked:2", scene: cardIs(goodCard)},
	{at: "mail.begun:1", scene: cardIs(goodCard)},
	{at: "mail.taken:1", scene: cardIs(goodCard)},
	{at: "fence.begun:1", scene: cardIs(declinedCard)},
	{at: "fence.answered:1", scene: cardIs(declinedCard)},
	{at: "recover.asked:1", scene: leftByAnother},
	{at: "hold.asked:1", scene: captured},
	{at: "hold.answered:1", scene: captured},
	{at: "refund.asked:1", scene: refunded, before: paid},
	{at: "refund.answered:1", scene: refunded, before: paid},
	{at: "refund.written:1", scene: refunded, before: paid},
	{at: "refund.applied:1", scene: refunded, before: paid},
	{at: "refund.answered:1", scene: refunded, before: debited},
	{at: "bank.exchange_written:1", scene: bankIs(goodAccount)},
	{at: "bank.item_made:1", scene: bankIs(goodAccount)},
	{at: "bank.item_made:1", scene: leftLinking},
	{at: "bank.token_made:1", scene: bankIs(goodAccount)},
	{at: "bank.attached:1", scene: bankIs(goodAccount)},
	{at: "bank.attached:1", scene: leftLinking},
	{at: "bank.kept:1", scene: bankIs(goodAccount)},
	{at: "pay.T2.committed:1", scene: bankIs(goodAccount)}, // the permission is kept
	{at: "pay.S2.answered:1", scene: bankIs(goodAccount)},
	{at: "pay.T3.committed:1", scene: bankIs(goodAccount)}, // on its way
	{at: "pay.T3.written:1", scene: bankDaysPass, before: bankIs(goodAccount)},
	{at: "pay.T3.committed:1", scene: bankDaysPass, before: bankIs(goodAccount)},
	{at: "pay.T3.committed:1", scene: bankDaysPass, before: bankIs(poorAccount)},
	{at: "dispute.written:1", scene: returned, before: debited},
	{at: "dispute.applied:1", scene: returned, before: debited},
}

// The deaths around the two transactions that count most, each by its row.
var (
	beforeReserving = []died{{at: "pay.T1.written:1", scene: cardIs(goodCard)}}
	insideSettling  = []died{{at: "pay.T3.written:1", scene: cardIs(goodCard)}, {at: "pay.T3.written:1", scene: cardIs(askingCard)}}
	byTelephone     = []died{
		{at: "pay.T1.written:1", scene: called, before: savedCard},
		{at: "pay.T1.committed:1", scene: called, before: savedCard},
		{at: "pay.S1.made:1", scene: called, before: savedCard},
		{at: "pay.T2.committed:1", scene: called, before: savedCard},
		{at: "pay.T2b.committed:1", scene: called, before: savedCard},
		{at: "pay.S2.answered:1", scene: called, before: savedCard},
		{at: "pay.T3.written:1", scene: called, before: savedCard},
		{at: "pay.T3.committed:1", scene: called, before: savedCard},
	}
	afterSettling = []died{
		{at: "pay.T3.committed:1", scene: cardIs(goodCard)}, {at: "pay.T3.committed:2", scene: cardIs(goodCard)}, {at: "pay.T3.committed:2", scene: cardIs(askingCard)},
	}
)

func TestFault_P01_DeathBeforeTheReservationIsCommitted(t *testing.T) { dieAt(t, beforeReserving) }
func TestFault_P07_DeathInsideTheSettlement(t *testing.T)             { dieAt(t, insideSettling) }
func TestFault_P08_DeathBetweenTheSettlementAndTheAnswer(t *testing.T) {
	dieAt(t, afterSettling)
}
func TestFault_P34_DeathAroundThePaymentOfACaller(t *testing.T) { dieAt(t, byTelephone) }

// commandDeaths are points of commands beside the server, each with a test of its own.
var commandDeaths = []string{"backup.copied", "restore.kept"}

// stage is where one death happens.
type stage struct {
	t        *testing.T
	w        *world
	payer    *payer
	id       string // the invoice
	what     press  // what the payer sent
	page     string // of the invoice
	login    login  // what Plaid Link gave
	desk     *desk
	taking   press // what staff sent
	again    func(context.Context)
	payments []made // of the invoice, as they are before the death
}

// The server dies at every point between two steps, and each time everything ends well: nobody is charged twice, nothing
// stays reserved, and the invoice can be paid.
func TestServerDiesAtEveryPoint(t *testing.T) { dieAt(t, deaths) }

func dieAt(t *testing.T, deaths []died) {
	t.Helper()
	binary := Binary(t)
	storetest.EachURL(t, func(t *testing.T, database string) {
		t.Parallel()
		w := newWorld(t, binary, database)
		for n, d := range deaths {
			ok := t.Run(d.at, func(t *testing.T) {
				w.tb = t
				s := &stage{t: t, w: w}
				capture := "automatic"
				if strings.HasPrefix(d.at, "hold.") {
					capture = "manual"
				}
				s.invoice(20000, capture, uint64(n))
				w.site.Stop()
				if strings.HasPrefix(d.at, "recover.") {
					died{at: "pay.T2b.committed:1", scene: cardIs(goodCard)}.play(s)
					w.age(20 * time.Minute)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if d.before != nil {
					w.site.Restart()
					d.before(ctx, s)
					w.site.Stop()
				}
				d.play(s)
				w.site.Restart()
				// The payer presses again what never came to an end, and the program asks again.
				if s.again != nil {
					s.again(ctx)
				}
				if s.what.page != "" {
					if page, err := s.payer.send(ctx, s.what, 3); err == nil && page != "" {
						_, _ = s.payer.follow(ctx, page, "succeed", 3)
					}
				}
				report := w.settle()
				for _, f := range report.Findings {
					t.Error(f)
				}
				w.site.Restart()
				s.payTheRest()
			})
			if !ok { // what is broken now would be found again at every point
				return
			}
		}
	})
}

// play launches a server that will die, has the scene played, and waits for the end of both.
func (d died) play(s *stage) {
	s.t.Helper()
	s.w.site.Launch("CRASH_AT=" + d.at)
	ctx, stop := context.WithTimeout(s.t.Context(), time.Minute)
	defer stop()
	over := make(chan struct{})
	go func() {
		defer close(over)
		d.scene(ctx, s)
	}()
	if !s.w.site.Dies(15 * time.Second) {
		s.t.Errorf("the server never came by %s", d.at)
		s.w.site.Kill()
	}
	stop()
	<-over
}

// invoice makes one and gives its link to a payer.
func (s *stage) invoice(cents int64, capture string, seed uint64) {
	s.t.Helper()
	var links []string
	s.id, links = s.w.invoiceWith(cents, 1, capture)
	s.payer = s.w.person(links[0], seed)
}

// press fills the form and sends it for as long as it takes. The server goes away under it, so that errors say nothing.
func (s *stage) press(ctx context.Context, card string) (page string) {
	what, err := s.payer.fill(ctx, card, "")
	if err != nil || what.page == "" {
		return ""
	}
	s.what = what
	page, _ = s.payer.send(ctx, what, 10000)
	return page
}

// cardIs is a payer who pays everything with a card, and waits.
func cardIs(card string) func(context.Context, *stage) {
	return func(ctx context.Context, s *stage) {
		if page := s.press(ctx, card); page != "" {
			_, _ = s.payer.follow(ctx, page, "succeed", 10000)
		}
	}
}

// unmade is a payment whose PaymentIntent was made, and Stripe said it was not.
func unmade(ctx context.Context, s *stage) {
	s.w.fault("POST /v1/payment_intents", "500_after", 1, 1)
	cardIs(goodCard)(ctx, s)
}

// leftByAnother is a payment that an earlier server left: this one finds it by itself.
func leftByAnother(ctx context.Context, s *stage) {
	<-ctx.Done()
}

// captured is a held amount that staff take.
func captured(ctx context.Context, s *stage) {
	page := s.press(ctx, goodCard)
	for page != "" && ctx.Err() == nil {
		status, err := s.payer.follow(ctx, page, "", 1)
		if err == nil && status == "authorized" {
			s.w.capture(ctx, page)
		}
	}
}

// payTheRest pays what is still due, as anybody must be able to now.
func (s *stage) payTheRest() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	var i struct {
		Status             string
		Due, Paid, Pending int64
	}
	look := func() {
		if code := s.w.site.Call(http.MethodGet, "/api/v1/invoices/"+s.id, nil, &i); code != http.StatusOK {
			s.t.Fatalf("the invoice: %d", code)
		}
	}
	look()
	if i.Pending > 0 { // held; the hold was asked for in vain
		var list struct{ Data []struct{ ID, Status string } }
		s.w.site.Call(http.MethodGet, "/api/v1/payments?status=authorized&invoice_id="+s.id, nil, &list)
		for _, p := range list.Data {
			s.w.capture(ctx, p.ID)
		}
		look()
	}
	if i.Due > 0 {
		page := s.press(ctx, goodCard)
		if page == "" {
			s.t.Fatalf("%d are due and cannot be paid", i.Due)
		}
		if status, err := s.payer.follow(ctx, page, "", 100); err != nil || status != "succeeded" && status != "authorized" {
			s.t.Fatalf("the rest: %s %v", status, err)
		} else if status == "authorized" {
			s.w.capture(ctx, page)
		}
		look()
	}
	if i.Status != "paid" || i.Paid != 20000 || i.Due != 0 || i.Pending != 0 {
		s.t.Errorf("in the end: %+v", i)
	}
}

var point = regexp.MustCompile(`crash\.At\("([^"]+)"\)`)

// A point without a scene proves nothing.
func TestEveryPointInTheCodeHasAScene(t *testing.T) {
	var scenes, inCode []string
	for _, d := range slices.Concat(deaths, beforeReserving, insideSettling, afterSettling, byTelephone) {
		name, _, _ := strings.Cut(d.at, ":")
		scenes = append(scenes, name)
	}
	scenes = append(scenes, commandDeaths...)
	root := "../.."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != root || d.Name() == "node_modules" || d.Name() == "e2e") {
			return fs.SkipDir
		}
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		src, err := os.ReadFile(path)
		for _, m := range point.FindAllStringSubmatch(string(src), -1) {
			if slices.Contains(inCode, m[1]) {
				t.Errorf("%s stands twice", m[1])
			}
			inCode = append(inCode, m[1])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(inCode) < 20 {
		t.Errorf("found only %v", inCode)
	}
	for _, name := range inCode {
		if !slices.Contains(scenes, name) {
			t.Errorf("%s has no scene", name)
		}
	}
	for _, name := range scenes {
		if !slices.Contains(inCode, name) {
			t.Errorf("%s is not in the code", name)
		}
	}
}
