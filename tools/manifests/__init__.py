"""The Kubernetes manifests: what of them is written from the code, and the checks that hold the rest to it."""
