package stack

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/coppice-run/coppice/certs"
	"github.com/coppice-run/coppice/internal/authority"
	"github.com/coppice-run/coppice/redisstate"
	"github.com/coppice-run/coppice/secret"
)

// Users of a secure stack, at both servers, by what they may do.
const (
	WorkerUser = "worker" // what a worker does
	ReaderUser = "reader" // read
	NobodyUser = "nobody" // come in, and nothing else
	adminUser  = "admin"  // of Redis alone: the stack itself
)

// Names of certificates: authority and servers.
const (
	authorityName = "authority"
	strangerName  = "stranger" // another authority, whom nobody trusts
)

// SecretsOf is the folder of a secure stack in which certificates, passwords and tokens
// lie: authority.pem, <name>.cert and <name>.key, <user>.password, <user>.token, and
// expired.token and expired.cert; in stranger/ the same of an authority that is not trusted.
func SecretsOf(folder string) string { return filepath.Join(folder, "secrets") }

// makeSecrets writes what secure servers and their users need, unless it is there.
func makeSecrets(folder string) error {
	if _, err := os.Stat(filepath.Join(folder, "expired.token")); err == nil {
		return nil
	}
	ours, err := authority.New(folder, authorityName)
	if err != nil {
		return fmt.Errorf("stack: %w", err)
	}
	stranger, err := authority.New(filepath.Join(folder, strangerName), strangerName)
	if err != nil {
		return fmt.Errorf("stack: %w", err)
	}
	for _, name := range []string{KafkaName, "redis", WorkerUser, ReaderUser} {
		if _, err := ours.Sign(name); err != nil {
			return fmt.Errorf("stack: %w", err)
		}
	}
	if _, err := ours.SignUntil("expired", time.Now().Add(-time.Hour)); err != nil {
		return fmt.Errorf("stack: %w", err)
	}
	if _, err := stranger.Sign(WorkerUser); err != nil {
		return fmt.Errorf("stack: %w", err)
	}
	files := map[string]string{"wrong.password": rand.Text()}
	for _, user := range []string{WorkerUser, ReaderUser, NobodyUser, adminUser} {
		files[user+".password"] = rand.Text()
		files[user+".token"] = token(user, time.Now().Add(24*time.Hour))
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text+"\n"), 0o600); err != nil {
			return fmt.Errorf("stack: %w", err)
		}
	}
	// The last one: who finds it finds all.
	expired := token(WorkerUser, time.Now().Add(-time.Hour))
	if err := os.WriteFile(filepath.Join(folder, "expired.token"), []byte(expired+"\n"), 0o600); err != nil {
		return fmt.Errorf("stack: %w", err)
	}
	return nil
}

// token is one that nobody has signed: the broker of a development machine takes it, no
// other does.
func token(user string, until time.Time) string {
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	return part(`{"alg":"none"}`) + "." + part(fmt.Sprintf(`{"sub":%q,"iat":%d,"exp":%d}`, user, until.Add(-25*time.Hour).Unix(), until.Unix())) + "."
}

func passwordOf(secrets, user string) (secret.Text, error) {
	raw, err := os.ReadFile(filepath.Join(secrets, user+".password"))
	if err != nil {
		return secret.Text{}, fmt.Errorf("stack: %w", err)
	}
	return secret.New(strings.TrimSpace(string(raw))), nil
}

// secureKafka is what server.properties has behind the rest: a listener with TLS, SASL
// and rights. The listener beside it, of this machine alone, is the stack's own.
func (s *Server) secureKafka(controller string) string {
	pair := func(name string) string { return filepath.Join(s.Secrets, name) }
	return fmt.Sprintf(`
# --- Secure -----------------------------------------------------------------
listeners=PLAINTEXT://%[1]s,FRONT://%[2]s,CONTROLLER://%[3]s
advertised.listeners=PLAINTEXT://%[1]s,FRONT://%[2]s
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,FRONT:SASL_SSL,CONTROLLER:PLAINTEXT
listener.name.front.ssl.keystore.type=PEM
listener.name.front.ssl.keystore.location=%[4]s
listener.name.front.ssl.truststore.type=PEM
listener.name.front.ssl.truststore.location=%[5]s
listener.name.front.sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER
listener.name.front.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.front.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.front.oauthbearer.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";
listener.name.front.oauthbearer.sasl.server.callback.handler.class=org.apache.kafka.common.security.oauthbearer.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
allow.everyone.if.no.acl.found=false
`, s.Address, s.Front, controller, pair(KafkaName+".both"), pair(authorityName+".pem"))
}

