package sandbox

import (
	"fmt"
	"slices"
	"strings"
)

// maxAmount is the largest charge in minor units (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts).
const maxAmount = 99_999_999

// minimums are the smallest charges by currency, in minor units
// (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts).
var minimums = map[string]int64{"usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500,
	"dkk": 250, "eur": 50, "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300,
	"nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000}

var (
	zeroDecimal  = strings.Fields("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf")
	threeDecimal = strings.Fields("bhd jod kwd omr tnd")
	currencies   = strings.Fields("usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw")
)

// checkAmount answers as Stripe does to an amount or currency it does not charge.
func checkAmount(amount int64, currency string) *apiError {
	switch {
	case !slices.Contains(currencies, currency):
		return invalid("", "currency", "Invalid currency: %s. Stripe currently supports these currencies: %s", currency, strings.Join(currencies, ", "))
	case amount < 1:
		return invalid("parameter_invalid_integer", "amount", "This value must be greater than or equal to 1.")
	case amount > maxAmount:
		return invalid("amount_too_large", "amount", "Amount must be no more than %s %s", decimal(maxAmount, currency), currency)
	case amount < max(minimums[currency], 1):
		return invalid("amount_too_small", "amount", "Amount must be at least %s %s", decimal(minimums[currency], currency), currency)
	case slices.Contains(threeDecimal, currency) && amount%10 != 0:
		// https://docs.stripe.com/currencies#three-decimal
		return invalid("", "amount", "Invalid amount: the least-significant digit of a %s amount must be 0.", currency)
	case (currency == "isk" || currency == "ugx") && amount%100 != 0:
		// https://docs.stripe.com/currencies#special-cases
		return invalid("", "amount", "Invalid amount: %s amounts must be divisible by 100.", currency)
	}
	return nil
}

// decimal writes an amount for a message.
func decimal(amount int64, currency string) string {
	switch {
	case slices.Contains(zeroDecimal, currency):
		return fmt.Sprint(amount)
	case slices.Contains(threeDecimal, currency):
		return fmt.Sprintf("%d.%03d", amount/1000, amount%1000)
	case currency == "usd":
		return fmt.Sprintf("$%d.%02d", amount/100, amount%100)
	}
	return fmt.Sprintf("%d.%02d", amount/100, amount%100)
}
