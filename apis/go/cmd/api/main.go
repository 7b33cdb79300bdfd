// Command api serves the REST API of the contract.
package main

import "fairground/apis/go/internal/app"

func main() { app.Main() }
