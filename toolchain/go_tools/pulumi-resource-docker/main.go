// Command pulumi-resource-docker serves the resources of the pulumi-docker SDK
// from the Terraform provider for Docker, where the vendor's plugin can't be
// had. docker.Image isn't in it: docker.RemoteImage builds, too, by the engine's
// own builder. Nor is docker.BuildxBuilder.
//
// The path of this module begins with the provider's own, so that it may
// import the provider's internal package.
package main

import (
	"strings"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shim "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/terraform-providers/terraform-provider-docker/internal/provider"
)

// version is set by the linker: the version of the SDK that this plugin serves.
var version = "0.0.0"

// resources maps the provider's names to those of the SDK's classes.
var resources = map[string]string{
	"docker_config":         "ServiceConfig",
	"docker_container":      "Container",
	"docker_image":          "RemoteImage",
	"docker_network":        "Network",
	"docker_plugin":         "Plugin",
	"docker_registry_image": "RegistryImage",
	"docker_secret":         "Secret",
	"docker_service":        "Service",
	"docker_tag":            "Tag",
	"docker_volume":         "Volume",
}

// dataSources maps the provider's names to those of the SDK's functions.
var dataSources = map[string]string{
	"docker_image":                    "getRemoteImage",
	"docker_logs":                     "getLogs",
	"docker_network":                  "getNetwork",
	"docker_plugin":                   "getPlugin",
	"docker_registry_image":           "getRegistryImage",
	"docker_registry_image_manifests": "getRegistryImageManifests",
}

// autoNamed lists what may be declared without a name: the plugin then makes one
// of the resource's Pulumi name and a random suffix.
var autoNamed = []string{
	"docker_config", "docker_container", "docker_network", "docker_secret", "docker_service", "docker_volume",
}

type fields = map[string]*tfbridge.SchemaInfo

// token is "docker:index/container:Container" for "Container".
func token(name string) string {
	return "docker:index/" + strings.ToLower(name[:1]) + name[1:] + ":" + name
}

func providerInfo() tfbridge.ProviderInfo {
	info := tfbridge.ProviderInfo{
		P:           shim.NewProvider(provider.New(version)()),
		Name:        "docker",
		Version:     version,
		Config:      map[string]*tfbridge.SchemaInfo{"registry_auth": {Name: "registryAuth"}},
		Resources:   map[string]*tfbridge.ResourceInfo{},
		DataSources: map[string]*tfbridge.DataSourceInfo{},
		// Its sources are left out.
		IgnoreMappings: []string{"docker_buildx_builder"},
	}
	for upstream, name := range resources {
		info.Resources[upstream] = &tfbridge.ResourceInfo{Tok: tokens.Type(token(name))}
	}
	for _, upstream := range autoNamed {
		info.Resources[upstream].Fields = fields{"name": tfbridge.AutoName("name", 255, "-")}
	}
	container := info.Resources["docker_container"]
	container.Fields["command"] = &tfbridge.SchemaInfo{Name: "command"}
	container.Fields["networks_advanced"] = &tfbridge.SchemaInfo{Name: "networksAdvanced"}
	// Two containers can't hold one name, nor one port.
	container.DeleteBeforeReplace = true
	for upstream, name := range dataSources {
		info.DataSources[upstream] = &tfbridge.DataSourceInfo{Tok: tokens.ModuleMember(token(name))}
	}
	return info
}

func main() {
	tfbridge.Main("docker", version, providerInfo(), nil)
}
