package access_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"paylink"
	"paylink/access"
	"paylink/invoicing"
	"paylink/money"
	"paylink/store"
	"paylink/store/storetest"
)

// mailbox is a customer with a link, whose codes the test reads as the mail's job does.
type mailbox struct {
	*access.Service
	t     *testing.T
	store *store.Store
	ring  paylink.KeyRing
	clock *clock
	maria paylink.Customer
	link  paylink.Link
	desk  *invoicing.Service
}

const place = "192.0.2.7"

func openMailbox(t *testing.T, s *store.Store) *mailbox {
	t.Helper()
	m := &mailbox{t: t, store: s, clock: &clock{time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}}
	m.ring, _ = paylink.NewKeyRing("test")
	m.Service = access.New(s, m.ring, m.clock.Now)
	m.desk = invoicing.New(s, m.ring, invoicing.Options{BaseURL: "https://pay.firm.example", Now: m.clock.Now})
	var err error
	m.maria, err = m.desk.CreateCustomer(t.Context(), "system", paylink.Customer{Name: "Maria Keller", Email: "maria@keller.example", Locale: "en"})
	m.must(err)
	m.link = m.linkOf(m.maria)
	return m
}

func (m *mailbox) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// linkOf is a link to a new invoice of a customer.
func (m *mailbox) linkOf(c paylink.Customer) paylink.Link {
	m.t.Helper()
	invoice, err := m.desk.CreateInvoice(m.t.Context(), "system", paylink.Invoice{
		CustomerID: c.ID, Currency: "USD", Lines: []paylink.Line{{Description: "Work", Quantity: 10_000, UnitAmount: money.New(10000, "USD")}},
	})
	m.must(err)
	links, err := m.desk.SendLinks(m.t.Context(), "system", invoice.ID, invoicing.Send{})
	m.must(err)
	return links[0]
}

// send asks for a code and gives its digits.
func (m *mailbox) send() string {
	m.t.Helper()
	if _, err := m.SendCode(m.t.Context(), m.maria.ID, m.link.ID, place); err != nil {
		m.t.Fatal(err)
	}
	digits, err := m.newest().Digits(m.ring)
	m.must(err)
	return digits
}

func (m *mailbox) newest() paylink.Code {
	m.t.Helper()
	codes, err := m.store.CodesOf(m.t.Context(), m.maria.ID, time.Time{})
	m.must(err)
	if n := slices.IndexFunc(codes, func(c paylink.Code) bool { return c.EndedAt.IsZero() }); n > 0 {
		return codes[n] // made in the same moment as the one before
	}
	return codes[0]
}

func (m *mailbox) use(typed string) (string, error) {
	return m.UseCode(m.t.Context(), m.maria.ID, typed, place)
}

// other is a code that is not this one.
func other(digits string) string {
	last := (digits[5]-'0'+1)%10 + '0'
	return digits[:5] + string(last)
}

// codeOf is what an error says of the code: "code.wrong".
func codeOf(err error) string {
	e, ok := errors.AsType[*paylink.Error](err)
	switch {
	case !ok:
		return ""
	case len(e.Fields) == 1 && e.Fields[0].Field == "code":
		return e.Fields[0].Code
	}
	return e.Code
}

func argsOf(err error) []any {
	e, ok := errors.AsType[*paylink.Error](err)
	switch {
	case !ok:
		return nil
	case len(e.Fields) == 1:
		return e.Fields[0].Args
	}
	return e.Args
}

func (m *mailbox) proven(device string) bool {
	m.t.Helper()
	known, err := m.Proven(m.t.Context(), m.maria.ID, device)
	m.must(err)
	return known
}

func eachMailbox(t *testing.T, f func(t *testing.T, m *mailbox)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, s *store.Store) { f(t, openMailbox(t, s)) })
}

