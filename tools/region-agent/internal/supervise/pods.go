package supervise

import (
	"context"
	"log"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// podGrace is how long a container has to obey its stop signal.
const podGrace = 8 * time.Second

// stopPods stops every container with its own stop signal, all at once, as a node that shuts down does.
func stopPods(socket string) {
	ctx, cancel := context.WithTimeout(context.Background(), podGrace+2*time.Second)
	defer cancel()
	connection, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Printf("pods: %v", err)
		return
	}
	defer connection.Close()
	containers := runtime.NewRuntimeServiceClient(connection)
	running, err := containers.ListContainers(ctx, &runtime.ListContainersRequest{Filter: &runtime.ContainerFilter{
		State: &runtime.ContainerStateValue{State: runtime.ContainerState_CONTAINER_RUNNING},
	}})
	if err != nil {
		log.Printf("pods: %v", err)
		return
	}
	var all sync.WaitGroup
	for _, container := range running.Containers {
		all.Go(func() {
			request := &runtime.StopContainerRequest{ContainerId: container.Id, Timeout: int64(podGrace.Seconds())}
			if _, err := containers.StopContainer(ctx, request); err != nil {
				log.Printf("container %s: %v", container.Metadata.GetName(), err)
			}
		})
	}
	all.Wait()
}
