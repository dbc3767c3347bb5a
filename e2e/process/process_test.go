package process

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// witness is a test that may fail: it keeps what it was told.
type witness struct {
	testing.TB
	told    string
	failed  bool
	cleanup []func()
}

func (w *witness) Helper()                   {}
func (w *witness) Cleanup(f func())          { w.cleanup = append(w.cleanup, f) }
func (w *witness) Failed() bool              { return w.failed }
func (w *witness) Logf(string, ...any)       {}
func (w *witness) Errorf(f string, a ...any) { w.told += fmt.Sprintf(f, a...); w.failed = true }
func (w *witness) Fatalf(f string, a ...any) { w.Errorf(f, a...); runtime.Goexit() }

func TestProcess(t *testing.T) {
	fake, err := Build("./testdata/fake")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("STRIPE_SECRET_KEY", "the developer's own")

	t.Run("is told its first line and stops softly", func(t *testing.T) {
		p := start(t, fake, []string{"GIVEN=yes"}, "demo")
		var d Demo
		if err := json.Unmarshal(p.FirstLine, &d); err != nil || d.BaseURL != "http://127.0.0.1:1" || d.Staff.Email != "a@b.example" {
			t.Errorf("%+v, %v", d, err)
		}
		p.Stop()
		if got := p.Log(); got != "second line  yes\n" {
			t.Errorf("log %q", got)
		}
	})

	t.Run("may be killed", func(t *testing.T) {
		start(t, fake, nil, "demo").Kill()
	})

	t.Run("runs to its end", func(t *testing.T) {
		if out, code := run(t, fake, nil, "verify"); out != "{\"ok\":false}\n" || code != 1 {
			t.Errorf("%q, %d", out, code)
		}
	})

	wants := map[string]string{"silent": "no reason", "panic": `wrote "panic:"`, "bad end": "exit status 4"}
	if race {
		wants["race"] = "DATA RACE"
	}
	for how, want := range wants {
		t.Run("fails the test by "+how, func(t *testing.T) {
			w := &witness{TB: t}
			done := make(chan struct{})
			go func() {
				defer close(done)
				defer func() {
					for _, f := range w.cleanup {
						f()
					}
				}()
				p := start(w, fake, nil, how)
				if how == "panic" {
					<-p.gone
				}
			}()
			<-done
			if !strings.Contains(w.told, want) {
				t.Errorf("told %q, want %q", w.told, want)
			}
		})
	}
}