func TestACodeProvesTheMailboxForThirtyDays(t *testing.T) {
	eachMailbox(t, func(t *testing.T, m *mailbox) {
		masked, err := m.SendCode(t.Context(), m.maria.ID, m.link.ID, place)
		m.must(err)
		if masked != "m…a@keller.example" {
			t.Errorf("masked %q", masked)
		}
		code := m.newest()
		digits, err := code.Digits(m.ring)
		m.must(err)
		job, err := m.store.Job(t.Context(), "mail.code", code.ID)
		m.must(err)
		if code.Address != m.maria.Email || strings.Contains(string(job.Payload)+code.MAC+code.Sealed, digits) {
			t.Errorf("%+v %s", code, job.Payload)
		}
		device, err := m.use(" " + digits[:3] + " " + digits[3:] + " ") // as the mail writes it
		m.must(err)
		if device == "" || !m.proven(device) || m.proven("") || m.proven(device+"A") {
			t.Error("the browser is not known, or every browser is")
		}
		if _, err := m.use(digits); codeOf(err) != "code.ended" {
			t.Errorf("used again: %v", err)
		}
		if m.newest().Sealed != "" {
			t.Error("the code is still kept for a mail")
		}
		stranger, err := m.desk.CreateCustomer(t.Context(), "system", paylink.Customer{Name: "Keller Ltd", Email: m.maria.Email})
		m.must(err)
		if known, err := m.Proven(t.Context(), stranger.ID, device); known || err != nil {
			t.Errorf("another customer of the same mailbox: %v %v", known, err)
		}
		m.clock.now = m.clock.now.Add(access.DeviceLife - time.Second)
		if !m.proven(device) {
			t.Error("not known on the last day")
		}
		m.clock.now = m.clock.now.Add(time.Second)
		if m.proven(device) {
			t.Error("known after thirty days")
		}
	})
}

func TestADeviceCountsOnlyForTheProvenAddress(t *testing.T) {
	eachMailbox(t, func(t *testing.T, m *mailbox) {
		device, err := m.use(m.send())
		m.must(err)
		digits := m.send()
		m.maria.Email = "accounts@keller.example"
		m.must(m.desk.UpdateCustomer(t.Context(), "system", m.maria))
		if m.proven(device) {
			t.Error("a browser that proved the old mailbox is known for the new one")
		}
		if _, err := m.use(digits); codeOf(err) != "code.ended" {
			t.Errorf("a code that went to the old mailbox: %v", err)
		}
		m.maria.Email = "MARIA@keller.example"
		m.must(m.desk.UpdateCustomer(t.Context(), "system", m.maria))
		if !m.proven(device) {
			t.Error("the same mailbox, in other letters")
		}
	})
}

func TestForgottenDevicesAndTheirCodesProveNothing(t *testing.T) {
	eachMailbox(t, func(t *testing.T, m *mailbox) {
		device, err := m.use(m.send())
		m.must(err)
		digits := m.send()
		m.must(m.ForgetDevices(t.Context(), "staff:ana", m.maria.ID))
		if m.proven(device) {
			t.Error("a forgotten browser is known")
		}
		if _, err := m.use(digits); codeOf(err) != "code.ended" {
			t.Errorf("a code from before: %v", err)
		}
	})
}

// The browser that linked an account sees it without a code: once it is saved and devices are forgotten, it
// asks for one like every other. What was not saved stays its own.
func TestForgottenDevicesSeeNothingThatIsSaved(t *testing.T) {
	eachMailbox(t, func(t *testing.T, m *mailbox) {
		now := m.clock.Now()
		saved := paylink.Method{ID: "mth_saved", CustomerID: m.maria.ID, Kind: paylink.MethodBank, StripeID: "ba_1", Owner: "v1", SavedAt: now, CreatedAt: now, UpdatedAt: now}
		own := paylink.Method{ID: "mth_own", CustomerID: m.maria.ID, Kind: paylink.MethodBank, StripeID: "ba_2", Owner: "v1", CreatedAt: now, UpdatedAt: now}
		m.must(m.store.Update(t.Context(), func(tx *store.Tx) error {
			for _, method := range []paylink.Method{saved, own} {
				if _, err := tx.InsertMethod(t.Context(), method); err != nil {
					return err
				}
			}
			return nil
		}))
		m.must(m.ForgetDevices(t.Context(), "staff:ana", m.maria.ID))
		list, err := m.store.MethodsOf(t.Context(), m.maria.ID)
		m.must(err)
		for _, method := range list {
			if seen := method.SeenBy("v1", false); seen != (method.ID == own.ID) {
				t.Errorf("%s is seen: %t", method.ID, seen)
			}
		}
		if len(list) != 2 {
			t.Errorf("%d methods", len(list))
		}
	})
}

