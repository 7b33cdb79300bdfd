"""The lab as declared: hosts, images, services, APIs and core layout, as Pulumi components."""
