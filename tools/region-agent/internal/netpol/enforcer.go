package netpol

import (
	"context"
	"fmt"
	"log"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	networkinglisters "k8s.io/client-go/listers/networking/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	// settle gathers the events of one change into one load.
	settle = 20 * time.Millisecond
	// retryAfter is the pause after nft refused a table.
	retryAfter = time.Second
)

// enforcer turns what the API and the CNI plugin say into the table.
type enforcer struct {
	pods       corelisters.PodLister
	namespaces corelisters.NamespaceLister
	policies   networkinglisters.NetworkPolicyLister
	changed    chan struct{}

	mutex  sync.Mutex
	leases map[string]Lease // by container
	loaded string
}

// Run enforces policies until ctx ends. New pods start only once it listens on the socket.
func Run(ctx context.Context, kubeconfig, socket string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	pods, namespaces, policies := factory.Core().V1().Pods(), factory.Core().V1().Namespaces(), factory.Networking().V1().NetworkPolicies()
	e := &enforcer{
		pods: pods.Lister(), namespaces: namespaces.Lister(), policies: policies.Lister(),
		changed: make(chan struct{}, 1), leases: map[string]Lease{},
	}
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { e.poke() },
		UpdateFunc: func(any, any) { e.poke() },
		DeleteFunc: func(any) { e.poke() },
	}
	for _, informer := range []cache.SharedIndexInformer{pods.Informer(), namespaces.Informer(), policies.Informer()} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			return err
		}
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	if err := e.load(); err != nil {
		return err
	}
	if err := e.listen(ctx, socket); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-e.changed:
		}
		time.Sleep(settle)
		if err := e.load(); err != nil {
			log.Print(err)
			time.AfterFunc(retryAfter, e.poke)
		}
	}
}

func (e *enforcer) poke() {
	select {
	case e.changed <- struct{}{}:
	default:
	}
}

// load brings the table up to date; a table already in force is not loaded again.
func (e *enforcer) load() error {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	world, err := e.world()
	if err != nil {
		return err
	}
	rules := world.Ruleset()
	if rules == e.loaded {
		return nil
	}
	started := time.Now()
	command := exec.Command("nft", "-f", "-")
	command.Stdin = strings.NewReader(rules)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("nft: %w: %s", err, output)
	}
	e.loaded = rules
	log.Printf("%d pods, %d policies in force after %s", len(world.Endpoints), len(world.Policies), time.Since(started).Round(time.Millisecond))
	return nil
}

func (e *enforcer) world() (World, error) {
	pods, err := e.pods.List(labels.Everything())
	if err != nil {
		return World{}, err
	}
	policies, err := e.policies.List(labels.Everything())
	if err != nil {
		return World{}, err
	}
	namespaces, err := e.namespaces.List(labels.Everything())
	if err != nil {
		return World{}, err
	}
	namespaceLabels := map[string]map[string]string{}
	for _, namespace := range namespaces {
		namespaceLabels[namespace.Name] = namespace.Labels
	}
	e.forgetLeases(pods)
	var leases []Lease
	for _, lease := range e.leases {
		leases = append(leases, lease)
	}
	return World{Endpoints: endpoints(pods, leases), NamespaceLabels: namespaceLabels, Policies: policies}, nil
}

// forgetLeases drops a lease once the API gives the pod the same address: from then on the API is the newer source.
func (e *enforcer) forgetLeases(pods []*corev1.Pod) {
	for container, lease := range e.leases {
		known := slices.ContainsFunc(pods, func(pod *corev1.Pod) bool {
			return pod.Namespace == lease.Namespace && pod.Name == lease.Name && pod.Status.PodIP == lease.Address
		})
		if known {
			delete(e.leases, container)
		}
	}
}
