package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"paylink"
)

// command runs one command in an environment of its own.
func command(t *testing.T, env map[string]string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), args, func(name string) string { return env[name] }, &out, &out)
	return out.String(), err
}

func TestEveryCommandReadsItsSecretsFromFiles(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	_, keys := paylink.NewKeyRing("k")
	database := filepath.Join(dir, "books.db")
	env := map[string]string{"PAYLINK_DATABASE_FILE": file("database", "sqlite:"+database)}
	for _, args := range [][]string{{"migrate"}, {"staff", "add", "ana@northwind.example"}, {"apikey", "add", "books"}, {"verify"}} {
		if out, err := command(t, env, args...); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	if _, err := os.Stat(database); err != nil {
		t.Errorf("the database that the file names was not used: %v", err)
	}
	if out, _ := command(t, env, "verify", "--json"); !strings.Contains(out, `"audit":"not checked"`) {
		t.Errorf("without keys: %s", out)
	}
	env["PAYLINK_SECRET_KEYS_FILE"] = file("keys", "no ring")
	if _, err := command(t, env, "verify"); err == nil || !strings.Contains(err.Error(), "PAYLINK_SECRET_KEYS") {
		t.Errorf("keys that are none: %v", err)
	}
	env["PAYLINK_SECRET_KEYS_FILE"] = file("keys", keys)
	if out, err := command(t, env, "verify", "--json"); err != nil || !strings.Contains(out, `"ok":true`) {
		t.Errorf("with keys: %v %s", err, out)
	}
	env["PAYLINK_DATABASE"] = "sqlite:other.db"
	if _, err := command(t, env, "verify"); err == nil || !strings.Contains(err.Error(), "keep one") {
		t.Errorf("both set: %v", err)
	}
}

// What a command refuses it says in a sentence, as a page would.
func TestCommandsExplainWhatIsWrong(t *testing.T) {
	env := map[string]string{"PAYLINK_DATABASE": "sqlite:" + filepath.Join(t.TempDir(), "books.db"), "PAYLINK_MIGRATE": "auto"}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"staff", "add", "ana@northwind.example"}, ""},
		{[]string{"staff", "add", "ana@northwind.example"}, "Somebody else has this e-mail address."},
		{[]string{"staff", "add", "ana"}, "email: Type one e-mail address, for example name@company.com."},
		{[]string{"apikey", "add", "books"}, ""},
		{[]string{"apikey", "add", "books"}, "Another key has this name."},
	} {
		said := ""
		if _, err := command(t, env, c.args...); err != nil {
			said = err.Error()
		}
		if said != c.want {
			t.Errorf("%v: %q, want %q", c.args, said, c.want)
		}
	}
}

func TestDemoOnEveryAddressIsReachedOnThisMachine(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":0", "[::]:0"} {
		ctx, stop := context.WithCancel(t.Context())
		out := writerFunc(func(b []byte) (int, error) { // the first thing it says
			if !bytes.Contains(b, []byte(`"base_url":"http://127.0.0.1:`)) {
				t.Errorf("%s: %s", addr, b)
			}
			stop()
			return len(b), nil
		})
		var said bytes.Buffer
		err := run(ctx, []string{"demo", "--addr", addr, "--data", t.TempDir(), "--empty", "--json"}, os.Getenv, out, &said)
		if err != nil {
			t.Errorf("%s: %v %s", addr, err, &said)
		}
		if ctx.Err() == nil {
			t.Errorf("%s: it never said where it is", addr)
		}
		stop()
	}
	if got := reachable(&net.TCPAddr{IP: net.ParseIP("192.0.2.1"), Port: 80}); got != "192.0.2.1:80" {
		t.Errorf("an address of its own became %s", got)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
