"""What `scripts/bench` runs: each benchmark measures one promise of the product and says whether it is kept."""
