package storetest_test

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"paylink/store/storetest"
)

// childEnv makes the test binary hang in its test, with PostgreSQL started.
const childEnv = "PAYLINK_TEST_HANG"

// Whatever ends the tests, their server and its folder go too.
func TestServerEndsWithAKilledTest(t *testing.T) {
	storetest.OnPostgres(t, func(t *testing.T, own string) {
		if os.Getenv(childEnv) != "" {
			fmt.Println("at " + own)
			select {}
		}
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestServerEndsWithAKilledTest$")
		child.Env = append(os.Environ(), childEnv+"=1")
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		said := make([]byte, 1000)
		n, err := out.Read(said)
		if err != nil {
			t.Fatal(err)
		}
		at, err := url.Parse(strings.TrimSpace(strings.TrimPrefix(string(said[:n]), "at ")))
		if err != nil {
			t.Fatal(err)
		}
		dir := at.Query().Get("host")
		if _, err := os.Stat(dir); err != nil {
			t.Fatal(err)
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait()
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		late := time.After(30 * time.Second)
		for { // the folder goes after the server did
			if _, err := os.Stat(dir); os.IsNotExist(err) {
				return
			}
			select {
			case <-tick.C:
			case <-late:
				t.Fatalf("%s is still there", dir)
			}
		}
	})
}
