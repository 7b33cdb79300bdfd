package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-sdk/v2/diag"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
)

func resourceDockerBuildxBuilder() *schema.Resource {
	fail := func(context.Context, *schema.ResourceData, interface{}) diag.Diagnostics {
		return diag.Errorf("this plugin was built without buildx")
	}
	return &schema.Resource{
		CreateContext: fail,
		ReadContext:   fail,
		DeleteContext: fail,
		Schema:        map[string]*schema.Schema{"name": {Type: schema.TypeString, Optional: true, ForceNew: true}},
	}
}