func TestACodeEndsAfterTenMinutesOrWhenAnotherIsSent(t *testing.T) {
	eachMailbox(t, func(t *testing.T, m *mailbox) {
		if _, err := m.use("123456"); codeOf(err) != "code.ended" {
			t.Errorf("before any was sent: %v", err)
		}
		first := m.send()
		older := m.newest().ID
		m.clock.now = m.clock.now.Add(time.Second)
		second := m.send()
		if code, err := m.store.Code(t.Context(), older); err != nil || code.EndedAt.IsZero() || code.Sealed != "" {
			t.Errorf("the older code can still be mailed: %+v %v", code, err)
		}
		for first == second { // one in a million
			m.clock.now = m.clock.now.Add(time.Hour)
			first, second = second, m.send()
		}
		if _, err := m.use(first); codeOf(err) != "code.wrong" {
			t.Errorf("the older code: %v", err)
		}
		m.clock.now = m.clock.now.Add(access.CodeLife)
		if _, err := m.use(second); codeOf(err) != "code.ended" {
			t.Errorf("after ten minutes: %v", err)
		}
		third := m.send()
		m.clock.now = m.clock.now.Add(access.CodeLife - time.Second)
		if _, err := m.use(third); err != nil {
			t.Errorf("just in time: %v", err)
		}
	})
}

func TestFiveWrongTriesEndACode(t *testing.T) {
	eachMailbox(t, func(t *testing.T, m *mailbox) {
		digits := m.send()
		for _, typed := range []string{"", "12345", "1234567", "12345a", "１２３４５６", strings.Repeat("1", 1000)} {
			if _, err := m.use(typed); codeOf(err) != "code.form" {
				t.Errorf("%.20q: %v", typed, err)
			}
		}
		for left := access.CodeTries - 1; left > 0; left-- {
			_, err := m.use(other(digits))
			if codeOf(err) != "code.wrong" || !slices.Contains(argsOf(err), any(left)) {
				t.Fatalf("%d left: %v", left, err)
			}
		}
		if _, err := m.use(other(digits)); codeOf(err) != "code.ended" {
			t.Errorf("the fifth: %v", err)
		}
		if _, err := m.use(digits); codeOf(err) != "code.ended" {
			t.Errorf("the right one after five wrong: %v", err)
		}
	})
}

// Fifty at once are not more tries than five, and the right one among them is good once.
func TestParallelGuessesAreCounted(t *testing.T) {
	eachMailbox(t, func(t *testing.T, m *mailbox) {
		digits := m.send()
		wrong := other(digits)
		answers := parallel(50, func(int) string {
			_, err := m.use(wrong)
			return codeOf(err)
		})
		if answers["code.wrong"] != 4 || answers["code.ended"] != 46 || m.newest().Tries != 5 {
			t.Errorf("%v, %d tries on record", answers, m.newest().Tries)
		}
		digits = m.send()
		answers = parallel(50, func(int) string {
			device, err := m.use(digits)
			if device != "" {
				return "in"
			}
			return codeOf(err)
		})
		if answers["in"] != 1 || answers["code.ended"] != 49 {
			t.Errorf("the right one fifty times: %v", answers)
		}
	})
}

// parallel counts the answers of n at once.
func parallel(n int, f func(int) string) map[string]int {
	answers := make(chan string, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			answers <- f(i)
		})
	}
	close(start)
	all.Wait()
	close(answers)
	counted := map[string]int{}
	for answer := range answers {
		counted[answer]++
	}
	return counted
}

func TestThreeCodesAnHour(t *testing.T) {
	eachMailbox(t, func(t *testing.T, m *mailbox) {
		answers := parallel(20, func(int) string {
			_, err := m.SendCode(t.Context(), m.maria.ID, m.link.ID, place)
			return codeOf(err)
		})
		if answers[""] != 3 || answers["code.often"] != 17 {
			t.Fatalf("twenty at once: %v", answers)
		}
		m.Service = access.New(m.store, m.ring, m.clock.Now) // as after a restart
		m.clock.now = m.clock.now.Add(time.Hour - time.Second)
		_, err := m.SendCode(t.Context(), m.maria.ID, m.link.ID, place)
		if codeOf(err) != "code.often" || paylink.KindOf(err) != paylink.TooMany || !slices.Contains(argsOf(err), any(1)) {
			t.Errorf("within the hour: %v", err)
		}
		m.clock.now = m.clock.now.Add(time.Second)
		m.send()
	})
}

