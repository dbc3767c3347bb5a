// Package audit chains the rows of an audit log with HMAC-SHA-256, so that who can write to the
// database but does not hold the key cannot edit, delete, insert or reorder sealed rows unseen,
// and who cuts off the end is found out by an anchor kept elsewhere.
//
// The package is pure: it reads no table, keeps no key and decides neither what is logged nor
// when rows are sealed. Rows that are not sealed yet are not protected.
package audit

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// KeySize is the least length of a key, MACSize the length of a MAC, in bytes.
const (
	KeySize = 32
	MACSize = sha256.Size
)

// Row is one line of the audit log.
type Row struct {
	Seq     int64 // place in the log; grows from row to row, gaps are allowed
	At      int64 // microseconds since 1970, UTC
	Actor   string
	Action  string
	Subject string
	Data    string
}

// Broken says which row is the first that does not hold.
type Broken struct {
	Seq    int64
	Reason string
}

func (b *Broken) Error() string {
	return fmt.Sprintf("audit log does not hold from row %d: %s", b.Seq, b.Reason)
}

// version separates these bytes from all else the same key may ever sign, and from rows with
// other fields.
const version = "paylink audit 1\x00"

// Canonical returns the bytes of r that are sealed. Two different rows never share them: numbers
// are eight bytes, big-endian, and each text stands behind its length.
func Canonical(r Row) []byte {
	size := len(version) + 6*8 + len(r.Actor) + len(r.Action) + len(r.Subject) + len(r.Data)
	out := append(make([]byte, 0, size), version...)
	out = binary.BigEndian.AppendUint64(out, uint64(r.Seq))
	out = binary.BigEndian.AppendUint64(out, uint64(r.At))
	for _, text := range [...]string{r.Actor, r.Action, r.Subject, r.Data} {
		out = binary.BigEndian.AppendUint64(out, uint64(len(text)))
		out = append(out, text...)
	}
	return out
}

// Seal returns the MAC of each row, each chained to the one before and the first to prev, the MAC
// of the last sealed row; prev is nil for the first row of a log. Rows are in order of Seq.
func Seal(key, prev []byte, rows []Row) (macs [][]byte, err error) {
	if err := checkLengths(key, prev); err != nil {
		return nil, fmt.Errorf("seal audit rows: %w", err)
	}
	macs = make([][]byte, len(rows))
	for i, row := range rows {
		if i > 0 && row.Seq <= rows[i-1].Seq {
			return nil, fmt.Errorf("seal audit rows: row %d after row %d", row.Seq, rows[i-1].Seq)
		}
		prev = mac(key, prev, row)
		macs[i] = prev
	}
	return macs, nil
}

// Check says whether rows, read in order of Seq, carry the MACs that Seal gave them. The error
// is a *Broken that names the first row that does not. A long log is checked run by run: the last
// MAC of one is prev of the next.
func Check(key, prev []byte, rows []Row, macs [][]byte) error {
	if err := checkLengths(key, prev); err != nil {
		return fmt.Errorf("check audit rows: %w", err)
	}
	if len(rows) != len(macs) {
		return fmt.Errorf("check audit rows: %d rows, %d MACs", len(rows), len(macs))
	}
	for i, row := range rows {
		if i > 0 && row.Seq <= rows[i-1].Seq {
			return &Broken{row.Seq, fmt.Sprintf("out of order after row %d", rows[i-1].Seq)}
		}
		prev = mac(key, prev, row)
		if !hmac.Equal(prev, macs[i]) {
			return &Broken{row.Seq, "this row, or one before it, was edited, deleted, inserted or moved"}
		}
	}
	return nil
}

func checkLengths(key, prev []byte) error {
	if len(key) < KeySize {
		return fmt.Errorf("key is shorter than %d bytes", KeySize)
	}
	if prev != nil && len(prev) != MACSize {
		return fmt.Errorf("MAC before is not %d bytes", MACSize)
	}
	return nil
}

// mac is HMAC(key, prev ‖ canonical row); zeros stand before the first row of a log.
func mac(key, prev []byte, r Row) []byte {
	if prev == nil {
		prev = make([]byte, MACSize)
	}
	h := hmac.New(sha256.New, key)
	h.Write(prev)
	h.Write(Canonical(r))
	return h.Sum(nil)
}

// Anchor is the seal of one row, kept where who can write to the database cannot: a log shipped
// off the machine, a backup's manifest, a mail. It is not secret.
type Anchor struct {
	Seq int64
	MAC []byte
}

// String returns the anchor as text, "1042:9f86d0…", which ParseAnchor reads.
func (a Anchor) String() string {
	return strconv.FormatInt(a.Seq, 10) + ":" + hex.EncodeToString(a.MAC)
}

// ParseAnchor reads what String wrote.
func ParseAnchor(s string) (Anchor, error) {
	number, digits, _ := strings.Cut(s, ":")
	seq, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return Anchor{}, errors.New("read audit anchor: no row number before the colon")
	}
	sum, err := hex.DecodeString(digits)
	if err != nil || len(sum) != MACSize {
		return Anchor{}, fmt.Errorf("read audit anchor: no MAC of %d hexadecimal digits after the colon", 2*MACSize)
	}
	return Anchor{seq, sum}, nil
}

// CheckAnchors says whether the log still holds every anchored row under its seal. macAt returns
// the MAC stored with a row, nil if there is no such row. The error is a *Broken that names the
// first anchor in order of Seq that is missing, which means that the log was cut off or replaced,
// or differs. Check does not see either when the log was sealed anew by somebody who has the key.
func CheckAnchors(anchors []Anchor, macAt func(seq int64) ([]byte, error)) error {
	ordered := slices.SortedStableFunc(slices.Values(anchors), func(a, b Anchor) int {
		return cmp.Compare(a.Seq, b.Seq)
	})
	for _, anchor := range ordered {
		stored, err := macAt(anchor.Seq)
		if err != nil {
			return fmt.Errorf("read audit row %d: %w", anchor.Seq, err)
		}
		switch {
		case stored == nil:
			return &Broken{anchor.Seq, "an anchored row is missing"}
		case !hmac.Equal(stored, anchor.MAC):
			return &Broken{anchor.Seq, "the seal is not the anchored one"}
		}
	}
	return nil
}
