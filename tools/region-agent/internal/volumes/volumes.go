// Package volumes makes a small file system of this node into a volume for each claim of a StorageClass.
package volumes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

// Provisioner makes volumes as folders under Root, usable on Node only.
type Provisioner struct {
	Root string
	Node string
	// Make gives a folder room of its own, Remove takes both away. IsMade tells whether Make came to its end there.
	Make   func(path string, bytes int64) error
	Remove func(path string) error
	IsMade func(path string) bool
}

// OnDisks makes volumes that have the size they were asked for.
func OnDisks(root, node string) Provisioner {
	return Provisioner{Root: root, Node: node, Make: makeDisk, Remove: removeDisk, IsMade: isMounted}
}

// Run serves the StorageClasses that name the provisioner until ctx ends.
func Run(ctx context.Context, kubeconfig, name string, provisioner Provisioner) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(provisioner.Root, 0o711); err != nil {
		return err
	}
	controller.NewProvisionController(ctx, client, name, provisioner, controller.LeaderElection(false)).Run(ctx)
	return nil
}

// Provision makes the folder of one claim. It is a local volume, not hostPath: the kubelet then
// applies a pod's fsGroup to it, as it does to a cloud disk.
func (p Provisioner) Provision(_ context.Context, options controller.ProvisionOptions) (*corev1.PersistentVolume, controller.ProvisioningState, error) {
	path := p.path(options.PVName)
	size := options.PVC.Spec.Resources.Requests[corev1.ResourceStorage]
	// The controller asks again for a claim whose volume it has not seen yet, while a pod may use it already.
	if !p.IsMade(path) {
		if err := p.make(path, size.Value()); err != nil {
			return nil, controller.ProvisioningFinished, err
		}
	}
	filesystem := corev1.PersistentVolumeFilesystem
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: options.PVName},
		Spec: corev1.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: *options.StorageClass.ReclaimPolicy,
			AccessModes:                   options.PVC.Spec.AccessModes,
			VolumeMode:                    &filesystem,
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: size},
			PersistentVolumeSource:        corev1.PersistentVolumeSource{Local: &corev1.LocalVolumeSource{Path: path}},
			NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchExpressions: []corev1.NodeSelectorRequirement{{
					Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: []string{p.Node},
				}},
			}}}},
		},
	}, controller.ProvisioningFinished, nil
}

func (p Provisioner) make(path string, bytes int64) error {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return err
	}
	if err := p.Make(path, bytes); err != nil {
		// Nothing of it may be taken for a volume, neither by the next try nor by the next boot.
		return errors.Join(err, p.Remove(path))
	}
	return nil
}

// Delete removes the folder of a released volume; only the reclaim policy Delete leads here.
func (p Provisioner) Delete(_ context.Context, volume *corev1.PersistentVolume) error {
	// The object can be edited: only the folder that Provision would make for it is ever removed.
	if local := volume.Spec.Local; local == nil || local.Path != p.path(volume.Name) {
		return fmt.Errorf("volume %s was not made here: its local path must be %s", volume.Name, p.path(volume.Name))
	}
	return p.Remove(p.path(volume.Name))
}

func (p Provisioner) path(volume string) string {
	return filepath.Join(p.Root, filepath.Base(volume))
}
