// A program small enough to be built in a test of engines/find-or-build.ts.
package main

import "fmt"

func main() {
	fmt.Println("tiny engine")
}
