// Package receipts draws receipts and invoices as PDF from frozen values.
//
// The same value gives the same bytes, always: no clock, no random number, no map order and no
// file of the machine takes part (of one build, that is: another Go release may compress
// differently, which is why the first rendering is what gets stored and sent). Text that the faces
// have no sign for, broken UTF-8 and control characters included, is drawn as "�" and never stops
// a document.
//
// The package does not decide what a receipt says about money, it does not store or send anything,
// and it does not shape text: Arabic, Hebrew, Thai and the scripts of India have no face here, and
// combining marks stand where the face puts them (text should come composed, as NFC).
package receipts
