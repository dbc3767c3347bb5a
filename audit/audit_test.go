package audit

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var key = bytes.Repeat([]byte{7}, KeySize)

// log is a log of n rows and their seals.
func log(t interface{ Fatal(...any) }, n int) ([]Row, [][]byte) {
	rows := make([]Row, n)
	for i := range rows {
		rows[i] = Row{
			Seq: int64(i + 1), At: 1_795_348_800_000_000 + int64(i), Actor: "usr_1", Action: "payment.refund",
			Subject: fmt.Sprintf("pay_%d", i), Data: `{"amount":22500}`,
		}
	}
	macs, err := Seal(key, nil, rows)
	if err != nil {
		t.Fatal(err)
	}
	return rows, macs
}

// brokenAt returns the row that err names, or 0.
func brokenAt(err error) int64 {
	if broken, ok := errors.AsType[*Broken](err); ok {
		return broken.Seq
	}
	return 0
}

func TestSealedLogHolds(t *testing.T) {
	rows, macs := log(t, 20)
	if err := Check(key, nil, rows, macs); err != nil {
		t.Error(err)
	}
	if err := Check(key, nil, nil, nil); err != nil {
		t.Errorf("an empty log: %v", err)
	}
	// Sealed and checked in runs, the log is the same.
	first, err := Seal(key, nil, rows[:7])
	if err != nil {
		t.Fatal(err)
	}
	rest, err := Seal(key, first[6], rows[7:])
	if err != nil {
		t.Fatal(err)
	}
	if !slices.EqualFunc(append(first, rest...), macs, bytes.Equal) {
		t.Error("sealed in two runs, the log has other seals")
	}
	if err := Check(key, macs[6], rows[7:], macs[7:]); err != nil {
		t.Errorf("second run: %v", err)
	}
}

// The seal is fixed for ever: rows sealed by one release are checked by the next.
func TestSealNeverChanges(t *testing.T) {
	_, macs := log(t, 2)
	for i, want := range []string{
		"2087f3038f528f16c2b091669cedb0cad78b20d192b3d3c5cddcf79e1ef86122",
		"42de83b7ddfc6a6d6a7b9b681ce50f46e2c505d22bdc45c746bb16f935c16ee6",
	} {
		if got := fmt.Sprintf("%x", macs[i]); got != want {
			t.Errorf("row %d has the seal %s, want %s", i+1, got, want)
		}
	}
}

