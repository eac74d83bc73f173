package dp_test

import (
	"fmt"

	"github.com/soclesante/socle/dp"
)

func ExampleCheckCIP13() {
	fmt.Println(dp.CheckCIP13("3400933516390"))
	fmt.Println(dp.CheckCIP13("3400933516391"))
	// Output:
	// <nil>
	// dp: CheckCIP13: unknown product: wrong key: the last digit does not follow from the others
}
