package contract

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// plaidGo carries Plaid's description of its API, version 2020-09-14.
const plaidGo = "github.com/plaid/plaid-go/v20"

// LoadPlaidSpec reads the description inside the release of plaid-go that go.mod names.
func LoadPlaidSpec(ctx context.Context) (*Spec, error) {
	dir, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", plaidGo).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return nil, fmt.Errorf("find %s: %w", plaidGo, err)
	}
	raw, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "api", "openapi.yaml"))
	if err != nil {
		return nil, fmt.Errorf("read Plaid's description: %w", err)
	}
	var document map[string]any
	if err := yaml.Unmarshal(raw, &document); err != nil {
		return nil, fmt.Errorf("read Plaid's description: %w", err)
	}
	components, _ := document["components"].(map[string]any)
	schemas, _ := components["schemas"].(map[string]any)
	described, _ := document["paths"].(map[string]any)
	paths := map[string]any{}
	for path, methods := range described {
		if m, ok := methods.(map[string]any); ok { // besides remarks of Plaid's own
			paths[path] = map[string]any{"post": merge(m["post"], schemas)}
		}
	}
	plain, err := json.Marshal(map[string]any{"components": map[string]any{"schemas": merge(schemas, schemas)}, "info": document["info"], "paths": paths})
	if err != nil {
		return nil, fmt.Errorf("read Plaid's description: %w", err)
	}
	var s Spec
	if err := json.Unmarshal(plain, &s); err != nil {
		return nil, fmt.Errorf("read Plaid's description: %w", err)
	}
	return &s, nil
}

// merge rewrites a description without what Schema lacks: allOf becomes one schema, oneOf becomes anyOf, and examples,
// which are no descriptions, go.
func merge(v any, schemas map[string]any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = merge(v[i], schemas)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, item := range v {
			if k != "example" && k != "examples" && k != "allOf" {
				out[k] = merge(item, schemas)
			}
		}
		if alternatives, ok := out["oneOf"]; ok {
			delete(out, "oneOf")
			out["anyOf"] = alternatives
		}
		if parts, ok := v["allOf"].([]any); ok {
			join(out, parts, schemas)
		}
		return out
	}
	return v
}

// join adds the parts of an allOf to a schema.
func join(out map[string]any, parts []any, schemas map[string]any) {
	for _, part := range parts {
		schema, _ := part.(map[string]any)
		for ref, ok := schema["$ref"].(string); ok; ref, ok = schema["$ref"].(string) {
			schema, _ = schemas[strings.TrimPrefix(ref, "#/components/schemas/")].(map[string]any)
		}
		schema, _ = merge(schema, schemas).(map[string]any)
		for k, item := range schema {
			switch k {
			case "properties":
				properties, _ := out[k].(map[string]any)
				joined := maps.Clone(properties)
				if joined == nil {
					joined = map[string]any{}
				}
				added, _ := item.(map[string]any)
				maps.Copy(joined, added)
				out[k] = joined
			case "required":
				old, _ := out[k].([]any)
				added, _ := item.([]any)
				out[k] = slices.Concat(old, added)
			default:
				out[k] = item
			}
		}
	}
}
