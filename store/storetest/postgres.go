package storetest

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Postgres is the URL of an empty schema in a PostgreSQL server.
func Postgres(t testing.TB) string {
	t.Helper()
	dir, err := server()
	if err != nil {
		t.Fatal(err)
	}
	schema := fmt.Sprintf("test_%d", schemas.Add(1))
	conn, err := pgx.Connect(t.Context(), serverURL(dir, ""))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), "create schema "+schema); err != nil {
		t.Fatal(err)
	}
	return serverURL(dir, schema)
}

var schemas atomic.Int64

func serverURL(dir, schema string) string {
	q := url.Values{"host": {dir}, "sslmode": {"disable"}}
	if schema != "" {
		q.Set("search_path", schema)
	}
	return "postgres://postgres@/postgres?" + q.Encode()
}

//go:embed postgres.sh
var script string

// server starts PostgreSQL for this process and gives the folder of its socket. The shell that
// runs it stops it and removes the folder when this process ends, whatever ends it: that closes
// the pipe the shell reads.
var server = sync.OnceValues(func() (dir string, err error) {
	bin, err := binaries()
	if err != nil {
		return "", err
	}
	if dir, err = os.MkdirTemp("", "paylink-pg-"); err != nil {
		return "", err
	}
	who, err := unprivileged(dir)
	if err != nil {
		return "", err
	}
	cmd := exec.Command("/bin/sh", "-c", script, "sh", bin, dir)
	cmd.Dir = dir
	cmd.Env = []string{"LC_ALL=C.UTF-8", "HOME=" + dir, "PATH=/usr/bin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who, Setsid: true} // not in the way of Ctrl-C
	if _, err := cmd.StdinPipe(); err != nil {                            // kept open by cmd until we end
		return "", err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("start PostgreSQL: %w", err)
	}
	running = cmd
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || strings.TrimSpace(line) != "ready" {
		log, _ := os.ReadFile(filepath.Join(dir, "log"))
		return "", fmt.Errorf("start PostgreSQL: %s%s", line, log)
	}
	return dir, nil
})

// running keeps the pipe from being collected, which would close it.
var running *exec.Cmd //nolint:unused // held, never read

// binaries is the folder of the newest PostgreSQL on this machine.
func binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if len(found) > 0 {
		version := func(path string) int {
			n, _ := strconv.Atoi(strings.Split(path, "/")[4])
			return n
		}
		newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
		return filepath.Dir(newest), nil
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", errors.New("tests on PostgreSQL need its server: apt-get install postgresql")
}

// unprivileged gives the folder to a user that PostgreSQL agrees to run as: not root.
func unprivileged(dir string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // no credential is the answer: we are not root already
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		if who, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, err := strconv.ParseUint(who.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(who.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(dir, int(uid), int(gid))
}
