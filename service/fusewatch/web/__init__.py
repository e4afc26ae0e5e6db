"""What the daemon shows over HTTP: metrics, probes, the page and the reading API. It changes nothing."""
