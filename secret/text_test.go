package secret

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const hidden = "open-sesame"

// inner has the secret in a field that package fmt reads without its methods.
type inner struct{ password Text }

type outer struct {
	Name     string
	Password Text
	Inner    inner
	Pointer  *Text
	List     []Text
	Map      map[string]Text
}

func full() outer {
	t := New(hidden)
	return outer{Name: "ann", Password: t, Inner: inner{t}, Pointer: &t, List: []Text{t}, Map: map[string]Text{"k": t}}
}

// A secret is printed by nothing but Reveal: in no verb, format or logger, however deep
// it lies.
func TestNothingPrintsASecret(t *testing.T) {
	t.Parallel()
	printed := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%T"} {
		printed[verb] = fmt.Sprintf(verb+" "+verb, full(), full().Password)
	}
	raw, err := json.Marshal(full())
	if err != nil {
		t.Fatal(err)
	}
	printed["JSON"] = string(raw)
	var text, structured bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&text, nil), slog.NewJSONHandler(&structured, nil)} {
		slog.New(handler).Info("configured", "all", full(), "password", full().Password, "group", slog.GroupValue(slog.Any("password", full().Password)))
	}
	printed["text log"], printed["JSON log"] = text.String(), structured.String()
	printed["error"] = fmt.Errorf("with %v: %w", full(), fmt.Errorf("%s", full().Password)).Error()
	for how, said := range printed {
		if said == "" || strings.Contains(said, hidden) || strings.Contains(said, fmt.Sprintf("%x", hidden)) || strings.Contains(said, fmt.Sprintf("%X", hidden)) {
			t.Errorf("%s prints %s", how, said)
		}
	}
	if !strings.Contains(printed["%v"], mask) || !strings.Contains(printed["JSON"], mask) {
		t.Errorf("a secret does not show as %s: %s, %s", mask, printed["%v"], printed["JSON"])
	}
}

func TestASecretIsGivenOut(t *testing.T) {
	t.Parallel()
	s := New(hidden)
	if s.Reveal() != hidden || !s.IsSet() || !s.Equal(hidden) || s.Equal("") || s.Equal(hidden+"s") {
		t.Errorf("a secret does not give out what it keeps")
	}
	var none Text
	if none.Reveal() != "" || none.IsSet() || none.Equal("") || none.String() != "" {
		t.Errorf("no secret is one: %q", none.String())
	}
}

func TestAMaskIsNoSecret(t *testing.T) {
	t.Parallel()
	var s Text
	if err := json.Unmarshal([]byte(`"`+hidden+`"`), &s); err != nil || !s.Equal(hidden) {
		t.Errorf("reading a secret: %v", err)
	}
	if err := json.Unmarshal([]byte(`"***"`), &s); err == nil {
		t.Error("the mask was read as a secret")
	}
}
