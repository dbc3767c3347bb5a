package contract

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// A checker that finds nothing proves nothing.
func TestCheck_SeesWhatIsWrong(t *testing.T) {
	spec := &Spec{}
	spec.Components.Schemas = map[string]*Schema{}
	if err := json.Unmarshal([]byte(`{
		"dog": {"type":"object","required":["object","age"],"properties":{
			"object":{"type":"string","enum":["dog"]}, "age":{"type":"integer"}, "name":{"type":"string","nullable":true,"maxLength":5},
			"owner":{"anyOf":[{"type":"string"},{"$ref":"#/components/schemas/person"}]},
			"tags":{"type":"object","additionalProperties":{"type":"string"}}, "toys":{"type":"array","items":{"type":"string"}},
			"good":{"type":"boolean"}, "code":{"type":"string","pattern":"^d_"}}},
		"person": {"type":"object","required":["object"],"properties":{"object":{"type":"string","enum":["person"]},"email":{"type":"string"}}}
	}`), &spec.Components.Schemas); err != nil {
		t.Fatal(err)
	}
	for object, want := range map[string]string{
		`{"object":"dog","age":3}`: "",
		`{"object":"dog","age":3,"name":null,"owner":{"object":"person"},"tags":{"a":"b"},"toys":["ball"],"good":true,"code":"d_1"}`: "",
		`{"object":"dog"}`:                                              "dog.age: missing",
		`{"object":"cat","age":3}`:                                      "dog.object: cat is not one of [dog]",
		`{"object":"dog","age":"3"}`:                                    `dog.age: "3" is not a integer`,
		`{"object":"dog","age":3.5}`:                                    "dog.age: 3.5 is not a integer",
		`{"object":"dog","age":null}`:                                   "dog.age: null is not allowed",
		`{"object":"dog","age":3,"wings":2}`:                            "dog.wings: not described",
		`{"object":"dog","age":3,"name":"Longer"}`:                      "dog.name: longer than 5 characters",
		`{"object":"dog","age":3,"owner":{"object":"person","shoe":1}}`: "dog.owner.shoe: not described",
		`{"object":"dog","age":3,"owner":7}`:                            "dog.owner: 7 is not a string",
		`{"object":"dog","age":3,"tags":{"a":1}}`:                       "dog.tags.a: 1 is not a string",
		`{"object":"dog","age":3,"toys":[1]}`:                           "dog.toys[0]: 1 is not a string",
		`{"object":"dog","age":3,"toys":{}}`:                            "dog.toys: an object is not a array",
		`{"object":"dog","age":3,"good":"yes"}`:                         `dog.good: "yes" is not a boolean`,
		`{"object":"dog","age":3,"code":"x_1"}`:                         `dog.code: "x_1" does not match ^d_`,
	} {
		got := spec.Check(decode(t, []byte(object)), &Schema{Ref: "dog"}, "dog")
		if want == "" && len(got) > 0 || want != "" && !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %v, want %q", object, got, want)
		}
	}
}

func TestOperation_WordsWinOverPlaceholders(t *testing.T) {
	spec := loadSpec(t, Stripe20231016)
	for path, want := range map[string]string{
		"/v1/customers/search": "/v1/customers/search",
		"/v1/customers/cus_1":  "/v1/customers/{customer}",
		"/v1/customers":        "/v1/customers",
	} {
		if _, got := spec.Operation("GET", path); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	if op, _ := spec.Operation("DELETE", "/v1/payment_intents/pi_1"); op != nil {
		t.Error("nobody deletes a PaymentIntent")
	}
	if spec.Info.Version != "2023-10-16" || !strings.HasPrefix(Stripe20231016, "v") {
		t.Error(spec.Info.Version)
	}
}
