package api

// Decode lets the fuzzer reach the decoder with both bodies that programs send.
func Decode(body []byte) {
	var c newCustomer
	_ = decode(body, &c)
	var i newInvoice
	if decode(body, &i) == nil {
		if made, err := i.read(); err == nil {
			_ = made.Compute()
		}
	}
}
