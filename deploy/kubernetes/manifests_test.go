// Package kubernetes has the manifests decoded by the types of Kubernetes' API, strictly:
// a field that is mistyped, or in a wrong place, is an error. It is a module of its own, so
// that nobody else needs these types.
package kubernetes

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// decode decodes all documents of all manifests.
func decode(t *testing.T) []runtime.Object {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{apps.AddToScheme, core.AddToScheme, networking.AddToScheme, policy.AddToScheme} {
		utilruntime.Must(add(scheme))
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	files, err := filepath.Glob("*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no manifests: %v", err)
	}
	var objects []runtime.Object
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		documents := yaml.NewDocumentDecoder(io.NopCloser(bytes.NewReader(raw)))
		for {
			buffer := make([]byte, len(raw))
			n, err := documents.Read(buffer)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			object, _, err := decoder.Decode(buffer[:n], nil, nil)
			if err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			objects = append(objects, object)
		}
	}
	return objects
}

func find[T runtime.Object](t *testing.T, objects []runtime.Object) T {
	t.Helper()
	for _, object := range objects {
		if found, ok := object.(T); ok {
			return found
		}
	}
	t.Fatalf("no %T", *new(T))
	panic("not reached")
}

func TestManifestsDecode(t *testing.T) {
	t.Parallel()
	if n := len(decode(t)); n != 5 {
		t.Errorf("%d objects, want 5", n)
	}
}

// What the rest of the documentation rests on.
func TestWorkersLeaveInGoodOrder(t *testing.T) {
	t.Parallel()
	objects := decode(t)
	set := find[*apps.StatefulSet](t, objects)
	pod := set.Spec.Template.Spec
	c := pod.Containers[0]
	if set.Spec.UpdateStrategy.Type != apps.RollingUpdateStatefulSetStrategyType {
		t.Error("workers are not replaced one by one")
	}
	if seconds := pod.TerminationGracePeriodSeconds; seconds == nil || *seconds < 30 {
		t.Error("a worker has no time to pass its tasks on")
	}
	if c.ReadinessProbe == nil || c.ReadinessProbe.HTTPGet.Path != "/health/ready" || c.LivenessProbe.HTTPGet.Path != "/health/live" {
		t.Error("the probes ask for something else")
	}
	if budget := find[*policy.PodDisruptionBudget](t, objects).Spec.MaxUnavailable; budget == nil || budget.IntValue() != 1 {
		t.Error("several workers may be taken away at once")
	}
}

func TestWorkersHaveNoRights(t *testing.T) {
	t.Parallel()
	pod := find[*apps.StatefulSet](t, decode(t)).Spec.Template.Spec
	c := pod.Containers[0]
	switch s := c.SecurityContext; {
	case pod.SecurityContext == nil || pod.SecurityContext.RunAsNonRoot == nil || !*pod.SecurityContext.RunAsNonRoot:
		t.Error("it may run as root")
	case s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem || *s.AllowPrivilegeEscalation || len(s.Capabilities.Drop) == 0:
		t.Error("it may do more than it needs")
	case pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken:
		t.Error("it gets a token of the cluster, which it does not need")
	}
	for _, v := range c.Env {
		if strings.HasSuffix(v.Name, "PASSWORD") {
			t.Errorf("%s stands in the environment: name a file", v.Name)
		}
	}
}

// Every port, volume and certificate that is named is there.
func TestNamesFit(t *testing.T) {
	t.Parallel()
	objects := decode(t)
	pod := find[*apps.StatefulSet](t, objects).Spec.Template.Spec
	c := pod.Containers[0]
	ports, volumes := map[string]bool{}, map[string]bool{}
	for _, p := range c.Ports {
		ports[p.Name] = true
	}
	for _, v := range pod.Volumes {
		volumes[v.Name] = true
	}
	for _, object := range objects {
		if s, ok := object.(*core.Service); ok {
			for _, p := range s.Spec.Ports {
				if !ports[p.TargetPort.StrVal] {
					t.Errorf("service %s leads to port %s, which no container has", s.Name, p.TargetPort.StrVal)
				}
			}
		}
	}
	for _, m := range c.VolumeMounts {
		if !volumes[m.Name] {
			t.Errorf("volume %s is mounted and not declared", m.Name)
		}
	}
	for _, v := range c.Env {
		if strings.HasPrefix(v.Value, "/etc/coppice/") {
			mounted := false
			for _, m := range c.VolumeMounts {
				mounted = mounted || strings.HasPrefix(v.Value, m.MountPath+"/")
			}
			if !mounted {
				t.Errorf("%s is %s, where nothing is mounted", v.Name, v.Value)
			}
		}
	}
}
