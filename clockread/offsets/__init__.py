"""How far photographed clocks are from the times at which they were photographed."""
