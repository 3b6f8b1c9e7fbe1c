"""edgelab: what a broker at the edge loses when its backhaul goes, and how long recovery takes."""
