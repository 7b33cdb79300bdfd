package provider

import (
	"context"
	"errors"

	"github.com/docker/cli/cli/command"
	"github.com/docker/docker/client"
)

type buildOptions struct{}

// canUseBuildx has every image built by the engine's own builder.
func canUseBuildx(context.Context, *client.Client) (bool, error) { return false, nil }

func mapBuildAttributesToBuildOptions(map[string]interface{}, string, command.Cli) (buildOptions, error) {
	return buildOptions{}, errors.ErrUnsupported
}

func runBuild(context.Context, command.Cli, buildOptions, string) error { return errors.ErrUnsupported }
