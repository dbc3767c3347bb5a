package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What backup and restore say to run on PostgreSQL is run by a shell: no argument has the password, and the rest of the
// address arrives whole.
func TestNoArgumentOfPostgresProgramsHasThePassword(t *testing.T) {
	dir := t.TempDir()
	const record = "#!/bin/sh\nprintf '%s\\n' \"$0\" \"$@\" >> \"$(dirname \"$0\")/arguments\"\n"
	for _, name := range []string{"pg_dump", "pg_restore"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(record), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for at, want := range map[string]string{
		"postgres://ana:s3cret@db.example:5433/books?sslmode=verify-full":         "postgres://ana@db.example:5433/books?sslmode=verify-full",
		"postgres://ana@db.example/books?p%61ssword=s3cret&sslmode=verify-full":   "postgres://ana@db.example/books?sslmode=verify-full",
		"postgresql:///books?host=%2Frun%2Fpg&user=ana&password=s3cret":           "postgresql:///books?host=%2Frun%2Fpg&user=ana",
		"postgres://o'hara:s3cret%27%3B$(touch%20x)@db.example/books":             "postgres://o%27hara@db.example/books",
		"postgres://ana:s3cret%zz@db.example/books":                               "postgres://…",
		"postgres://ana:s3cret@db.example/books?options=-c%20search_path%3Dbooks": "postgres://ana@db.example/books?options=-c%20search_path%3Dbooks",
	} {
		for _, args := range [][]string{{"backup", filepath.Join(dir, "copy")}, {"restore", filepath.Join(dir, "copy")}} {
			out, err := command(t, map[string]string{"PAYLINK_DATABASE": at}, args...)
			if err == nil {
				t.Fatalf("%v: %s", args, out)
			}
			said := err.Error() + out
			if strings.Contains(said, "s3cret") || !strings.Contains(said, "PGPASSWORD") {
				t.Errorf("said: %s", said)
			}
			for line := range strings.Lines(said) {
				if !strings.HasPrefix(line, "  pg_") {
					continue
				}
				shell := exec.CommandContext(t.Context(), "/bin/sh", "-c", line)
				shell.Env = []string{"PATH=" + dir + ":/usr/bin:/bin", "PAYLINK_DATABASE=" + at}
				if out, err := shell.CombinedOutput(); err != nil {
					t.Fatalf("%s: %v %s", line, err, out)
				}
			}
			got, err := os.ReadFile(filepath.Join(dir, "arguments"))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(got), "s3cret") || !strings.Contains(string(got), want+"\n") {
				t.Errorf("%s: arguments are\n%s", args[0], got)
			}
			if err := os.Remove(filepath.Join(dir, "arguments")); err != nil {
				t.Fatal(err)
			}
		}
	}
}