// grantKafka makes the users and gives them their rights, by the stack's own listener.
func grantKafka(ctx context.Context, server Server) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(server.Address), kgo.DialTimeout(time.Second))
	if err != nil {
		return fmt.Errorf("stack: %w", err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	for _, mechanism := range []kadm.ScramMechanism{kadm.ScramSha256, kadm.ScramSha512} {
		var users []kadm.UpsertSCRAM // a user may stand once in a request
		for _, user := range []string{WorkerUser, ReaderUser, NobodyUser} {
			password, err := passwordOf(server.Secrets, user)
			if err != nil {
				return err
			}
			users = append(users, kadm.UpsertSCRAM{User: user, Mechanism: mechanism, Iterations: 4096, Password: password.Reveal()})
		}
		altered, err := admin.AlterUserSCRAMs(ctx, nil, users)
		if err == nil {
			err = altered.Error()
		}
		if err != nil {
			return fmt.Errorf("stack: making users of Kafka: %w", err)
		}
	}
	for _, rights := range kafkaRights() {
		results, err := admin.CreateACLs(ctx, rights)
		for _, r := range results {
			err = errors.Join(err, r.Err)
		}
		if err != nil {
			return fmt.Errorf("stack: giving rights at Kafka: %w", err)
		}
	}
	return nil
}

// prefix begins the names of all that is Coppice's in Kafka.
const prefix = "coppice."

// kafkaRights are those that docs/security.md tells.
func kafkaRights() []*kadm.ACLBuilder {
	rights := func(user string, what func(*kadm.ACLBuilder) *kadm.ACLBuilder, operations ...kmsg.ACLOperation) *kadm.ACLBuilder {
		return what(kadm.NewACLs()).ResourcePatternType(kadm.ACLPatternPrefixed).Operations(operations...).Allow("User:" + user).AllowHosts()
	}
	topics := func(b *kadm.ACLBuilder) *kadm.ACLBuilder { return b.Topics(prefix) }
	groups := func(b *kadm.ACLBuilder) *kadm.ACLBuilder { return b.Groups(prefix) }
	transactions := func(b *kadm.ACLBuilder) *kadm.ACLBuilder { return b.TransactionalIDs(prefix) }
	return []*kadm.ACLBuilder{
		rights(WorkerUser, topics, kadm.OpCreate, kadm.OpDescribe, kadm.OpDescribeConfigs, kadm.OpRead, kadm.OpWrite, kadm.OpDelete),
		rights(WorkerUser, groups, kadm.OpRead, kadm.OpDescribe),
		rights(WorkerUser, transactions, kadm.OpWrite, kadm.OpDescribe),
		rights(ReaderUser, topics, kadm.OpDescribe, kadm.OpDescribeConfigs, kadm.OpRead),
	}
}

// secureRedis are the arguments of a server that speaks TLS alone and knows its users.
func (s *Server) secureRedis(port string) ([]string, error) {
	var lines []string
	for _, user := range []struct {
		name  string
		right redisstate.Right
	}{{WorkerUser, redisstate.Owning}, {ReaderUser, redisstate.Reading}} {
		password, err := passwordOf(s.Secrets, user.name)
		if err != nil {
			return nil, err
		}
		line, err := redisstate.ACL(redisstate.ACLConfig{User: user.name, Password: password, Right: user.right})
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	nobody, err := passwordOf(s.Secrets, NobodyUser)
	if err != nil {
		return nil, err
	}
	admin, err := passwordOf(s.Secrets, adminUser)
	if err != nil {
		return nil, err
	}
	lines = append(lines, "user default off", "user "+NobodyUser+" on >"+nobody.Reveal()+" +ping", "user "+adminUser+" on >"+admin.Reveal()+" ~* &* +@all")
	users := filepath.Join(s.Secrets, "redis.acl")
	if err := os.WriteFile(users, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("stack: %s: %w", s.Name, err)
	}
	return []string{
		"--port", "0", "--tls-port", port, "--tls-auth-clients", "optional",
		"--tls-cert-file", filepath.Join(s.Secrets, "redis.cert"), "--tls-key-file", filepath.Join(s.Secrets, "redis.key"),
		"--tls-ca-cert-file", filepath.Join(s.Secrets, authorityName+".pem"), "--aclfile", users,
	}, nil
}

// client is one that asks the server once, as its administrator where it is secure.
func (s Server) client() (*redis.Client, error) {
	if s.Secrets == "" {
		return redisClient(s.Address), nil
	}
	config, err := certs.Files{Authorities: filepath.Join(s.Secrets, authorityName+".pem")}.Client()
	if err != nil {
		return nil, fmt.Errorf("stack: %w", err)
	}
	password, err := passwordOf(s.Secrets, adminUser)
	if err != nil {
		return nil, err
	}
	plain := redisClient(s.Address)
	options := plain.Options()
	_ = plain.Close() // it has connected to nothing
	own := *options
	own.TLSConfig, own.Username, own.Password, own.Dialer = config, adminUser, password.Reveal(), nil
	return redis.NewClient(&own), nil
}

// secureEnvironment is what package connect reads, for the worker, and where the rest lies.
func (s State) secureEnvironment() []string {
	var environment []string
	for _, server := range s.Servers {
		file := func(name string) string { return filepath.Join(server.Secrets, name) }
		if server.Secrets == "" {
			continue
		}
		if environment == nil {
			environment = append(environment, "COPPICE_TEST_SECURE="+server.Secrets,
				"COPPICE_WORKERS_CA="+file(authorityName+".pem"), "COPPICE_WORKERS_CERT="+file(WorkerUser+".cert"), "COPPICE_WORKERS_KEY="+file(WorkerUser+".key"))
		}
		name, address := "COPPICE_REDIS", server.Address
		if server.Role == Kafka {
			name, address = "COPPICE_KAFKA", server.Front
			environment = append(environment, "COPPICE_KAFKA_SASL=scram-sha-512")
		}
		environment = append(environment, name+"="+address, name+"_CA="+file(authorityName+".pem"),
			name+"_USER="+WorkerUser, name+"_PASSWORD_FILE="+file(WorkerUser+".password"))
	}
	return environment
}