func TestCheckNamesTheFirstRowThatWasTamperedWith(t *testing.T) {
	for name, c := range map[string]struct {
		tamper func(rows []Row, macs [][]byte) ([]Row, [][]byte)
		want   int64
	}{
		"seq":     {func(r []Row, m [][]byte) ([]Row, [][]byte) { r[9].Seq = 99; return r[:10], m[:10] }, 99},
		"time":    {func(r []Row, m [][]byte) ([]Row, [][]byte) { r[4].At++; return r, m }, 5},
		"actor":   {func(r []Row, m [][]byte) ([]Row, [][]byte) { r[4].Actor = "usr_2"; return r, m }, 5},
		"action":  {func(r []Row, m [][]byte) ([]Row, [][]byte) { r[4].Action = ""; return r, m }, 5},
		"subject": {func(r []Row, m [][]byte) ([]Row, [][]byte) { r[4].Subject += " "; return r, m }, 5},
		"data":    {func(r []Row, m [][]byte) ([]Row, [][]byte) { r[4].Data = `{"amount":22501}`; return r, m }, 5},
		"moved text": {func(r []Row, m [][]byte) ([]Row, [][]byte) {
			r[4].Actor, r[4].Action = r[4].Actor+r[4].Action[:1], r[4].Action[1:]
			return r, m
		}, 5},
		"seal":       {func(r []Row, m [][]byte) ([]Row, [][]byte) { m[4][31] ^= 1; return r, m }, 5},
		"short seal": {func(r []Row, m [][]byte) ([]Row, [][]byte) { m[4] = m[4][:31]; return r, m }, 5},
		"no seal":    {func(r []Row, m [][]byte) ([]Row, [][]byte) { m[4] = nil; return r, m }, 5},
		"first row":  {func(r []Row, m [][]byte) ([]Row, [][]byte) { return r[1:], m[1:] }, 2},
		"delete":     {func(r []Row, m [][]byte) ([]Row, [][]byte) { return slices.Delete(r, 4, 5), slices.Delete(m, 4, 5) }, 6},
		"delete run": {func(r []Row, m [][]byte) ([]Row, [][]byte) { return slices.Delete(r, 4, 9), slices.Delete(m, 4, 9) }, 10},
		"swap rows":  {func(r []Row, m [][]byte) ([]Row, [][]byte) { r[4], r[5] = r[5], r[4]; return r, m }, 6},
		"swap content": {func(r []Row, m [][]byte) ([]Row, [][]byte) {
			r[4].Subject, r[5].Subject = r[5].Subject, r[4].Subject
			return r, m
		}, 5},
		"swap all": {func(r []Row, m [][]byte) ([]Row, [][]byte) {
			r[4], r[5], m[4], m[5] = r[5], r[4], m[5], m[4]
			return r, m
		}, 6},
		"swap renumbered": {func(r []Row, m [][]byte) ([]Row, [][]byte) {
			r[4], r[5], m[4], m[5] = r[5], r[4], m[5], m[4]
			r[4].Seq, r[5].Seq = 5, 6
			return r, m
		}, 5},
		"copied row": {func(r []Row, m [][]byte) ([]Row, [][]byte) {
			return slices.Insert(r, 5, r[4]), slices.Insert(m, 5, m[4])
		}, 5},
		"sealed out of order": {func(r []Row, m [][]byte) ([]Row, [][]byte) {
			later, _ := Seal(key, m[3], r[5:6])
			earlier, _ := Seal(key, later[0], r[4:5])
			return append(r[:4:4], r[5], r[4]), append(m[:4], later[0], earlier[0])
		}, 5},
		"sealed elsewhere": {func(r []Row, m [][]byte) ([]Row, [][]byte) {
			r[4].Data = "{}"
			again, _ := Seal(bytes.Repeat([]byte{8}, KeySize), m[3], r[4:])
			return r, append(m[:4], again...)
		}, 5},
	} {
		rows, macs := log(t, 10)
		rows, macs = c.tamper(rows, macs)
		if err := Check(key, nil, rows, macs); err == nil || brokenAt(err) != c.want {
			t.Errorf("%s: %v, want row %d named", name, err, c.want)
		}
	}
}

func TestOnlyAnAnchorSeesTheEndCutOff(t *testing.T) {
	rows, macs := log(t, 10)
	anchors := []Anchor{{10, macs[9]}, {3, macs[2]}, {7, macs[6]}}
	stored := func(rows []Row, macs [][]byte) func(int64) ([]byte, error) {
		bySeq := make(map[int64][]byte)
		for i, r := range rows {
			bySeq[r.Seq] = macs[i]
		}
		return func(seq int64) ([]byte, error) { return bySeq[seq], nil }
	}
	if err := CheckAnchors(anchors, stored(rows, macs)); err != nil {
		t.Fatal(err)
	}
	if err := CheckAnchors(nil, stored(nil, nil)); err != nil {
		t.Fatalf("no anchors: %v", err)
	}
	cut := macs[:6]
	if err := Check(key, nil, rows[:6], cut); err != nil {
		t.Fatalf("the chain alone should not see the end: %v", err)
	}
	if err := CheckAnchors(anchors, stored(rows[:6], cut)); brokenAt(err) != 7 || !strings.Contains(err.Error(), "missing") {
		t.Errorf("cut off after row 6: %v, want row 7 named as missing", err)
	}

	// Somebody who has the key seals another history.
	rows[5].Data = "{}"
	anew, err := Seal(key, nil, rows)
	if err != nil {
		t.Fatal(err)
	}
	if err := Check(key, nil, rows, anew); err != nil {
		t.Fatalf("the chain alone should not see a new seal: %v", err)
	}
	if err := CheckAnchors(anchors, stored(rows, anew)); brokenAt(err) != 7 {
		t.Errorf("sealed anew from row 6: %v, want row 7 named", err)
	}

	down := errors.New("disk gone")
	err = CheckAnchors(anchors, func(int64) ([]byte, error) { return nil, down })
	if !errors.Is(err, down) || brokenAt(err) != 0 {
		t.Errorf("a read that failed says %v, which must not read as tampering", err)
	}
	if !slices.EqualFunc(anchors, []Anchor{{10, macs[9]}, {3, macs[2]}, {7, macs[6]}}, func(a, b Anchor) bool { return a.Seq == b.Seq }) {
		t.Error("the caller's anchors were sorted")
	}
}

