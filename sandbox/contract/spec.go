package contract

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Schema is the part of an OpenAPI 3.0 schema that Stripe's description uses.
type Schema struct {
	Ref        string             `json:"$ref"`
	Type       string             `json:"type"`
	Nullable   bool               `json:"nullable"`
	Enum       []any              `json:"enum"`
	AnyOf      []*Schema          `json:"anyOf"`
	Properties map[string]*Schema `json:"properties"`
	Required   []string           `json:"required"`
	Items      *Schema            `json:"items"`
	Additional json.RawMessage    `json:"additionalProperties"` // false, or a schema
	MaxLength  int                `json:"maxLength"`
	Pattern    string             `json:"pattern"`
}

type content map[string]struct {
	Schema *Schema `json:"schema"`
}

// Operation is one method of one path.
type Operation struct {
	Body struct {
		Content content `json:"content"`
	} `json:"requestBody"`
	Responses map[string]struct {
		Content content `json:"content"`
	} `json:"responses"`
}

// Spec is Stripe's description of its API in one version.
type Spec struct {
	Components struct {
		Schemas map[string]*Schema `json:"schemas"`
	} `json:"components"`
	Info struct {
		Version string `json:"version"`
	} `json:"info"`
	Paths map[string]map[string]*Operation `json:"paths"`
}

// LoadSpec reads the description inside a release of stripe-mock.
func LoadSpec(ctx context.Context, version string) (*Spec, error) {
	dir, err := module(ctx, version)
	if err != nil {
		return nil, fmt.Errorf("stripe-mock %s: %w", version, err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "embedded", "openapi", "spec3.json"))
	if err != nil {
		return nil, fmt.Errorf("stripe-mock %s: %w", version, err)
	}
	var s Spec
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("stripe-mock %s: %w", version, err)
	}
	return &s, nil
}

// Operation finds the description of a request by its method and path; pattern is the path as described.
func (s *Spec) Operation(method, path string) (op *Operation, pattern string) {
	steps := strings.Split(path, "/")
	fixed := -1 // a path of words wins over one with a {placeholder}: /balance/history over /balance/{id}
	for p, methods := range s.Paths {
		candidate := methods[strings.ToLower(method)]
		if n := matches(strings.Split(p, "/"), steps); candidate != nil && n > fixed {
			op, pattern, fixed = candidate, p, n
		}
	}
	return op, pattern
}

// matches counts the words two paths share, -1 when they differ.
func matches(pattern, path []string) int {
	if len(pattern) != len(path) {
		return -1
	}
	n := 0
	for i := range pattern {
		switch {
		case strings.HasPrefix(pattern[i], "{"):
		case pattern[i] == path[i]:
			n++
		default:
			return -1
		}
	}
	return n
}

// Answer is the schema of the answer with that status.
func (o *Operation) Answer(status int) *Schema {
	r, ok := o.Responses[fmt.Sprint(status)]
	if !ok {
		r = o.Responses["default"]
	}
	return r.Content["application/json"].Schema
}

// Params are the parameters a POST takes, and which of them it demands.
func (o *Operation) Params() (map[string]*Schema, []string) {
	form := o.Body.Content["application/x-www-form-urlencoded"].Schema
	if form == nil {
		return nil, nil
	}
	return form.Properties, form.Required
}

// Check says how v, decoded from JSON, differs from the schema; nothing when it fits.
func (s *Spec) Check(v any, schema *Schema, at string) []string {
	for schema.Ref != "" {
		schema = s.Components.Schemas[strings.TrimPrefix(schema.Ref, "#/components/schemas/")]
	}
	if v == nil {
		if schema.Nullable {
			return nil
		}
		return []string{at + ": null is not allowed"}
	}
	if len(schema.AnyOf) > 0 {
		return s.checkAny(v, schema.AnyOf, at)
	}
	if len(schema.Enum) > 0 && !slices.Contains(schema.Enum, v) {
		return []string{fmt.Sprintf("%s: %v is not one of %v", at, v, schema.Enum)}
	}
	switch v := v.(type) {
	case map[string]any:
		return s.checkObject(v, schema, at)
	case []any:
		if schema.Type != "array" {
			return []string{at + ": a list is not a " + schema.Type}
		}
		var wrong []string
		for i, item := range v {
			wrong = append(wrong, s.Check(item, schema.Items, fmt.Sprintf("%s[%d]", at, i))...)
		}
		return wrong
	case string:
		switch {
		case schema.Type != "string":
			return []string{fmt.Sprintf("%s: %q is not a %s", at, v, schema.Type)}
		case schema.MaxLength > 0 && utf8.RuneCountInString(v) > schema.MaxLength:
			return []string{fmt.Sprintf("%s: longer than %d characters", at, schema.MaxLength)}
		case schema.Pattern != "" && !regexp.MustCompile(schema.Pattern).MatchString(v):
			return []string{fmt.Sprintf("%s: %q does not match %s", at, v, schema.Pattern)}
		}
	case bool:
		if schema.Type != "boolean" {
			return []string{fmt.Sprintf("%s: %v is not a %s", at, v, schema.Type)}
		}
	case json.Number:
		if _, err := v.Int64(); err != nil && schema.Type == "integer" || schema.Type != "integer" && schema.Type != "number" {
			return []string{fmt.Sprintf("%s: %v is not a %s", at, v, schema.Type)}
		}
	}
	return nil
}

// checkAny takes the alternative that fits best: for an object, one that says it is such an object.
func (s *Spec) checkAny(v any, alternatives []*Schema, at string) []string {
	best := []string{at + ": fits none of the alternatives"}
	named := false
	for i, alternative := range alternatives {
		wrong := s.Check(v, alternative, at)
		if len(wrong) == 0 {
			return nil
		}
		same := s.names(alternative, v)
		if i == 0 || same && !named || same == named && len(wrong) < len(best) {
			best, named = wrong, same
		}
	}
	return best
}

// names tells whether v is an object of the kind that the schema describes.
func (s *Spec) names(schema *Schema, v any) bool {
	object, ok := v.(map[string]any)
	described := s.Components.Schemas[strings.TrimPrefix(schema.Ref, "#/components/schemas/")]
	return ok && described != nil && described.Properties["object"] != nil && slices.Contains(described.Properties["object"].Enum, object["object"])
}

func (s *Spec) checkObject(v map[string]any, schema *Schema, at string) []string {
	if schema.Type != "object" {
		return []string{at + ": an object is not a " + schema.Type}
	}
	var wrong []string
	for _, k := range schema.Required {
		if _, ok := v[k]; !ok {
			wrong = append(wrong, at+"."+k+": missing")
		}
	}
	additional := &Schema{}
	open := len(schema.Properties) == 0
	if err := json.Unmarshal(schema.Additional, additional); err == nil && additional.Type+additional.Ref != "" {
		for k, item := range v {
			if _, known := schema.Properties[k]; !known {
				wrong = append(wrong, s.Check(item, additional, at+"."+k)...)
			}
		}
		open = true
	}
	for k, item := range v {
		property, known := schema.Properties[k]
		switch {
		case known:
			wrong = append(wrong, s.Check(item, property, at+"."+k)...)
		case !open:
			wrong = append(wrong, at+"."+k+": not described")
		}
	}
	slices.Sort(wrong)
	return wrong
}
