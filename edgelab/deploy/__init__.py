"""From a topology to running services: addresses, artifacts, images, runtimes, readiness."""
