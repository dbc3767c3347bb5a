package sandbox

import (
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func testCardElement(t *testing.T, p payPage) {
	p.open("{}, { hidePostalCode: true }, 'card'")
	p.do("element.focus()")
	p.wait("happened('focus')")
	p.run(chromedp.KeyEvent("378282246310005"))
	if got := p.text("JSON.stringify(seen.events.findLast((e) => e.name === 'change'))"); got != `{"name":"change","elementType":"card","empty":false,"complete":false,"brand":"amex","value":{"postalCode":""}}` {
		t.Errorf("change %s", got)
	}
	p.run(chromedp.KeyEvent("1239" + "1234"))
	p.wait("document.querySelector('#card.StripeElement--complete')")
	if got := p.inFrame("/js/elements/", "[...document.querySelectorAll('input')].filter((i) => i.offsetParent).map((i) => i.id).join()"); got != "number,expiry,cvc" {
		t.Errorf("fields shown: %s", got)
	}
	if got := p.text("stripe.createPaymentMethod({ type: 'card', card: element, billing_details: { name: 'Maria Keller' } }).then((r) => r.paymentMethod.id)"); got != "pm_1" {
		t.Fatalf("createPaymentMethod: %s", got)
	}
	want := url.Values{
		"key": {"pk_test_page"}, "type": {"card"}, "card[number]": {"378282246310005"}, "card[exp_month]": {"12"},
		"card[exp_year]": {"2039"}, "card[cvc]": {"1234"}, "billing_details[name]": {"Maria Keller"},
	}
	if call := p.api.last(); call.Path != "/v1/payment_methods" || call.Form.Encode() != want.Encode() {
		t.Errorf("POST %s %s", call.Path, call.Form.Encode())
	}
	p.eval("element.update({ hidePostalCode: false })")
	p.wait("document.querySelector('#card:not(.StripeElement--complete)')")
	p.run(chromedp.KeyEvent(kb.Tab + "97201"))
	p.wait("document.querySelector('#card.StripeElement--complete')")
	p.eval("stripe.createPaymentMethod({ type: 'card', card: element })")
	if got := p.api.last().Form.Get("billing_details[address][postal_code]"); got != "97201" {
		t.Errorf("postal code %q", got)
	}
	p.clean("378282246310005")
}

func testSplitFields(t *testing.T, p payPage) {
	p.open("{}, {}, 'cardNumber'")
	p.eval(`(async () => {
		for (const type of ["cardExpiry", "cardCvc"]) {
			const box = document.createElement("div");
			document.querySelector("main").append(box);
			const field = elements.create(type);
			await new Promise((ready) => { field.on("ready", ready); field.mount(box); });
		}
	})()`)
	for _, c := range []struct{ element, keys string }{{"cardNumber", "4242424242424242"}, {"cardExpiry", "1239"}, {"cardCvc", "123"}} {
		p.eval("new Promise((focused) => { const e = elements.getElement('" + c.element + "'); e.on('focus', () => focused()); e.focus() })")
		p.run(chromedp.KeyEvent(c.keys))
	}
	if got := p.text("outcome(stripe.createPaymentMethod({ type: 'card', card: elements.getElement('cardNumber') })).then((r) => r.paymentMethod?.id ?? JSON.stringify(r))"); got != "pm_1" {
		t.Fatalf("createPaymentMethod: %s", got)
	}
	if got := p.api.last().Form.Encode(); got != "card%5Bcvc%5D=123&card%5Bexp_month%5D=12&card%5Bexp_year%5D=2039&card%5Bnumber%5D=4242424242424242&key=pk_test_page&type=card" {
		t.Errorf("sent %s", got)
	}
	p.clean("4242424242424242")
}

func testElementLife(t *testing.T, p payPage) {
	p.open("deferred")
	p.typeCard("4242424242424242")
	p.run(chromedp.KeyEvent(kb.Escape), chromedp.KeyEvent(kb.Tab)) // from the last field to the button behind the frame
	p.wait("happened('blur')")
	if got := p.text("document.activeElement.id"); got != "pay" {
		t.Errorf("Tab leaves the frame to %q, want pay", got)
	}
	want := `loaderstart ready change focus change change escape blur`
	if got := p.text("seen.events.map((e) => e.name).join(' ')"); got != want {
		t.Errorf("events %s\nwant   %s", got, want)
	}
	changes := `[{"elementType":"payment","empty":true,"complete":false,"collapsed":false,"value":{"type":"card"}},` +
		`{"elementType":"payment","empty":false,"complete":false,"collapsed":false,"value":{"type":"card"}},` +
		`{"elementType":"payment","empty":false,"complete":true,"collapsed":false,"value":{"type":"card"}}]`
	if got := p.text("JSON.stringify(seen.events.filter((e) => e.name === 'change').map(({ name, ...e }) => e))"); got != changes {
		t.Errorf("changes %s", got)
	}
	if height := p.eval("document.querySelector('iframe').offsetHeight").(float64); height < 140 {
		t.Errorf("the frame is %v px high", height)
	}
	p.eval("element.clear()")
	p.wait("seen.events.at(-1).empty === true")
	p.eval("element.unmount()")
	if got := p.text("document.querySelector('#card').outerHTML"); got != `<div id="card" class=""></div>` {
		t.Errorf("unmounted: %s", got)
	}
	if got := p.text("elements.getElement('payment') === element"); got != "true" {
		t.Error("getElement lost the element")
	}
	p.eval("element.destroy()")
	if got := p.text("elements.getElement('payment')"); got != "null" {
		t.Errorf("getElement after destroy: %s", got)
	}
	p.clean("4242424242424242")
}

func testLoadError(t *testing.T, p payPage) {
	p.stopSandbox()
	p.do("open(deferred)")
	p.wait("happened('loaderror')")
	if got := p.text("seen.events.map((e) => e.error?.type ?? e.name).join()"); got != "loaderstart,api_connection_error" {
		t.Errorf("events %s", got)
	}
	if got := p.text("outcome(elements.submit()).then((o) => o.message)"); !strings.HasPrefix(got, "We could not retrieve data from the specified Element.") {
		t.Errorf("submit says %s", got)
	}
}

func testTrust(t *testing.T, p payPage) {
	p.open("deferred")
	p.typeCard("4242424242424242")
	// Whoever does not know the frame's id is not heard; nothing leaves for paths that take no cards.
	p.eval(`(async () => {
		const frame = document.querySelector("iframe");
		frame.contentWindow.postMessage({ type: "clear", id: "guess" }, "*");
		const id = new URL(frame.src).hash.match(/id=([0-9a-f]+)/)[1];
		window.frameID = id;
		frame.contentWindow.postMessage({ type: "collect", call: 99, id, path: "/v1/customers", prefix: "x", params: {} }, "*");
		await new Promise((answered) => addEventListener("message", (e) => e.data.call === 99 && answered()));
		// Not from the frame, though with its id: the page itself.
		window.postMessage({ id, type: "change", detail: { empty: true, complete: false } }, "*");
		await new Promise((heard) => addEventListener("message", (e) => e.source === window && heard()));
	})()`)
	// Not from the page, though with the frame's id: the frame's own window.
	p.inFrame("/js/elements/", "window.postMessage({ type: 'clear', id: '"+p.text("frameID")+"' }, '*')")
	p.eval("new Promise((later) => setTimeout(later, 50))") // a message that is dropped leaves nothing to wait for
	if got := p.field("number"); got != "4242 4242 4242 4242" {
		t.Errorf("a stranger's message was obeyed: number is %q", got)
	}
	if got := p.text("seen.events.at(-1).complete"); got != "true" {
		t.Error("the page believed a change that did not come from the frame")
	}
	if got := p.api.last().Path; got != "" {
		t.Errorf("card data left for %s", got)
	}
	p.clean("4242424242424242")
}

func testAppearance(t *testing.T, p payPage) {
	p.open(`{ ...deferred, appearance: { theme: "flat", variables: { colorDanger: "rgb(1, 2, 3)", borderRadius: "10px" }, rules: {
		".Input": { border: "1px solid rgb(4, 5, 6)", backgroundImage: "url(" + location.origin + "/leak)" },
		".Input--invalid": { color: "rgb(7, 8, 9)" },
		"body": { display: "none" }, ".Input {} body": { display: "none" },
	} } }`)
	style := func(property string) string {
		return p.inFrame("/js/elements/", "getComputedStyle(document.getElementById('cvc'))."+property).(string)
	}
	if got := style("borderTopColor") + " " + style("borderTopLeftRadius"); got != "rgb(4, 5, 6) 10px" {
		t.Errorf("fields look %s", got)
	}
	if got := p.inFrame("/js/elements/", "getComputedStyle(document.body).display"); got != "block" {
		t.Errorf("a rule for something that is no field was applied: body is %s", got)
	}
	p.eval("elements.submit()")
	p.run(chromedp.KeyEvent("4")) // ends the colour's transition for the others
	p.eval("new Promise((later) => setTimeout(later, 200))")
	if got := style("borderTopColor") + " " + style("color"); got != "rgb(1, 2, 3) rgb(7, 8, 9)" {
		t.Errorf("a wrong field looks %s: want the theme's border in colorDanger and the page's colour", got)
	}
	p.eval("elements.update({ appearance: { theme: 'night' } })")
	p.eval("new Promise((later) => setTimeout(later, 200))")
	if got := style("backgroundColor"); got != "rgb(48, 49, 61)" {
		t.Errorf("after the update fields are %s", got)
	}
}
