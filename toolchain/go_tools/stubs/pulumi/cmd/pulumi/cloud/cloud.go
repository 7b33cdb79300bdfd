// Package cloud calls no API of Pulumi Cloud's: the library that reads its description takes more time to compile than
// the engine.
package cloud

import (
	"context"
	"errors"

	"github.com/pulumi/pulumi/pkg/v3/backend/httpstate/client"
	"github.com/spf13/cobra"
)

var errLeftOut = errors.New("this engine was built without the API of Pulumi Cloud")

// APIError is never made.
type APIError struct {
	ExitCode int
	Silent   bool
}

func (*APIError) Error() string { return errLeftOut.Error() }

// ResolvedContext is never made.
type ResolvedContext struct {
	Client   *client.Client
	CloudURL string
	OrgName  string
	LoggedIn bool
}

// ResolveContext fails.
func ResolveContext(context.Context) (*ResolvedContext, error) { return nil, errLeftOut }

// NewAPICmd is a command that fails.
func NewAPICmd() *cobra.Command {
	return &cobra.Command{
		Use:    "api",
		Hidden: true,
		RunE:   func(*cobra.Command, []string) error { return errLeftOut },
	}
}