func TestUnsafeUseIsAnError(t *testing.T) {
	rows, macs := log(t, 3)
	for name, c := range map[string]struct {
		key, prev []byte
		rows      []Row
	}{
		"no key":       {nil, nil, rows},
		"short key":    {key[:31], nil, rows},
		"short prev":   {key, macs[0][:31], rows},
		"empty prev":   {key, []byte{}, rows},
		"out of order": {key, nil, []Row{rows[1], rows[0]}},
		"twice":        {key, nil, []Row{rows[0], rows[0]}},
	} {
		if got, err := Seal(c.key, c.prev, c.rows); err == nil || got != nil {
			t.Errorf("%s: sealed", name)
		}
		if err := Check(c.key, c.prev, c.rows, macs[:len(c.rows)]); err == nil {
			t.Errorf("%s: holds", name)
		}
	}
	if err := Check(key, nil, rows, macs[:2]); err == nil {
		t.Error("a row without a seal holds")
	}
	if err := Check(key, nil, rows[:2], macs); err == nil {
		t.Error("a seal without a row holds")
	}
}

func TestAnchorTravelsAsText(t *testing.T) {
	_, macs := log(t, 1)
	anchor := Anchor{1042, macs[0]}
	back, err := ParseAnchor(anchor.String())
	if err != nil || back.Seq != 1042 || !bytes.Equal(back.MAC, macs[0]) {
		t.Errorf("%s reads as %v, %v", anchor, back, err)
	}
	sum := strings.TrimPrefix(anchor.String(), "1042:")
	for _, bad := range []string{"", ":", "1042", "1042:", ":" + sum, "x:" + sum, "1042:" + sum[2:], "1042:" + sum + "00", "1042:" + sum[:62] + "zz", "1042: " + sum} {
		if got, err := ParseAnchor(bad); err == nil {
			t.Errorf("%q reads as %v", bad, got)
		}
	}
}

// drawnLog is a log of rows with any content, numbered with gaps.
func drawnLog(t *rapid.T) []Row {
	rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Row {
		text := rapid.OneOf(rapid.SampledFrom([]string{"", "a", "ab", "\x00"}), rapid.String())
		return Row{rapid.Int64Range(1, 3).Draw(t, "gap"), rapid.Int64().Draw(t, "at"),
			text.Draw(t, "actor"), text.Draw(t, "action"), text.Draw(t, "subject"), text.Draw(t, "data")}
	}), 2, 12).Draw(t, "rows")
	for i := range rows[1:] {
		rows[i+1].Seq += rows[i].Seq
	}
	return rows
}

