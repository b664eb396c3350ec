package connect

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/secret"
)

const hidden = "open-sesame"

func environment(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

// What flags do not say comes from the environment, and a password from nowhere else but
// there or a file.
func TestSettings(t *testing.T) {
	t.Parallel()
	var c Config
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	c.Register(flags)
	c.RegisterWorker(flags)
	if err := flags.Parse([]string{"--kafka", "a:1, b:2", "--kafka-tls", "--redis-user", "ann"}); err != nil {
		t.Fatal(err)
	}
	err := c.CompleteWorker(environment(map[string]string{
		"COPPICE_KAFKA": "other:1", "COPPICE_REDIS": "c:3", "COPPICE_REDIS_PASSWORD": hidden, "COPPICE_ADVERTISE": "me:7400", "COPPICE_WORKERS_NAMES": "x,y",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(fmt.Sprintln(c.Kafka.Brokers, c.Kafka.TLS.On, c.Redis.Addresses, c.Redis.Login.User, c.Workers.Advertise, c.Workers.TLS.Names)); got != "[a:1 b:2] true [c:3] ann me:7400 [x y]" {
		t.Errorf("settings are %s", got)
	}
	if !c.Redis.Login.Password.Equal(hidden) || strings.Contains(fmt.Sprintf("%+v %#v", c, c), hidden) {
		t.Errorf("the password is not kept, or printed: %+v", c)
	}
	flags.VisitAll(func(f *flag.Flag) {
		if strings.HasSuffix(f.Name, "password") {
			t.Errorf("--%s would show in the list of processes", f.Name)
		}
		if !strings.Contains(f.Usage, Variable(f.Name)) {
			t.Errorf("--%s does not tell its variable", f.Name)
		}
	})
}

// A program that only speaks to workers does not take over the address of one.
func TestClientsAdvertiseNothing(t *testing.T) {
	t.Parallel()
	var c Config
	if err := c.Complete(environment(map[string]string{"COPPICE_ADVERTISE": "me:7400", "COPPICE_LISTEN": "me:7400"})); err != nil {
		t.Fatal(err)
	}
	if c.Workers.Advertise != "" || c.Workers.Listen != "" {
		t.Errorf("a client has %+v", c.Workers)
	}
}

// What does not go together is said, with what to do, and without any secret.
func TestWrongVariables(t *testing.T) {
	t.Parallel()
	var c Config
	err := c.Complete(environment(map[string]string{"COPPICE_KAFKA_TLS": "maybe", "COPPICE_REDIS_TLS": "2"}))
	for _, want := range []string{`COPPICE_KAFKA_TLS: "maybe" is neither true nor false`, `COPPICE_REDIS_TLS: "2" is neither true nor false`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(hidden+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	broker := []string{"a:1"}
	password := secret.New(hidden)
	for want, k := range map[string]Kafka{
		"and no mechanism":              {Brokers: broker, Login: Login{User: "ann", Password: password}},
		"set kafka-token-file":          {Brokers: broker, SASL: "oauthbearer"},
		"needs a user and a password":   {Brokers: broker, SASL: "scram-sha-512", Login: Login{Password: password}},
		"sends the password as it is":   {Brokers: broker, SASL: "plain", Login: Login{User: "ann", Password: password}},
		`no mechanism "kerberos"`:       {Brokers: broker, SASL: "kerberos", Login: Login{User: "ann", Password: password}},
		"choose":                        {Brokers: broker, SASL: "scram-sha-256", Login: Login{User: "ann", Password: password, PasswordFile: file}},
		"is empty":                      {Brokers: broker, SASL: "scram-sha-256", Login: Login{User: "ann", PasswordFile: empty}},
		"no such file":                  {Brokers: broker, SASL: "oauthbearer", TokenFile: file + ".gone"},
		"name both or none":             {Brokers: broker, TLS: TLS{Certificate: file}},
		"holds no certificate":          {Brokers: broker, TLS: TLS{Authorities: file}},
		"name the host:port of a Kafka": {},
	} {
		c := Config{Kafka: k}
		log, err := c.Log(t.Context(), nil)
		if err == nil {
			_ = log.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), hidden) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for _, k := range []Kafka{
		{Brokers: broker, SASL: "SCRAM-SHA-512", Login: Login{User: "ann", PasswordFile: file}},
		{Brokers: broker, SASL: "oauthbearer", TokenFile: file},
		{Brokers: broker, SASL: "plain", TLS: TLS{On: true}, Login: Login{User: "ann", Password: password}},
	} {
		c := Config{Kafka: k}
		log, err := c.Log(t.Context(), nil)
		if err != nil {
			t.Errorf("%+v: %v", k, err)
			continue
		}
		_ = log.Close()
	}
	half := Config{Workers: Workers{TLS: TLS{Authorities: file}}}
	if _, err := half.Network(nil); err == nil || !strings.Contains(err.Error(), "workers-ca, workers-cert and workers-key") {
		t.Errorf("half of mTLS: %v", err)
	}
}
