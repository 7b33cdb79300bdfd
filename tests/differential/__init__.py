"""All implementations answer the same programs of requests, each as one model of the contract says."""