// Fresh codes give a guesser no fresh tries, and neither does a restart.
func TestWrongCodesOfADayLockTheMailbox(t *testing.T) {
	eachMailbox(t, func(t *testing.T, m *mailbox) {
		device, err := m.use(m.send())
		m.must(err)
		wrong := 0
		var digits string
		for wrong < 15 {
			m.clock.now = m.clock.now.Add(30 * time.Minute)
			digits = m.send()
			for range access.CodeTries {
				_, err := m.use(other(digits))
				if codeOf(err) == "code.locked" {
					t.Fatalf("locked after %d", wrong)
				}
				wrong++
			}
		}
		m.clock.now = m.clock.now.Add(30 * time.Minute)
		digits = m.send()
		m.Service = access.New(m.store, m.ring, m.clock.Now)
		if _, err := m.use(other(digits)); codeOf(err) != "code.locked" || paylink.KindOf(err) != paylink.TooMany {
			t.Fatalf("the sixteenth: %v", err)
		}
		m.Service = access.New(m.store, m.ring, m.clock.Now)
		if _, err := m.use(digits); codeOf(err) != "code.locked" {
			t.Errorf("the right one while locked: %v", err)
		}
		m.clock.now = m.clock.now.Add(24*time.Hour - time.Second)
		if _, err := m.SendCode(t.Context(), m.maria.ID, m.link.ID, place); codeOf(err) != "code.locked" {
			t.Errorf("a fresh one while locked: %v", err)
		}
		if !m.proven(device) {
			t.Error("a guesser locked out a browser that was known")
		}
		tasks, err := m.store.Tasks(t.Context(), true)
		m.must(err)
		if len(tasks) != 1 || tasks[0].Code != "task.codes_locked" || tasks[0].Subject != m.maria.ID {
			t.Errorf("nobody is told: %+v", tasks)
		}
		m.clock.now = m.clock.now.Add(time.Second)
		if _, err := m.use(m.send()); err != nil {
			t.Errorf("a day later: %v", err)
		}
	})
}

// Over a day, wrong tries are forgotten: who mistypes now and then is never locked out.
func TestWrongCodesOfManyDaysLockNobody(t *testing.T) {
	m := openMailbox(t, storetest.SQLite(t))
	for range 8 {
		digits := m.send()
		for range 4 {
			if _, err := m.use(other(digits)); codeOf(err) != "code.wrong" {
				t.Fatal(err)
			}
		}
		if _, err := m.use(digits); err != nil {
			t.Fatal(err)
		}
		m.clock.now = m.clock.now.Add(24 * time.Hour)
	}
}

func TestCodesAreAskedForThroughACustomersOwnLink(t *testing.T) {
	m := openMailbox(t, storetest.SQLite(t))
	ctx := t.Context()
	stranger, err := m.desk.CreateCustomer(ctx, "system", paylink.Customer{Name: "Else", Email: "else@other.example"})
	m.must(err)
	m.must(m.desk.Forward(ctx, m.link.ID, "colleague@keller.example", ""))
	links, err := m.store.LinksOf(ctx, m.link.InvoiceID)
	m.must(err)
	forwarded := links[slices.IndexFunc(links, func(l paylink.Link) bool { return l.ForwardedBy != "" })]
	withdrawn := m.linkOf(m.maria)
	m.must(m.desk.RevokeLink(ctx, "system", withdrawn.ID))
	for name, link := range map[string]string{
		"sent on": forwarded.ID, "another customer's": m.linkOf(stranger).ID, "withdrawn": withdrawn.ID, "none": "", "unknown": "lnk_x",
	} {
		if _, err := m.SendCode(ctx, m.maria.ID, link, place); paylink.KindOf(err) != paylink.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	if codes, err := m.store.CodesOf(ctx, m.maria.ID, time.Time{}); len(codes) != 0 || err != nil {
		t.Errorf("%v %v", codes, err)
	}
}

// What an hour and a day no longer need is not kept for ever.
func TestOldCodesAndDevicesAreDeleted(t *testing.T) {
	m := openMailbox(t, storetest.SQLite(t))
	device, err := m.use(m.send())
	m.must(err)
	old := m.newest().ID
	m.clock.now = m.clock.now.Add(61 * 24 * time.Hour)
	m.link = m.linkOf(m.maria)
	m.send()
	if _, err := m.store.Code(t.Context(), old); paylink.KindOf(err) != paylink.NotFound {
		t.Errorf("the code is still there: %v", err)
	}
	if m.proven(device) {
		t.Error("the browser is still known")
	}
}