func TestAnyChangeToASealedLogIsSeen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := drawnLog(t)
		macs, err := Seal(key, nil, rows)
		if err != nil {
			t.Fatal(err)
		}
		if err := Check(key, nil, rows, macs); err != nil {
			t.Fatal(err)
		}
		anchors := []Anchor{{rows[len(rows)-1].Seq, macs[len(macs)-1]}}

		changed, seals := slices.Clone(rows), slices.Clone(macs)
		at := rapid.IntRange(0, len(rows)-1).Draw(t, "at")
		switch rapid.SampledFrom([]string{"edit", "delete", "swap", "insert", "truncate", "seal"}).Draw(t, "change") {
		case "edit":
			other := drawnLog(t)[0]
			other.Seq = rows[at].Seq
			changed[at] = other
		case "delete":
			changed, seals = slices.Delete(changed, at, at+1), slices.Delete(seals, at, at+1)
		case "swap":
			to := rapid.IntRange(0, len(rows)-1).Draw(t, "to")
			changed[at], changed[to] = changed[to], changed[at]
			changed[at].Seq, changed[to].Seq = changed[to].Seq, changed[at].Seq
			if rapid.Bool().Draw(t, "seals too") {
				seals[at], seals[to] = seals[to], seals[at]
			}
		case "insert":
			forged := drawnLog(t)[0]
			forged.Seq = rows[at].Seq
			for i := at; i < len(changed); i++ {
				changed[i].Seq++
			}
			changed = slices.Insert(changed, at, forged)
			seals = slices.Insert(seals, at, macs[rapid.IntRange(0, len(macs)-1).Draw(t, "borrowed seal")])
		case "truncate":
			changed, seals = changed[:at], seals[:at]
		case "seal":
			seals[at] = slices.Clone(seals[at])
			seals[at][rapid.IntRange(0, MACSize-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		}
		if slices.Equal(changed, rows) && slices.EqualFunc(seals, macs, bytes.Equal) {
			return
		}
		stored := make(map[int64][]byte)
		for i, r := range changed {
			stored[r.Seq] = seals[i]
		}
		chain := Check(key, nil, changed, seals)
		anchored := CheckAnchors(anchors, func(seq int64) ([]byte, error) { return stored[seq], nil })
		if chain == nil && anchored == nil {
			t.Fatalf("unseen: %v became %v", rows, changed)
		}
	})
}

func TestCanonicalOfDifferentRowsDiffers(t *testing.T) {
	rows := map[string]Row{}
	for _, r := range []Row{
		{}, {Seq: 1}, {At: 1}, {Seq: -1}, {At: math.MinInt64}, {Actor: "a"}, {Action: "a"}, {Subject: "a"}, {Data: "a"},
		{Actor: "ab"}, {Actor: "a", Action: "b"}, {Actor: "\x00"}, {Action: "\x00"}, {Actor: "a\x00b"}, {Actor: "\xff"}, {Actor: "\ufffd"},
	} {
		if other, taken := rows[string(Canonical(r))]; taken {
			t.Errorf("%+v and %+v share their bytes", r, other)
		}
		rows[string(Canonical(r))] = r
	}
}

func FuzzAuditCanonical(f *testing.F) {
	f.Add(int64(1), int64(2), "a", "b", "c", "d", int64(1), int64(2), "ab", "", "c", "d")
	f.Add(int64(0), int64(0), "", "", "", "", int64(0), int64(0), "\x00", "", "", "")
	f.Add(int64(1), int64(2), "a\x00\x00\x00\x00\x00\x00\x00\x01b", "", "", "", int64(1), int64(2), "a", "b", "", "")
	f.Add(int64(-1), int64(math.MaxInt64), "ü", "", "", "\xff", int64(-1), int64(math.MaxInt64), "ü", "", "", "\xff")
	f.Fuzz(func(t *testing.T, seqA, atA int64, a1, a2, a3, a4 string, seqB, atB int64, b1, b2, b3, b4 string) {
		a, b := Row{seqA, atA, a1, a2, a3, a4}, Row{seqB, atB, b1, b2, b3, b4}
		if same := bytes.Equal(Canonical(a), Canonical(b)); same != (a == b) {
			t.Fatalf("%+v and %+v: same bytes %t", a, b, same)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	rows, _ := log(b, 500)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Seal(key, nil, rows); err != nil {
			b.Fatal(err)
		}
	}
}
