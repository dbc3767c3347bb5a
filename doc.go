// Package paylink is the domain: the nouns of a business that gets invoices paid from an e-mail,
// and the rules that hold whatever database, page or provider is around them.
//
// It does no input or output. What is stored is in package store, what moves money is in package
// payments, what people see is in packages templates and web.
package paylink
