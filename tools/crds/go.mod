// Manifests only: rehearsal/toolchain/crds.ts takes the CustomResourceDefinitions out of these modules.
module lifeline.local/tools/crds

go 1.25.6

require (
	github.com/cert-manager/cert-manager v1.19.1
	github.com/external-secrets/external-secrets v1.3.2
	github.com/prometheus-operator/prometheus-operator v0.85.0
	sigs.k8s.io/gateway-api v1.4.0
)

// The version that Traefik v3.5.4 speaks; cert-manager would select a newer one.
replace sigs.k8s.io/gateway-api => sigs.k8s.io/gateway-api v1.3.0
