"""What operators take from `config/`: rules and a dashboard for Prometheus, manifests and units that run the daemon."""
