package api

// Decode lets the fuzzer reach the decoder with both bodies that programs send.
func Decode(body []byte) {
	var c newCustomer
	_ = decode(body, &c)
	var i newInvoice
	if decode(body, &i) == nil {
		if made, wrong := i.read(); len(wrong) == 0 {
			_ = made.Compute()
		}
	}
}
