// Command guards takes the conditions of the money code out, one at a time, and names those that no test misses.
//
//	go run ./tools/guards -in payments,. -by payments,store,web/pay
//
// It changes no file. The compiler is given an overlay in which every condition of an if or a case, and every operand of
// && and ||, has a switch. The tests are built once. Each is run alone, to learn which switches matter in it: a condition
// that was never true proves nothing. Then each switch is thrown under those tests until one of them fails.
//
// It does not judge: a condition that is only another way to the same end is named too. Errors that are passed on
// (err != nil) have no switch.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

func main() {
	in := flag.String("in", "payments,.,ledger", "folders whose conditions are taken out")
	by := flag.String("by", "payments,.,ledger,store,invoicing,web/pay,web/desk,web/api,web/hooks", "folders whose tests should miss them")
	only := flag.String("only", ".", "regular expression of the conditions, as they are printed")
	tests := flag.String("tests", ".", "regular expression of the tests")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	missed, err := run(ctx, os.Stdout, strings.Split(*in, ","), strings.Split(*by, ","), regexp.MustCompile(*only), regexp.MustCompile(*tests))
	if err != nil {
		fmt.Fprintln(os.Stderr, "guards:", err)
		os.Exit(2)
	}
	if missed > 0 {
		os.Exit(1)
	}
}

// atOnce is how many tests run at a time: they wait as much as they work.
const atOnce = 3

func run(ctx context.Context, out io.Writer, in, by []string, only, tests *regexp.Regexp) (missed int, err error) {
	root, err := filepath.Abs(".")
	if err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "guards")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	guards, err := overlay(root, dir, in)
	if err != nil {
		return 0, err
	}
	guards = slices.DeleteFunc(guards, func(g guard) bool { return !only.MatchString(g.String()) })
	all, err := build(ctx, dir, by, tests)
	if err != nil {
		return 0, err
	}
	fmt.Fprintf(out, "%d conditions, %d tests\n", len(guards), len(all))
	each(all, func(t *test) { err = cmp.Or(err, t.learn(ctx, dir)) })
	if err != nil {
		return 0, err
	}
	slices.SortFunc(all, func(a, b *test) int { return cmp.Compare(a.took, b.took) })
	var mu sync.Mutex
	each(guards, func(g guard) {
		by, mattered := g.missed(ctx, all)
		mu.Lock()
		defer mu.Unlock()
		switch {
		case by != "" || ctx.Err() != nil:
			return
		case mattered:
			fmt.Fprintln(out, "nobody fails:    ", g)
		default:
			fmt.Fprintln(out, "nobody comes here:", g)
		}
		missed++
	})
	fmt.Fprintf(out, "%d of %d are missed by a test\n", len(guards)-missed, len(guards))
	return missed, ctx.Err()
}

func each[T any](list []T, do func(T)) {
	places := make(chan struct{}, atOnce)
	var group sync.WaitGroup
	for _, one := range list {
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			do(one)
		})
	}
	group.Wait()
}

// test is one test of a built package.
type test struct {
	binary, folder, name string

	took    time.Duration
	matters map[int]bool // the switches that it came by while they would have made a difference
}

// build compiles the packages' tests with the overlay and lists them.
func build(ctx context.Context, dir string, folders []string, match *regexp.Regexp) (all []*test, err error) {
	for n, folder := range folders {
		binary := filepath.Join(dir, strconv.Itoa(n)+".test")
		compile := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-overlay", filepath.Join(dir, "overlay.json"), "-o", binary, "./"+folder)
		if out, err := compile.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build the tests of %s: %w\n%s", folder, err, out)
		}
		list := exec.CommandContext(ctx, binary, "-test.list", "^Test")
		list.Dir = folder
		out, err := list.Output()
		if err != nil {
			return nil, fmt.Errorf("list the tests of %s: %w", folder, err)
		}
		for name := range strings.FieldsSeq(string(out)) {
			if match.MatchString(name) {
				all = append(all, &test{binary: binary, folder: folder, name: name})
			}
		}
	}
	return all, nil
}

// passes runs tests of one package; env says which switch is thrown.
func passes(ctx context.Context, limit time.Duration, tests []*test, env string) (failed string, ok bool) {
	var names []string
	for _, t := range tests {
		names = append(names, t.name)
	}
	c := exec.CommandContext(ctx, tests[0].binary, "-test.failfast", "-test.timeout", limit.String(), "-test.run", "^("+strings.Join(names, "|")+")$")
	c.Dir = tests[0].folder
	c.Env = append(c.Environ(), "PAYLINK_TEST_DATABASES=sqlite", env)
	out, err := c.CombinedOutput()
	if err == nil {
		return "", true
	}
	if m := regexp.MustCompile(`--- FAIL: (\w+)`).FindSubmatch(out); m != nil {
		return string(m[1]), false
	}
	return "a test that never ended, or a panic", false
}

// learn runs the test with nothing changed.
func (t *test) learn(ctx context.Context, dir string) error {
	seen := filepath.Join(dir, "seen."+t.name+"."+filepath.Base(t.binary))
	begun := time.Now()
	if failed, ok := passes(ctx, 5*time.Minute, []*test{t}, "GUARDS_SEEN="+seen); !ok {
		return fmt.Errorf("%s fails as it is", failed)
	}
	t.took, t.matters = time.Since(begun), map[int]bool{}
	text, err := os.ReadFile(seen)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	for line := range strings.FieldsSeq(string(text)) {
		n, err := strconv.Atoi(line)
		if err != nil {
			return fmt.Errorf("read what %s came by: %w", t.name, err)
		}
		t.matters[n] = true
	}
	return nil
}

// missed throws the guard's switch and gives the first test that fails; the quick ones come first, a few at a time.
func (g guard) missed(ctx context.Context, all []*test) (by string, mattered bool) {
	var left []*test
	for _, t := range all {
		if t.matters[g.id] {
			left = append(left, t)
		}
	}
	mattered = len(left) > 0
	for len(left) > 0 && ctx.Err() == nil {
		var now, later []*test
		took := time.Duration(0)
		for _, t := range left {
			if t.binary == left[0].binary && (len(now) == 0 || len(now) < 12 && took+t.took < 12*time.Second) {
				now, took = append(now, t), took+t.took
			} else {
				later = append(later, t)
			}
		}
		if by, ok := passes(ctx, 3*took+40*time.Second, now, "GUARDS_OFF="+strconv.Itoa(g.id)); !ok {
			return by, true
		}
		left = later
	}
	return "", mattered
}

// write puts a file of the overlay into dir and notes which file it stands for.
func write(replace map[string]string, dir, path, text string) error {
	to := filepath.Join(dir, strconv.Itoa(len(replace))+".go")
	replace[path] = to
	return os.WriteFile(to, []byte(text), 0o600)
}

// overlay writes what the compiler takes for the folders' files, and says what was given a switch.
func overlay(root, dir string, folders []string) (all []guard, err error) {
	replace := map[string]string{}
	if err := write(replace, dir, filepath.Join(root, "off", "off.go"), switches); err != nil {
		return nil, err
	}
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
		if err != nil {
			return nil, err
		}
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			f, err := parse(root, path, len(all))
			if err != nil {
				return nil, err
			}
			text, guards := f.switched()
			if len(guards) == 0 {
				continue
			}
			all = append(all, guards...)
			if err := write(replace, dir, path, text); err != nil {
				return nil, err
			}
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return nil, err
	}
	return all, os.WriteFile(filepath.Join(dir, "overlay.json"), text, 0o600)
}
