package receipts

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestSameRecordSameBytes(t *testing.T) {
	r, i := exampleReceipt(), exampleInvoice()
	r.Payer = "株式会社 김민준 Łódź"
	want, wantInvoice := mustRender(t, r), mustRenderInvoice(t, i)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range 2 {
				got, err := Render(r)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("a receipt drawn at the same time differs (%v)", err)
				}
				got, err = RenderInvoice(i)
				if err != nil || !bytes.Equal(got, wantInvoice) {
					t.Errorf("an invoice drawn at the same time differs (%v)", err)
				}
			}
		})
	}
	wait.Wait()
}

// Maps are walked in another order in every process, so a forgotten one shows only there.
func TestSameRecordSameBytesInAnotherProcess(t *testing.T) {
	sum := func() string {
		r := exampleReceipt()
		r.Payer = "株式会社 김민준 Łódź"
		var stored Receipt // as it comes back from the database
		frozen, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(frozen, &stored); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%x", sha256.Sum256(append(mustRender(t, stored), mustRenderInvoice(t, exampleInvoice())...)))
	}
	if os.Getenv("RECEIPTS_TEST_CHILD") != "" {
		fmt.Println(sum())
		return
	}
	want := sum()
	for range 3 {
		child := exec.Command(os.Args[0], "-test.run=^TestSameRecordSameBytesInAnotherProcess$")
		child.Env = append(os.Environ(), "RECEIPTS_TEST_CHILD=1", "TZ=Asia/Tokyo", "LANG=de_DE.UTF-8")
		out, err := child.Output()
		if err != nil {
			t.Fatal(err)
		}
		if got, _, _ := strings.Cut(string(out), "\n"); got != want {
			t.Fatalf("another process drew %s, this one %s", got, want)
		}
	}
}

func TestAnotherRecordOtherBytes(t *testing.T) {
	r := exampleReceipt()
	before := mustRender(t, r)
	r.IssuedAt = r.IssuedAt.Add(time.Second)
	if bytes.Equal(before, mustRender(t, r)) {
		t.Error("the time of issue is not in the document")
	}
}

func BenchmarkRender(b *testing.B) {
	r := exampleReceipt()
	b.ReportAllocs()
	for b.Loop() {
		mustRender(b, r)
	}
}

func BenchmarkRenderHan(b *testing.B) {
	r := exampleReceipt()
	r.Payer = "株式会社キーオン"
	for b.Loop() {
		mustRender(b, r)
	}
}

func BenchmarkRenderInvoice(b *testing.B) {
	i := exampleInvoice()
	for b.Loop() {
		mustRenderInvoice(b, i)
	}
}
