package export

import "testing"

// Two workers of one name are told apart, and each is called what it is to be called.
func TestAProgramIsDescribed(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for service, want := range map[string]string{"": serviceDefault, "words": "words"} {
		for range 2 {
			all, err := about(service)
			if err != nil {
				t.Fatal(err)
			}
			name, _ := all.Set().Value(serviceName)
			id, _ := all.Set().Value(serviceInstance)
			if name.AsString() != want || id.AsString() == "" || seen[id.AsString()] {
				t.Errorf("%q is called %q, want %q, and has the id %q, want one of its own", service, name.AsString(), want, id.AsString())
			}
			seen[id.AsString()] = true
		}
	}
}
