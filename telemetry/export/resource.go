package export

import (
	"fmt"
	"strings"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
)

// Attributes of the program, by the semantic conventions.
const (
	serviceName     = attribute.Key("service.name")
	serviceInstance = attribute.Key("service.instance.id")
)

// serviceDefault names a program of which nothing says how it is called.
const serviceDefault = "coppice"

// about describes the program. It has an id of its own unless the environment gives it one
// (OTEL_RESOURCE_ATTRIBUTES): what two workers of one name measure of a module would else be
// one series at a collector, with the figures of either in turn.
func about(service string) (*resource.Resource, error) {
	all, err := resource.Merge(resource.NewSchemaless(serviceInstance.String(uuid.NewString())), resource.Default())
	if err == nil {
		if name, _ := all.Set().Value(serviceName); service == "" && strings.HasPrefix(name.AsString(), "unknown_service") {
			service = serviceDefault
		}
		if service != "" {
			all, err = resource.Merge(all, resource.NewSchemaless(serviceName.String(service)))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("export: describing the program: %w", err)
	}
	return all, nil
}
