package msstest_test

import (
	"context"
	"fmt"
	"log"

	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/mss/msstest"
)

func ExampleServer_Fail() {
	server, err := msstest.NewServer(msstest.Options{
		Introspect: func(context.Context, string) (string, bool, error) { return "899900000003", true, nil },
	})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	// The next message is delivered, and the connection cut before the answer.
	server.Fail(emulator.Fault{Operation: msstest.OpSubmit, ResetAfter: true})
	fmt.Println(len(server.Journal()))
	// Output: 0
}
