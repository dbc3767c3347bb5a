// Command fake stands for a process with each of its habits.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

func main() {
	how := os.Args[1]
	switch how {
	case "silent":
		fmt.Fprintln(os.Stderr, "no reason")
		os.Exit(3)
	case "verify":
		fmt.Println(`{"ok":false}`)
		os.Exit(1)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	fmt.Println(`{"base_url":"http://127.0.0.1:1","staff":{"email":"a@b.example"}}`)
	fmt.Println("second line", os.Getenv("STRIPE_SECRET_KEY"), os.Getenv("GIVEN"))
	switch how {
	case "panic":
		panic("lost")
	case "race":
		var n int
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() { n++ })
		}
		wg.Wait()
	}
	<-stop
	if how == "bad end" {
		os.Exit(4)
	}
}
